/**
 * When a device that asks by itself is to come again. Nobody is to come in the same second as all the others: not while
 * there is nothing to do, and not when a window opens for which ten thousand wait.
 */

/** While something is under way a device comes that often at least. */
export const BUSY_SECONDS = 30
/** Of its time, a device comes so much earlier or later. */
const JITTER = 0.1
/** Towards the moment it waits for, a device has so much of the time left each time it comes. */
const SHARE = 1 / 3
const MIN_SECONDS = 1
/** Clients read hours, minutes and seconds. */
const MAX_SECONDS = 86_399

export interface Waiting {
  /** How often it comes while nothing is to be done. */
  readonly usualSeconds: number
  /** Something is under way, or was to be prepared, for which it is to come that often at least; null for nothing. */
  readonly atMostSeconds: number | null
  /** Until something it waits for, such as the opening of a window; null for nothing. Not negative. */
  readonly dueInSeconds: number | null
}

/** In how many seconds, a whole number that clients can read. `chance`: from 0 to 1, anew for each answer. */
export function comesAgainInSeconds(
  { usualSeconds, atMostSeconds, dueInSeconds }: Waiting,
  chance: number,
): number {
  const jittered = (seconds: number) => seconds * (1 + JITTER * (2 * chance - 1))
  // What is shortened is never longer than usual.
  const sooner = (seconds: number) => Math.min(jittered(seconds), usualSeconds)
  const waits = [jittered(usualSeconds)]
  if (atMostSeconds !== null) waits.push(sooner(atMostSeconds))
  if (dueInSeconds !== null) {
    const leastSeconds = Math.min(BUSY_SECONDS, usualSeconds)
    const shareSeconds = Math.max(dueInSeconds * SHARE, leastSeconds)
    // The last time before it is due is followed by one after it: anywhere within the least, as if nobody had waited.
    if (dueInSeconds <= leastSeconds) waits.push(dueInSeconds + chance * leastSeconds)
    else if (shareSeconds < usualSeconds) waits.push(sooner(shareSeconds))
  }
  return Math.round(Math.min(Math.max(Math.min(...waits), MIN_SECONDS), MAX_SECONDS))
}
