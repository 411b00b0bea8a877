/** What happened, as the audit log keeps it and as it is told live. */
import { EVENT_MEANINGS, RESULTS } from '@updraft/core'
import { z } from 'zod'
import { ListQuery } from './paging.ts'
import { Id, JsonObject, named, Reason, Time } from './words.ts'

export const Event = named(
  'Event',
  z.object({
    id: z.string(),
    at: Time,
    kind: z.enum(Object.keys(EVENT_MEANINGS) as [keyof typeof EVENT_MEANINGS]),
    actor: z.object({
      kind: z.string(),
      id: z.string().nullable(),
      name: z.string(),
      from: z.string().nullable().describe('the address an operator came from'),
      via: z.string().nullable().describe('session, or token and its name'),
    }),
    result: z.enum(RESULTS),
    reason: Reason.nullable().describe('why it was decided so, or refused'),
    subject: z.object({ kind: z.string(), id: z.string(), name: z.string() }),
    deviceId: Id.nullable(),
    data: JsonObject,
  }),
)
export type Event = z.infer<typeof Event>

export const LiveEvent = named(
  'LiveEvent',
  z.object({
    kind: z.enum(Object.keys(EVENT_MEANINGS) as [keyof typeof EVENT_MEANINGS]),
    subjectId: z.string(),
    deviceId: Id.nullable(),
    at: Time.nullable(),
    subject: z.string().nullable(),
    data: JsonObject.nullable().describe('null, as at and subject, for word from another server'),
  }),
)
export type LiveEvent = z.infer<typeof LiveEvent>

export const LiveBatch = named('LiveBatch', z.object({ events: z.array(LiveEvent) }))
export type LiveBatch = z.infer<typeof LiveBatch>

const Moment = z.iso.datetime({ offset: true }).describe('RFC 3339')

/** What the audit log may be asked for. */
export const EventQuery = ListQuery.extend({
  search: z.string().max(255).optional().describe('text within names of subjects and actors'),
  kind: z.string().optional().describe('an event kind, or its first part: device, operation, …'),
  actor: z.string().max(255).optional().describe('exactly this name of an operator'),
  subjectKind: z.string().max(64).optional().describe('device, profile, release, …'),
  subjectId: z.string().max(255).optional(),
  deviceId: Id.optional(),
  result: z.enum(RESULTS).optional(),
  since: Moment.optional().describe('not before this time'),
  until: Moment.optional().describe('before this time'),
})
export type EventQuery = z.output<typeof EventQuery>
