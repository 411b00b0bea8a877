/** What becomes of a campaign's target by what happens to its device: it is asked, done with unasked, or at an end. */
import type { Installed } from '../release.ts'
import type { Operation } from '../update/operation.ts'
import { currentWave } from './campaign.ts'
import { plan } from './plan.ts'
import { isLost, type SettledTarget, type Target, type TargetMove, tallied } from './target.ts'

/** By that operation; `runs` is what a roll-back would bring the device back to. */
export const ask = (
  target: Target,
  operation: Operation,
  { runs, now }: { runs: Installed; now: Date },
): TargetMove =>
  move(
    target,
    { status: 'in-progress', wave: turnOf(target, now), operationId: operation.id },
    { because: operation.because, before: runs, at: now },
  )

export function settle({ target, verdict }: SettledTarget, now: Date): TargetMove {
  const { status, because, hadItsTurn } = verdict
  const wave = hadItsTurn ? turnOf(target, now) : target.wave
  return move(target, { status, wave, operationId: target.operationId }, { because, at: now })
}

/** The operation by which it was asked has ended. */
export function conclude(target: Target, operation: Operation, now: Date): TargetMove {
  const { state, because } = operation
  const why = { because, at: now }
  const isTakenBack = state === 'CANCELED' && because.code === 'superseded.campaign'
  if (isTakenBack && target.campaign.outcome !== 'cancelled') {
    // It never heard of it.
    return move(target, { status: 'idle', wave: null, operationId: null }, why)
  }
  const isSuperseded = state === 'CANCELED' && because.code !== 'operator.cancel'
  const isWell = state === 'UPDATED' || state === 'STAGED'
  const status = isWell ? 'successful' : isSuperseded ? 'skipped' : 'failed'
  return move(target, { status, wave: target.wave, operationId: operation.id }, why)
}

/** The target after that move, its campaign counted anew. */
export const moved = (target: Target, made: TargetMove): Target => ({
  ...target,
  ...made.to,
  isLost: isLost(made),
  campaign: tallied(target.campaign, made),
})

const move = (
  { campaign, status, wave }: Target,
  to: TargetMove['to'],
  why: Pick<TargetMove, 'because' | 'before' | 'at'>,
): TargetMove => ({ campaignId: campaign.id, from: { status, wave }, to, ...why })

/** The wave it has its turn in: the one that is open now, be it only since this moment, or that of its first turn. */
function turnOf({ wave, campaign }: Target, now: Date): number {
  if (wave !== null) return wave
  return Math.max(0, currentWave(plan(campaign, now).campaign))
}
