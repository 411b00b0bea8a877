/** One release: what it is, its checksum, and where it is used. */
import { Anchor, Code } from '@mantine/core'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import type { Output } from '@updraft/api/client'
import { useChange } from '../data/changes.ts'
import { list, read } from '../data/queries.ts'
import { useMay } from '../data/session.ts'
import { CampaignLines } from '../parts/campaign-lines.tsx'
import { Copyable } from '../parts/copyable.tsx'
import { Detail, Facts } from '../parts/detail.tsx'
import { LinkButton } from '../parts/link-button.tsx'
import { MoreMenu } from '../parts/more-menu.tsx'
import { Checksum, DownloadRelease, FileName } from '../parts/release-file.tsx'
import { Section } from '../parts/section.tsx'
import { TimeAgo } from '../parts/time-ago.tsx'
import { plural, size } from '../words/numbers.ts'
import { ReleaseDescription } from './release/description.tsx'
import { NextStep } from './release/next-step.tsx'
import { ReleasePolicy } from './release/policy.tsx'

export type ReleaseData = Output<'showRelease'>

export function Release() {
  const { releaseId } = useParams({ from: '/inside/packages/$releaseId' })
  const { data, error, isPending } = useQuery(
    read('releases', 'showRelease', { params: { id: releaseId } }),
  )
  const may = useMay()
  const release = data?.id === releaseId ? data : undefined
  return (
    <Detail
      title={release ? `${release.title} ${release.version}` : 'Package'}
      actions={
        release && (
          <>
            <DownloadRelease release={release} />
            {may('release.write') && <ReleaseMenu release={release} />}
          </>
        )
      }
      backTo="/packages"
      error={error}
      isPending={isPending || !release}
    >
      {release && <Details release={release} />}
    </Detail>
  )
}

function Details({ release }: { release: ReleaseData }) {
  const may = useMay()
  return (
    <>
      <Facts
        facts={[
          ['Type', release.type],
          [
            'Made for',
            <Link
              key="profile"
              to="/profiles/$profileId"
              params={{ profileId: release.profileId }}
              className="plain-link"
            >
              {release.profile}
            </Link>,
          ],
          ['Tag', release.tag ?? <span className="quiet">none</span>],
          ['File', <FileName key="file" release={release} />],
          ['Size', release.sizeBytes === null ? 'not known' : size(release.sizeBytes)],
          [
            'Checksum',
            <div key="checksum">
              <Checksum release={release} />
              <Risk release={release} />
            </div>,
          ],
          [
            'Starts from',
            release.requirement ? <Code key="from">{release.requirement}</Code> : 'any version',
          ],
          ...(Object.keys(release.needs).length > 0
            ? [['Needs', <Needs key="needs" needs={release.needs} />] as const]
            : []),
          ['Added', <TimeAgo key="added" at={release.createdAt} />],
          ['Id', <Copyable key="id" text={release.id} what="id" />],
        ]}
      />
      <ReleaseDescription release={release} />
      <Section title="Where it is used">
        <UsedBy release={release} />
      </Section>
      {may('policy.read') && <ReleasePolicy release={release} />}
      {may('campaign.read') && (
        <Section
          title="Campaigns"
          aside={
            may('campaign.write') && (
              <LinkButton
                to="/campaigns/new"
                search={{ releaseId: release.id }}
                variant="default"
                size="xs"
              >
                New campaign
              </LinkButton>
            )
          }
        >
          <CampaignLines query={{ releaseId: release.id }} none="None brings it." />
        </Section>
      )}
    </>
  )
}

/** What other components have to run before a device is given it. */
const Needs = ({ needs }: { needs: ReleaseData['needs'] }) => (
  <>
    {Object.entries(needs).map(([type, wanted]) => (
      <div key={type}>
        {type} <Code>{wanted}</Code>
      </div>
    ))}
  </>
)

/** A known fault of many Python clients; the server's own documents say more. */
function Risk({ release: { checksum, checksumAlgorithm } }: { release: ReleaseData }) {
  const isRisky = checksum?.endsWith('00') && /^(CRC32|MURMUR3)/.test(checksumAlgorithm ?? '')
  if (!isRisky) return null
  return (
    <div className="quiet">
      Devices with ThingsBoard's Python SDK reject checksums of this kind that end in 00. Add the
      release with SHA256 instead.
    </div>
  )
}

function UsedBy({ release }: { release: ReleaseData }) {
  const releaseId = release.id
  const assignments = useInfiniteQuery(
    list('assignments', 'listAssignments', { query: { releaseId, limit: 50 } }),
  )
  const profiles = useQuery(read('profiles', 'listProfiles', { query: { limit: 500 } }))
  const items = assignments.data?.pages.flatMap((page) => page.items) ?? []
  if (assignments.data && items.length === 0) {
    return <NextStep release={release} />
  }
  const ofProfiles = items.filter(({ scope }) => scope === 'profile')
  const ofDevices = items.filter(({ scope }) => scope === 'device')
  const nameOf = (id: string | null) =>
    profiles.data?.items.find((profile) => profile.id === id)?.name ?? 'a profile'
  return (
    <ul className="used-by">
      {ofProfiles.map(({ profileId, assignedAt, assignedBy }) => (
        <li key={profileId}>
          <Anchor component={Link} to={`/profiles/${profileId}`} c="inherit" underline="always">
            Profile {nameOf(profileId)}
          </Anchor>{' '}
          <span className="quiet">
            by {assignedBy}, <TimeAgo at={assignedAt} />
          </span>
        </li>
      ))}
      {ofDevices.length > 0 && (
        <li>
          {plural(ofDevices.length, 'device')}
          {assignments.hasNextPage && ' and more'} pinned to it
        </li>
      )}
    </ul>
  )
}

function ReleaseMenu({ release }: { release: ReleaseData }) {
  const navigate = useNavigate()
  const name = `${release.title} ${release.version}`
  const remove = useChange('removeRelease', {
    touches: ['releases'],
    done: `${name} was removed.`,
  })
  return (
    <MoreMenu
      removal={{
        what: 'release',
        title: `Remove ${name}?`,
        body: 'It can be removed while nothing is assigned it and no device is installing it. The history of devices keeps its name.',
        isBusy: remove.isPending,
        onYes: (over) =>
          remove.mutate(
            { params: { id: release.id } },
            { onSuccess: () => void navigate({ to: '/packages' }), onSettled: over },
          ),
      }}
    />
  )
}
