/** The audit log: what happened, read back with who did it; and what operators were refused. */
import type { EventReason, OperatorActor, SubjectKind } from '@updraft/core'
import { actorOf } from './deed.ts'
import type { Clock, EventQuery, Page, StoredEvent, UnitOfWork } from './ports.ts'

/** What an operator asked for in vain. */
export interface Refused {
  /** The name of the route. */
  readonly action: string
  /** What it was about; without an id where it was about nothing in particular. */
  readonly subject: { readonly kind: SubjectKind; readonly id: string }
  readonly reason: EventReason
}

export const audit = ({ clock, unitOfWork }: { clock: Clock; unitOfWork: UnitOfWork }) => ({
  list: (actor: OperatorActor, query: EventQuery): Promise<Page<StoredEvent>> =>
    unitOfWork(actor, ({ events }) => events.page(query)),

  /** Notes it in the tenant's log, also for a customer's user. */
  refused: (actor: OperatorActor, { action, subject, reason }: Refused): Promise<void> =>
    unitOfWork({ tenantId: actor.tenantId, customerId: null }, async ({ events }) => {
      // Named as it was when something last happened to it: it may be gone, or have never been there.
      const known = await events.latestOf(subject)
      await events.append([
        {
          kind: 'action.refused',
          at: clock.now(),
          actor: actorOf(actor),
          subject: { ...subject, name: known?.subject.name ?? '' },
          deviceId: known?.deviceId ?? null,
          data: { action },
          reason,
        },
      ])
    }),
})

export type Audit = ReturnType<typeof audit>
