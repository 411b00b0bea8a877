/** Who did what to which thing, when, from where, and what came of it. */
import { Group, SegmentedControl, Select } from '@mantine/core'
import { IconClipboardList } from '@tabler/icons-react'
import { useInfiniteQuery } from '@tanstack/react-query'
import { EVENT_MEANINGS } from '@updraft/core'
import { type ItemOf, list } from '../data/queries.ts'
import { type Column, DataTable } from '../parts/data-table.tsx'
import { Empty } from '../parts/empty.tsx'
import { useListState } from '../parts/list-query.ts'
import { Page } from '../parts/page.tsx'
import { SearchField } from '../parts/search-field.tsx'
import { StateBadge } from '../parts/state-badge.tsx'
import { TimeAgo } from '../parts/time-ago.tsx'

type Event = ItemOf<'listEvents'>

const COLUMNS: readonly Column<Event>[] = [
  { key: 'at', head: 'When', width: '120px', cell: ({ at }) => <TimeAgo at={at} /> },
  { key: 'actor', head: 'Who', cell: (event) => <Who event={event} /> },
  { key: 'what', head: 'What', cell: (event) => <What event={event} /> },
  {
    key: 'subject',
    head: 'To what',
    rank: 1,
    cell: ({ subject }) => (
      <>
        {subject.name} <span className="quiet">{subject.kind}</span>
      </>
    ),
  },
  {
    key: 'from',
    head: 'From',
    width: '120px',
    rank: 3,
    cell: ({ actor }) => <span className="mono">{actor.from ?? ''}</span>,
  },
  {
    key: 'reason',
    head: 'Because',
    rank: 2,
    cell: ({ reason }) => <span title={reason?.message}>{reason?.message}</span>,
  },
]

/** First parts of the kinds: device, operation, … */
const NOUNS = [...new Set(Object.keys(EVENT_MEANINGS).map((kind) => kind.split('.')[0] ?? ''))]

export function Audit() {
  const { state, change } = useListState()
  const query = useInfiniteQuery(
    list('audit', 'listEvents', {
      query: {
        search: state.search,
        kind: state.kind,
        result: state.result === 'refused' ? 'refused' : undefined,
        deviceId: state.deviceId,
        limit: 100,
      },
    }),
  )
  const isFiltered = Boolean(state.search || state.kind || state.result || state.deviceId)
  return (
    <Page title="Audit" fills>
      <Group gap="xs" className="filters">
        <SearchField label="Search the audit log" placeholder="Search people and things" />
        <Select
          aria-label="About"
          placeholder="About anything"
          data={NOUNS}
          value={state.kind ?? null}
          onChange={(kind) => change({ kind: kind ?? undefined })}
          clearable
        />
        <SegmentedControl
          aria-label="Result"
          size="sm"
          data={[
            { value: 'all', label: 'All' },
            { value: 'refused', label: 'Refused' },
          ]}
          value={state.result ?? 'all'}
          onChange={(result) => change({ result: result === 'all' ? undefined : result })}
        />
      </Group>
      <DataTable
        label="Audit log"
        query={query}
        columns={COLUMNS}
        empty={
          <Empty
            Icon={IconClipboardList}
            title={isFiltered ? 'Nothing like that happened' : 'Nothing has happened yet'}
          />
        }
      />
    </Page>
  )
}

function Who({ event: { actor } }: { event: Event }) {
  return (
    <>
      {actor.name}
      {actor.kind !== 'operator' && <span className="quiet"> {actor.kind}</span>}
      {actor.via?.startsWith('token') && <span className="quiet"> by {actor.via}</span>}
    </>
  )
}

function What({ event: { kind, result } }: { event: Event }) {
  return (
    <>
      {result === 'refused' && <StateBadge look="FAILED" isBare word="refused" />}{' '}
      <span title={kind}>{EVENT_MEANINGS[kind]}</span>
    </>
  )
}
