import type { DomainEvent } from '@updraft/core'
import type { Transaction } from 'kysely'
import type { Tables } from './tables.ts'

/** A transaction that belongs to one tenant: what every store file is given. */
export interface Scope {
  readonly db: Transaction<Tables>
  readonly tenantId: string
  /** Hands over events that were written, to be delivered after the commit. */
  readonly written: (events: readonly DomainEvent[]) => void
}
