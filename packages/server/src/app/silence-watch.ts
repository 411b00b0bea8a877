/**
 * Looks now and then at devices that hold a line open and say nothing of the update they were told of. No timer for
 * each: the updates themselves tell when they were last heard of. Every server looks after the lines it holds. A device
 * that calls by itself is looked at when it calls, and one that is away is waited for.
 */
import type { LiveSessions } from './live-sessions.ts'
import type { Look } from './look.ts'
import type { Clock, Every, Silences } from './ports.ts'

const EVERY_MS = 60_000
const PAGE_SIZE = 500

export interface SilenceWatch {
  start(): void
  /** Looks once, now, at all of them. */
  look(): Promise<void>
  /** Finishes the page at hand. */
  stop(): Promise<void>
}

export function silenceWatch({
  clock,
  every,
  liveSessions,
  deadlineSeconds,
  silences,
  look,
  onError,
}: {
  clock: Clock
  every: Every
  liveSessions: Pick<LiveSessions, 'has'>
  /** Of tenants that set none. */
  deadlineSeconds: number
  silences: Silences
  look: Look
  onError: (error: unknown) => void
}): SilenceWatch {
  let isStopped = false
  let running: Promise<void> | null = null
  let end: (() => void) | undefined

  const lookAtAll = async () => {
    const which = { now: clock.now(), deadlineSeconds, limit: PAGE_SIZE }
    for (let after: string | null = null; !isStopped; ) {
      const page = await silences.overdue({ ...which, after })
      const here = page.filter(({ deviceId }) => liveSessions.has(deviceId))
      for (const [tenantId, devices] of Map.groupBy(here, (device) => device.tenantId)) {
        const deviceIds = devices.map(({ deviceId }) => deviceId)
        await look({ tenantId, deviceIds }, { isHere: true })
      }
      if (page.length < PAGE_SIZE) return
      after = page.at(-1)?.deviceId ?? null
    }
  }

  return {
    look: lookAtAll,
    start: () => {
      end = every(EVERY_MS, () => {
        running ??= lookAtAll()
          .catch(onError)
          .finally(() => {
            running = null
          })
      })
    },
    stop: async () => {
      isStopped = true
      end?.()
      await running
    },
  }
}
