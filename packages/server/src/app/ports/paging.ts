/** Lists, page by page. */

export interface PageQuery {
  readonly limit: number
  readonly cursor?: string
  readonly sort?: string
  readonly search?: string
}

export interface Page<T> {
  readonly items: readonly T[]
  readonly nextCursor: string | null
  /** Where a page would go on after each of the items; from lists in which one can go on after any. */
  readonly cursors?: readonly string[]
}
