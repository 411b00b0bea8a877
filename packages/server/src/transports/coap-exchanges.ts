/**
 * Messages that must arrive once (RFC 7252, section 4): a request that comes again gets the answer it had, and what
 * we send confirmably is sent again until the other side has said something to it.
 */

import {
  type CoapMessage,
  type NewMessage,
  TRANSMISSION,
  TYPES,
  writeMessage,
} from '@updraft/wire/coap-message'
import { type CoapClock, ShortMemory } from './coap-clock.ts'

/** Where a datagram came from; `name` stands for address and port. */
export interface Peer {
  readonly address: string
  readonly port: number
  readonly name: string
}

export type Send = (datagram: Buffer, to: Peer) => void

/** What became of a message sent confirmably: `refused` by a reset, `lost` when nobody said anything. */
export type Outcome = 'acknowledged' | 'refused' | 'lost'

export interface Exchanges {
  /** Whether the request is a new one. If it came before, what it was answered is sent once more. */
  begin(request: CoapMessage, from: Peer): boolean
  /** What the request is answered if it comes again. */
  remember(request: CoapMessage, from: Peer, datagram: Buffer): void
  /** Sends and, if confirmable, sends again until it is settled. Resolves to `lost` at once when too many wait. */
  send(message: Omit<NewMessage, 'id'>, to: Peer): { id: number; outcome: Promise<Outcome> }
  /** An acknowledgement or a reset has come; false when it belongs to nothing we wait for. */
  settle(id: number, from: Peer, outcome: Outcome): boolean
  close(): void
  readonly rememberedCount: number
  readonly waitingCount: number
}

/** RFC 7252, section 4.8.2. */
export const EXCHANGE_LIFETIME_MS = 247_000

const { ackTimeoutMs, ackRandomFactor, maxRetransmits } = TRANSMISSION

const MAX_REMEMBERED = 8192
const MAX_WAITING = 8192

export function exchanges({
  clock,
  random,
  send,
}: {
  clock: CoapClock
  random: () => number
  send: Send
}): Exchanges {
  const answers = new ShortMemory<{ datagram?: Buffer }>({
    clock,
    max: MAX_REMEMBERED,
    lifetimeMs: EXCHANGE_LIFETIME_MS,
  })
  const waiting = new Map<string, (outcome: Outcome) => void>()
  let lastId = Math.floor(random() * 0x10000)

  // With the token: fast clients come round to the same message id well within its lifetime.
  const keyOf = ({ id, token }: CoapMessage, from: Peer) =>
    `${from.name} ${id} ${token.toString('latin1')}`

  return {
    begin: (request, from) => {
      const key = keyOf(request, from)
      const before = answers.get(key)
      // Duplicates of what is not confirmable are ignored (section 4.5).
      if (before?.datagram && request.type === TYPES.confirmable) send(before.datagram, from)
      if (!before) answers.put(key, {})
      return !before
    },

    remember: (request, from, datagram) => {
      const entry = answers.get(keyOf(request, from))
      if (entry) entry.datagram = datagram
    },

    send: (message, to) => {
      lastId = (lastId + 1) & 0xffff
      const id = lastId
      const datagram = writeMessage({ ...message, id })
      send(datagram, to)
      if (message.type !== TYPES.confirmable) {
        return { id, outcome: Promise.resolve('acknowledged') }
      }
      const key = `${to.name} ${id}`
      if (waiting.size >= MAX_WAITING || waiting.has(key)) {
        return { id, outcome: Promise.resolve('lost') }
      }
      const { promise, resolve } = Promise.withResolvers<Outcome>()
      let timeoutMs = ackTimeoutMs * (1 + random() * (ackRandomFactor - 1))
      let retransmits = 0
      let stop = clock.after(timeoutMs, again)
      function again() {
        if (retransmits === maxRetransmits) return settled('lost')
        retransmits += 1
        timeoutMs *= 2
        send(datagram, to)
        stop = clock.after(timeoutMs, again)
      }
      function settled(outcome: Outcome) {
        stop()
        waiting.delete(key)
        resolve(outcome)
      }
      waiting.set(key, settled)
      return { id, outcome: promise }
    },

    settle: (id, from, outcome) => {
      const settled = waiting.get(`${from.name} ${id}`)
      settled?.(outcome)
      return settled !== undefined
    },

    close: () => {
      for (const settled of [...waiting.values()]) settled('lost')
      answers.clear()
    },

    get rememberedCount() {
      return answers.size
    },
    get waitingCount() {
      return waiting.size
    },
  }
}
