/** Columns that stand in several lists. */
import type { Column } from './data-table.tsx'
import { TimeAgo } from './time-ago.tsx'

type Given<T> = Partial<Pick<Column<T>, 'head' | 'sort' | 'rank'>>

/** What a row is called; what it begins with. */
export const nameColumn = <T extends { name: string }>(given: Given<T> = {}): Column<T> => ({
  key: 'name',
  head: 'Name',
  cell: ({ name }) => <span className="strong">{name}</span>,
  ...given,
})

/** When it was added. */
export const addedColumn = <T extends { createdAt: string }>(given: Given<T> = {}): Column<T> => ({
  key: 'createdAt',
  head: 'Added',
  width: '120px',
  cell: ({ createdAt }) => <TimeAgo at={createdAt} />,
  ...given,
})
