/** One line for each thing a person should look at, with what to do next. */
import { Skeleton } from '@mantine/core'
import { IconCircleCheck } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { read } from '../../data/queries.ts'
import { LinkButton } from '../../parts/link-button.tsx'
import { TimeAgo } from '../../parts/time-ago.tsx'
import { plural } from '../../words/numbers.ts'
import { LOOKS } from '../../words/states.tsx'

export function Attention() {
  const failures = useQuery(read('overview', 'listFailures', { query: { limit: 8 } }))
  if (failures.isPending) return <Skeleton height={48} />
  const items = failures.data?.items ?? []
  if (items.length === 0) {
    return (
      <p className="all-well quiet">
        <IconCircleCheck size={18} aria-hidden /> Nothing needs a hand.
      </p>
    )
  }
  const { Icon } = LOOKS.FAILED
  return (
    <ul className="attention">
      {items.map(({ release, type, devices, error, latestAt }) => (
        <li key={`${type} ${release.title} ${release.version}`}>
          <Icon size={16} className="look" data-look="FAILED" aria-hidden />
          <div>
            <div>
              {plural(devices, 'device')} failed {release.title}{' '}
              <span className="mono">{release.version}</span>
            </div>
            <div className="quiet">
              {error ?? 'No reason was given.'} · <TimeAgo at={latestAt} />
            </div>
          </div>
          <LinkButton
            to="/devices"
            search={{ state: 'FAILED', releaseId: release.id ?? undefined }}
            variant="default"
            size="xs"
          >
            See them
          </LinkButton>
        </li>
      ))}
    </ul>
  )
}
