import { DomainError, type Reason, type ReasonCode } from '@updraft/core'
import { type RawBuilder, sql } from 'kysely'
import type { Policies, PolicyFigures, PolicyFilter, PolicyView } from '../app/ports.ts'
import type { Database } from './database.ts'
import { containsText, page } from './paging.ts'
import { countsOf, policyOf } from './policy-rows.ts'
import type { Scope } from './scope.ts'

/** Devices of the profile and the clouds of `policy`. */
const populationOf = (policy: { profile_id: unknown; cloud_ids: unknown }): RawBuilder<number> =>
  sql<number>`(select count(*)::integer from devices d where d.profile_id = ${policy.profile_id}
     and (${policy.cloud_ids} = '{}'::uuid[] or d.cloud_id = any(${policy.cloud_ids})))`

/** How many devices stand so with it. */
const standing = (where: RawBuilder<unknown>): RawBuilder<number> =>
  sql<number>`(select count(*)::integer from policy_devices s where s.release_id = policies.release_id and ${where})`

const fared = (how: string) => standing(sql`s.standing = 'offered' and s.fared = ${sql.lit(how)}`)
const STARTED = standing(sql`s.standing = 'offered' and s.fared is not null`)
const heldBack = (by: ReasonCode) =>
  standing(sql`s.standing = 'deferred' and s.because_code = ${sql.lit(by)}`)

export function policies({ db, tenantId }: Scope): Policies {
  const of = (query: PolicyFilter) => {
    let rows = db
      .selectFrom('policies')
      .innerJoin('releases', 'releases.id', 'policies.release_id')
      .innerJoin('profiles', 'profiles.id', 'policies.profile_id')
      .where('policies.tenant_id', '=', tenantId)
    if (query.profileId !== undefined) rows = rows.where('profiles.id', '=', query.profileId)
    if (query.profile !== undefined) rows = rows.where('profiles.name', '=', query.profile)
    if (query.type !== undefined) rows = rows.where('policies.type', '=', query.type)
    if (query.isEnabled !== undefined) {
      rows = rows.where('policies.is_enabled', '=', query.isEnabled)
    }
    return rows
  }

  const named = (query: PolicyFilter) =>
    of(query).select(['releases.title', 'releases.version', 'profiles.name as profile_name'])

  const select = (query: PolicyFilter = {}) =>
    named(query)
      .selectAll('policies')
      .select([
        standing(sql`s.standing = 'deferred'`).as('deferred'),
        STARTED.as('started'),
        fared('succeeded').as('succeeded'),
        fared('failed').as('failed'),
      ])
  type Row = Awaited<ReturnType<ReturnType<typeof select>['execute']>>[number]

  const nameOf = (
    row: Pick<Row, 'release_id' | 'title' | 'version' | 'type' | 'profile_id' | 'profile_name'>,
  ) => ({
    release: { id: row.release_id, title: row.title, version: row.version },
    type: row.type,
    profile: { id: row.profile_id, name: row.profile_name },
  })

  const view = (row: Row): PolicyView => ({
    ...nameOf(row),
    policy: policyOf(row),
    counts: countsOf(row),
    tally: {
      deferred: row.deferred,
      started: row.started,
      succeeded: row.succeeded,
      failed: row.failed,
    },
    createdBy: row.created_by,
    revision: row.revision,
  })

  const unknown = () => new DomainError('policy.unknown', 'The release has no policy.')

  const find: Policies['find'] = async (releaseId) => {
    const row = await select().where('policies.release_id', '=', releaseId).executeTakeFirst()
    return row ? view(row) : null
  }

  /** Whoever has read the policies of that profile reads them anew. */
  const outdate = async (profileId: string) => {
    await db
      .updateTable('profiles')
      .set({ policies_revision: sql`policies_revision + 1` })
      .where('tenant_id', '=', tenantId)
      .where('id', '=', profileId)
      .execute()
  }

  const sorting = {
    columns: {
      createdAt: sql.ref('policies.created_at'),
      publishedAt: sql.ref('policies.published_at'),
      title: sql.ref('releases.title'),
      version: sql.ref('releases.version'),
      profile: sql.ref('profiles.name'),
    },
    id: sql.ref('policies.release_id'),
    defaultSort: '-createdAt',
  }

  return {
    find,
    get: async (releaseId) => {
      const found = await find(releaseId)
      if (found) return found
      throw unknown()
    },
    page: (query) => {
      let rows = select(query)
      if (query.search) rows = rows.where('releases.title', 'ilike', containsText(query.search))
      return page(db, rows, query, { ...sorting, view })
    },
    put: async (policy, { profileId, type, createdBy }, revision) => {
      const { expression, isEnabled, limits, cloudIds, publishedAt } = policy
      const said = {
        expression,
        is_enabled: isEnabled,
        max_devices: limits.maxDevices,
        percentage: limits.percentage,
        rate: limits.rate,
        period_seconds: limits.periodSeconds,
        cloud_ids: [...cloudIds],
        published_at: publishedAt,
        population: populationOf({
          profile_id: sql`${profileId}::uuid`,
          cloud_ids: sql`${[...cloudIds]}::uuid[]`,
        }),
      }
      // Its counts stay; a period that was running with another length goes on with that.
      let update = db
        .updateTable('policies')
        .set({ ...said, revision: sql`revision + 1` })
        .where('tenant_id', '=', tenantId)
        .where('release_id', '=', policy.releaseId)
      if (revision !== undefined) update = update.where('revision', '=', revision)
      const { numUpdatedRows } = await update.executeTakeFirst()
      if (numUpdatedRows === 0n) {
        if (revision !== undefined) {
          const message = 'The policy was changed by someone else meanwhile.'
          throw new DomainError('request.version-mismatch', message)
        }
        await db
          .insertInto('policies')
          .values({
            ...said,
            release_id: policy.releaseId,
            tenant_id: tenantId,
            profile_id: profileId,
            type,
            created_at: policy.createdAt,
            created_by: createdBy,
          })
          .execute()
      }
      if (!isEnabled) await letGo(db, policy.releaseId)
      await outdate(profileId)
    },
    enable: async (releaseId, isEnabled, publishedAt) => {
      const row = await db
        .updateTable('policies')
        .set({ is_enabled: isEnabled, published_at: publishedAt, revision: sql`revision + 1` })
        .where('tenant_id', '=', tenantId)
        .where('release_id', '=', releaseId)
        .returning('profile_id')
        .executeTakeFirst()
      if (!row) throw unknown()
      if (!isEnabled) await letGo(db, releaseId)
      await outdate(row.profile_id)
    },
    remove: async (releaseId) => {
      const row = await db
        .deleteFrom('policies')
        .where('tenant_id', '=', tenantId)
        .where('release_id', '=', releaseId)
        .returning('profile_id')
        .executeTakeFirst()
      if (!row) throw unknown()
      await outdate(row.profile_id)
    },
    figures: (query) => {
      const rows = named(query).select([
        'policies.release_id',
        'policies.type',
        'policies.profile_id',
        'policies.is_enabled',
        'policies.offered',
        sql<number>`(select count(*)::integer from devices d join device_presence p on p.device_id = d.id
          where d.profile_id = policies.profile_id and p.last_seen_at >= policies.published_at
            and (policies.cloud_ids = '{}' or d.cloud_id = any(policies.cloud_ids)))`.as(
          'requests',
        ),
        heldBack('deferred.max-devices').as('by_max_devices'),
        heldBack('deferred.percentage').as('by_percentage'),
        heldBack('deferred.rate').as('by_rate'),
        STARTED.as('started'),
        fared('succeeded').as('succeeded'),
        fared('failed').as('failed'),
      ])
      return page(db, rows, query, {
        ...sorting,
        view: (row): PolicyFigures => ({
          ...nameOf(row),
          isEnabled: row.is_enabled,
          requests: row.requests,
          offered: row.offered,
          deferred: {
            maxDevices: row.by_max_devices,
            percentage: row.by_percentage,
            rate: row.by_rate,
          },
          started: row.started,
          succeeded: row.succeeded,
          failed: row.failed,
        }),
      })
    },
    devices: (releaseId, query) => {
      let rows = db
        .selectFrom('policy_devices')
        .innerJoin('devices', 'devices.id', 'policy_devices.device_id')
        .where('policy_devices.tenant_id', '=', tenantId)
        .where('policy_devices.release_id', '=', releaseId)
        .selectAll('policy_devices')
        .select('devices.name')
      if (query.standing !== undefined) {
        rows = rows.where('policy_devices.standing', '=', query.standing)
      }
      if (query.fared !== undefined) rows = rows.where('policy_devices.fared', '=', query.fared)
      return page(db, rows, query, {
        columns: { name: sql.ref('devices.name') },
        id: sql.ref('policy_devices.device_id'),
        defaultSort: 'name',
        view: (row) => ({
          device: { id: row.device_id, name: row.name },
          standing: row.standing,
          because: { code: row.because_code, message: row.because_message } as Reason,
          at: row.at,
          fared: row.fared,
        }),
      })
    },
    population: async (profileId, cloudIds) => {
      const of = { profile_id: sql`${profileId}::uuid`, cloud_ids: sql`${[...cloudIds]}::uuid[]` }
      const { rows } = await sql<{ count: number }>`select ${populationOf(of)} as count
        where exists (select from profiles f where f.tenant_id = ${tenantId} and f.id = ${profileId})`.execute(
        db,
      )
      return rows[0]?.count ?? 0
    },
  }
}

/** Nobody is held back by it any more. */
async function letGo(db: Scope['db'], releaseId: string): Promise<void> {
  await db
    .deleteFrom('policy_devices')
    .where('release_id', '=', releaseId)
    .where('standing', '=', 'deferred')
    .execute()
}

/** Each profile and set of clouds is counted once, however many policies are for it. */
const RECOUNT = `with asked as (
    select distinct profile_id, cloud_ids from policies where is_enabled
  ), counted as materialized (
    select a.profile_id, a.cloud_ids, (
      select count(*)::integer from devices d where d.profile_id = a.profile_id
         and (a.cloud_ids = '{}' or d.cloud_id = any(a.cloud_ids))) as population
      from asked a
  ), others as materialized (
    select p.release_id, c.population from policies p
      join counted c on c.profile_id = p.profile_id and c.cloud_ids = p.cloud_ids
     where p.is_enabled and p.population <> c.population order by p.release_id for no key update of p
  )
  update policies p set population = o.population from others o where p.release_id = o.release_id`

/** Those that were decided on in the moment in which their policy was disabled. */
const LET_GO = `delete from policy_devices s using policies p
  where p.release_id = s.release_id and s.standing = 'deferred' and not p.is_enabled`

export const policyWork = ({ pool }: Pick<Database, 'pool'>) => ({
  recount: async (): Promise<void> => {
    await pool.query(RECOUNT)
    await pool.query(LET_GO)
  },
})
