/**
 * Looks now and then at devices that hold a line open and say nothing of the update they were told of. No timer for
 * each: the updates themselves tell when they were last heard of. Every server looks after the lines it holds. A device
 * that calls by itself is looked at when it calls, and one that is away is waited for.
 */
import type { LiveSessions } from './live-sessions.ts'
import type { Look } from './look.ts'
import type { Clock, Every, Silences } from './ports.ts'
import { type Rounds, rounds } from './rounds.ts'

const EVERY_MS = 60_000
const PAGE_SIZE = 500

/** A stop finishes the page at hand. */
export interface SilenceWatch extends Pick<Rounds, 'start' | 'stop'> {
  /** Looks once, now, at all of them. */
  look(): Promise<void>
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
  const lookAtAll = async () => {
    const which = { now: clock.now(), deadlineSeconds, limit: PAGE_SIZE }
    for (let after: string | null = null; !watching.isStopped; ) {
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

  const watching = rounds({ everyMs: EVERY_MS, every, work: lookAtAll, onError })
  return { look: lookAtAll, start: watching.start, stop: watching.stop }
}
