import { LOG_LEVELS } from '@updraft/core'
import { sql } from 'kysely'
import type { DeviceLogs, DeviceLogsAtWork, LogLine } from '../app/ports.ts'
import type { Database } from './database.ts'
import { groupCommit } from './group-commit.ts'
import { containsText, page } from './paging.ts'
import { again, refuse } from './refusals.ts'
import { ofCustomersDevice, type Scope } from './scope.ts'
import { type Statement, write } from './statement.ts'

/** Of one device so many are kept; its oldest go when it has written as many as make it worth a look. */
export const MAX_LINES = 5000
const LOOK_AFTER_LINES = 500
const MAX_COUNTED = 10_000
const MAX_BATCH = 50

export function deviceLogs(scope: Scope): DeviceLogs {
  const { db, tenantId } = scope
  return {
    page: (deviceId, { level, search, ...query }) => {
      let rows = db
        .selectFrom('device_log_lines')
        .selectAll('device_log_lines')
        .where('device_log_lines.tenant_id', '=', tenantId)
        .where('device_log_lines.device_id', '=', deviceId)
        .where(ofCustomersDevice(scope, 'device_log_lines.device_id'))
      if (level !== undefined) rows = rows.where('level', '>=', LOG_LEVELS.indexOf(level))
      if (search) rows = rows.where('message', 'ilike', containsText(search))
      const id = sql.ref('device_log_lines.id')
      return page(db, rows, query, {
        columns: { arrival: id },
        id,
        defaultSort: '-arrival',
        view: (row) => ({
          id: row.id,
          at: row.at,
          receivedAt: row.received_at,
          level: LOG_LEVELS[row.level] ?? 'info',
          message: row.message,
        }),
      })
    },
  }
}

/** In the order they came; lines of devices that are gone by now are passed over. */
const KEEP: Statement = {
  name: 'keep-log-lines',
  width: 7,
  text: `insert into device_log_lines (tenant_id, device_id, sequence, at, received_at, level, message)
    select v.tenant_id, v.device_id, v.sequence, v.at, v.received_at, v.level, v.message
      from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::timestamptz[], $5::timestamptz[], $6::smallint[], $7::text[])
        with ordinality as v (tenant_id, device_id, sequence, at, received_at, level, message, place)
      join devices d on d.tenant_id = v.tenant_id and d.id = v.device_id
     order by v.place
    on conflict do nothing`,
}

/** All but the newest of these devices. */
const TRIM = `delete from device_log_lines l using (
    select v.device_id, (select k.id from device_log_lines k where k.device_id = v.device_id
                          order by k.id desc offset ${MAX_LINES} limit 1) as last
      from unnest($1::uuid[]) as v (device_id)) t
  where l.device_id = t.device_id and l.id <= t.last`

interface Keeping {
  readonly tenantId: string
  readonly deviceId: string
  readonly lines: readonly LogLine[]
  readonly receivedAt: Date
}

/** Of many devices in one statement, and never on the connections of the hot path. */
export function deviceLogsAtWork({ pool, db }: Database): DeviceLogsAtWork {
  /** How many lines each device has written since its oldest were removed. */
  const written = new Map<string, number>()

  const due = (keepings: readonly Keeping[]): string[] =>
    keepings.flatMap(({ deviceId, lines }) => {
      const count = (written.get(deviceId) ?? 0) + lines.length
      if (written.size >= MAX_COUNTED) written.clear()
      if (count < LOOK_AFTER_LINES) {
        written.set(deviceId, count)
        return []
      }
      written.delete(deviceId)
      return [deviceId]
    })

  const keepTogether = async (keepings: readonly Keeping[]): Promise<undefined[]> => {
    const rows = keepings.flatMap(({ tenantId, deviceId, lines, receivedAt }) =>
      lines.map(({ sequence, at, level, message }) => [
        tenantId,
        deviceId,
        sequence,
        at,
        receivedAt,
        LOG_LEVELS.indexOf(level),
        message,
      ]),
    )
    await again(() => write(pool, KEEP, rows))
    const full = due(keepings)
    if (full.length > 0) await again(() => pool.query(TRIM, [full]))
    return keepings.map(() => undefined)
  }
  const keep = groupCommit<Keeping, undefined>({ carryOut: keepTogether, maxBatch: MAX_BATCH })

  return {
    keep: async (device, lines, receivedAt) => {
      if (lines.length > 0) await keep({ ...device, lines, receivedAt }).catch(refuse)
    },
    taken: async (deviceId) => {
      const { highest } = await db
        .selectFrom('device_log_lines')
        .select(sql<string | null>`max(sequence)`.as('highest'))
        .where('device_id', '=', deviceId)
        .executeTakeFirstOrThrow()
        .catch(refuse)
      return highest === null ? null : Number(highest)
    },
    sweep: async (before, limit) => {
      const { rows } = await again(() =>
        sql<{ count: number }>`
          with old as (
            select id from device_log_lines where received_at < ${before}
             order by received_at limit ${limit} for update skip locked
          ), gone as (delete from device_log_lines where id in (select id from old) returning 1)
          select count(*)::integer as count from gone`.execute(db),
      ).catch(refuse)
      return rows[0]?.count ?? 0
    },
  }
}
