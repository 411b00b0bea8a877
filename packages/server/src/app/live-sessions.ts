/**
 * Devices that are on the line right now, waiting to be told. Whoever holds such a line is woken when
 * something happens to the device or to what is meant for it, and then asks the desk again.
 */
import { mayBeNewsToDevice } from '@updraft/core'
import type { EventFeed } from './ports.ts'

/** Of what happened lately is kept to whom, for those who looked before they knew what to listen for. */
const MAX_RECENT = 10_000

export interface LiveSessions {
  /** A mark to take before the first look; who listens since then misses nothing that came after the look. */
  mark(): number
  /**
   * Starts listening at once. `next` resolves to true when there is reason to look again, to false when the time
   * is over or the line was dropped.
   */
  listen(device: { id: string; profileId: string }, since: number): Listening
  /** The same for lines that stay open for days: `wake` is called whenever there is reason to look again. */
  watch(device: { id: string; profileId: string }, since: number, wake: () => void): Watching
  /** Whether that device is on the line here. */
  has(deviceId: string): boolean
  /** All devices on the line here. */
  here(): Iterable<string>
  /** Ends every wait; for a stopping server. */
  close(): void
  readonly count: number
  /** How many lines were opened so far. */
  readonly opened: number
}

export interface Listening {
  next(options: { timeoutMs: number; signal: AbortSignal }): Promise<boolean>
  end(): void
}

export type Watching = Pick<Listening, 'end'>

export function liveSessions(feed: EventFeed): LiveSessions {
  /** By the id of whatever a session wants to hear of: its device, its profile. */
  const wakers = new Map<string, Set<() => void>>()
  /** How many lines each device holds. */
  const lines = new Map<string, number>()
  /** Waits under way; a set, as thousands come and go. */
  const waits = new Set<() => void>()
  /** When each id was last heard of, counted in deliveries; older than `forgotten` nothing is known. */
  const recent = new Map<string, number>()
  let [heard, forgotten] = [0, 0]
  let isClosed = false
  let [count, opened] = [0, 0]

  const unsubscribe = feed.subscribe((delivered) => {
    heard += 1
    for (const { kind, deviceId, subjectId, event } of delivered) {
      if (!mayBeNewsToDevice(kind, event?.data ?? null)) continue
      for (const id of [deviceId, subjectId]) {
        if (!id) continue
        recent.set(id, heard)
        for (const wake of wakers.get(id) ?? []) wake()
      }
    }
    if (recent.size <= MAX_RECENT) return
    recent.clear()
    forgotten = heard
  })

  const isMissed = (ids: readonly string[], since: number) =>
    since < forgotten || ids.some((id) => (recent.get(id) ?? 0) > since)

  const add = (
    { id: deviceId, profileId }: { id: string; profileId: string },
    wake: () => void,
  ): (() => void) => {
    const ids = [deviceId, profileId]
    lines.set(deviceId, (lines.get(deviceId) ?? 0) + 1)
    for (const id of ids) wakers.set(id, (wakers.get(id) ?? new Set()).add(wake))
    count += 1
    opened += 1
    return () => {
      count -= 1
      const left = (lines.get(deviceId) ?? 0) - 1
      if (left > 0) lines.set(deviceId, left)
      else lines.delete(deviceId)
      for (const id of ids) {
        const waiting = wakers.get(id)
        waiting?.delete(wake)
        if (waiting?.size === 0) wakers.delete(id)
      }
    }
  }

  return {
    mark: () => heard,
    watch: (device, since, wake) => {
      const ids = [device.id, device.profileId]
      const end = add(device, wake)
      if (isMissed(ids, since)) wake()
      return { end }
    },
    listen: (device, since) => {
      const ids = [device.id, device.profileId]
      let isDue = isMissed(ids, since)
      let resolveNext: (() => void) | undefined
      const wake = () => {
        isDue = true
        resolveNext?.()
      }
      const end = add(device, wake)
      return {
        next: async ({ timeoutMs, signal }) => {
          if (!isDue && !signal.aborted && !isClosed) {
            await new Promise<void>((resolve) => {
              const timer = setTimeout(done, timeoutMs)
              resolveNext = done
              waits.add(done)
              signal.addEventListener('abort', done)
              function done() {
                clearTimeout(timer)
                resolveNext = undefined
                waits.delete(done)
                signal.removeEventListener('abort', done)
                resolve()
              }
            })
          }
          const wasDue = isDue && !signal.aborted
          isDue = false
          return wasDue
        },
        end,
      }
    },
    has: (deviceId) => lines.has(deviceId),
    here: () => lines.keys(),
    close: () => {
      unsubscribe()
      isClosed = true
      for (const done of waits) done()
    },
    get count() {
      return count
    },
    get opened() {
      return opened
    },
  }
}
