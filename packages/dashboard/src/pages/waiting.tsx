/** Devices that registered by themselves and wait for somebody who claims them. */
import { Button, Group } from '@mantine/core'
import { IconDoorEnter, IconPlugConnected, IconSearch, IconTrash } from '@tabler/icons-react'
import { useInfiniteQuery } from '@tanstack/react-query'
import type { Json } from '@updraft/core'
import { useState } from 'react'
import { useChange } from '../data/changes.ts'
import { type ItemOf, list } from '../data/queries.ts'
import { useMay } from '../data/session.ts'
import { BulkBar } from '../parts/bulk-bar.tsx'
import { type Column, DataTable } from '../parts/data-table.tsx'
import { Empty } from '../parts/empty.tsx'
import { useListState } from '../parts/list-query.ts'
import { Page } from '../parts/page.tsx'
import { ProfileFilter } from '../parts/profile-filter.tsx'
import { SearchField } from '../parts/search-field.tsx'
import { TimeAgo } from '../parts/time-ago.tsx'
import { counted } from '../words/numbers.ts'
import { Claim } from './waiting/claim.tsx'
import { Connect, ConnectDialog } from './waiting/connect.tsx'
import './waiting/waiting.css'

export type WaitingDevice = ItemOf<'listWaitingDevices'>

/** Whoever comes to wait is told to nobody. */
export const LOOK_AGAIN_MS = 15_000

const COLUMNS: readonly Column<WaitingDevice>[] = [
  {
    key: 'saidId',
    head: 'Calls itself',
    cell: ({ saidId }) => <span className="strong mono">{saidId}</span>,
  },
  { key: 'profile', head: 'Product', width: '16%', cell: ({ profile }) => profile },
  {
    key: 'version',
    head: 'Runs',
    width: '110px',
    rank: 2,
    cell: ({ version }) => <span className="mono">{version ?? '—'}</span>,
  },
  {
    key: 'facts',
    head: 'Tells of itself',
    width: '30%',
    rank: 1,
    cell: ({ facts }) => {
      const text = inShort(facts)
      return <span title={text}>{text || <span className="quiet">nothing</span>}</span>
    },
  },
  {
    key: 'cloud',
    head: 'Came through',
    width: '130px',
    rank: 3,
    cell: ({ cloud }) => cloud ?? <span className="quiet">no cloud</span>,
  },
  {
    key: 'times',
    head: 'Came',
    width: '84px',
    isNumeric: true,
    rank: 2,
    cell: ({ times }) => `${counted(times)}×`,
  },
  {
    key: 'first',
    head: 'First seen',
    width: '110px',
    rank: 2,
    cell: ({ firstSeenAt }) => <TimeAgo at={firstSeenAt} />,
  },
  {
    key: 'last',
    head: 'Last seen',
    width: '110px',
    rank: 1,
    cell: ({ lastSeenAt }) => <TimeAgo at={lastSeenAt} />,
  },
]

/** "model: GX-1, region: eu": what can be said in a line. */
const inShort = (facts: Readonly<Record<string, Json>>): string =>
  Object.entries(facts)
    .map(([name, value]) => `${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ')

export function Waiting() {
  const { state, change } = useListState()
  const may = useMay()
  const mayClaim = may('device.write')
  const { search, profile } = state
  const query = useInfiniteQuery({
    ...list('registrations', 'listWaitingDevices', { query: { search, profile, limit: 100 } }),
    refetchInterval: LOOK_AGAIN_MS,
  })
  const waiting = query.data?.pages.flatMap(({ items }) => items) ?? []
  const [selected, select] = useState<ReadonlySet<string>>(new Set())
  const [claimed, claim] = useState<readonly WaitingDevice[] | null>(null)
  const chosen = waiting.filter(({ id }) => selected.has(id))
  const forget = useChange('forgetWaitingDevice', { touches: ['registrations'] })
  const isFiltered = Boolean(search || profile)
  const over = () => {
    claim(null)
    select(new Set())
  }
  return (
    <Page
      title="Waiting devices"
      fills
      actions={
        mayClaim &&
        waiting.length > 0 && (
          <Button
            variant="default"
            leftSection={<IconPlugConnected size={16} />}
            onClick={() => change({ add: 'device' })}
          >
            Connect a device
          </Button>
        )
      }
    >
      {(isFiltered || waiting.length > 0) && (
        <Group gap="xs" className="filters">
          <SearchField label="Search waiting devices" placeholder="Search names" />
          <ProfileFilter />
        </Group>
      )}
      <DataTable
        label="Waiting devices"
        query={query}
        columns={COLUMNS}
        selection={mayClaim ? { ids: selected, onChange: select } : undefined}
        onOpen={mayClaim ? (device) => claim([device]) : undefined}
        empty={
          isFiltered ? (
            <Empty Icon={IconSearch} title="No waiting device is like that">
              Take a filter away to see more.
            </Empty>
          ) : (
            <div className="waiting-empty">
              <Empty Icon={IconDoorEnter} title="Nobody waits">
                Devices that speak Ioto register by themselves and wait here until you claim them.
                Point one at this server:
              </Empty>
              <div className="card">
                <Connect />
              </div>
            </div>
          )
        }
      />
      {chosen.length > 0 && (
        <BulkBar count={chosen.length} onClear={() => select(new Set())}>
          <Button size="xs" leftSection={<IconDoorEnter size={14} />} onClick={() => claim(chosen)}>
            Claim
          </Button>
          <Button
            size="xs"
            variant="default"
            leftSection={<IconTrash size={14} />}
            title="They are noted anew when they come again"
            onClick={() => {
              for (const { id } of chosen) forget.mutate({ params: { id } })
              over()
            }}
          >
            Strike off
          </Button>
        </BulkBar>
      )}
      {claimed && <Claim devices={claimed} onDone={over} onClose={() => claim(null)} />}
      {state.add !== undefined && mayClaim && (
        <ConnectDialog onClose={() => change({ add: undefined })} />
      )}
    </Page>
  )
}
