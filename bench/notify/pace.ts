// How well a pace was kept, from when each device was told.

export interface Pace {
  readonly packs: number
  /** From the first of a pack to the first of the next, in the mean. */
  readonly meanIntervalMs: number
  /** How far that is from what was set, slower or faster. */
  readonly percentOff: number
  /** The most that were told within one interval, wherever it is taken to begin. */
  readonly mostInAnInterval: number
}

/** Of at least two packs. */
export function paceOf(
  toldAtMs: readonly number[],
  { packSize, intervalMs }: { packSize: number; intervalMs: number },
): Pace {
  const intervals = Math.floor((toldAtMs.length - 1) / packSize)
  if (intervals < 1) throw new Error('One pack shows no pace: more sessions, or smaller packs.')
  const [first = 0, last = 0] = [toldAtMs[0], toldAtMs[intervals * packSize]]
  const meanIntervalMs = (last - first) / intervals
  let mostInAnInterval = 0
  for (let from = 0, to = 0; from < toldAtMs.length; from++) {
    while (to < toldAtMs.length && (toldAtMs[to] ?? 0) < (toldAtMs[from] ?? 0) + intervalMs) to++
    mostInAnInterval = Math.max(mostInAnInterval, to - from)
  }
  return {
    packs: Math.ceil(toldAtMs.length / packSize),
    meanIntervalMs,
    percentOff: Math.abs(meanIntervalMs / intervalMs - 1) * 100,
    mostInAnInterval,
  }
}
