/**
 * How fast a fleet is told. No interval ever sees more than a pack leave, wherever it is taken to begin; while
 * nobody left lately, a whole pack leaves at once.
 */
export interface PaceSettings {
  readonly packSize: number
  /** 0: everybody leaves at once. */
  readonly intervalMs: number
}

/** When those who left lately did so, oldest first, in milliseconds of any steady clock. */
export type Departures = readonly number[]

export interface Pack {
  /** How many may leave now. */
  readonly size: number
  /** When there will be room for another; null when nobody is left waiting. */
  readonly nextAtMs: number | null
}

/** How many of those waiting may leave now, beside `leaving` that are on their way. */
export function nextPack(
  { waiting, leaving, left }: { waiting: number; leaving: number; left: Departures },
  { packSize, intervalMs }: PaceSettings,
  nowMs: number,
): Pack {
  if (intervalMs === 0) return { size: waiting, nextAtMs: null }
  const recent = recentOf(left, intervalMs, nowMs)
  const size = Math.max(0, Math.min(waiting, packSize - leaving - recent.length))
  const [oldest] = recent
  const isAnyoneLeft = size < waiting
  return { size, nextAtMs: isAnyoneLeft && oldest !== undefined ? oldest + intervalMs : null }
}

/** Those departures that still count. */
export const recentOf = (left: Departures, intervalMs: number, nowMs: number): Departures => {
  const first = left.findIndex((atMs) => atMs + intervalMs > nowMs)
  return first === -1 ? [] : left.slice(first)
}
