/** What may be done with a campaign as it stands, and which of it comes next. */
import type { Campaign } from '@updraft/api/shapes'

export type Act = 'approve' | 'resume' | 'pause' | 'edit' | 'retry' | 'roll-back' | 'cancel'

type Standing = Pick<
  Campaign,
  'status' | 'outcome' | 'canApprove' | 'tally' | 'rollsBack' | 'release'
>

export interface Acts {
  readonly primary: Act | null
  readonly others: readonly Act[]
  readonly isRemovable: boolean
}

export function actsOf(campaign: Standing): Acts {
  const [primary = null, ...others] = inOrder(campaign)
  const { status, tally, outcome } = campaign
  const isOver = status === 'finished'
  // After a success nothing is left to be done; what can be is no more than possible.
  const isAtRest = isOver && outcome === 'success' && primary === 'roll-back'
  return {
    primary: isAtRest ? null : primary,
    others: isAtRest ? ['roll-back', ...others] : others,
    isRemovable: status === 'scheduled' || (isOver && tally['in-progress'] === 0),
  }
}

/** What comes next first. */
function inOrder({ status, canApprove, tally, rollsBack, release }: Standing): readonly Act[] {
  const again: readonly Act[] =
    tally.failed + tally.skipped > 0 && release.id !== null ? ['retry'] : []
  switch (status) {
    case 'scheduled':
      return ['edit', 'cancel']
    case 'in-progress':
      return canApprove ? ['approve', 'pause', ...again, 'cancel'] : ['pause', ...again, 'cancel']
    case 'pausing':
    case 'paused':
      return ['resume', ...again, 'cancel']
    case 'finished':
      return tally.successful > 0 && rollsBack === null && release.id !== null
        ? [...again, 'roll-back']
        : again
  }
}
