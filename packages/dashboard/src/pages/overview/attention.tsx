/** One line for each thing a person should look at, with what to do next. */
import { Skeleton } from '@mantine/core'
import { IconCircleCheck } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { read } from '../../data/queries.ts'
import { useMay } from '../../data/session.ts'
import { LinkButton } from '../../parts/link-button.tsx'
import { TimeAgo } from '../../parts/time-ago.tsx'
import { plural } from '../../words/numbers.ts'
import { usedUp } from '../../words/policies.ts'
import { LOOKS, type Look } from '../../words/states.tsx'

export function Attention() {
  const may = useMay()
  const failures = useQuery(read('overview', 'listFailures', { query: { limit: 8 } }))
  const policies = useQuery({
    ...read('policies', 'listPolicyStatistics', { query: { isEnabled: 'true', limit: 100 } }),
    enabled: may('policy.read'),
  })
  if (failures.isPending) return <Skeleton height={48} />
  const items = failures.data?.items ?? []
  const held = (policies.data?.items ?? []).filter((policy) => usedUp(policy) > 0)
  if (items.length + held.length === 0) {
    return (
      <p className="all-well quiet">
        <IconCircleCheck size={18} aria-hidden /> Nothing needs a hand.
      </p>
    )
  }
  return (
    <ul className="attention">
      {items.map(({ release, type, devices, error, latestAt }) => (
        <Line
          key={`${type} ${release.title} ${release.version}`}
          look="FAILED"
          more={
            <>
              {error ?? 'No reason was given.'} · <TimeAgo at={latestAt} />
            </>
          }
          act={
            <LinkButton
              to="/devices"
              search={{ state: 'FAILED', releaseId: release.id ?? undefined }}
              variant="default"
              size="xs"
            >
              See them
            </LinkButton>
          }
        >
          {plural(devices, 'device')} failed {release.title}{' '}
          <span className="mono">{release.version}</span>
        </Line>
      ))}
      {held.map((policy) => (
        <Line
          key={`policy ${policy.release.id}`}
          look="HELD_BACK"
          more={`All ${policy.offered} it may reach are done: ${policy.succeeded} succeeded, ${policy.failed} failed.`}
          act={
            <LinkButton
              to="/policies/$releaseId"
              params={{ releaseId: policy.release.id }}
              variant="default"
              size="xs"
            >
              See the policy
            </LinkButton>
          }
        >
          {plural(usedUp(policy), 'device')} held back from {policy.release.title}{' '}
          <span className="mono">{policy.release.version}</span>
        </Line>
      ))}
    </ul>
  )
}

function Line({
  look,
  more,
  act,
  children,
}: {
  look: Look
  more: ReactNode
  act: ReactNode
  children: ReactNode
}) {
  const { Icon } = LOOKS[look]
  return (
    <li>
      <Icon size={16} className="look" data-look={look} aria-hidden />
      <div>
        <div>{children}</div>
        <div className="quiet">{more}</div>
      </div>
      {act}
    </li>
  )
}
