/** How fast bytes come, over the last few seconds, and how long the rest takes. */
import type { Clock } from '../waits.ts'
import type { LayerProgress } from './layer.ts'

const SPAN_MS = 5_000

export class Rate {
  readonly #clock: Clock
  #marks: { readonly ms: number; readonly bytes: number }[] = []

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** So many bytes are here now. */
  progress(phase: LayerProgress['phase'], bytes: number, totalBytes: number | null): LayerProgress {
    const ms = this.#clock.nowMs()
    const [first] = this.#marks
    // Another download, or one that begins anew.
    if (first && bytes < (this.#marks.at(-1)?.bytes ?? 0)) this.#marks = []
    this.#marks.push({ ms, bytes })
    const [, second] = this.#marks
    if (second && ms - second.ms > SPAN_MS) this.#marks.shift()
    const [from] = this.#marks
    const seconds = from ? (ms - from.ms) / 1000 : 0
    const rate = from && seconds >= 0.5 ? (bytes - from.bytes) / seconds : null
    return {
      phase,
      bytes,
      totalBytes,
      bytesPerSecond: rate === null ? null : Math.round(rate),
      secondsLeft: rate && totalBytes ? Math.ceil((totalBytes - bytes) / rate) : null,
      isSafeToUnplug: true,
    }
  }
}
