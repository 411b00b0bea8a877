import type { Tally } from '@updraft/api/shapes'
import { TARGET_ORDER, TARGETS, tallyWords } from '../words/campaigns.ts'
import './state-badge.css'
import './tally-bar.css'

const ORDER = [...TARGET_ORDER.filter((status) => status !== 'idle'), 'idle'] as const

/** How the devices of a campaign fare, as one thin stacked bar. */
export function TallyBar({ tally }: { tally: Tally }) {
  return (
    <div className="tally-bar" role="img" aria-label={tallyWords(tally)} title={tallyWords(tally)}>
      {ORDER.map(
        (status) =>
          tally[status] > 0 && (
            <span
              key={status}
              className="look"
              data-status={status}
              data-look={TARGETS[status].look}
              style={{ flexGrow: tally[status] }}
            />
          ),
      )}
    </div>
  )
}
