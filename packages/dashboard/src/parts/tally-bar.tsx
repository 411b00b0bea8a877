import type { Tally } from '@updraft/api/shapes'
import { TARGET_ORDER, TARGETS, tallyWords } from '../words/campaigns.ts'
import { StackedBar } from './stacked-bar.tsx'

const ORDER = [...TARGET_ORDER.filter((status) => status !== 'idle'), 'idle'] as const

/** How the devices of a campaign fare; who has not been asked is its empty part. */
export function TallyBar({ tally }: { tally: Tally }) {
  const parts = ORDER.map((status) => ({
    key: status,
    count: tally[status],
    look: status === 'idle' ? null : TARGETS[status].look,
  }))
  return <StackedBar parts={parts} label={tallyWords(tally)} />
}
