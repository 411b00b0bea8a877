import { type Kysely, sql } from 'kysely'
import type { Pairing, PairingStatus, Pairings, PairingsAtWork } from '../app/ports.ts'
import type { Database } from './database.ts'
import { refuse } from './refusals.ts'
import { ofCustomersDevice, type Scope } from './scope.ts'
import type { Tables } from './tables.ts'

const select = (db: Kysely<Tables>) =>
  db
    .selectFrom('pairings')
    .innerJoin('devices', 'devices.id', 'pairings.device_id')
    .select([
      'pairings.device_id',
      'pairings.tenant_id',
      'pairings.astarte_id',
      'pairings.secret_hash',
      'pairings.is_inhibited',
      'pairings.credentials_requested_at',
      'pairings.credential_id',
      'pairings.awaits_model',
      'pairings.created_at',
      'pairings.introspection',
      'pairings.capabilities',
      'pairings.is_connected',
      'pairings.connected_at',
      'pairings.disconnected_at',
      'pairings.last_address',
      'devices.cloud_id',
    ])
type Row = Awaited<ReturnType<ReturnType<typeof select>['execute']>>[number]

/** Astarte's ids are 128 bits, and printed in one way only. */
const bytesOf = (astarteId: string): Buffer => Buffer.from(astarteId, 'base64url')

const statusOf = (row: Row): PairingStatus => {
  if (row.is_inhibited) return 'inhibited'
  return row.credentials_requested_at === null ? 'pending' : 'confirmed'
}

const pairingOf = (row: Row): Pairing => ({
  tenantId: row.tenant_id,
  deviceId: row.device_id,
  astarteId: row.astarte_id.toString('base64url'),
  status: statusOf(row),
  secretHash: row.secret_hash,
  cloudId: row.cloud_id,
  createdAt: row.created_at,
  credentialId: row.credential_id,
  introspection: row.introspection,
  capabilities: row.capabilities,
  isConnected: row.is_connected,
  connectedAt: row.connected_at,
  disconnectedAt: row.disconnected_at,
  lastAddress: row.last_address,
  awaitsModel: row.awaits_model,
})

export function pairings(scope: Scope): Pairings {
  const { db, tenantId } = scope
  const update = (deviceId: string) =>
    db.updateTable('pairings').where('tenant_id', '=', tenantId).where('device_id', '=', deviceId)

  return {
    insert: async (pairing) => {
      await db
        .insertInto('pairings')
        .values({
          device_id: pairing.deviceId,
          tenant_id: tenantId,
          astarte_id: bytesOf(pairing.astarteId),
          secret_hash: pairing.secretHash,
          awaits_model: pairing.awaitsModel ?? false,
          introspection: JSON.stringify(pairing.introspection ?? {}),
          created_at: pairing.createdAt,
        })
        .execute()
    },
    find: async (by, options) => {
      const found = select(db)
        .where('pairings.tenant_id', '=', tenantId)
        .where(ofCustomersDevice(scope, 'pairings.device_id'))
      const one =
        'deviceId' in by
          ? found.where('pairings.device_id', '=', by.deviceId)
          : found.where('pairings.astarte_id', '=', bytesOf(by.astarteId))
      const row = await (options?.lock ? one.forUpdate('pairings') : one).executeTakeFirst()
      return row ? pairingOf(row) : null
    },
    reserve: async (astarteId) => {
      const key = `pairing ${tenantId} ${astarteId}`
      await sql`select pg_advisory_xact_lock(hashtextextended(${key}, 0))`.execute(db)
    },
    setSecret: async (deviceId, secretHash) => {
      await update(deviceId).set({ secret_hash: secretHash }).execute()
    },
    setCredential: async (deviceId, credentialId, at) => {
      await update(deviceId)
        .set({
          credential_id: credentialId,
          credentials_requested_at: sql`coalesce(credentials_requested_at, ${at}::timestamptz)`,
        })
        .execute()
    },
    reset: async (deviceId) => {
      await update(deviceId)
        .set({ secret_hash: null, credential_id: null, credentials_requested_at: null })
        .execute()
    },
    inhibit: async (deviceId, isInhibited) => {
      await update(deviceId).set({ is_inhibited: isInhibited }).execute()
    },
    settled: async (deviceId) => {
      await update(deviceId).set({ awaits_model: false }).execute()
    },
    setIntrospection: async (deviceId, introspection) => {
      await update(deviceId)
        .set({ introspection: JSON.stringify(introspection) })
        .execute()
    },
    cancelling: async (deviceId) => {
      const rows = await db
        .selectFrom('operation_requests')
        .innerJoin('operations', 'operations.id', 'operation_requests.operation_id')
        .select('operations.id')
        .where('operation_requests.device_id', '=', deviceId)
        .where('operation_requests.answered_at', 'is', null)
        .where(ofCustomersDevice(scope, 'operation_requests.device_id'))
        .where('operations.state', '=', 'CANCELED')
        .where('operations.tenant_id', '=', tenantId)
        .execute()
      return rows.map(({ id }) => id)
    },
  }
}

/** Pairings as devices meet them, on single statements. */
export function pairingsAtWork({ db, pool }: Database): PairingsAtWork {
  const update = (deviceId: string) => db.updateTable('pairings').where('device_id', '=', deviceId)

  return {
    find: async (tenantId, astarteId) => {
      const row = await select(db)
        .where('pairings.tenant_id', '=', tenantId)
        .where('pairings.astarte_id', '=', bytesOf(astarteId))
        .executeTakeFirst()
        .catch(refuse)
      return row ? pairingOf(row) : null
    },
    ofDevice: async (deviceId) => {
      const row = await select(db)
        .where('pairings.device_id', '=', deviceId)
        .executeTakeFirst()
        .catch(refuse)
      return row ? pairingOf(row) : null
    },
    setIntrospection: async (deviceId, introspection) => {
      await update(deviceId)
        .set({ introspection: JSON.stringify(introspection) })
        .execute()
        .catch(refuse)
    },
    setCapabilities: async (deviceId, capabilities) => {
      await update(deviceId)
        .set({ capabilities: JSON.stringify(capabilities) })
        .execute()
        .catch(refuse)
    },
    connected: async (deviceId, { holder, isClean, at, address }) => {
      const { rows } = await pool
        .query<TakenRow>(TAKE_SESSION, [deviceId, holder, isClean, at, address])
        .catch(refuse)
      const [row] = rows
      if (!row) return null
      const generation = Number(row.session_generation)
      const before =
        row.held_by === null
          ? null
          : { holder: row.held_by, generation: generation - 1, isClean: row.held_clean }
      return { generation, before }
    },
    disconnected: async (deviceId, { generation, at }) => {
      await update(deviceId)
        .set({ is_connected: false, disconnected_at: at })
        .where('session_generation', '=', String(generation))
        .where('is_connected', '=', true)
        .execute()
        .catch(refuse)
    },
    setConnected: async (deviceId, { isConnected, at, address }) => {
      const when = isConnected ? { connected_at: at } : { disconnected_at: at }
      await update(deviceId)
        .set({ is_connected: isConnected, ...when, ...(address && { last_address: address }) })
        .execute()
        .catch(refuse)
    },
  }
}

interface TakenRow {
  session_generation: string
  held_by: string | null
  held_clean: boolean
}

/** What it was before is read under the same lock as it is changed. */
const TAKE_SESSION = `
  with held as (
    select device_id, session_holder, session_is_clean from pairings where device_id = $1 for update
  )
  update pairings p
     set session_holder = $2, session_is_clean = $3, session_generation = p.session_generation + 1,
         is_connected = true, connected_at = $4, last_address = coalesce($5, p.last_address)
    from held
   where p.device_id = held.device_id
  returning p.session_generation, held.session_holder as held_by, held.session_is_clean as held_clean`
