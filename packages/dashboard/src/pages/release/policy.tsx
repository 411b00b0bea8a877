/** The policy of a release: for which devices it is meant by itself, or a way to say so. */
import { Skeleton } from '@mantine/core'
import { queryOptions, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { ApiError } from '@updraft/api/client'
import { api } from '../../data/client.ts'
import { useMay } from '../../data/session.ts'
import { ExpressionText } from '../../parts/expression-text.tsx'
import { LinkButton } from '../../parts/link-button.tsx'
import { PolicyBar } from '../../parts/policy-bar.tsx'
import { PolicySwitch } from '../../parts/policy-switch.tsx'
import { Section } from '../../parts/section.tsx'
import { countWords, EVERY_OLDER, limitWords } from '../../words/policies.ts'
import type { ReleaseData } from '../release.tsx'
import '../policy/policy.css'

/** Null when the release has none. */
const policyOf = (id: string) =>
  queryOptions({
    queryKey: ['policies', 'policyOf', id],
    queryFn: async ({ signal }) => {
      try {
        return await api('showPolicy', { params: { id } }, { signal })
      } catch (error) {
        if (error instanceof ApiError && error.code === 'policy.unknown') return null
        throw error
      }
    },
  })

export function ReleasePolicy({ release: { id, version } }: { release: ReleaseData }) {
  const may = useMay()
  const { data: policy } = useQuery(policyOf(id))
  if (policy === undefined) return <Skeleton height={64} mt={28} />
  if (!policy) {
    return (
      <Section
        title="Policy"
        aside={
          may('policy.write') && (
            <LinkButton to="/policies/new" search={{ releaseId: id }} variant="default" size="xs">
              Write a policy
            </LinkButton>
          )
        }
      >
        <p className="quiet">None: devices get it when it is assigned, or by a campaign.</p>
      </Section>
    )
  }
  const { expression, limits, counts } = policy
  const atMost = limitWords(limits).join(', ')
  return (
    <Section
      title="Policy"
      aside={
        may('policy.write') && (
          <LinkButton
            to="/policies/$releaseId/edit"
            params={{ releaseId: id }}
            variant="default"
            size="xs"
          >
            Change
          </LinkButton>
        )
      }
    >
      <ExpressionText
        text={expression === '' ? `${EVERY_OLDER}: one that runs less than ${version}` : expression}
      />
      <div className="policy-line">
        <PolicySwitch policy={policy} label="Enabled" />
        <Link to="/policies/$releaseId" params={{ releaseId: id }} className="plain-link">
          {countWords(counts)}
        </Link>
        {atMost !== '' && <span className="quiet">at most {atMost}</span>}
      </div>
      <PolicyBar counts={counts} />
    </Section>
  )
}
