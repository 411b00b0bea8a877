/** Who asked, who was offered it, and how they fared; each number shows its devices below. */
import { UnstyledButton } from '@mantine/core'
import { IconMessageQuestion } from '@tabler/icons-react'
import { useListState } from '../../parts/list-query.ts'
import { counted } from '../../words/numbers.ts'
import { apart, STANDING_ORDER, STANDINGS } from '../../words/policies.ts'
import type { PolicyData } from '../policy.tsx'
import { useStatistics } from './versions.tsx'

export function Figures({ policy }: { policy: PolicyData }) {
  const { state, change } = useListState()
  const statistics = useStatistics(policy)
  const requests = statistics.find(({ release }) => release.id === policy.release.id)?.requests
  const each = apart(policy.counts)
  return (
    <ul className="policy-figures">
      <li>
        <div className="card look" data-look="QUEUED" data-none={!requests || undefined}>
          <span className="policy-figures-word">
            <IconMessageQuestion size={15} stroke={2} aria-hidden />
            asked
          </span>
          <span className="policy-figures-count figure">
            {requests === undefined ? '–' : counted(requests)}
          </span>
        </div>
      </li>
      {[...STANDING_ORDER].reverse().map((key) => {
        const { word, Icon, look } = STANDINGS[key]
        return (
          <li key={key}>
            <UnstyledButton
              className="card look"
              data-look={look}
              data-none={each[key] === 0 || undefined}
              aria-pressed={state.standing === key}
              onClick={() => change({ standing: state.standing === key ? undefined : key })}
            >
              <span className="policy-figures-word">
                <Icon size={15} stroke={2} aria-hidden />
                {word}
              </span>
              <span className="policy-figures-count figure">{counted(each[key])}</span>
            </UnstyledButton>
          </li>
        )
      })}
    </ul>
  )
}
