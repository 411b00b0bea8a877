/** Where the squares of a strip stand: large where there are few, and never so small that one cannot be pointed at. */

export interface Places {
  readonly size: number
  /** From one to the next. */
  readonly step: number
  readonly perRow: number
  readonly height: number
}

/** From so many on, squares of that size with that much between. */
const SIZES = [
  [4000, 4, 1],
  [1500, 6, 1],
  [300, 8, 2],
  [0, 12, 3],
] as const

export function placesOf(count: number, width: number): Places {
  const [, size, gap] = SIZES.find(([from]) => count > from) ?? SIZES[3]
  const step = size + gap
  const perRow = Math.max(1, Math.floor((width + gap) / step))
  const height = Math.max(0, Math.ceil(count / perRow) * step - gap)
  return { size, step, perRow, height }
}

/** The number of the square there; -1 beside them. */
export function squareAt({ x, y }: { x: number; y: number }, { step, perRow }: Places): number {
  const column = Math.floor(x / step)
  return column < 0 || y < 0 || column >= perRow ? -1 : Math.floor(y / step) * perRow + column
}
