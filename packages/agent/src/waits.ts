/**
 * Time and patience. All waiting goes by a clock that only runs forward, because a device may start in 1970
 * and learn the date an hour later.
 */
export interface Clock {
  /** Milliseconds since some moment; never jumps. */
  nowMs(): number
  /** Resolves when the time is over or the signal aborts, whichever is first. Never rejects. */
  wait(ms: number, signal?: AbortSignal): Promise<void>
}

/** Longer than this a timer of the runtime would fire at once. */
const LONGEST_TIMER_MS = 2_147_483_647

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  wait: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve()
      const untilMs = performance.now() + ms
      let timer: NodeJS.Timeout
      const end = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', end)
        resolve()
      }
      const arm = (leftMs: number) => {
        const isLast = leftMs <= LONGEST_TIMER_MS
        const next = isLast ? end : () => arm(untilMs - performance.now())
        timer = setTimeout(next, isLast ? Math.max(0, leftMs) : LONGEST_TIMER_MS)
      }
      arm(ms)
      signal?.addEventListener('abort', end, { once: true })
    }),
}

/** What the work comes to, or the signal's reason as soon as it aborts; the work goes on all the same. */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

/** Between 0 and 1, as Math.random. */
export type Random = () => number

/** The same numbers for the same seed. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

export interface BackOff {
  readonly baseMs: number
  readonly capMs: number
}

/**
 * How long to wait after so many failures in a row: full jitter under a doubling ceiling, so that a fleet that
 * lost its server together does not come back together. Never less than a fifth of the base.
 */
export function backOffMs(failures: number, { baseMs, capMs }: BackOff, random: Random): number {
  const ceiling = Math.min(capMs, baseMs * 2 ** Math.min(30, Math.max(0, failures - 1)))
  return Math.max(baseMs / 5, random() * ceiling)
}

/** About that long: up to a tenth less or more, so that devices started together drift apart. */
export const spreadMs = (ms: number, random: Random): number => ms * (0.9 + 0.2 * random())

/** A pause is meant for a read of so many bytes; pieces come in other sizes. */
const READ_BYTES = 4_096
const LONGEST_PAUSE_MS = 5_000

/**
 * Lets at most so many bytes a second pass, with a quarter of a second's worth at once after a pause. Zero
 * means without limit. Besides it may rest after each read of 4 KB.
 */
export class Throttle {
  readonly #bytesPerSecond: number
  readonly #pauseMs: number
  readonly #clock: Clock
  #freeAtMs = Number.NEGATIVE_INFINITY

  constructor(bytesPerSecond: number, clock: Clock, pauseMs = 0) {
    this.#bytesPerSecond = bytesPerSecond
    this.#pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs)
    this.#clock = clock
  }

  async pass(bytes: number, signal?: AbortSignal): Promise<void> {
    if (this.#pauseMs > 0) {
      await this.#clock.wait((bytes / READ_BYTES) * this.#pauseMs, signal)
    }
    if (this.#bytesPerSecond <= 0) return
    const now = this.#clock.nowMs()
    this.#freeAtMs = Math.max(this.#freeAtMs, now - 250) + (bytes / this.#bytesPerSecond) * 1000
    if (this.#freeAtMs > now) await this.#clock.wait(this.#freeAtMs - now, signal)
  }
}
