/** The devices a group or a channel holds now. */
import { useInfiniteQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { type ItemOf, list } from '../../data/queries.ts'
import { nameColumn } from '../../parts/columns.tsx'
import { type Column, DataTable } from '../../parts/data-table.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import { TimeAgo } from '../../parts/time-ago.tsx'
import { lookOf } from '../../words/states.tsx'

type Device = ItemOf<'listDevices'>

const COLUMNS: readonly Column<Device>[] = [
  nameColumn(),
  { key: 'profile', head: 'Profile', rank: 1, cell: ({ profile }) => profile },
  {
    key: 'state',
    head: 'State',
    width: '150px',
    cell: (device) => <StateBadge look={lookOf(device)} isBare />,
  },
  {
    key: 'seen',
    head: 'Seen',
    width: '110px',
    rank: 1,
    cell: ({ lastSeenAt }) => <TimeAgo at={lastSeenAt} never="never" />,
  },
]

export function HeldDevices({
  of,
  id,
}: {
  of: 'listDevicesOfGroup' | 'listDevicesOfChannel'
  id: string
}) {
  const navigate = useNavigate()
  const query = useInfiniteQuery(list('devices', of, { params: { id }, query: { limit: 100 } }))
  return (
    <DataTable
      label="Devices"
      query={query}
      columns={COLUMNS}
      onOpen={({ id: deviceId }) =>
        void navigate({ to: '/devices/$deviceId', params: { deviceId } })
      }
      empty={<p className="quiet">No device now.</p>}
    />
  )
}
