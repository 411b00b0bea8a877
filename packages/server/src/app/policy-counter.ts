/** Keeps the populations that shares are of: devices are added and removed, and change their profile or cloud. */
import type { Every, PolicyWork } from './ports.ts'
import { type Rounds, rounds } from './rounds.ts'

const EVERY_MS = 60_000

export const policyCounter = ({
  work,
  every,
  onError,
}: {
  work: PolicyWork
  every: Every
  onError: (error: unknown) => void
}): Rounds => rounds({ everyMs: EVERY_MS, every, work: work.recount, onError })
