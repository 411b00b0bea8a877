/** The way to a first update: each step says what it is for, and is ticked off as it happens. */
import { Text } from '@mantine/core'
import { IconCheck } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { read } from '../data/queries.ts'
import { LinkButton } from '../parts/link-button.tsx'
import { Page } from '../parts/page.tsx'
import './start/start.css'

export function Start() {
  const profiles = useQuery(
    read('profiles', 'listProfiles', { query: { sort: '-createdAt', limit: 1 } }),
  )
  const overview = useQuery(read('overview', 'overview', {}))
  const releases = useQuery(read('releases', 'listReleases', { query: { limit: 1 } }))
  const assignments = useQuery(read('assignments', 'listAssignments', { query: { limit: 1 } }))
  const profile = profiles.data?.items[0]
  const hasDevice = (overview.data?.devices ?? 0) > 0
  const hasRelease = (releases.data?.items.length ?? 0) > 0
  const hasAssignment = (assignments.data?.items.length ?? 0) > 0
  const isUpdated = (overview.data?.updated ?? 0) > 0
  const done = [profile !== undefined, hasDevice, hasRelease, hasAssignment, isUpdated]
  const now = done.indexOf(false)

  const steps: readonly { title: string; why: string; action: ReactNode }[] = [
    {
      title: 'Make a profile',
      why: 'It stands for devices of one kind. Packages are made for a profile.',
      action: (
        <LinkButton to="/profiles" search={{ add: 'profile' }}>
          Make a profile
        </LinkButton>
      ),
    },
    {
      title: 'Add a device',
      why: 'It gets a token. You are shown the command that lets it speak to this server.',
      action: (
        <LinkButton to="/devices" search={{ add: profile?.name ?? 'device' }}>
          Add a device
        </LinkButton>
      ),
    },
    {
      title: 'Drop a file',
      why: 'A firmware image, an archive, anything. With a title and a version it is a package.',
      action: (
        <LinkButton to="/packages" search={{ add: 'file' }}>
          Add a package
        </LinkButton>
      ),
    },
    {
      title: 'Assign it',
      why: 'You are told how many devices it will touch before it is done.',
      action: profile && (
        <LinkButton to="/profiles/$profileId" params={{ profileId: profile.id }}>
          Assign it to {profile.name}
        </LinkButton>
      ),
    },
    {
      title: 'Watch',
      why: 'The device is told, fetches the file, checks it, installs it, and says so.',
      action: <LinkButton to="/devices">See the devices</LinkButton>,
    },
  ]

  return (
    <Page title={now === -1 ? 'Your first update is done' : 'Your first update'}>
      <ol className="start">
        {steps.map(({ title, why, action }, index) => (
          <li
            key={title}
            className="card"
            data-done={done[index] || undefined}
            aria-current={index === now ? 'step' : undefined}
          >
            <span className="start-mark" aria-hidden>
              {done[index] ? <IconCheck size={16} /> : index + 1}
            </span>
            <div>
              <Text fw={600}>
                {title}
                {done[index] && <span className="visually-hidden">, done</span>}
              </Text>
              <Text size="sm" className="quiet">
                {why}
              </Text>
            </div>
            {index === now && action}
          </li>
        ))}
      </ol>
      {now === -1 && (
        <LinkButton to="/" w="fit-content">
          To the overview
        </LinkButton>
      )}
    </Page>
  )
}
