/** What an operator did, as the audit log tells of it. */
import type { Actor, DomainEvent, EventKind, JsonObject, OperatorActor } from '@updraft/core'

/** As the audit log names an operator. */
export const actorOf = ({ id, name, from, via }: OperatorActor): Actor => ({
  kind: 'operator',
  id,
  name,
  from,
  via,
})

/** `at`: when it was done; `deviceId`: of the device concerned, if there is one. */
export const deed = (
  by: OperatorActor,
  kind: EventKind,
  {
    at,
    subject,
    deviceId = null,
    data = {},
  }: {
    at: Date
    subject: DomainEvent['subject']
    deviceId?: string | null
    data?: JsonObject
  },
): DomainEvent => ({ kind, at, actor: actorOf(by), subject, deviceId, data })
