/** How far a job is: bytes, how fast, and how long it takes at that pace. */
import type { Clock } from '../../waits.ts'
import type { LayerProgress, OnProgress } from '../layer.ts'

/** Sooner than this a pace says nothing. */
const PACE_MS = 1_000

export function progressOf(clock: Clock, onProgress: OnProgress) {
  return (phase: LayerProgress['phase']) => {
    const startMs = clock.nowMs()
    let first: number | null = null
    const say = (bytes: number | null, totalBytes: number | null) => {
      if (bytes !== null) first ??= bytes
      const elapsedMs = clock.nowMs() - startMs
      const pace =
        bytes === null || elapsedMs < PACE_MS ? null : ((bytes - (first ?? 0)) / elapsedMs) * 1000
      const left = totalBytes === null || bytes === null ? null : totalBytes - bytes
      onProgress({
        phase,
        bytes,
        totalBytes,
        bytesPerSecond: pace === null ? null : Math.round(pace),
        secondsLeft: pace === null || pace <= 0 || left === null ? null : Math.ceil(left / pace),
        isSafeToUnplug: true,
      })
    }
    say(null, null)
    return say
  }
}
