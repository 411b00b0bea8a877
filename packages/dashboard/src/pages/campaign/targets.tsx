/** The devices of a campaign, a tab for each way they may fare. */
import { Tabs } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import type { TargetStatus } from '@updraft/core'
import { type ItemOf, list, rowsBy } from '../../data/queries.ts'
import { type Column, DataTable } from '../../parts/data-table.tsx'
import { useListState } from '../../parts/list-query.ts'
import { Progress } from '../../parts/progress.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import { TimeAgo } from '../../parts/time-ago.tsx'
import { TARGET_ORDER, TARGETS } from '../../words/campaigns.ts'
import { counted } from '../../words/numbers.ts'
import { withTimes } from '../../words/time.ts'
import type { CampaignData } from '../campaign.tsx'

type Target = ItemOf<'listTargets'>
type Row = Target & { readonly id: string }

const device: Column<Row> = {
  key: 'device',
  head: 'Device',
  width: '30%',
  cell: ({ device: { name } }) =>
    name === null ? <span className="quiet">removed</span> : <span className="strong">{name}</span>,
}
const why: Column<Row> = {
  key: 'why',
  head: 'Why',
  cell: ({ because, operation }) => {
    const text = withTimes(operation?.error ?? because)
    return <span title={text}>{text}</span>
  },
}
const ended: Column<Row> = {
  key: 'ended',
  head: 'Ended',
  width: '110px',
  rank: 1,
  cell: ({ endedAt }) => <TimeAgo at={endedAt} />,
}
const retries: Column<Row> = {
  key: 'retries',
  head: 'Retries',
  width: '80px',
  rank: 1,
  isNumeric: true,
  cell: ({ operation }) => operation?.retries ?? 0,
}

const COLUMNS: Readonly<Record<TargetStatus, readonly Column<Row>[]>> = {
  successful: [
    device,
    {
      key: 'before',
      head: 'It had',
      cell: ({ before, because }) =>
        before?.version ? (
          <>
            {before.title} <span className="mono">{before.version}</span>
          </>
        ) : (
          <span className="quiet">{because}</span>
        ),
    },
    retries,
    ended,
  ],
  failed: [device, why, retries, ended],
  'in-progress': [
    device,
    {
      key: 'state',
      head: 'State',
      width: '140px',
      cell: ({ operation }) => operation && <StateBadge look={operation.state} isBare />,
    },
    {
      key: 'progress',
      head: 'Progress',
      rank: 1,
      cell: ({ device: { name }, operation }) =>
        operation && (
          <Progress
            percent={operation.progress}
            look={operation.state}
            label={`${name ?? 'A device'}: progress`}
          />
        ),
    },
    retries,
    {
      key: 'asked',
      head: 'Asked',
      width: '110px',
      rank: 1,
      cell: ({ askedAt }) => <TimeAgo at={askedAt} />,
    },
  ],
  idle: [device, why],
  skipped: [device, why, ended],
}

/** The one that tells most: what went wrong, then who is at it. */
const FOREMOST: readonly TargetStatus[] = ['failed', 'in-progress', 'idle', 'skipped']

const isStatus = (text: string | undefined): text is TargetStatus =>
  text !== undefined && text in TARGETS

export function Targets({ campaign: { id, tally } }: { campaign: CampaignData }) {
  const { state, change } = useListState()
  const foremost = FOREMOST.find((status) => tally[status] > 0) ?? 'successful'
  const open = isStatus(state.targets) ? state.targets : foremost
  return (
    <Tabs
      value={open}
      onChange={(status) => change({ targets: status ?? undefined })}
      keepMounted={false}
    >
      <Tabs.List mb="sm" className="tabs-line target-tabs">
        {TARGET_ORDER.map((status) => (
          <Tabs.Tab
            key={status}
            value={status}
            rightSection={<span className="quiet figure">{counted(tally[status])}</span>}
          >
            {TARGETS[status].word}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      <Tabs.Panel value={open}>
        <List key={open} id={id} status={open} />
      </Tabs.Panel>
    </Tabs>
  )
}

function List({ id, status }: { id: string; status: TargetStatus }) {
  const navigate = useNavigate()
  const isOver = status === 'successful' || status === 'failed' || status === 'skipped'
  const query = useInfiniteQuery({
    ...list('campaigns', 'listTargets', {
      params: { id },
      query: { status, sort: isOver ? '-endedAt' : '-askedAt', limit: 100 },
    }),
    select: rowsBy(({ device }: Target) => device.id),
  })
  return (
    <DataTable
      label={`Devices: ${TARGETS[status].word}`}
      query={query}
      columns={COLUMNS[status]}
      onOpen={({ id: deviceId, device: { name } }) => {
        if (name !== null) void navigate({ to: '/devices/$deviceId', params: { deviceId } })
      }}
      empty={<p className="quiet">None.</p>}
    />
  )
}
