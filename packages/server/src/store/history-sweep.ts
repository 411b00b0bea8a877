import { type RawBuilder, sql } from 'kysely'
import type { HistorySweep } from '../app/ports.ts'
import type { Database } from './database.ts'
import { KEPT_FOR } from './idempotent-requests.ts'
import { BEFORE_ALL } from './paging.ts'
import { again, refuse } from './refusals.ts'

/** Several servers may remove at once: what one has in hand, the others leave to it. */
export function historySweep({ db }: Database): HistorySweep {
  const run = async <T>(statement: RawBuilder<T>): Promise<T[]> =>
    (await again(() => statement.execute(db)).catch(refuse)).rows

  return {
    tenantIds: async () =>
      (await run(sql<{ id: string }>`select id from tenants order by id`)).map(({ id }) => id),
    removeEvents: async (tenantId, { before, limit }) => {
      const [gone] = await run(sql<{ count: number }>`
        with old as (
          select id from events where tenant_id = ${tenantId} and at < ${before}
           order by at, id limit ${limit} for update skip locked
        ), gone as (delete from events where id in (select id from old) returning 1)
        select count(*)::integer as count from gone`)
      return gone?.count ?? 0
    },
    removeMessages: async (tenantId, { before, limit }) => {
      const [gone] = await run(sql<{ count: number }>`
        with old as (
          select id from hawkbit_messages where tenant_id = ${tenantId} and at < ${before}
           order by at limit ${limit} for update skip locked
        ), gone as (delete from hawkbit_messages where id in (select id from old) returning 1)
        select count(*)::integer as count from gone`)
      return gone?.count ?? 0
    },
    removeOperations: async (tenantId, { before, after, limit }) => {
      const [endedAt, id] = after === null ? ['-infinity', BEFORE_ALL] : JSON.parse(after)
      const [batch] = await run(sql<{ removed: number; last: [string, string] | null }>`
        with old as materialized (
          select o.id, o.ended_at, o.device_id, o.release_id from operations o
           where o.tenant_id = ${tenantId} and o.ended_at < ${before}
             and (o.ended_at, o.id) > (${endedAt}::timestamptz, ${id}::uuid)
           order by o.ended_at, o.id limit ${limit}
        ), doomed as (
          select o.id from operations o join old on old.id = o.id
           where not exists (${SHOWN}) and not exists (${COUNTED})
             for update of o skip locked
        ), gone as (delete from operations where id in (select id from doomed) returning 1)
        select (select count(*)::integer from gone) as removed,
               (select json_build_array(ended_at, id) from old order by ended_at desc, id desc limit 1) as last`)
      const { removed = 0, last = null } = batch ?? {}
      return { removed, last: last && JSON.stringify(last) }
    },
    removeExpired: async (now) => {
      await run(sql`delete from sessions where expires_at < ${now}`)
      await run(
        sql`delete from idempotent_requests where started_at < ${now}::timestamptz - ${KEPT_FOR}`,
      )
    },
  }
}

/** It is the newest of its component: what is shown of the device, and what its reports are held against. */
const SHOWN = sql`
  select from device_components c where c.device_id = old.device_id and c.operation_id = old.id`

/** It is, or could become, one of the attempts at what is assigned now (`snapshots.ts` counts them). */
const COUNTED = sql`
  select from assignments a
   where a.release_id = old.release_id and a.assigned_at < old.ended_at
     and (a.device_id is null or a.device_id = old.device_id)`
