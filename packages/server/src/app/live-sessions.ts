/**
 * Devices that are on the line right now, waiting to be told. Whoever holds such a line is woken when
 * something happens to the device or to what is meant for it, and then asks the desk again.
 */
import type { EventFeed } from './ports.ts'

export interface LiveSessions {
  /**
   * Starts listening at once, so that nothing between a look and the wait is missed. `next` resolves to true
   * when there is reason to look again, to false when the time is over or the line was dropped.
   */
  listen(device: { id: string; profileId: string }): Listening
  /** Ends every wait; for a stopping server. */
  close(): void
  readonly count: number
}

export interface Listening {
  next(options: { timeoutMs: number; signal: AbortSignal }): Promise<boolean>
  end(): void
}

export function liveSessions(feed: EventFeed): LiveSessions {
  /** By the id of whatever a session wants to hear of: its device, its profile. */
  const wakers = new Map<string, Set<() => void>>()
  const closing = new AbortController()
  let count = 0

  const unsubscribe = feed.subscribe((delivered) => {
    for (const { deviceId, subjectId } of delivered) {
      for (const id of [deviceId, subjectId]) {
        if (id) for (const wake of wakers.get(id) ?? []) wake()
      }
    }
  })

  return {
    listen: (device) => {
      let isDue = false
      let resolveNext: (() => void) | undefined
      const wake = () => {
        isDue = true
        resolveNext?.()
      }
      const ids = [device.id, device.profileId]
      for (const id of ids) wakers.set(id, (wakers.get(id) ?? new Set()).add(wake))
      count += 1
      return {
        next: async ({ timeoutMs, signal }) => {
          if (!isDue && !signal.aborted && !closing.signal.aborted) {
            await new Promise<void>((resolve) => {
              const timer = setTimeout(done, timeoutMs)
              const signals = [signal, closing.signal]
              resolveNext = done
              for (const each of signals) each.addEventListener('abort', done)
              function done() {
                clearTimeout(timer)
                resolveNext = undefined
                for (const each of signals) each.removeEventListener('abort', done)
                resolve()
              }
            })
          }
          const wasDue = isDue && !signal.aborted
          isDue = false
          return wasDue
        },
        end: () => {
          count -= 1
          for (const id of ids) {
            const waiting = wakers.get(id)
            waiting?.delete(wake)
            if (waiting?.size === 0) wakers.delete(id)
          }
        },
      }
    },
    close: () => {
      unsubscribe()
      closing.abort()
    },
    get count() {
      return count
    },
  }
}
