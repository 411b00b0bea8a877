/** Whom a campaign is for, in a few words that lead there. */
import { Code } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { Audience } from '@updraft/api/shapes'
import { read } from '../../data/queries.ts'

export function AudienceOf({ audience }: { audience: Audience }) {
  if ('expression' in audience) {
    return (
      <>
        devices that meet <Code>{audience.expression}</Code>
      </>
    )
  }
  if ('channelId' in audience) return <ChannelName id={audience.channelId} />
  return <GroupNames ids={audience.groupIds} />
}

function ChannelName({ id }: { id: string }) {
  const channel = useQuery(read('groups', 'showChannel', { params: { id } }))
  return (
    <Link to="/groups/channel/$channelId" params={{ channelId: id }} className="plain-link">
      channel {channel.data?.name ?? '…'}
    </Link>
  )
}

function GroupNames({ ids }: { ids: readonly string[] }) {
  const groups = useQuery(read('groups', 'listGroups', { query: { limit: 500 } }))
  const nameOf = (id: string) => groups.data?.items.find((each) => each.id === id)?.name
  return (
    <>
      {ids.length === 1 ? 'group ' : 'groups '}
      {ids.map((id, index) => (
        <span key={id}>
          {index > 0 && ', '}
          <Link to="/groups/$groupId" params={{ groupId: id }} className="plain-link">
            {nameOf(id) ?? (groups.isPending ? '…' : 'a removed one')}
          </Link>
        </span>
      ))}
    </>
  )
}
