/** One channel: its groups, the campaigns addressed to it, and the devices it holds now. */
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import type { Output } from '@updraft/api/client'
import { useChange } from '../data/changes.ts'
import { read } from '../data/queries.ts'
import { useMay } from '../data/session.ts'
import { CampaignLines } from '../parts/campaign-lines.tsx'
import { Copyable } from '../parts/copyable.tsx'
import { Detail, Facts } from '../parts/detail.tsx'
import { Section } from '../parts/section.tsx'
import { TimeAgo } from '../parts/time-ago.tsx'
import { plural } from '../words/numbers.ts'
import { ChangeMenu } from './groups/change-menu.tsx'
import { ChannelDialog } from './groups/channel-dialog.tsx'
import { HeldDevices } from './groups/device-list.tsx'
import { NewCampaignFor } from './groups/new-campaign-for.tsx'

type ChannelData = Output<'showChannel'>

export function Channel() {
  const { channelId } = useParams({ from: '/inside/groups/channel/$channelId' })
  const { data, error, isPending } = useQuery(
    read('groups', 'showChannel', { params: { id: channelId } }),
  )
  const may = useMay()
  const channel = data?.id === channelId ? data : undefined
  return (
    <Detail
      title={channel?.name ?? 'Channel'}
      actions={channel && may('group.write') && <ChannelMenu channel={channel} />}
      backTo="/groups"
      error={error}
      isPending={isPending || !channel}
    >
      {channel && <Details channel={channel} />}
    </Detail>
  )
}

function Details({ channel }: { channel: ChannelData }) {
  const { id, handle, groups, createdAt, deviceCount } = channel
  return (
    <>
      <NewCampaignFor search={{ channel: id }} />
      <Section title="Groups">
        {groups.length === 0 ? (
          <p className="quiet">None. A channel without groups is for nobody.</p>
        ) : (
          <ul className="used-by">
            {groups.map(({ id: groupId, name, handle: of }) => (
              <li key={groupId}>
                <Link to="/groups/$groupId" params={{ groupId }} className="plain-link">
                  {name}
                </Link>{' '}
                <span className="quiet mono">{of}</span>
              </li>
            ))}
          </ul>
        )}
      </Section>
      <Section title="Campaigns">
        <CampaignLines query={{ channelId: id }} none="None was addressed to it." />
      </Section>
      <Section title={`Holds ${plural(deviceCount, 'device')} now`}>
        <HeldDevices of="listDevicesOfChannel" id={id} />
      </Section>
      <Section title="About">
        <Facts
          facts={[
            [
              'Handle',
              <span key="handle" className="mono">
                {handle}
              </span>,
            ],
            ['Added', <TimeAgo key="added" at={createdAt} />],
            ['Id', <Copyable key="id" text={id} what="id" />],
          ]}
        />
      </Section>
    </>
  )
}

function ChannelMenu({ channel }: { channel: ChannelData }) {
  const navigate = useNavigate()
  const remove = useChange('removeChannel', {
    touches: ['groups'],
    done: `${channel.name} was removed.`,
  })
  return (
    <ChangeMenu
      removal={{
        what: 'channel',
        title: `Remove ${channel.name}?`,
        body: 'Its groups stay. It can be removed while no campaign is addressed to it.',
        isBusy: remove.isPending,
        onYes: (over) =>
          remove.mutate(
            { params: { id: channel.id } },
            {
              onSuccess: () => void navigate({ to: '/groups', search: { part: 'channels' } }),
              onSettled: over,
            },
          ),
      }}
      dialog={(close) => <ChannelDialog channel={channel} onClose={close} />}
    />
  )
}
