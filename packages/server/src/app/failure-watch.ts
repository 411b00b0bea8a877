/** How often secrets may be guessed at: by a name, from an address. */
import { DomainError } from '@updraft/core'

/** So many failures of one, and the next must wait until the window is over. */
const MAX_FAILURES = 5
const FAILURE_WINDOW_MS = 60_000
const MAX_WATCHED = 10_000

/** Counts failures in this process; bounded, so that made-up names cannot fill the memory. */
export function failureWatch() {
  const seen = new Map<string, { count: number; since: Date }>()
  const fresh = (key: string, now: Date) => {
    const entry = seen.get(key)
    return entry && now.getTime() - entry.since.getTime() < FAILURE_WINDOW_MS ? entry : undefined
  }
  const waitSeconds = (keys: readonly string[], now: Date): number => {
    const waits = keys.map((key) => {
      const entry = fresh(key, now)
      if (!entry || entry.count < MAX_FAILURES) return 0
      return Math.ceil((entry.since.getTime() + FAILURE_WINDOW_MS - now.getTime()) / 1000)
    })
    return Math.max(0, ...waits)
  }

  return {
    /**
     * One more attempt by each of these, counted before it is known how it goes: a burst at once must not get a free
     * try each. Refuses with access.too-many-attempts.
     */
    attempt: (keys: readonly string[], now: Date): void => {
      const seconds = waitSeconds(keys, now)
      if (seconds > 0) {
        throw new DomainError(
          'access.too-many-attempts',
          `Too many failed attempts; try again in ${seconds} seconds.`,
          { retryAfterSeconds: seconds },
        )
      }
      for (const key of keys) {
        const entry = fresh(key, now)
        seen.delete(key)
        seen.set(key, { count: (entry?.count ?? 0) + 1, since: entry?.since ?? now })
        const oldest = seen.keys().next().value
        if (seen.size > MAX_WATCHED && oldest !== undefined) seen.delete(oldest)
      }
    },
    /** They succeeded. */
    forget: (keys: readonly string[]): void => {
      for (const key of keys) seen.delete(key)
    },
  }
}
