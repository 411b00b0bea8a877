import type { ProvisioningStrategy } from '@updraft/core'
import { sql } from 'kysely'
import type {
  Registration,
  Registrations,
  RegistrationsAtWork,
  WaitingDevice,
} from '../app/ports.ts'
import type { Database } from './database.ts'
import { containsText, page } from './paging.ts'
import { refuse } from './refusals.ts'
import type { Scope } from './scope.ts'

const COLUMNS = ['tenant_id', 'device_id', 'said_id', 'generation'] as const

const registrationOf = (row: {
  tenant_id: string
  device_id: string
  said_id: string
  generation: number
}): Registration => ({
  tenantId: row.tenant_id,
  deviceId: row.device_id,
  saidId: row.said_id,
  generation: row.generation,
})

const anyOf = (ids: readonly string[]) => sql<string>`any(${[...ids]}::uuid[])`

export function registrations({ db, tenantId }: Scope): Registrations {
  const select = () =>
    db
      .selectFrom('waiting_devices')
      .innerJoin('profiles', 'profiles.id', 'waiting_devices.profile_id')
      .leftJoin('clouds', 'clouds.id', 'waiting_devices.cloud_id')
      .where('waiting_devices.tenant_id', '=', tenantId)
      .select([
        'waiting_devices.id',
        'waiting_devices.profile_id',
        'profiles.name as profile_name',
        'clouds.id as cloud_id',
        'clouds.name as cloud_name',
        'waiting_devices.said_id',
        'waiting_devices.version',
        'waiting_devices.facts',
        'waiting_devices.times',
        'waiting_devices.first_seen_at',
        'waiting_devices.last_seen_at',
      ])
  type Row = Awaited<ReturnType<ReturnType<typeof select>['execute']>>[number]

  const view = (row: Row): WaitingDevice => ({
    id: row.id,
    profileId: row.profile_id,
    profileName: row.profile_name,
    cloud: row.cloud_id && row.cloud_name ? { id: row.cloud_id, name: row.cloud_name } : null,
    saidId: row.said_id,
    version: row.version,
    facts: row.facts,
    times: Number(row.times),
    firstSeenAt: row.first_seen_at,
    lastSeenAt: row.last_seen_at,
  })

  return {
    page: (query) => {
      let rows = select()
      if (query.profile !== undefined) rows = rows.where('profiles.name', '=', query.profile)
      if (query.search) {
        rows = rows.where('waiting_devices.said_id', 'ilike', containsText(query.search))
      }
      return page(db, rows, query, {
        columns: {
          saidId: sql.ref('waiting_devices.said_id'),
          firstSeenAt: sql.ref('waiting_devices.first_seen_at'),
          lastSeenAt: sql.ref('waiting_devices.last_seen_at'),
        },
        id: sql.ref('waiting_devices.id'),
        defaultSort: '-lastSeenAt',
        view,
      })
    },
    waiting: async (ids) => {
      const rows = await select()
        .where('waiting_devices.id', '=', anyOf(ids))
        .orderBy('waiting_devices.id')
        .forUpdate('waiting_devices')
        .execute()
      return rows.map(view)
    },
    forget: async (ids) => {
      const { numDeletedRows } = await db
        .deleteFrom('waiting_devices')
        .where('tenant_id', '=', tenantId)
        .where('id', '=', anyOf(ids))
        .executeTakeFirst()
      return Number(numDeletedRows)
    },
    insert: async ({ deviceId, profileId, saidId }) => {
      await db
        .insertInto('registrations')
        .values({
          device_id: deviceId,
          tenant_id: tenantId,
          profile_id: profileId,
          said_id: saidId,
        })
        .execute()
      await db
        .deleteFrom('waiting_devices')
        .where('tenant_id', '=', tenantId)
        .where('profile_id', '=', profileId)
        .where('said_id', '=', saidId)
        .execute()
    },
    renew: async (deviceIds) => {
      const rows = await db
        .updateTable('registrations')
        .set(({ eb }) => ({ generation: eb('generation', '+', 1) }))
        .where('tenant_id', '=', tenantId)
        .where('device_id', '=', anyOf(deviceIds))
        .returning(COLUMNS)
        .execute()
      return rows.map(registrationOf)
    },
  }
}

/** Registrations as devices make them, on single statements: they come before anything else is known. */
export function registrationsAtWork({ db, pool }: Database): RegistrationsAtWork {
  return {
    profileOf: async (product, tenantId) => {
      const { rows } = await pool.query<ProfileRow>(PROFILE_OF, [product, tenantId]).catch(refuse)
      const [row] = rows
      return row
        ? {
            tenantId: row.tenant_id,
            profileId: row.id,
            strategy: row.provisioning_strategy,
            claimsAtOnce: row.claims_at_once,
          }
        : null
    },
    find: async (profileId, saidId) => {
      const row = await db
        .selectFrom('registrations')
        .select(COLUMNS)
        .where('profile_id', '=', profileId)
        .where('said_id', '=', saidId)
        .executeTakeFirst()
        .catch(refuse)
      return row ? registrationOf(row) : null
    },
    called: async (tenantId, saidId) => {
      const rows = await db
        .selectFrom('registrations')
        .select(COLUMNS)
        .where('tenant_id', '=', tenantId)
        .where('said_id', '=', saidId)
        .limit(100)
        .execute()
        .catch(refuse)
      return rows.map(registrationOf)
    },
    deviceOfOperation: async (tenantId, operationId) => {
      const row = await db
        .selectFrom('operations')
        .select('device_id')
        .where('tenant_id', '=', tenantId)
        .where('id', '=', operationId)
        .executeTakeFirst()
        .catch(refuse)
      return row?.device_id ?? null
    },
    wait: async (id, caller, { times, at, most }) => {
      const { tenantId, profileId, cloudId, saidId, version, facts } = caller
      const values = [
        id,
        tenantId,
        profileId,
        cloudId,
        saidId,
        version,
        JSON.stringify(facts),
        times,
        at,
      ]
      const { rows } = await pool.query<{ is_new: boolean }>(WAIT, values).catch(refuse)
      if (rows[0]?.is_new) await pool.query(GIVE_WAY, [tenantId, most]).catch(refuse)
    },
    cloudNamed: async (account, cloud) => {
      const { rows } = await pool
        .query<{ id: string; tenant_id: string }>(CLOUD_NAMED, [account, cloud])
        .catch(refuse)
      const [row] = rows
      return row ? { tenantId: row.tenant_id, cloudId: row.id } : null
    },
    forgetSilent: async (before) => {
      const { rowCount } = await pool
        .query('delete from waiting_devices where last_seen_at < $1', [before])
        .catch(refuse)
      return rowCount ?? 0
    },
  }
}

interface ProfileRow {
  id: string
  tenant_id: string
  provisioning_strategy: ProvisioningStrategy | null
  claims_at_once: boolean
}

/** The key stands for one profile among all; a name only where the tenant is known. */
const PROFILE_OF = `
  select id, tenant_id, provisioning_strategy, claims_at_once from profiles
   where provisioning_key = $1 or (tenant_id = $2::uuid and name = $1)
   order by provisioning_key is not distinct from $1 desc limit 1`

const WAIT = `
  insert into waiting_devices
    (id, tenant_id, profile_id, cloud_id, said_id, version, facts, times, first_seen_at, last_seen_at)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)
  on conflict (profile_id, said_id) do update
     set cloud_id = coalesce(excluded.cloud_id, waiting_devices.cloud_id),
         version = coalesce(excluded.version, waiting_devices.version),
         facts = excluded.facts,
         times = waiting_devices.times + excluded.times,
         last_seen_at = greatest(excluded.last_seen_at, waiting_devices.last_seen_at)
  returning xmax = 0 as is_new`

const GIVE_WAY = `
  delete from waiting_devices where id in (
    select id from waiting_devices where tenant_id = $1 order by last_seen_at desc, id desc offset $2)`

const CLOUD_NAMED = `
  select c.id, c.tenant_id from clouds c join tenants t on t.id = c.tenant_id
   where (t.name = $1 or t.id::text = lower($1)) and (c.name = $2 or c.id::text = lower($2))
   order by t.id::text = lower($1) desc, c.id::text = lower($2) desc limit 1`
