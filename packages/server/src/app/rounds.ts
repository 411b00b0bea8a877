/** Work that is done again and again, a round at a time: who is at it when the next is due is let finish first. */
import type { Every } from './ports.ts'

export interface Rounds {
  start(): void
  /** Begins no round any more, and waits for the one at hand, which may ask `isStopped` to end early. */
  stop(): Promise<void>
  readonly isStopped: boolean
}

export const bySystemClock: Every = (ms, work) => {
  const timer = setInterval(work, ms).unref()
  return () => clearInterval(timer)
}

export function rounds({
  everyMs,
  every = bySystemClock,
  isDueAtStart = false,
  work,
  onError,
}: {
  everyMs: number
  every?: Every
  isDueAtStart?: boolean
  work: () => Promise<unknown>
  onError: (error: unknown) => void
}): Rounds {
  let isStopped = false
  let running: Promise<unknown> | null = null
  let end: (() => void) | undefined

  const round = () => {
    running ??= work()
      .catch(onError)
      .finally(() => {
        running = null
      })
  }

  return {
    start: () => {
      if (isDueAtStart) round()
      end = every(everyMs, round)
    },
    stop: async () => {
      isStopped = true
      end?.()
      await running
    },
    get isStopped() {
      return isStopped
    },
  }
}
