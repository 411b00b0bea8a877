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
}
