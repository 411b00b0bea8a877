/** Statements that write many rows at once. */
import type pg from 'pg'

export type Row = readonly unknown[]

/** It takes its rows as arrays, one a column: `unnest($1::uuid[], $2::text[], …)`. */
export interface Statement {
  readonly name: string
  readonly text: string
  /** How many columns the rows have. */
  readonly width: number
}

/** Answers how many rows were written. */
export async function write(
  client: Pick<pg.ClientBase, 'query'>,
  { name, text, width }: Statement,
  rows: readonly Row[],
): Promise<number> {
  if (rows.length === 0) return 0
  const columns = Array.from({ length: width }, (_, column) => rows.map((row) => row[column]))
  const { rowCount } = await client.query({ name, text, values: columns })
  return rowCount ?? 0
}
