/** Pages by key: a page continues after the last row of the one before, however the table grew meanwhile. */
import { DomainError } from '@updraft/core'
import { type Expression, type Kysely, type SelectQueryBuilder, sql } from 'kysely'
import type { Page, PageQuery } from '../app/ports.ts'
import { isBadData } from './refusals.ts'
import type { Tables } from './tables.ts'

/** Every id comes after it. */
export const BEFORE_ALL = '00000000-0000-0000-0000-000000000000'

/** What a list may be sorted by: the field's name outside, and its column. Columns must not be null. */
export type SortColumns = Readonly<Record<string, Expression<unknown>>>

// biome-ignore lint/suspicious/noExplicitAny: holds for a query on any tables.
type AnyQuery = SelectQueryBuilder<any, any, any>

/**
 * Runs the query for one page, sorted by one of `columns` and then by `id`. Refuses with request.malformed when
 * the sort field is none of them or the cursor is not one of ours.
 */
export async function page<Q extends AnyQuery, T>(
  db: Kysely<Tables>,
  query: Q,
  { limit, cursor, sort }: PageQuery,
  {
    columns,
    id,
    defaultSort,
    view,
    keep = null,
  }: {
    columns: SortColumns
    id: Expression<unknown>
    defaultSort: string
    view: (row: Awaited<ReturnType<Q['execute']>>[number]) => T
    /** Which of the rows with these ids are meant, where the query alone cannot say; null: all of them. */
    keep?: ((ids: readonly string[]) => Promise<ReadonlySet<string>>) | null
  },
): Promise<Page<T>> {
  const wanted = sort ?? defaultSort
  const isDescending = wanted.startsWith('-')
  const field = isDescending ? wanted.slice(1) : wanted
  const column = Object.hasOwn(columns, field) ? columns[field] : undefined
  if (!column) {
    throw new DomainError(
      'request.malformed',
      `This list cannot be sorted by "${field}"; it can by ${Object.keys(columns).join(', ')}.`,
    )
  }
  const direction = isDescending ? 'desc' : 'asc'
  type Row = Awaited<ReturnType<Q['execute']>>[number] & { page_key: string; page_id: string }
  const than = isDescending ? sql`<` : sql`>`
  const next = (after: readonly [key: string, id: string] | undefined, count: number) => {
    const ordered = query
      .select([sql`${column}`.as('raw_key'), sql`${id}`.as('raw_id')])
      .orderBy(column, direction)
      .orderBy(id, direction)
      .limit(count)
    const paged = after
      ? ordered.where(sql<boolean>`(${column}, ${id}) ${than} (${after[0]}, ${after[1]})`)
      : ordered
    // Only of the rows that are shown, and not of all that are sorted.
    const shown = sql<Row>`
      select p.*, p.raw_key::text as page_key, p.raw_id::text as page_id
        from (${paged}) p order by p.raw_key ${sql.raw(direction)}, p.raw_id ${sql.raw(direction)}`
    const run = async () => (await shown.execute(db)).rows
    return run().catch((error) => {
      // The key or the id of a cursor that was made up: no time, no number, no UUID.
      if (cursor !== undefined && isBadData(error)) throw notOurs(error)
      throw error
    })
  }

  let after = cursor === undefined ? undefined : readCursor(cursor, wanted)
  const rows: Row[] = []
  const count = keep ? Math.max(limit + 1, KEPT_AT_ONCE) : limit + 1
  for (;;) {
    const found = await next(after, count)
    const meant = keep && (await keep(found.map(({ page_id }) => page_id)))
    rows.push(...(meant ? found.filter(({ page_id }) => meant.has(page_id)) : found))
    const last = found.at(-1)
    if (!keep || rows.length > limit || !last || found.length < count) break
    after = [last.page_key, last.page_id]
  }
  const shown = rows.slice(0, limit)
  const cursors = shown.map(({ page_key, page_id }) => writeCursor(wanted, page_key, page_id))
  const nextCursor = rows.length > limit ? (cursors.at(-1) ?? null) : null
  return { items: shown.map(view), nextCursor, cursors }
}

/** So many rows are asked at once whether they are meant. */
const KEPT_AT_ONCE = 500

/** `%` and `_` of the text stand for themselves in the pattern. */
export const containsText = (text: string): string => `%${text.replace(/[\\%_]/g, '\\$&')}%`

const writeCursor = (...parts: string[]): string =>
  Buffer.from(JSON.stringify(parts)).toString('base64url')

function readCursor(cursor: string, sort: string): [string, string] {
  try {
    const [cursorSort, key, id] = JSON.parse(Buffer.from(cursor, 'base64url').toString())
    if (cursorSort === sort && typeof key === 'string' && typeof id === 'string') return [key, id]
  } catch {
    // Falls through to the refusal.
  }
  throw notOurs()
}

const notOurs = (cause?: unknown) =>
  new DomainError(
    'request.malformed',
    'The cursor does not belong to this list and sort order.',
    {},
    cause,
  )
