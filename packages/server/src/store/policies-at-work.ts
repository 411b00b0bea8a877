/**
 * Policies while devices are decided on, many in one transaction: each decision sees what those before it took of the
 * limits. Those that have any are locked meanwhile, so that two servers never offer more together than one may.
 */
import { type Candidate, type Changes, counted, type Snapshot } from '@updraft/core'
import type pg from 'pg'
import type { CandidatesByType, PoliciesAtHand } from './policy-book.ts'
import { writeOffered } from './policy-rows.ts'

export interface PoliciesAtWork {
  /** The snapshot with the policies as they are after all that was decided so far. */
  asOfNow(snapshot: Snapshot): Snapshot
  count(snapshot: Snapshot, changes: Changes, now: Date): void
  /** Writes how many were offered what. */
  write(client: Pick<pg.ClientBase, 'query'>): Promise<void>
}

export function policiesAtWork({ chapters }: Pick<PoliciesAtHand, 'chapters'>): PoliciesAtWork {
  const current = new Map(chapters)
  const offered = new Map<string, { candidate: Candidate; more: number }>()
  return {
    asOfNow: (snapshot) => {
      const byType = current.get(snapshot.device.profileId)
      if (offered.size === 0 || !byType) return snapshot
      const components = Object.entries(snapshot.components).map(([type, component]) => [
        type,
        { ...component, policies: byType[type] ?? component.policies },
      ])
      return { ...snapshot, components: Object.fromEntries(components) }
    },
    count: ({ device: { profileId } }, { policies }, now) => {
      for (const { releaseId, from, to } of policies) {
        if (to?.standing !== 'offered' || from?.standing === 'offered') continue
        const byType = current.get(profileId)
        if (!byType) continue
        current.set(
          profileId,
          withOther(byType, releaseId, (candidate) => {
            const counts = counted(candidate.policy, candidate.counts, now)
            const other = { ...candidate, counts }
            offered.set(releaseId, {
              candidate: other,
              more: (offered.get(releaseId)?.more ?? 0) + 1,
            })
            return other
          }),
        )
      }
    },
    write: async (client) => {
      const rows = [...offered].map(([releaseId, { candidate, more }]) => {
        const { periodStartedAt, offeredInPeriod } = candidate.counts
        return [releaseId, more, periodStartedAt, offeredInPeriod]
      })
      await writeOffered(client, rows)
    },
  }
}

const withOther = (
  byType: CandidatesByType,
  releaseId: string,
  change: (candidate: Candidate) => Candidate,
): CandidatesByType =>
  Object.fromEntries(
    Object.entries(byType).map(([type, candidates]) => [
      type,
      candidates.map((each) => (each.release.id === releaseId ? change(each) : each)),
    ]),
  )
