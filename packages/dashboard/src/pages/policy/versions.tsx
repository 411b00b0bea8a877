/** How each version fares that a policy brings to devices of the same profile: where they go from one to the next. */
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { type ItemOf, read } from '../../data/queries.ts'
import { counted } from '../../words/numbers.ts'
import type { PolicyData } from '../policy.tsx'

type Statistics = ItemOf<'listPolicyStatistics'>

const MOST = 20

/** Who is held back is told to nobody: a page that shows it looks again. */
export const LOOK_AGAIN_MS = 10_000

export function useStatistics({
  profileId,
  type,
}: Pick<PolicyData, 'profileId' | 'type'>): readonly Statistics[] {
  const query = { profileId, type, limit: 100 }
  const statistics = useQuery({
    ...read('policies', 'listPolicyStatistics', { query }),
    refetchInterval: LOOK_AGAIN_MS,
  })
  return statistics.data?.items ?? []
}

const COLUMNS: readonly (readonly [head: string, of: (statistics: Statistics) => number])[] = [
  ['Asked', ({ requests }) => requests],
  ['Offered', ({ offered }) => offered],
  ['Held back', (statistics) => heldBack(statistics)],
  ['Began', ({ started }) => started],
  ['Succeeded', ({ succeeded }) => succeeded],
  ['Failed', ({ failed }) => failed],
]

export const heldBack = ({ deferred }: Pick<Statistics, 'deferred'>): number =>
  deferred.maxDevices + deferred.percentage + deferred.rate

export function Versions({ policy }: { policy: PolicyData }) {
  const all = useStatistics(policy)
  const shown = all.slice(0, MOST)
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls sideways does so with the keyboard, too */}
      <section className="policy-versions" tabIndex={0} aria-label="Versions">
        <table>
          <thead>
            <tr>
              <th scope="col">Version</th>
              {COLUMNS.map(([head]) => (
                <th key={head} scope="col">
                  {head}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map((each) => (
              <tr
                key={each.release.id}
                aria-current={each.release.id === policy.release.id || undefined}
              >
                <th scope="row">
                  <Link
                    to="/policies/$releaseId"
                    params={{ releaseId: each.release.id }}
                    className="plain-link mono"
                  >
                    {each.release.version}
                  </Link>
                  {!each.isEnabled && <span className="quiet"> off</span>}
                </th>
                {COLUMNS.map(([head, of]) => (
                  <td key={head}>{counted(of(each))}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      {all.length > MOST && (
        <p className="quiet">And {counted(all.length - MOST)} more, of older ones.</p>
      )}
    </>
  )
}
