import {
  type Actor,
  type DomainEvent,
  EVENT_KINDS,
  type EventKind,
  type EventReason,
  resultOf,
  type SubjectKind,
} from '@updraft/core'
import { sql } from 'kysely'
import type { DeliveredEvent, EventFeed, Events, StoredEvent } from '../app/ports.ts'
import { containsText, page } from './paging.ts'
import { ofCustomersDevice, type Scope } from './scope.ts'
import type { Tables } from './tables.ts'

/** Called after a commit with the events it held. */
export type Announce = (tenantId: string, events: readonly DomainEvent[]) => void

export function events(scope: Scope): Events {
  const { db, tenantId, written } = scope
  const select = () =>
    db
      .selectFrom('events')
      .selectAll('events')
      .where('events.tenant_id', '=', tenantId)
      .where(ofCustomersDevice(scope, 'events.device_id'))

  return {
    append: async (happened) => {
      if (happened.length === 0) return
      await db
        .insertInto('events')
        .values(
          happened.map((event) => ({
            tenant_id: tenantId,
            at: event.at,
            kind: event.kind,
            actor: JSON.stringify(event.actor),
            subject_kind: event.subject.kind,
            subject_id: event.subject.id,
            subject_name: event.subject.name,
            device_id: event.deviceId,
            data: JSON.stringify(event.data),
            reason: event.reason ? JSON.stringify(event.reason) : null,
          })),
        )
        .execute()
      written(happened)
    },
    page: (query) => {
      let rows = select()
      const { kind, result, actor, subjectKind, subjectId, deviceId, since, until, search } = query
      if (kind !== undefined || result !== undefined) {
        const kinds = EVENT_KINDS.filter(
          (each) =>
            (kind === undefined || each === kind || each.startsWith(`${kind}.`)) &&
            (result === undefined || resultOf(each) === result),
        )
        const [only] = kinds
        // One by itself lets the index give the order as well.
        rows =
          kinds.length === 1 && only
            ? rows.where('events.kind', '=', only)
            : rows.where('events.kind', '=', sql<string>`any(${kinds}::text[])`)
      }
      if (actor !== undefined) {
        // As the index has it: people only.
        rows = rows.where(
          sql<boolean>`events.actor ->> 'kind' = 'operator' and events.actor ->> 'name' = ${actor}`,
        )
      }
      if (subjectKind !== undefined) rows = rows.where('events.subject_kind', '=', subjectKind)
      if (subjectId !== undefined) rows = rows.where('events.subject_id', '=', subjectId)
      if (deviceId !== undefined) rows = rows.where('events.device_id', '=', deviceId)
      if (since !== undefined) rows = rows.where('events.at', '>=', since)
      if (until !== undefined) rows = rows.where('events.at', '<', until)
      if (search) {
        const wanted = containsText(search)
        rows = rows.where(
          sql<boolean>`(events.subject_name ilike ${wanted} or events.actor ->> 'name' ilike ${wanted})`,
        )
      }
      return page(db, rows, query, {
        columns: { at: sql.ref('events.at') },
        id: sql.ref('events.id'),
        defaultSort: '-at',
        view: eventOf,
      })
    },
    latestOf: async ({ kind, id }) => {
      const row = await select()
        .where('events.subject_kind', '=', kind)
        .where('events.subject_id', '=', id)
        .orderBy('events.at', 'desc')
        .orderBy('events.id', 'desc')
        .limit(1)
        .executeTakeFirst()
      return row ? eventOf(row) : null
    },
  }
}

const eventOf = (
  row: Omit<Tables['events'], 'id' | 'actor' | 'data' | 'reason'> & {
    id: string
    actor: unknown
    data: StoredEvent['data']
    reason: EventReason | null
  },
): StoredEvent => ({
  id: row.id,
  kind: row.kind as EventKind,
  at: row.at,
  actor: row.actor as Actor,
  subject: { kind: row.subject_kind as SubjectKind, id: row.subject_id, name: row.subject_name },
  deviceId: row.device_id,
  data: row.data,
  ...(row.reason && { reason: row.reason }),
})

/** Delivers events within this process. */
export function eventFeed(onError: (error: unknown) => void): EventFeed & {
  announce: Announce
  deliver(events: readonly DeliveredEvent[]): void
} {
  const listeners = new Set<(events: readonly DeliveredEvent[]) => void>()
  const deliver = (delivered: readonly DeliveredEvent[]) => {
    for (const listener of listeners) {
      try {
        listener(delivered)
      } catch (error) {
        onError(error)
      }
    }
  }
  return {
    subscribe: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    deliver,
    announce: (tenantId, happened) =>
      deliver(
        happened.map((event) => ({
          tenantId,
          kind: event.kind,
          deviceId: event.deviceId,
          subjectId: event.subject.id,
          event,
        })),
      ),
  }
}
