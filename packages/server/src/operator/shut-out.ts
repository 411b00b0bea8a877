/** Who may be no more who they were. */
import type { OperatorActor } from '@updraft/core'
import type { DeliveredEvent } from '../app/ports.ts'

/**
 * Whether after this event the one who listens may be another, or nobody: its line ends, and whose it still is comes
 * back and is asked anew.
 */
export function isShutOutBy(actor: OperatorActor, { kind, subjectId }: DeliveredEvent): boolean {
  switch (kind) {
    case 'token.revoked':
      return subjectId === actor.tokenId
    case 'operator.signed-out':
      return subjectId === actor.id && actor.tokenId === null
    case 'operator.changed':
    case 'operator.removed':
      return subjectId === actor.id
    default:
      return false
  }
}
