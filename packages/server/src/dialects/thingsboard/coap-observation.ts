/**
 * Devices that observe their attributes [Attribute push]: who they are, and what each is told. One change at a time,
 * the next after it has the last one.
 */
import { DomainError, type Json, type JsonObject, type Snapshot } from '@updraft/core'
import type { CheckedIn } from '../../app/device-desk.ts'
import type { Pacer } from '../../app/pacer.ts'
import type { Observation } from '../../transports/coap-observe.ts'
import type { CoapResponse } from '../../transports/coap-request.ts'
import type { DialectNeeds } from '../dialect.ts'
import { NAME } from './hear.ts'
import { Pushes } from './pushes.ts'

export interface CoapLog {
  info(details: object, message: string): void
  warn(details: object, message: string): void
  error(details: object, message: string): void
}

export interface CoapDialectNeeds extends Pick<DialectNeeds, 'desk' | 'liveSessions'> {
  readonly pacer: Pick<Pacer, 'inTurn'>
  readonly log: CoapLog
}

export interface Observed {
  readonly token: string
  readonly device: Snapshot
  /** What it was told when it began, and what that came from. */
  readonly attributes: JsonObject
  readonly checkedIn: CheckedIn
  /** The mark of `liveSessions` before that. */
  readonly since: number
  readonly answer: (body: Json) => CoapResponse
}

export interface Observers {
  observation(observed: Observed): Observation
  /** What that device is told, while it observes. */
  of(deviceId: string): Pushes | undefined
}

const LOOK_AGAIN_MS = 5000

export function observers(needs: CoapDialectNeeds): Observers {
  const all = new Map<string, Pushes>()
  return {
    observation: (observed) => {
      const { id } = observed.device.device
      return {
        of: id,
        start: (tell) => {
          const { pushes, stop } = follow(needs, observed, tell)
          all.set(id, pushes)
          return () => {
            stop()
            all.delete(id)
          }
        },
      }
    },
    of: (deviceId) => all.get(deviceId),
  }
}

function follow(
  { desk, liveSessions, pacer, log }: CoapDialectNeeds,
  { token, device, attributes, checkedIn, since, answer }: Observed,
  tell: Parameters<Observation['start']>[0],
): { pushes: Pushes; stop: () => void } {
  let { profileId } = device.device
  let again: NodeJS.Timeout | undefined
  let last: Promise<unknown> = Promise.resolve()

  const pushes = new Pushes({
    tenantId: device.tenantId,
    desk,
    pacer,
    identify: async () => {
      const current = await desk.identify(token, NAME)
      if (current.device.profileId !== profileId) {
        profileId = current.device.profileId
        watching.end()
        watching = watch(liveSessions.mark())
      }
      return current
    },
    send: (change) => {
      last = last.then(() => tell(answer(change)))
      return last
    },
    onError: (error) => {
      if (!pushes.isOn) return
      if (error instanceof DomainError && error.code === 'device.unknown') {
        void tell({ code: '4.01' })
        return
      }
      if (!(error instanceof DomainError)) log.error({ err: error }, 'a bug')
      // A change is not lost because the database was away.
      again = setTimeout(() => pushes.wake(), LOOK_AGAIN_MS).unref()
    },
  })
  const watch = (mark: number) =>
    liveSessions.watch({ id: device.device.id, profileId }, mark, () => pushes.wake())
  pushes.onWith(attributes, checkedIn)
  let watching = watch(since)
  return {
    pushes,
    stop: () => {
      pushes.off()
      clearTimeout(again)
      watching.end()
    },
  }
}
