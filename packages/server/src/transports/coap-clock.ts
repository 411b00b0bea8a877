/** Time as the CoAP endpoint sees it, so that a test can turn it. */
export interface CoapClock {
  /** Milliseconds from any fixed moment on. */
  now(): number
  /** Calls `run` once, after that time; answers what takes it back. */
  after(ms: number, run: () => void): () => void
}

export const SYSTEM_CLOCK: CoapClock = {
  now: () => performance.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms)
    timer.unref()
    return () => clearTimeout(timer)
  },
}

/**
 * Entries that are forgotten some time after they were put in, and the oldest ones earlier when there are too
 * many: whatever strangers send, this does not grow.
 */
export class ShortMemory<T> {
  readonly #entries = new Map<string, { value: T; forgetAt: number }>()
  readonly #clock: CoapClock
  readonly #max: number
  readonly #lifetimeMs: number
  readonly #forgotten: (value: T) => void
  #stopSweep: (() => void) | undefined

  constructor({
    clock,
    max,
    lifetimeMs,
    forgotten = () => {},
  }: {
    clock: CoapClock
    max: number
    lifetimeMs: number
    /** Told of every entry that is gone for another reason than `take`. */
    forgotten?: (value: T) => void
  }) {
    this.#clock = clock
    this.#max = max
    this.#lifetimeMs = lifetimeMs
    this.#forgotten = forgotten
  }

  get size(): number {
    return this.#entries.size
  }

  get(key: string): T | undefined {
    const entry = this.#entries.get(key)
    return entry && entry.forgetAt > this.#clock.now() ? entry.value : undefined
  }

  /** As `get`; from now on the entry lives for its whole lifetime once more. */
  touch(key: string): T | undefined {
    const entry = this.#entries.get(key)
    if (!entry) return undefined
    const now = this.#clock.now()
    if (entry.forgetAt <= now) return undefined
    entry.forgetAt = now + this.#lifetimeMs
    return entry.value
  }

  put(key: string, value: T): void {
    const before = this.#entries.get(key)
    if (before) {
      this.#entries.delete(key)
      this.#forgotten(before.value)
    }
    this.#entries.set(key, { value, forgetAt: this.#clock.now() + this.#lifetimeMs })
    if (this.#entries.size > this.#max) {
      const [oldest] = this.#entries.keys()
      if (oldest !== undefined) this.drop(oldest)
    }
    this.#stopSweep ??= this.#clock.after(this.#lifetimeMs, () => this.#sweep())
  }

  /** Out of the memory and into the hands of who asked. */
  take(key: string): T | undefined {
    const value = this.get(key)
    if (value !== undefined) this.#entries.delete(key)
    return value
  }

  drop(key: string): void {
    const entry = this.#entries.get(key)
    if (!entry) return
    this.#entries.delete(key)
    this.#forgotten(entry.value)
  }

  clear(): void {
    this.#stopSweep?.()
    this.#stopSweep = undefined
    for (const key of [...this.#entries.keys()]) this.drop(key)
  }

  #sweep(): void {
    const now = this.#clock.now()
    for (const [key, { forgetAt }] of this.#entries) if (forgetAt <= now) this.drop(key)
    this.#stopSweep =
      this.#entries.size > 0 ? this.#clock.after(this.#lifetimeMs, () => this.#sweep()) : undefined
  }
}
