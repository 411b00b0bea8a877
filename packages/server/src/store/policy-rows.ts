/** Policies as rows: what they say, what their limits count, and how devices stand with them. */
import {
  checkedLimits,
  type Fared,
  type Policy,
  type PolicyCounts,
  type PolicyMove,
  type Standing,
} from '@updraft/core'
import type { Selectable } from 'kysely'
import type pg from 'pg'
import { type Row, type Statement, write } from './statement.ts'
import type { Tables } from './tables.ts'

type Queryable = Pick<pg.ClientBase, 'query'>

/** Times are dates, or text where the row came as JSON. */
export type PolicyRow = Omit<Selectable<Tables['policies']>, TimeColumn> &
  Record<Exclude<TimeColumn, 'period_started_at'>, Date | string> & {
    period_started_at: Date | string | null
  }
type TimeColumn = 'published_at' | 'created_at' | 'period_started_at'

export const policyOf = (row: PolicyRow): Policy => ({
  releaseId: row.release_id,
  expression: row.expression,
  isEnabled: row.is_enabled,
  limits: checkedLimits({
    maxDevices: row.max_devices,
    percentage: row.percentage,
    rate: row.rate,
    periodSeconds: row.period_seconds,
  }),
  cloudIds: row.cloud_ids,
  publishedAt: new Date(row.published_at),
  createdAt: new Date(row.created_at),
})

export const countsOf = (row: PolicyRow): PolicyCounts => ({
  offered: row.offered,
  population: row.population,
  periodStartedAt: row.period_started_at === null ? null : new Date(row.period_started_at),
  offeredInPeriod: row.offered_in_period,
})

const BY_RELEASES = {
  name: 'policies-by-releases',
  text: 'select * from policies where release_id = any($1::uuid[]) order by release_id',
}
/** In order, so that two who need several do not wait for each other in a circle. */
const LOCKED_BY_RELEASES = {
  name: 'lock-policies',
  text: `${BY_RELEASES.text} for no key update`,
}

export async function policiesByReleases(
  client: Queryable,
  releaseIds: readonly string[],
  { lock }: { lock: boolean },
): Promise<PolicyRow[]> {
  if (releaseIds.length === 0) return []
  const statement = lock ? LOCKED_BY_RELEASES : BY_RELEASES
  const { rows } = await client.query<PolicyRow>({ ...statement, values: [releaseIds] })
  return rows
}

/** Others that offer the same releases add to the same rows: all take them in one order. */
const OFFERED: Statement = {
  name: 'count-offered',
  width: 4,
  text: `with v as materialized (
      select * from unnest($1::uuid[], $2::integer[], $3::timestamptz[], $4::integer[])
        as v (release_id, more, period_started_at, offered_in_period)
    ), locked as materialized (
      select release_id from policies where release_id in (select release_id from v) order by release_id for no key update
    )
    update policies p set offered = p.offered + v.more,
        period_started_at = v.period_started_at, offered_in_period = v.offered_in_period
      from v join locked l on l.release_id = v.release_id where p.release_id = v.release_id`,
}

/** How many more were offered each release, and its period as it is now. */
export const writeOffered = (client: Queryable, rows: readonly Row[]): Promise<number> =>
  write(client, OFFERED, rows)

/** Of a policy that was removed meanwhile nothing is kept. */
const STANDINGS: Statement = {
  name: 'write-standings',
  width: 8,
  text: `insert into policy_devices as s (release_id, device_id, tenant_id, standing, because_code, because_message, at, fared)
    select v.release_id, v.device_id, v.tenant_id, v.standing, v.because_code, coalesce(v.because_message, ''), v.at, v.fared
      from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::timestamptz[], $8::text[])
        as v (release_id, device_id, tenant_id, standing, because_code, because_message, at, fared)
     where exists (select from policies p where p.release_id = v.release_id)
    on conflict (release_id, device_id) do update set standing = excluded.standing, fared = excluded.fared,
      because_code = excluded.because_code,
      because_message = case when excluded.because_message = '' then s.because_message else excluded.because_message end,
      at = case when excluded.because_message = '' then s.at else excluded.at end`,
}

const NO_STANDING: Statement = {
  name: 'remove-standings',
  width: 2,
  text: `delete from policy_devices s using unnest($1::uuid[], $2::uuid[]) as v (release_id, device_id)
    where s.release_id = v.release_id and s.device_id = v.device_id and s.standing = 'deferred'`,
}

interface DeviceMove {
  readonly tenantId: string
  readonly deviceId: string
  readonly move: PolicyMove
}

/** Each device stands with each policy as it did last. */
export async function writeStandings(
  client: Queryable,
  moves: readonly DeviceMove[],
): Promise<void> {
  const last = new Map<string, DeviceMove>()
  for (const each of moves) {
    const key = `${each.move.releaseId} ${each.deviceId}`
    const because = each.move.to?.because ?? last.get(key)?.move.to?.because ?? null
    const to = each.move.to && { ...each.move.to, because }
    last.set(key, { ...each, move: { ...each.move, to } })
  }
  const all = [...last.values()]
  await write(
    client,
    NO_STANDING,
    all.flatMap(({ deviceId, move }) => (move.to ? [] : [[move.releaseId, deviceId]])),
  )
  await write(
    client,
    STANDINGS,
    all.flatMap(({ tenantId, deviceId, move: { releaseId, from, to, at } }) => {
      if (!to) return []
      const code = to.because?.code ?? from?.code ?? 'policy.offers'
      const message = to.because?.message ?? null
      return [[releaseId, deviceId, tenantId, to.standing, code, message, at, to.fared]]
    }),
  )
}

export type StandingRow = [
  releaseId: string,
  standing: Standing,
  code: string,
  fared: Fared | null,
  failures: number | null,
  lastFailedAt: string | null,
  isCancelled: boolean | null,
]
