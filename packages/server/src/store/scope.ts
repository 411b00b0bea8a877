import type { DomainEvent } from '@updraft/core'
import { type RawBuilder, sql, type Transaction } from 'kysely'
import type { Within } from '../app/ports.ts'
import type { Tables } from './tables.ts'

/** A transaction that belongs to one tenant, or to one of its customers: what every store file is given. */
export interface Scope extends Within {
  readonly db: Transaction<Tables>
  /** Hands over events that were written, to be delivered after the commit. */
  readonly written: (events: readonly DomainEvent[]) => void
}

/*
 * What a customer's scope leaves of the tenant's rows. Each query filters by tenant itself and adds one of these;
 * in the tenant's own scope they leave everything.
 */

/** Rows whose `column` is the customer they belong to. */
export const ofCustomer = ({ customerId }: Within, column: string): RawBuilder<boolean> =>
  customerId === null ? sql`true` : sql`${sql.ref(column)} = ${customerId}`

/** Rows whose `column` names one of the customer's devices. */
export const ofCustomersDevice = ({ customerId }: Within, column: string): RawBuilder<boolean> =>
  customerId === null
    ? sql`true`
    : sql`${sql.ref(column)} in (select own.id from devices own where own.customer_id = ${customerId})`

/** Rows whose `column` names a profile that one of the customer's devices has. */
export const ofCustomersProfile = ({ customerId }: Within, column: string): RawBuilder<boolean> =>
  customerId === null
    ? sql`true`
    : sql`${sql.ref(column)} in (select own.profile_id from devices own where own.customer_id = ${customerId})`
