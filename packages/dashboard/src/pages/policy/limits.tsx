/** What limits a policy has, how far each is used up, and how many devices each holds back. */
import { StackedBar } from '../../parts/stacked-bar.tsx'
import { counted, plural } from '../../words/numbers.ts'
import { periodWords } from '../../words/policies.ts'
import type { PolicyData } from '../policy.tsx'
import { useStatistics } from './versions.tsx'

export function Limits({ policy }: { policy: PolicyData }) {
  const {
    release,
    counts: { offered, population },
    limits: { maxDevices, percentage, rate, periodSeconds },
  } = policy
  const held = useStatistics(policy).find((each) => each.release.id === release.id)?.deferred
  const share = percentage === null ? null : Math.ceil((population * percentage) / 100)
  if (maxDevices === null && share === null && rate === null) return null
  return (
    <ul className="policy-limits">
      {maxDevices !== null && (
        <Limit
          words={`${plural(maxDevices, 'device')} at most`}
          used={offered}
          of={maxDevices}
          heldBack={held?.maxDevices}
        />
      )}
      {share !== null && (
        <Limit
          words={`${percentage} % of ${plural(population, 'device')} at most`}
          used={offered}
          of={share}
          heldBack={held?.percentage}
        />
      )}
      {rate !== null && periodSeconds !== null && (
        <Limit
          words={`${plural(rate, 'device')} ${periodWords(periodSeconds)}`}
          heldBack={held?.rate}
        />
      )}
    </ul>
  )
}

function Limit({
  words,
  used,
  of,
  heldBack = 0,
}: {
  words: string
  used?: number
  of?: number
  heldBack?: number
}) {
  const isMeasured = used !== undefined && of !== undefined
  return (
    <li>
      <div className="policy-limit-line">
        <span>{words}</span>
        <span className="quiet figure">
          {isMeasured && `${counted(used)} of ${counted(of)} offered`}
          {heldBack > 0 && `${isMeasured ? ' · ' : ''}${counted(heldBack)} held back`}
        </span>
      </div>
      {isMeasured && (
        <StackedBar
          label={`${counted(used)} of ${counted(of)}`}
          parts={[
            { key: 'used', count: Math.min(used, of), look: 'INITIATED' },
            { key: 'free', count: Math.max(0, of - used), look: null },
          ]}
        />
      )}
    </li>
  )
}
