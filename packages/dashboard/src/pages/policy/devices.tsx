/** The devices of a policy, a tab for each way they may stand. */
import { Tabs } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { type ItemOf, list, rowsBy } from '../../data/queries.ts'
import { type Column, DataTable } from '../../parts/data-table.tsx'
import { useListState } from '../../parts/list-query.ts'
import { StateBadge } from '../../parts/state-badge.tsx'
import { TimeAgo } from '../../parts/time-ago.tsx'
import { STANDINGS, standingOf } from '../../words/policies.ts'
import { withTimes } from '../../words/time.ts'
import { LOOK_AGAIN_MS } from './versions.tsx'

type Device = ItemOf<'listPolicyDevices'>
type Row = Device & { readonly id: string }

const TABS = {
  all: { word: 'all', query: {} },
  offered: { word: STANDINGS.offered.word, query: { standing: 'offered' } },
  deferred: { word: STANDINGS.deferred.word, query: { standing: 'deferred' } },
  started: { word: STANDINGS.started.word, query: { fared: 'started' } },
  succeeded: { word: STANDINGS.succeeded.word, query: { fared: 'succeeded' } },
  failed: { word: STANDINGS.failed.word, query: { fared: 'failed' } },
} as const
type Tab = keyof typeof TABS

const isTab = (text: string | undefined): text is Tab => text !== undefined && text in TABS

const COLUMNS: readonly Column<Row>[] = [
  {
    key: 'device',
    head: 'Device',
    cell: ({ device: { name } }) => <span className="strong">{name}</span>,
  },
  {
    key: 'standing',
    head: 'Standing',
    width: '122px',
    cell: (row) => <StateBadge {...STANDINGS[standingOf(row)]} isBare />,
  },
  {
    key: 'why',
    head: 'Why',
    width: '38%',
    rank: 1,
    cell: ({ because: { message } }) => {
      const text = withTimes(withoutName(message))
      return <span title={text}>{text}</span>
    },
  },
  { key: 'at', head: 'Since', width: '104px', rank: 1, cell: ({ at }) => <TimeAgo at={at} /> },
]

/** Of the release all of them speak: "gateway@1.5.0, because …" is said once, above. */
const withoutName = (message: string): string => message.replace(/^\S+@\S+(?:, because| is) /, '')

export function PolicyDevices({ releaseId }: { releaseId: string }) {
  const { state, change } = useListState()
  const navigate = useNavigate()
  const open = isTab(state.standing) ? state.standing : 'all'
  const query = useInfiniteQuery({
    ...list('policies', 'listPolicyDevices', {
      params: { id: releaseId },
      query: { ...TABS[open].query, limit: 100 },
    }),
    select: rowsBy(({ device }: Device) => device.id),
    refetchInterval: LOOK_AGAIN_MS,
  })
  return (
    <Tabs
      value={open}
      onChange={(tab) => change({ standing: tab === 'all' ? undefined : (tab ?? undefined) })}
      keepMounted={false}
    >
      <Tabs.List mb="sm" className="tabs-line">
        {(Object.keys(TABS) as Tab[]).map((tab) => (
          <Tabs.Tab key={tab} value={tab}>
            {TABS[tab].word}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      <Tabs.Panel value={open}>
        <DataTable
          label="Devices of the policy"
          query={query}
          columns={COLUMNS}
          onOpen={({ id: deviceId }) =>
            void navigate({ to: '/devices/$deviceId', params: { deviceId } })
          }
          empty={
            <p className="quiet">
              {open === 'all' ? 'No device has asked for it yet.' : 'None is so now.'}
            </p>
          }
        />
      </Tabs.Panel>
    </Tabs>
  )
}
