/**
 * Which parts of a file the system still has in memory, told by when we read them last. A small read of such a
 * part takes some microseconds; handing it to another thread and back takes several times as long. But a read
 * that has to wait for a disk must not hold up everyone else, so a part counts as warm for a short while only,
 * and a few slow surprises (memory was scarce, the disk is far away) put an end to the trust for a while.
 */

/** The grain of what is remembered: the system reads ahead at least as much. */
const PART_BYTES = 64 * 1024
const WARM_SECONDS = 60

/** A single slow read says little: the process may just not have been given the processor. */
const SLOW_MS = 10
const MAX_SLOW = 3
const WITHIN_MS = 1000
const DISTRUST_MS = 5000

export interface WarmPages {
  /** Whether all of the range was read a short while ago. */
  areWarm(start: number, end: number): boolean
  wereRead(start: number, end: number): void
}

export function warmPages(sizeBytes: number): WarmPages {
  // When each part was read last, in seconds; 0 for never.
  const readAt = new Uint32Array(Math.ceil(sizeBytes / PART_BYTES))
  const now = () => Math.floor(performance.now() / 1000) + 1
  const last = (end: number) => Math.floor((end - 1) / PART_BYTES)

  return {
    areWarm(start, end) {
      const oldest = now() - WARM_SECONDS
      for (let part = Math.floor(start / PART_BYTES); part <= last(end); part++) {
        const seconds = readAt[part]
        if (!seconds || seconds < oldest) return false
      }
      return true
    },
    wereRead(start, end) {
      // A part read in pieces is counted with its first one, as the system reads ahead.
      readAt.fill(now(), Math.floor(start / PART_BYTES), last(end) + 1)
    },
  }
}

/** Whether reads of warm pages go without waiting; one for all files, as they lie on one disk. */
export interface Trust {
  isGiven(): boolean
  /** How long such a read took. */
  took(ms: number): void
}

export function trust(): Trust {
  let slowReads = 0
  let firstSlowMs = 0
  let distrustUntilMs = Number.NEGATIVE_INFINITY

  function noteSlow(nowMs: number): void {
    if (nowMs - firstSlowMs > WITHIN_MS) {
      slowReads = 0
      firstSlowMs = nowMs
    }
    slowReads += 1
    if (slowReads >= MAX_SLOW) distrustUntilMs = nowMs + DISTRUST_MS
  }

  return {
    isGiven: () => performance.now() >= distrustUntilMs,
    took(ms) {
      if (ms > SLOW_MS) noteSlow(performance.now())
    },
  }
}
