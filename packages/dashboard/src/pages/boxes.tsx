/** All boxes, ours and Odoo's: devices whose handlers, code and image are updated each by itself. */
import { Anchor, Group, Select } from '@mantine/core'
import { IconHandStop, IconRouter, IconSearch } from '@tabler/icons-react'
import { useInfiniteQuery } from '@tanstack/react-query'
import { Link, Outlet, useNavigate, useParams } from '@tanstack/react-router'
import { type BoxLayerName, STATE_TABLE } from '@updraft/core'
import { useState } from 'react'
import { useBoxServer } from '../data/boxes.ts'
import { useJob } from '../data/job.ts'
import { type ItemOf, list } from '../data/queries.ts'
import { useMay } from '../data/session.ts'
import { type Column, DataTable } from '../parts/data-table.tsx'
import { Empty } from '../parts/empty.tsx'
import { FilterPill } from '../parts/filter-pill.tsx'
import { LinkButton } from '../parts/link-button.tsx'
import { useListState } from '../parts/list-query.ts'
import { Page } from '../parts/page.tsx'
import { ProfileFilter } from '../parts/profile-filter.tsx'
import { SearchField } from '../parts/search-field.tsx'
import { StateBadge } from '../parts/state-badge.tsx'
import { TimeAgo } from '../parts/time-ago.tsx'
import {
  BOX_KINDS,
  BOX_SETS,
  boxesWhere,
  holdOf,
  hostNameOf,
  isDriversOff,
  isOwn,
  LAYER_WORDS,
  lookOfBox,
  seriesOf,
  troublesOf,
} from '../words/boxes.ts'
import { useNow } from '../words/clock.ts'
import { LOOKS } from '../words/states.tsx'
import { exactTime } from '../words/time.ts'
import { Bulk } from './devices/bulk.tsx'
import { JobUnderWay } from './devices/job.tsx'
import './boxes/boxes.css'

type Box = ItemOf<'listDevices'>

const layerColumn = (layer: BoxLayerName, width: string, rank?: 1 | 2): Column<Box> => ({
  key: layer,
  head: LAYER_WORDS[layer],
  width,
  rank,
  cell: (box) => <Layer box={box} layer={layer} />,
})

const COLUMNS: readonly Column<Box>[] = [
  {
    key: 'name',
    head: 'Name',
    sort: 'name',
    cell: (box) => (
      <>
        <span className="strong">{box.name}</span> <span className="quiet">{hostNameOf(box)}</span>
      </>
    ),
  },
  {
    key: 'profile',
    head: 'Profile',
    sort: 'profile',
    width: '11%',
    rank: 3,
    cell: (box) => {
      const more = [isOwn(box) ? null : 'Odoo', box.customer].filter((each) => each !== null)
      return (
        <span title={[box.profile, ...more].join(' · ')}>
          {box.profile} <span className="quiet">{more.join(' · ')}</span>
        </span>
      )
    },
  },
  { key: 'state', head: 'State', width: '154px', cell: (box) => <Standing box={box} /> },
  layerColumn('handlers', '12.5%', 1),
  layerColumn('code', '14%', 2),
  layerColumn('image', '11%', 2),
  { key: 'set', head: 'Set', width: '108px', rank: 2, cell: (box) => <SetTo box={box} /> },
  {
    key: 'seen',
    head: 'Seen',
    sort: 'lastSeenAt',
    width: '116px',
    rank: 1,
    cell: ({ lastSeenAt }) => <TimeAgo at={lastSeenAt} never="never" />,
  },
]

const STATE_CHOICES = [
  { value: 'FAILED', label: STATE_TABLE.FAILED.word },
  { value: 'QUEUED', label: STATE_TABLE.QUEUED.word },
  { value: 'INITIATED,DOWNLOADING,DOWNLOADED,VERIFIED,UPDATING', label: 'under way' },
  { value: 'UPDATED', label: STATE_TABLE.UPDATED.word },
]

export function Boxes() {
  const { state, change } = useListState()
  const navigate = useNavigate()
  const { deviceId } = useParams({ strict: false }) as { deviceId?: string }
  const sort = state.sort ?? 'name'
  const { kind, set, series } = state
  const query = useInfiniteQuery(
    list('devices', 'listDevices', {
      query: {
        search: state.search,
        profile: state.profile,
        state: state.state,
        filter: boxesWhere({ kind, set, series }),
        sort,
        limit: 100,
      },
    }),
  )
  const may = useMay()
  const maySelect = may('assignment.write') || may('device.write')
  const [selected, select] = useState<ReadonlySet<string>>(new Set())
  const isBusy = useJob()?.result === null
  const chosen = (query.data?.pages ?? [])
    .flatMap(({ items }) => items)
    .filter(({ id }) => selected.has(id))
  const isFiltered = Boolean(state.search || state.profile || state.state || kind || set || series)
  return (
    <Page title="Boxes" fills>
      <Group gap="xs" className="filters box-filters">
        <SearchField label="Search boxes" placeholder="Search names" />
        <ProfileFilter />
        <Select
          aria-label="State"
          placeholder="Any state"
          data={STATE_CHOICES}
          value={state.state ?? null}
          onChange={(wanted) => change({ state: wanted ?? undefined })}
          clearable
        />
        <Select
          aria-label="Kind"
          placeholder="Any kind"
          data={[...BOX_KINDS]}
          value={kind ?? null}
          onChange={(wanted) => change({ kind: wanted ?? undefined })}
          clearable
        />
        <Select
          aria-label="Set"
          placeholder="However set"
          data={Object.entries(BOX_SETS).map(([value, { label }]) => ({ value, label }))}
          value={set ?? null}
          onChange={(wanted) => change({ set: wanted ?? undefined })}
          clearable
        />
        <FilterPill value={series} onRemove={() => change({ series: undefined })}>
          runs code of {series}
        </FilterPill>
      </Group>
      <DataTable
        label="Boxes"
        query={query}
        columns={COLUMNS}
        sort={sort}
        onSort={(wanted) => change({ sort: wanted })}
        openId={deviceId}
        selection={maySelect ? { ids: selected, onChange: select } : undefined}
        onOpen={({ id }) => void navigate({ href: `/boxes/${id}${location.search}` })}
        empty={
          isFiltered ? (
            <Empty Icon={IconSearch} title="No box is like that">
              Take a filter away to see more.
            </Empty>
          ) : (
            <NoBoxes />
          )
        }
      />
      {chosen.length > 0 && !isBusy && <Bulk devices={chosen} onClear={() => select(new Set())} />}
      <JobUnderWay onSelect={select} />
      <Outlet />
    </Page>
  )
}

function NoBoxes() {
  return (
    <Empty
      Icon={IconRouter}
      title="No boxes yet"
      action={<LinkButton to="/profiles">To the profiles</LinkButton>}
    >
      A box is a gateway that runs drivers. Say on a{' '}
      <Anchor component={Link} to="/profiles" c="inherit" underline="always">
        profile
      </Anchor>{' '}
      where its boxes reach this server. One of Odoo’s takes the token that stands there; one of
      ours runs <code className="mono">npx updraft-agent box</code> and takes the address and the
      key on its page.
    </Empty>
  )
}

/** The one word for it: what a person must look at comes before what is under way. */
function Standing({ box }: { box: Box }) {
  const [trouble] = troublesOf(box)
  return (
    <span title={trouble}>
      <StateBadge look={lookOfBox(box)} isBare />
    </span>
  )
}

/** What it runs, and where it is going. */
function Layer({ box, layer }: { box: Box; layer: BoxLayerName }) {
  const component = box.components[layer]
  const runs = box.installed[layer]?.version
  const target = component?.target?.version
  return (
    <span className="box-layer">
      {runs ? <span className="mono">{runs}</span> : <span className="quiet">—</span>}
      {target !== undefined && target !== runs && <Next component={component} version={target} />}
      {layer === 'code' && target === undefined && <OtherSeries box={box} />}
    </span>
  )
}

function Next({
  component,
  version,
}: {
  component: Box['components'][string] | undefined
  version: string
}) {
  const look = component?.held ? 'HELD_BACK' : (component?.operation?.state ?? 'QUEUED')
  const { Icon, word } = LOOKS[look]
  return (
    <span className="box-layer-next look" data-look={look} title={component?.because}>
      <Icon size={13} aria-hidden />
      <span className="visually-hidden">{word}: </span>
      <span className="mono">{version}</span>
    </span>
  )
}

/** Where it is to follow another series than it runs. */
function OtherSeries({ box }: { box: Box }) {
  const series = useBoxServer(box.profileId).data?.series
  const runs = seriesOf(box)
  if (series === undefined || runs === null || runs === series) return null
  const { Icon } = LOOKS.QUEUED
  return (
    <span
      className="box-layer-next look"
      data-look="QUEUED"
      title={`Boxes of ${box.profile} are to follow series ${series}.`}
    >
      <Icon size={13} aria-hidden />
      <span className="visually-hidden">to follow series </span>
      <span className="mono">{series}</span>
    </span>
  )
}

function SetTo({ box }: { box: Box }) {
  const hold = holdOf(box, useNow())
  if (hold) {
    const until = hold.until === null ? '' : ` Until ${exactTime(new Date(hold.until))}.`
    return (
      <span title={`${hold.reason}${until}`}>
        <StateBadge look="HELD_BACK" word="held" isBare />
      </span>
    )
  }
  if (!isDriversOff(box)) return <span className="quiet">automatic</span>
  return (
    <span className="box-set" title="Automatic drivers update is off">
      <IconHandStop size={14} aria-hidden /> by button
    </span>
  )
}
