/** All devices: searched, filtered and sorted by the server, read in pages. */
import { Button, Group, Select } from '@mantine/core'
import { IconCpu, IconFileSpreadsheet, IconPlus, IconSearch } from '@tabler/icons-react'
import { useInfiniteQuery } from '@tanstack/react-query'
import { Outlet, useNavigate, useParams } from '@tanstack/react-router'
import { STATE_TABLE, STATES } from '@updraft/core'
import { useState } from 'react'
import { useJob } from '../data/job.ts'
import { type ItemOf, list } from '../data/queries.ts'
import { useMay } from '../data/session.ts'
import { nameColumn } from '../parts/columns.tsx'
import { type Column, DataTable } from '../parts/data-table.tsx'
import { Empty } from '../parts/empty.tsx'
import { FilterPill } from '../parts/filter-pill.tsx'
import { useListState } from '../parts/list-query.ts'
import { Page } from '../parts/page.tsx'
import { ProfileFilter, useProfiles } from '../parts/profile-filter.tsx'
import { Progress } from '../parts/progress.tsx'
import { SearchField } from '../parts/search-field.tsx'
import { StateBadge } from '../parts/state-badge.tsx'
import { TimeAgo } from '../parts/time-ago.tsx'
import { COUNTERS, lookOf } from '../words/states.tsx'
import { AddDevice } from './devices/add.tsx'
import { Bulk } from './devices/bulk.tsx'
import { ImportDevices } from './devices/import.tsx'
import { JobUnderWay } from './devices/job.tsx'
import './devices/devices.css'

type Device = ItemOf<'listDevices'>

const COLUMNS: readonly Column<Device>[] = [
  nameColumn({ sort: 'name' }),
  { key: 'profile', head: 'Profile', sort: 'profile', rank: 2, cell: ({ profile }) => profile },
  {
    key: 'state',
    head: 'State',
    width: '150px',
    cell: (device) => <StateBadge look={lookOf(device)} isBare />,
  },
  {
    key: 'progress',
    head: 'Progress',
    width: '120px',
    rank: 3,
    cell: (device) => <UnderWay device={device} />,
  },
  { key: 'current', head: 'Runs', rank: 1, cell: (device) => <Runs device={device} /> },
  { key: 'target', head: 'Target', rank: 1, cell: (device) => <Target device={device} /> },
  {
    key: 'seen',
    head: 'Seen',
    sort: 'lastSeenAt',
    width: '120px',
    rank: 2,
    cell: ({ lastSeenAt }) => <TimeAgo at={lastSeenAt} never="never" />,
  },
]

/** Each state, and the one counter of the overview that stands for several. */
const STATE_CHOICES = [
  { value: COUNTERS.updating.states.join(','), label: 'under way' },
  ...STATES.map((state) => ({ value: state as string, label: STATE_TABLE[state].word })),
]

export function Devices() {
  const { state, change } = useListState()
  const navigate = useNavigate()
  const { deviceId } = useParams({ strict: false }) as { deviceId?: string }
  const sort = state.sort ?? 'name'
  const query = useInfiniteQuery(
    list('devices', 'listDevices', {
      query: {
        search: state.search,
        profile: state.profile,
        state: state.state,
        label: state.label,
        customer: state.customer,
        cloud: state.cloud,
        releaseId: state.releaseId,
        sort,
        limit: 100,
      },
    }),
  )
  const profiles = useProfiles()
  const may = useMay()
  const maySelect = may('assignment.write') || may('device.write')
  const [selected, select] = useState<ReadonlySet<string>>(new Set())
  const isBusy = useJob()?.result === null
  const chosen = (query.data?.pages ?? [])
    .flatMap(({ items }) => items)
    .filter(({ id }) => selected.has(id))
  const add = (
    <>
      <Button
        variant="default"
        leftSection={<IconFileSpreadsheet size={16} />}
        onClick={() => change({ import: 'csv' })}
      >
        Import
      </Button>
      <Button leftSection={<IconPlus size={16} />} onClick={() => change({ add: 'device' })}>
        Add a device
      </Button>
    </>
  )
  const isFiltered = Boolean(
    state.search ||
      state.profile ||
      state.state ||
      state.label ||
      state.customer ||
      state.cloud ||
      state.releaseId,
  )

  return (
    <Page title="Devices" fills actions={may('device.write') && add}>
      <Group gap="xs" className="filters">
        <SearchField label="Search devices" placeholder="Search names" />
        <ProfileFilter />
        <Select
          aria-label="State"
          placeholder="Any state"
          data={STATE_CHOICES}
          value={state.state ?? null}
          onChange={(wanted) => change({ state: wanted ?? undefined })}
          clearable
        />
        <FilterPill value={state.customer} onRemove={() => change({ customer: undefined })}>
          of {state.customer}
        </FilterPill>
        <FilterPill value={state.cloud} onRemove={() => change({ cloud: undefined })}>
          of cloud {state.cloud}
        </FilterPill>
        <FilterPill value={state.releaseId} onRemove={() => change({ releaseId: undefined })}>
          of one release
        </FilterPill>
      </Group>
      <DataTable
        label="Devices"
        query={query}
        columns={COLUMNS}
        sort={sort}
        onSort={(wanted) => change({ sort: wanted })}
        openId={deviceId}
        selection={maySelect ? { ids: selected, onChange: select } : undefined}
        onOpen={({ id }) => void navigate({ href: `/devices/${id}${location.search}` })}
        empty={
          isFiltered ? (
            <Empty Icon={IconSearch} title="No device is like that">
              Take a filter away to see more.
            </Empty>
          ) : (
            <Empty
              Icon={IconCpu}
              title="No devices yet"
              action={may('device.write') && <Group gap="xs">{add}</Group>}
            >
              Add a device, import a list, or let devices enrol themselves through a profile.
            </Empty>
          )
        }
      />
      {chosen.length > 0 && !isBusy && <Bulk devices={chosen} onClear={() => select(new Set())} />}
      <JobUnderWay onSelect={select} />
      {state.add !== undefined && may('device.write') && (
        <AddDevice
          initialProfile={profiles.find(({ name }) => name === state.add)?.name}
          onClose={() => change({ add: undefined })}
        />
      )}
      {state.import !== undefined && may('device.write') && (
        <ImportDevices onClose={() => change({ import: undefined })} />
      )}
      <Outlet />
    </Page>
  )
}

function UnderWay({ device }: { device: Device }) {
  const { operation } = device
  if (!operation || operation.endedAt) return null
  return (
    <Progress
      percent={operation.progress}
      look={operation.state}
      label={`${device.name}: progress`}
    />
  )
}

/** What it says it runs, the component that is being updated first. */
function Runs({ device: { installed, operation } }: { device: Device }) {
  const types = Object.keys(installed).sort()
  const [type] = operation && installed[operation.type] ? [operation.type] : types
  const runs = type === undefined ? undefined : installed[type]
  if (!runs) return <span className="quiet">—</span>
  return (
    <>
      {runs.title} <span className="mono">{runs.version}</span>
      {types.length > 1 && <span className="quiet"> +{types.length - 1}</span>}
    </>
  )
}

function Target({ device: { components, operation } }: { device: Device }) {
  const targets = Object.entries(components).flatMap(([type, { target }]) =>
    target ? [{ type, target }] : [],
  )
  const foremost = targets.find(({ type }) => type === operation?.type) ?? targets[0]
  if (!foremost) return <span className="quiet">—</span>
  const { title, version } = foremost.target
  return (
    <>
      {title} <span className="mono">{version}</span>
    </>
  )
}
