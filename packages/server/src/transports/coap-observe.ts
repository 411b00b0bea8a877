/** Who is to be told of changes (RFC 7641), and until when. */

import { TYPES } from '@updraft/wire/coap-message'
import type { CoapClock } from './coap-clock.ts'
import type { Outcome, Peer } from './coap-exchanges.ts'
import type { CoapResponse } from './coap-request.ts'

/** What an answer brings along that can be observed. */
export interface Observation {
  /** Whose it is. A later one of the same name ends the earlier one. */
  readonly of: string
  /**
   * Called when the observer is registered. `tell` resolves to true when the observer has it (or, where it wanted
   * no confirmations, when it is sent), to false when the observation is over. One at a time: the next change
   * is told after the last one was. Answers what is called when the observation ends.
   */
  start(tell: (response: CoapResponse) => Promise<boolean>): () => void
}

export interface Observer {
  readonly peer: Peer
  readonly token: Buffer
  /** Block2 of a notification that is larger than a datagram is fetched from this address. */
  readonly address: string
  readonly isConfirmable: boolean
}

export interface Observations {
  /** Answers the sequence number of the first answer; undefined when there are too many to take another. */
  register(observer: Observer, observation: Observation): number | undefined
  /** Ends it without a word; false when there is none. */
  deregister(peer: Peer, token: Buffer): boolean
  /** The observer does not know what that message is about: it is told no more. */
  refused(peer: Peer, id: number): void
  close(): void
  readonly count: number
}

/** What went out, and what becomes of it. */
export interface Told {
  readonly id: number
  readonly outcome: Promise<Outcome>
}

/** An observer that confirms nothing is asked whether it still lives at least that often (section 4.5). */
const PROOF_OF_LIFE_MS = 24 * 3_600_000
const MAX_OBSERVATIONS = 100_000
const ENDED: CoapResponse = { code: '2.02' }

interface Registered {
  readonly observer: Observer
  readonly of: string
  stop: () => void
  isOver: boolean
  provedAt: number
  lastId: number | undefined
}

export function observations({
  clock,
  send,
}: {
  clock: CoapClock
  send(
    to: Observer,
    type: number,
    response: CoapResponse,
    sequence: number | undefined,
  ): Promise<Told>
}): Observations {
  const byToken = new Map<string, Registered>()
  const byName = new Map<string, Registered>()
  const unconfirmed = new Map<string, Registered>()
  // One for all: also an observer that registers again sees it grow. 24 bits, compared as such (section 3.4).
  let sequence = 0
  const nextSequence = () => {
    sequence = (sequence + 1) & 0xffffff
    return sequence
  }
  const keyOf = (peer: Peer, token: Buffer) => `${peer.name} ${token.toString('latin1')}`
  const idKey = (peer: Peer, id: number) => `${peer.name} ${id}`

  function end(registered: Registered): void {
    if (registered.isOver) return
    registered.isOver = true
    const { observer, of, lastId } = registered
    byToken.delete(keyOf(observer.peer, observer.token))
    byName.delete(of)
    if (lastId !== undefined) unconfirmed.delete(idKey(observer.peer, lastId))
    registered.stop()
  }

  async function tell(registered: Registered, response: CoapResponse): Promise<boolean> {
    if (registered.isOver) return false
    const { observer } = registered
    const isConfirmable =
      observer.isConfirmable || clock.now() - registered.provedAt > PROOF_OF_LIFE_MS
    const type = isConfirmable ? TYPES.confirmable : TYPES.nonConfirmable
    // An error is the last that is told (section 4.2).
    if (!response.code.startsWith('2.')) {
      end(registered)
      await send(observer, type, response, undefined)
      return false
    }
    const { id, outcome } = await send(observer, type, response, nextSequence())
    if (!isConfirmable) {
      if (registered.lastId !== undefined)
        unconfirmed.delete(idKey(observer.peer, registered.lastId))
      registered.lastId = id
      if (!registered.isOver) unconfirmed.set(idKey(observer.peer, id), registered)
      return !registered.isOver
    }
    if ((await outcome) === 'acknowledged') registered.provedAt = clock.now()
    else end(registered)
    return !registered.isOver
  }

  return {
    register: (observer, observation) => {
      const key = keyOf(observer.peer, observer.token)
      const [again, other] = [byToken.get(key), byName.get(observation.of)]
      if (again) end(again)
      if (other && other !== again) {
        end(other)
        const { isConfirmable } = other.observer
        const type = isConfirmable ? TYPES.confirmable : TYPES.nonConfirmable
        send(other.observer, type, ENDED, undefined).catch(() => {})
      }
      if (byToken.size >= MAX_OBSERVATIONS) return undefined
      const registered: Registered = {
        observer,
        of: observation.of,
        stop: () => {},
        isOver: false,
        provedAt: clock.now(),
        lastId: undefined,
      }
      byToken.set(key, registered)
      byName.set(observation.of, registered)
      registered.stop = observation.start((response) => tell(registered, response))
      return nextSequence()
    },

    deregister: (peer, token) => {
      const registered = byToken.get(keyOf(peer, token))
      if (registered) end(registered)
      return registered !== undefined
    },

    refused: (peer, id) => {
      const registered = unconfirmed.get(idKey(peer, id))
      if (registered) end(registered)
    },

    close: () => {
      for (const registered of [...byToken.values()]) end(registered)
    },

    get count() {
      return byToken.size
    },
  }
}
