/** Groups hold devices, channels hold groups: whom campaigns are for. Beside them what part numbers stand for. */
import { Button, Tabs } from '@mantine/core'
import { IconPlus, IconUsersGroup } from '@tabler/icons-react'
import { useInfiniteQuery } from '@tanstack/react-query'
import { Outlet, useNavigate, useParams } from '@tanstack/react-router'
import type { Permission } from '@updraft/core'
import type { ComponentType, ReactNode } from 'react'
import { type ItemOf, list } from '../data/queries.ts'
import { useMay } from '../data/session.ts'
import { addedColumn, nameColumn } from '../parts/columns.tsx'
import { type Column, DataTable } from '../parts/data-table.tsx'
import { Empty } from '../parts/empty.tsx'
import { useListState } from '../parts/list-query.ts'
import { Page } from '../parts/page.tsx'
import { ChannelDialog } from './groups/channel-dialog.tsx'
import { GroupDialog } from './groups/group-dialog.tsx'
import { HardwareTypeDialog, SystemModelDialog } from './groups/model-dialogs.tsx'
import { HardwareTypes, SystemModels } from './groups/models.tsx'

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

interface Part {
  readonly label: string
  /** What the button says that adds one. */
  readonly verb: string
  readonly read: Permission
  readonly write: Permission
  readonly List: ComponentType<{ add: ReactNode }>
  readonly Add: ComponentType<{ onClose: () => void }>
}

const PARTS = {
  groups: {
    label: 'Groups',
    verb: 'Add a group',
    read: 'group.read',
    write: 'group.write',
    List: GroupList,
    Add: GroupDialog,
  },
  channels: {
    label: 'Channels',
    verb: 'Add a channel',
    read: 'group.read',
    write: 'group.write',
    List: ChannelList,
    Add: ChannelDialog,
  },
  models: {
    label: 'System models',
    verb: 'Add a system model',
    read: 'model.read',
    write: 'model.write',
    List: SystemModels,
    Add: SystemModelDialog,
  },
  hardware: {
    label: 'Hardware types',
    verb: 'Add a hardware type',
    read: 'model.read',
    write: 'model.write',
    List: HardwareTypes,
    Add: HardwareTypeDialog,
  },
} as const satisfies Record<string, Part>
type PartKey = keyof typeof PARTS

const isPart = (key: string | undefined): key is PartKey => key !== undefined && key in PARTS

export function Groups() {
  const { state, change } = useListState()
  const { channelId } = useParams({ strict: false }) as { channelId?: string }
  const may = useMay()
  const parts = (Object.keys(PARTS) as PartKey[]).filter((key) => may(PARTS[key].read))
  const key = channelId !== undefined ? 'channels' : isPart(state.part) ? state.part : 'groups'
  const { verb, write, List, Add } = PARTS[key]
  const add = may(write) && (
    <Button leftSection={<IconPlus size={16} />} onClick={() => change({ add: key })}>
      {verb}
    </Button>
  )
  return (
    <Page title="Groups & channels" fills actions={add}>
      <Tabs
        value={key}
        onChange={(to) =>
          change({ part: to === 'groups' ? undefined : (to ?? undefined), sort: undefined })
        }
      >
        <Tabs.List className="tabs-line">
          {parts.map((each) => (
            <Tabs.Tab key={each} value={each}>
              {PARTS[each].label}
            </Tabs.Tab>
          ))}
        </Tabs.List>
      </Tabs>
      <List add={add} />
      {state.add === key && may(write) && <Add onClose={() => change({ add: undefined })} />}
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
