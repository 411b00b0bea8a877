/** One kind of device: what it is assigned, who that touches, and how devices may enrol themselves. */
import { Button, Group, Stack } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconPlus } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import type { Output } from '@updraft/api/client'
import { useState } from 'react'
import { useChange } from '../data/changes.ts'
import { read } from '../data/queries.ts'
import { useMay } from '../data/session.ts'
import { Confirm, type Question } from '../parts/confirm.tsx'
import { Copyable } from '../parts/copyable.tsx'
import { Detail, Facts } from '../parts/detail.tsx'
import { LinkButton } from '../parts/link-button.tsx'
import { MoreMenu } from '../parts/more-menu.tsx'
import { Section } from '../parts/section.tsx'
import { TimeAgo } from '../parts/time-ago.tsx'
import { plural } from '../words/numbers.ts'
import { AssignToProfile } from './profile/assign.tsx'
import { ProfileBoxes } from './profile/boxes.tsx'
import { ProfileHawkbit } from './profile/hawkbit.tsx'
import { Provisioning } from './profile/provisioning.tsx'
import './profile/profile.css'

export type ProfileData = Output<'showProfile'>

export function Profile() {
  const { profileId } = useParams({ from: '/inside/profiles/$profileId' })
  const { data, error, isPending } = useQuery(
    read('profiles', 'showProfile', { params: { id: profileId } }),
  )
  const may = useMay()
  const profile = data?.id === profileId ? data : undefined
  return (
    <Detail
      title={profile?.name ?? 'Profile'}
      actions={profile && may('profile.write') && <ProfileMenu profile={profile} />}
      backTo="/profiles"
      error={error}
      isPending={isPending || !profile}
    >
      {profile && <Details profile={profile} />}
    </Detail>
  )
}

function Details({ profile }: { profile: ProfileData }) {
  const may = useMay()
  const [isAssigning, assigning] = useDisclosure()
  return (
    <>
      {profile.description && <p className="description detail-line">{profile.description}</p>}
      <Group gap="xs">
        <LinkButton to="/devices" search={{ profile: profile.name }} variant="default" size="xs">
          {plural(profile.deviceCount, 'device')}
        </LinkButton>
        <LinkButton to="/packages" search={{ profile: profile.name }} variant="default" size="xs">
          Packages made for it
        </LinkButton>
        {may('device.write') && (
          <LinkButton
            to="/devices"
            search={{ add: profile.name }}
            variant="default"
            size="xs"
            leftSection={<IconPlus size={14} />}
          >
            Add a device
          </LinkButton>
        )}
      </Group>
      <Section
        title="Assigned"
        aside={
          may('profile.assign') && (
            <Button size="xs" onClick={assigning.open}>
              Assign
            </Button>
          )
        }
      >
        <Assigned profile={profile} />
      </Section>
      {may('profile.write') && <Provisioning profile={profile} />}
      {may('cloud.read') && (
        <>
          <ProfileBoxes profile={profile} />
          <ProfileHawkbit profile={profile} />
        </>
      )}
      <Section title="About">
        <Facts
          facts={[
            ['Added', <TimeAgo key="added" at={profile.createdAt} />],
            ['Id', <Copyable key="id" text={profile.id} what="id" />],
          ]}
        />
      </Section>
      {isAssigning && <AssignToProfile profile={profile} onClose={assigning.close} />}
    </>
  )
}

function Assigned({ profile }: { profile: ProfileData }) {
  const may = useMay()
  const [question, ask] = useState<Question | null>(null)
  const unassign = useChange('unassignFromProfile', {
    touches: ['profiles', 'assignments', 'devices', 'overview'],
    done: 'The assignment was withdrawn.',
  })
  const types = Object.keys(profile.assignments).sort()
  if (types.length === 0) {
    return (
      <p className="quiet">
        Nothing. What it is assigned, all its devices run that have no assignment of their own.
      </p>
    )
  }
  return (
    <Stack gap="xs">
      {types.map((type) => {
        const release = profile.assignments[type]
        if (!release) return null
        const name = `${release.title} ${release.version}`
        return (
          <div key={type} className="card assignment">
            <div>
              <div className="quiet">{type}</div>
              <Link
                to="/packages/$releaseId"
                params={{ releaseId: release.id ?? '' }}
                className="plain-link"
              >
                {release.title} <span className="mono">{release.version}</span>
              </Link>
            </div>
            {may('profile.assign') && (
              <Button
                size="xs"
                variant="default"
                onClick={() =>
                  ask({
                    title: `Withdraw ${name}?`,
                    body: 'Devices that wait for it are not told any more. What devices run, they go on running.',
                    yes: 'Withdraw it',
                    onYes: () =>
                      unassign.mutate(
                        { params: { id: profile.id, type } },
                        { onSettled: () => ask(null) },
                      ),
                  })
                }
              >
                Withdraw
              </Button>
            )}
          </div>
        )
      })}
      <Confirm question={question} isBusy={unassign.isPending} onClose={() => ask(null)} />
    </Stack>
  )
}

function ProfileMenu({ profile }: { profile: ProfileData }) {
  const navigate = useNavigate()
  const remove = useChange('removeProfile', {
    touches: ['profiles'],
    done: `${profile.name} was removed.`,
  })
  return (
    <MoreMenu
      removal={{
        what: 'profile',
        title: `Remove ${profile.name}?`,
        body: 'It can be removed once it has no devices and no packages.',
        isBusy: remove.isPending,
        onYes: (over) =>
          remove.mutate(
            { params: { id: profile.id } },
            { onSuccess: () => void navigate({ to: '/profiles' }), onSettled: over },
          ),
      }}
    />
  )
}
