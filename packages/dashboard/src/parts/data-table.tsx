/**
 * A list of any length: pages are fetched as it is scrolled, and only the rows in view are in the document.
 * Heads that can be sorted by are buttons; rows open with a click or Enter.
 */
import { Checkbox, Skeleton, UnstyledButton } from '@mantine/core'
import { IconArrowDown, IconArrowUp } from '@tabler/icons-react'
import type { UseInfiniteQueryResult } from '@tanstack/react-query'
import { useVirtualizer } from '@tanstack/react-virtual'
import { type ReactNode, useEffect, useRef } from 'react'
import { Trouble } from './trouble.tsx'
import './data-table.css'

const ROW_HEIGHT = 44
/** Widths of the lines that stand in for rows on their way. */
const SKELETONS = [88, 72, 80, 64, 84, 70, 76, 60]

export interface Column<T> {
  readonly key: string
  readonly head: string
  readonly cell: (item: T) => ReactNode
  /** The field the server sorts by. */
  readonly sort?: string
  /** CSS width; the others share what is left. */
  readonly width?: string
  readonly isNumeric?: boolean
  /** Left out on narrow screens, the greatest first. */
  readonly rank?: 1 | 2 | 3
}

export interface Selection {
  readonly ids: ReadonlySet<string>
  readonly onChange: (ids: ReadonlySet<string>) => void
}

type Pages<T> = UseInfiniteQueryResult<
  { pages: { items: T[]; nextCursor: string | null }[] },
  Error
>

export function DataTable<T extends { id: string }>({
  label,
  query,
  columns,
  sort,
  onSort,
  onOpen,
  openId,
  selection,
  empty,
}: {
  label: string
  query: Pages<T>
  columns: readonly Column<T>[]
  /** A field, with - in front for descending. */
  sort?: string
  onSort?: (sort: string) => void
  onOpen?: (item: T) => void
  /** The row whose details are open. */
  openId?: string
  selection?: Selection
  empty: ReactNode
}) {
  const frame = useRef<HTMLDivElement>(null)
  const items = query.data?.pages.flatMap((page) => page.items) ?? []
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = query
  const rows = useVirtualizer({
    count: items.length,
    getScrollElement: () => frame.current,
    estimateSize: () => ROW_HEIGHT,
    getItemKey: (index) => items[index]?.id ?? index,
    overscan: 12,
  })
  const inView = rows.getVirtualItems()
  const last = inView.at(-1)?.index ?? 0
  useEffect(() => {
    if (hasNextPage && !isFetchingNextPage && last >= items.length - 20) void fetchNextPage()
  }, [hasNextPage, isFetchingNextPage, fetchNextPage, last, items.length])

  if (query.error && items.length === 0) {
    return <Trouble error={query.error} onRetry={() => void query.refetch()} />
  }
  if (!query.isPending && items.length === 0) return empty
  const above = inView[0]?.start ?? 0
  const below = rows.getTotalSize() - (inView.at(-1)?.end ?? 0)

  return (
    <div
      // Rows that open can be gone through with the keyboard; where none do, the table itself scrolls with it.
      tabIndex={onOpen ? undefined : 0}
      className="data-table"
      ref={frame}
      data-refreshing={query.isPlaceholderData || undefined}
    >
      <table aria-label={label} aria-rowcount={items.length} aria-busy={query.isPending}>
        <thead>
          <tr>
            {selection && <SelectAll items={items} selection={selection} />}
            {columns.map((column) => (
              <Head key={column.key} column={column} sort={sort} onSort={onSort} />
            ))}
          </tr>
        </thead>
        <tbody>
          {query.isPending && (
            <Skeletons columns={columns} isSelectable={selection !== undefined} />
          )}
          <Spacer height={above} />
          {inView.map(({ index }) => {
            const item = items[index]
            return (
              item && (
                <Row
                  key={item.id}
                  item={item}
                  columns={columns}
                  onOpen={onOpen}
                  isOpen={item.id === openId}
                  selection={selection}
                />
              )
            )
          })}
          <Spacer height={below} />
        </tbody>
      </table>
    </div>
  )
}

function Head<T>({
  column,
  sort,
  onSort,
}: {
  column: Column<T>
  sort?: string
  onSort?: (sort: string) => void
}) {
  const { key, head, sort: field, width, isNumeric, rank } = column
  const isSorted = field !== undefined && sort?.replace('-', '') === field
  const isDescending = isSorted && sort?.startsWith('-') === true
  const Arrow = isDescending ? IconArrowDown : IconArrowUp
  return (
    <th
      key={key}
      scope="col"
      style={{ width }}
      data-numeric={isNumeric || undefined}
      data-rank={rank}
      aria-sort={isSorted ? (isDescending ? 'descending' : 'ascending') : undefined}
    >
      {field && onSort ? (
        <UnstyledButton onClick={() => onSort(isSorted && !isDescending ? `-${field}` : field)}>
          {head}
          {isSorted && <Arrow size={12} aria-hidden />}
        </UnstyledButton>
      ) : (
        head
      )}
    </th>
  )
}

function Row<T extends { id: string }>({
  item,
  columns,
  onOpen,
  isOpen,
  selection,
}: {
  item: T
  columns: readonly Column<T>[]
  onOpen?: (item: T) => void
  isOpen: boolean
  selection?: Selection
}) {
  const isSelected = selection?.ids.has(item.id) ?? false
  return (
    <tr
      data-open={isOpen || undefined}
      data-opens={onOpen ? true : undefined}
      aria-selected={selection ? isSelected : undefined}
      tabIndex={onOpen ? 0 : undefined}
      onClick={() => onOpen?.(item)}
      onKeyDown={(event) => {
        if (event.key === 'Enter' && event.target === event.currentTarget) onOpen?.(item)
      }}
    >
      {selection && (
        // biome-ignore lint/a11y/useKeyWithClickEvents: the box inside takes the keys; here a click is only kept from the row
        <td className="select" onClick={(event) => event.stopPropagation()}>
          <Checkbox
            size="xs"
            aria-label="Select"
            checked={isSelected}
            onChange={() => selection.onChange(toggled(selection.ids, item.id))}
          />
        </td>
      )}
      {columns.map(({ key, cell, isNumeric, rank }) => (
        <td key={key} data-numeric={isNumeric || undefined} data-rank={rank}>
          {cell(item)}
        </td>
      ))}
    </tr>
  )
}

function SelectAll<T extends { id: string }>({
  items,
  selection: { ids, onChange },
}: {
  items: readonly T[]
  selection: Selection
}) {
  const isAll = items.length > 0 && items.every(({ id }) => ids.has(id))
  return (
    <th className="select" scope="col">
      <Checkbox
        size="xs"
        aria-label="Select all that are loaded"
        checked={isAll}
        indeterminate={!isAll && ids.size > 0}
        onChange={() => onChange(isAll ? new Set() : new Set(items.map(({ id }) => id)))}
      />
    </th>
  )
}

/** Stands for rows out of view; neither read nor seen. */
const Spacer = ({ height }: { height: number }) =>
  height > 0 && (
    <tr aria-hidden className="spacer">
      <td style={{ height }} />
    </tr>
  )

/** A cell for each head: a cell over several would count the columns that are left out on narrow screens. */
function Skeletons<T>({
  columns,
  isSelectable,
}: {
  columns: readonly Column<T>[]
  isSelectable: boolean
}) {
  return SKELETONS.map((percent) => (
    <tr key={percent} aria-hidden>
      {isSelectable && <td className="select" />}
      {columns.map(({ key, rank }) => (
        <td key={key} data-rank={rank}>
          <Skeleton height={12} width={`${percent}%`} />
        </td>
      ))}
    </tr>
  ))
}

function toggled(ids: ReadonlySet<string>, id: string): ReadonlySet<string> {
  const next = new Set(ids)
  if (!next.delete(id)) next.add(id)
  return next
}
