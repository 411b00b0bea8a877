/** One group: the expression, and the devices that meet it now. */
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import type { Output } from '@updraft/api/client'
import { useChange } from '../data/changes.ts'
import { read } from '../data/queries.ts'
import { useMay } from '../data/session.ts'
import { Copyable } from '../parts/copyable.tsx'
import { Detail, Facts } from '../parts/detail.tsx'
import { ExpressionText } from '../parts/expression-text.tsx'
import { Section } from '../parts/section.tsx'
import { TimeAgo } from '../parts/time-ago.tsx'
import { plural } from '../words/numbers.ts'
import { ChangeMenu } from './groups/change-menu.tsx'
import { HeldDevices } from './groups/device-list.tsx'
import { GroupDialog } from './groups/group-dialog.tsx'
import { NewCampaignFor } from './groups/new-campaign-for.tsx'

type GroupData = Output<'showGroup'>

export function Group() {
  const { groupId } = useParams({ from: '/inside/groups/$groupId' })
  const { data, error, isPending } = useQuery(
    read('groups', 'showGroup', { params: { id: groupId } }),
  )
  const may = useMay()
  const group = data?.id === groupId ? data : undefined
  return (
    <Detail
      title={group?.name ?? 'Group'}
      actions={group && may('group.write') && <GroupMenu group={group} />}
      backTo="/groups"
      error={error}
      isPending={isPending || !group}
    >
      {group && <Details group={group} />}
    </Detail>
  )
}

function Details({ group }: { group: GroupData }) {
  const { id, handle, expression, channel, createdAt, deviceCount } = group
  return (
    <>
      <ExpressionText text={expression} />
      <NewCampaignFor search={{ group: id }} />
      <Section title={`Holds ${plural(deviceCount, 'device')} now`}>
        <HeldDevices of="listDevicesOfGroup" id={id} />
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
            [
              'Channel',
              channel ? (
                <Link
                  key="channel"
                  to="/groups/channel/$channelId"
                  params={{ channelId: channel.id }}
                  className="plain-link"
                >
                  {channel.name}
                </Link>
              ) : (
                <span key="channel" className="quiet">
                  none
                </span>
              ),
            ],
            ['Added', <TimeAgo key="added" at={createdAt} />],
            ['Id', <Copyable key="id" text={id} what="id" />],
          ]}
        />
      </Section>
    </>
  )
}

function GroupMenu({ group }: { group: GroupData }) {
  const navigate = useNavigate()
  const remove = useChange('removeGroup', {
    touches: ['groups'],
    done: `${group.name} was removed.`,
  })
  return (
    <ChangeMenu
      removal={{
        what: 'group',
        title: `Remove ${group.name}?`,
        body: 'Its devices stay. Campaigns that were made for it keep the devices they have.',
        isBusy: remove.isPending,
        onYes: (over) =>
          remove.mutate(
            { params: { id: group.id } },
            { onSuccess: () => void navigate({ to: '/groups' }), onSettled: over },
          ),
      }}
      dialog={(close) => <GroupDialog group={group} onClose={close} />}
    />
  )
}
