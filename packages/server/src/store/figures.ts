/** Figures over a whole fleet, counted by the database. */
import { sql } from 'kysely'
import type { Figures } from '../app/ports.ts'
import { ofCustomersDevice, type Scope } from './scope.ts'

/** More releases of one package in the field than this are counted together with the rarest. */
const MAX_VERSIONS = 500

export function figures(scope: Scope): Figures {
  const { db, tenantId } = scope

  return {
    endsByTime: async ({ since, until, stepSeconds }) => {
      const { rows } = await sql<{ at: Date; state: string; count: string }>`
        select date_bin(make_interval(secs => ${stepSeconds}), ended_at, ${since}) as at, state, count(*) as count
          from operations
         where tenant_id = ${tenantId} and ended_at >= ${since} and ended_at < ${until}
           and state in ('UPDATED', 'FAILED') and ${ofCustomersDevice(scope, 'device_id')}
         group by 1, 2`.execute(db)
      const counts = new Map<number, { updated: number; failed: number }>()
      const stepMs = stepSeconds * 1000
      for (let at = since.getTime(); at < until.getTime(); at += stepMs) {
        counts.set(at, { updated: 0, failed: 0 })
      }
      for (const { at, state, count } of rows) {
        const step = counts.get(at.getTime())
        if (step) step[state === 'UPDATED' ? 'updated' : 'failed'] = Number(count)
      }
      return [...counts].map(([at, each]) => ({ at: new Date(at), ...each }))
    },

    installed: async () => {
      const { rows } = await sql<{ type: string; title: string; version: string; count: string }>`
        select type, installed_title as title, installed_version as version, count(*) as count
          from device_components
         where tenant_id = ${tenantId} and installed_title is not null and installed_version is not null
           and ${ofCustomersDevice(scope, 'device_id')}
         group by 1, 2, 3 order by 4 desc, 1, 2, 3 limit ${MAX_VERSIONS}`.execute(db)
      return rows.map(({ type, title, version, count }) => ({
        type,
        title,
        version,
        devices: Number(count),
      }))
    },

    failures: async (limit) => {
      const { rows } = await sql<{
        release_id: string | null
        type: string
        title: string
        version: string
        count: string
        error: string | null
        latest_at: Date
      }>`
        select case when o.origin_code <> 'operator.manual' then o.release_id end as release_id, o.type, o.title, o.version, count(*) as count,
               mode() within group (order by o.error) as error, max(o.changed_at) as latest_at
          from device_components c join operations o on o.id = c.operation_id
         where c.tenant_id = ${tenantId} and c.operation_state = 'FAILED' and ${ofCustomersDevice(scope, 'c.device_id')}
         group by 1, 2, 3, 4 order by count(*) desc, max(o.changed_at) desc limit ${limit}`.execute(
        db,
      )
      return rows.map((row) => ({
        releaseId: row.release_id,
        type: row.type,
        title: row.title,
        version: row.version,
        devices: Number(row.count),
        error: row.error,
        latestAt: row.latest_at,
      }))
    },

    seen: async (since) => {
      const row = await db
        .selectFrom('device_presence')
        .where('tenant_id', '=', tenantId)
        .where(ofCustomersDevice(scope, 'device_id'))
        .select([
          sql<string>`count(*) filter (where last_seen_at >= ${since})`.as('recently'),
          sql<string>`count(*) filter (where last_seen_at < ${since})`.as('earlier'),
          sql<string>`count(*) filter (where last_seen_at is null)`.as('never'),
        ])
        .executeTakeFirstOrThrow()
      return {
        recently: Number(row.recently),
        earlier: Number(row.earlier),
        never: Number(row.never),
      }
    },
  }
}
