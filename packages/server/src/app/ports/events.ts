/** What has happened: kept, found, carried, removed when old. */
import type { DomainEvent, EventKind, Result, SubjectKind } from '@updraft/core'
import type { Page, PageQuery } from './paging.ts'

/** An event as it is read back. */
export interface StoredEvent extends DomainEvent {
  readonly id: string
}

export interface EventQuery extends PageQuery {
  /** A kind, or its first part: `operation`. */
  readonly kind?: string
  /** Name of an operator. */
  readonly actor?: string
  readonly subjectKind?: string
  readonly subjectId?: string
  readonly deviceId?: string
  readonly result?: Result
  /** Not before this time. */
  readonly since?: Date
  /** Before this time. */
  readonly until?: Date
}

export interface Events {
  append(events: readonly DomainEvent[]): Promise<void>
  page(query: EventQuery): Promise<Page<StoredEvent>>
  /** The newest one about that subject. */
  latestOf(subject: {
    readonly kind: SubjectKind
    readonly id: string
  }): Promise<StoredEvent | null>
}

/** Carries events, after their commit, to whoever asked for them in this process and in others. */
export interface EventFeed {
  subscribe(listener: (events: readonly DeliveredEvent[]) => void): () => void
}

/**
 * An event as it is delivered: what happened, and to whom. From another process only that comes; `event` is null
 * then.
 */
export interface DeliveredEvent {
  readonly tenantId: string
  readonly kind: EventKind
  readonly deviceId: string | null
  readonly subjectId: string
  readonly event: DomainEvent | null
}

/** What has happened, for whoever removes it when it is old. */
export interface HistorySweep {
  tenantIds(): Promise<readonly string[]>
  /** Removes the oldest events before that time; answers how many. Fewer than `limit`: there are no more. */
  removeEvents(
    tenantId: string,
    batch: { readonly before: Date; readonly limit: number },
  ): Promise<number>
  /**
   * Looks through operations that ended before that time, from where the last batch ended, and removes them with
   * their steps; but for the newest of each component of a device, and attempts that count for what is assigned.
   * `last` is where to go on, null at the end.
   */
  removeOperations(
    tenantId: string,
    batch: { readonly before: Date; readonly after: string | null; readonly limit: number },
  ): Promise<{ readonly removed: number; readonly last: string | null }>
  /** Removes what devices said of actions before that time; answers how many times. Fewer than `limit`: there are no more. */
  removeMessages(
    tenantId: string,
    batch: { readonly before: Date; readonly limit: number },
  ): Promise<number>
  /** Removes sessions that are over, and answers no repeated request is given any more. */
  removeExpired(now: Date): Promise<void>
}
