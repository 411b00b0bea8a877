/** Groups hold devices, channels hold groups: whom campaigns are for. */
import { Button, Tabs } from '@mantine/core'
import { IconPlus, IconUsersGroup } from '@tabler/icons-react'
import { useInfiniteQuery } from '@tanstack/react-query'
import { Outlet, useNavigate, useParams } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { type ItemOf, list } from '../data/queries.ts'
import { useMay } from '../data/session.ts'
import { addedColumn, nameColumn } from '../parts/columns.tsx'
import { type Column, DataTable } from '../parts/data-table.tsx'
import { Empty } from '../parts/empty.tsx'
import { useListState } from '../parts/list-query.ts'
import { Page } from '../parts/page.tsx'
import { ChannelDialog } from './groups/channel-dialog.tsx'
import { GroupDialog } from './groups/group-dialog.tsx'
import './groups/groups.css'

type Group = ItemOf<'listGroups'>
type Channel = ItemOf<'listChannels'>

const handle = {
  key: 'handle',
  head: 'Handle',
  sort: 'handle',
  width: '16%',
  rank: 1,
  cell: ({ handle }: { handle: string }) => <span className="mono">{handle}</span>,
} as const

const GROUP_COLUMNS: readonly Column<Group>[] = [
  { ...nameColumn({ sort: 'name' }), width: '22%' },
  handle,
  {
    key: 'expression',
    head: 'Holds devices for which',
    cell: ({ expression }) => (
      <code className="mono" title={expression}>
        {expression}
      </code>
    ),
  },
  {
    key: 'channel',
    head: 'Channel',
    width: '16%',
    rank: 2,
    cell: ({ channel }) => channel?.name ?? <span className="quiet">—</span>,
  },
  addedColumn({ sort: 'createdAt', rank: 3 }),
]

const CHANNEL_COLUMNS: readonly Column<Channel>[] = [
  nameColumn({ sort: 'name' }),
  handle,
  {
    key: 'groups',
    head: 'Groups',
    cell: ({ groups }) =>
      groups.map(({ name }) => name).join(', ') || <span className="quiet">none</span>,
  },
  addedColumn({ sort: 'createdAt', rank: 2 }),
]

export function Groups() {
  const { state, change } = useListState()
  const { channelId } = useParams({ strict: false }) as { channelId?: string }
  const may = useMay()
  const part = state.part === 'channels' || channelId !== undefined ? 'channels' : 'groups'
  const isGroups = part === 'groups'
  const add = may('group.write') && (
    <Button leftSection={<IconPlus size={16} />} onClick={() => change({ add: part })}>
      {isGroups ? 'Add a group' : 'Add a channel'}
    </Button>
  )
  const close = () => change({ add: undefined })
  return (
    <Page title="Groups & channels" fills actions={add}>
      <Tabs
        value={part}
        onChange={(to) => change({ part: to === 'groups' ? undefined : (to ?? undefined) })}
      >
        <Tabs.List>
          <Tabs.Tab value="groups">Groups</Tabs.Tab>
          <Tabs.Tab value="channels">Channels</Tabs.Tab>
        </Tabs.List>
      </Tabs>
      {isGroups ? <GroupList add={add} /> : <ChannelList add={add} />}
      {state.add === 'groups' && may('group.write') && <GroupDialog onClose={close} />}
      {state.add === 'channels' && may('group.write') && <ChannelDialog onClose={close} />}
      <Outlet />
    </Page>
  )
}

function GroupList({ add }: { add: ReactNode }) {
  const { state, change } = useListState()
  const navigate = useNavigate()
  const { groupId } = useParams({ strict: false }) as { groupId?: string }
  const sort = state.sort ?? 'name'
  return (
    <DataTable
      label="Groups"
      query={useInfiniteQuery(list('groups', 'listGroups', { query: { sort, limit: 100 } }))}
      columns={GROUP_COLUMNS}
      sort={sort}
      onSort={(wanted) => change({ sort: wanted })}
      openId={groupId}
      onOpen={({ id }) => void navigate({ href: `/groups/${id}${location.search}` })}
      empty={
        <Empty Icon={IconUsersGroup} title="No groups yet" action={add}>
          A group is all devices that meet an expression, such as those with a label. Who comes to
          meet it belongs to it.
        </Empty>
      }
    />
  )
}

function ChannelList({ add }: { add: ReactNode }) {
  const { state, change } = useListState()
  const navigate = useNavigate()
  const { channelId } = useParams({ strict: false }) as { channelId?: string }
  const sort = state.sort ?? 'name'
  return (
    <DataTable
      label="Channels"
      query={useInfiniteQuery(list('groups', 'listChannels', { query: { sort, limit: 100 } }))}
      columns={CHANNEL_COLUMNS}
      sort={sort}
      onSort={(wanted) => change({ sort: wanted })}
      openId={channelId}
      onOpen={({ id }) =>
        void navigate({ href: `/groups/channel/${id}${location.search || '?part=channels'}` })
      }
      empty={
        <Empty Icon={IconUsersGroup} title="No channels yet" action={add}>
          A channel is a set of groups under one name, such as beta or stable, to which campaigns
          are addressed.
        </Empty>
      }
    />
  )
}
