import { DomainError } from '@updraft/core'
import { type Selectable, sql } from 'kysely'
import type {
  Cluster,
  ClusterDevice,
  Clusters,
  ClustersAtWork,
  ClusterView,
  KeyAlgorithm,
} from '../app/ports.ts'
import type { Database } from './database.ts'
import { refuse } from './refusals.ts'
import type { Scope } from './scope.ts'
import type { Tables } from './tables.ts'

const MAX_ERROR_LENGTH = 1000

type Row = Selectable<Tables['clusters']>

const viewOf = (row: Row): ClusterView => ({
  baseUrl: row.base_url,
  realm: row.realm,
  algorithm: row.algorithm as KeyAlgorithm,
  createdAt: row.created_at,
  changedAt: row.changed_at,
  state: {
    lookedAt: row.looked_at,
    wellAt: row.well_at,
    version: row.version,
    done: row.done,
    error: row.error,
  },
})

/** What was found out about the cluster before it was changed counts no more. */
const UNSEEN = { looked_at: null, well_at: null, version: null, done: [], error: null }

export function clusters({ db, tenantId }: Scope): Clusters {
  const row = () =>
    db.selectFrom('clusters').selectAll().where('tenant_id', '=', tenantId).executeTakeFirst()

  return {
    put: async ({ baseUrl, realm, privateKey, algorithm, webhookSecret }, now) => {
      const here = await db
        .selectFrom('pairings')
        .select('device_id')
        .where('tenant_id', '=', tenantId)
        .where('secret_hash', 'is not', null)
        .limit(1)
        .execute()
      if (here.length > 0) {
        throw new DomainError(
          'realm.in-use',
          'Devices of the realm are paired here; unregister them before a cluster serves it.',
        )
      }
      const to = {
        base_url: baseUrl,
        realm,
        private_key: privateKey,
        algorithm,
        changed_at: now,
        ...UNSEEN,
      }
      await db
        .insertInto('clusters')
        .values({ ...to, tenant_id: tenantId, webhook_secret: webhookSecret, created_at: now })
        // What calls us by the secret of before is not to be turned away meanwhile.
        .onConflict((conflict) => conflict.column('tenant_id').doUpdateSet(to))
        .execute()
    },
    find: async () => {
      const found = await row()
      return found ? viewOf(found) : null
    },
    access: async () => {
      const found = await row()
      if (!found) return null
      return { baseUrl: found.base_url, realm: found.realm, privateKey: found.private_key }
    },
    remove: async () => {
      const { numDeletedRows } = await db
        .deleteFrom('clusters')
        .where('tenant_id', '=', tenantId)
        .executeTakeFirst()
      if (numDeletedRows === 0n) return false
      await db
        .updateTable('pairings')
        .set({ is_connected: false })
        .where('tenant_id', '=', tenantId)
        .where('is_connected', '=', true)
        .execute()
      return true
    },
  }
}

export function clustersAtWork({ db, pool }: Database): ClustersAtWork {
  const select = () =>
    db
      .selectFrom('clusters')
      .innerJoin('realms', 'realms.tenant_id', 'clusters.tenant_id')
      .selectAll('clusters')
      .select(['realms.name', 'realms.default_profile_id'])
  const clusterOf = (row: Row & { name: string; default_profile_id: string }): Cluster => ({
    tenantId: row.tenant_id,
    name: row.name,
    defaultProfileId: row.default_profile_id,
    baseUrl: row.base_url,
    realm: row.realm,
    privateKey: row.private_key,
    webhookSecret: row.webhook_secret,
    changedAt: row.changed_at,
  })

  return {
    all: async () => (await select().execute().catch(refuse)).map(clusterOf),
    ofRealm: async (name) => {
      const row = await select().where('realms.name', '=', name).executeTakeFirst().catch(refuse)
      return row ? clusterOf(row) : null
    },
    hold: async (tenantId, holder, { now, until }) => {
      const { rowCount } = await pool.query(HOLD, [tenantId, holder, now, until]).catch(refuse)
      return rowCount === 1
    },
    letGo: async (tenantId, holder) => {
      await db
        .updateTable('clusters')
        .set({ holder: null, held_until: null })
        .where('tenant_id', '=', tenantId)
        .where('holder', '=', holder)
        .execute()
        .catch(refuse)
    },
    note: async ({ tenantId, changedAt }, { lookedAt, wellAt, version, done, error }) => {
      await db
        .updateTable('clusters')
        .set({
          looked_at: lookedAt,
          error: error?.slice(0, MAX_ERROR_LENGTH) ?? null,
          ...(wellAt && { well_at: wellAt }),
          ...(version && { version }),
          ...(done.length > 0 && { done: sql`${[...done]}::text[]` }),
        })
        .where('tenant_id', '=', tenantId)
        .where('changed_at', '=', changedAt)
        .execute()
        .catch(refuse)
    },
    connected: async (tenantId, after, limit) => {
      const rows = await db
        .selectFrom('pairings')
        .innerJoin('devices', 'devices.id', 'pairings.device_id')
        .select(['pairings.device_id', 'pairings.astarte_id', 'devices.profile_id'])
        .where('pairings.tenant_id', '=', tenantId)
        .where('pairings.is_connected', '=', true)
        .where('pairings.is_inhibited', '=', false)
        .$if(after !== null, (page) => page.where('pairings.device_id', '>', after))
        .orderBy('pairings.device_id')
        .limit(limit)
        .execute()
        .catch(refuse)
      return rows.map(
        (row): ClusterDevice => ({
          tenantId,
          deviceId: row.device_id,
          profileId: row.profile_id,
          astarteId: row.astarte_id.toString('base64url'),
        }),
      )
    },
    heardOfLine: async (deviceId, { isConnected, at, address }) => {
      const { rowCount } = await pool
        .query(HEARD_OF_LINE, [deviceId, isConnected, at, address])
        .catch(refuse)
      return rowCount === 1
    },
  }
}

const HOLD = `
  update clusters set holder = $2, held_until = $4
   where tenant_id = $1 and (holder = $2 or held_until is null or held_until <= $3)`

/** Word of a line may come late and in any order: what happened last counts. */
const HEARD_OF_LINE = `
  update pairings
     set is_connected = $2, last_address = coalesce($4, last_address),
         connected_at = case when $2 then $3::timestamptz else connected_at end,
         disconnected_at = case when $2 then disconnected_at else $3::timestamptz end
   where device_id = $1 and is_connected is distinct from $2
     and $3 >= coalesce(greatest(connected_at, disconnected_at), $3)`
