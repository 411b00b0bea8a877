import type { PolicyCounts } from '@updraft/api/shapes'
import { barOf, countWords } from '../words/policies.ts'
import { StackedBar } from './stacked-bar.tsx'

/** How the devices fare that a policy is for: offered, held back, done, failed. */
export const PolicyBar = ({ counts }: { counts: PolicyCounts }) => (
  <StackedBar parts={barOf(counts)} label={countWords(counts)} />
)
