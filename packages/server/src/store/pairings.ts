import { type Kysely, sql } from 'kysely'
import type { Pairing, PairingStatus, Pairings } from '../app/ports.ts'
import { ofCustomersDevice, type Scope } from './scope.ts'
import type { Tables } from './tables.ts'

export const selectPairings = (db: Kysely<Tables>) =>
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
export type PairingRow = Awaited<ReturnType<ReturnType<typeof selectPairings>['execute']>>[number]

/** Astarte's ids are 128 bits, and printed in one way only. */
export const bytesOf = (astarteId: string): Buffer => Buffer.from(astarteId, 'base64url')

const statusOf = (row: PairingRow): PairingStatus => {
  if (row.is_inhibited) return 'inhibited'
  return row.credentials_requested_at === null ? 'pending' : 'confirmed'
}

export const pairingOf = (row: PairingRow): Pairing => ({
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
      const found = selectPairings(db)
        .where('pairings.tenant_id', '=', tenantId)
        .where(ofCustomersDevice(scope, 'pairings.device_id'))
      const one =
        'deviceId' in by
          ? found.where('pairings.device_id', '=', by.deviceId)
          : found.where('pairings.astarte_id', '=', bytesOf(by.astarteId))
      const row = await (options?.lock ? one.forUpdate('pairings') : one).executeTakeFirst()
      return row ? pairingOf(row) : null
    },
    several: async (deviceIds) => {
      const rows = await selectPairings(db)
        .where('pairings.tenant_id', '=', tenantId)
        .where(ofCustomersDevice(scope, 'pairings.device_id'))
        .where('pairings.device_id', '=', sql<string>`any(${[...deviceIds]}::uuid[])`)
        .execute()
      return rows.map(pairingOf)
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
