import type { Actor, DomainEvent, EventKind, SubjectKind } from '@updraft/core'
import { sql } from 'kysely'
import type { DeliveredEvent, EventFeed, Events, StoredEvent } from '../app/ports.ts'
import { page, startsWithText } from './paging.ts'
import { ofCustomersDevice, type Scope } from './scope.ts'
import type { Tables } from './tables.ts'

/** Called after a commit with the events it held. */
export type Announce = (tenantId: string, events: readonly DomainEvent[]) => void

export function events(scope: Scope): Events {
  const { db, tenantId, written } = scope

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
          })),
        )
        .execute()
      written(happened)
    },
    page: (query) => {
      let rows = db
        .selectFrom('events')
        .selectAll('events')
        .where('events.tenant_id', '=', tenantId)
        .where(ofCustomersDevice(scope, 'events.device_id'))
      if (query.deviceId) rows = rows.where('events.device_id', '=', query.deviceId)
      if (query.kind?.includes('.')) rows = rows.where('events.kind', '=', query.kind)
      else if (query.kind)
        rows = rows.where('events.kind', 'like', startsWithText(`${query.kind}.`))
      return page(rows, query, {
        columns: { id: sql.ref('events.id') },
        id: sql.ref('events.id'),
        defaultSort: '-id',
        view: eventOf,
      })
    },
  }
}

const eventOf = (
  row: Omit<Tables['events'], 'id' | 'actor' | 'data'> & {
    id: string
    actor: unknown
    data: StoredEvent['data']
  },
): StoredEvent => ({
  id: row.id,
  kind: row.kind as EventKind,
  at: row.at,
  actor: row.actor as Actor,
  subject: { kind: row.subject_kind as SubjectKind, id: row.subject_id, name: row.subject_name },
  deviceId: row.device_id,
  data: row.data,
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
