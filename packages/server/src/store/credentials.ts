import { DomainError } from '@updraft/core'
import type { Insertable, Selectable } from 'kysely'
import { sql } from 'kysely'
import type { Credentials, CredentialView, NewCredential } from '../app/ports.ts'
import { ofCustomer, type Scope } from './scope.ts'
import type { Tables } from './tables.ts'

export function credentials(scope: Scope): Credentials {
  const { db, tenantId } = scope

  const ofDevice: Credentials['ofDevice'] = async (deviceId, now, options) => {
    const device = db
      .selectFrom('devices')
      .select('id')
      .where('tenant_id', '=', tenantId)
      .where('id', '=', deviceId)
      .where(ofCustomer(scope, 'customer_id'))
    const found = await (options?.lock ? device.forNoKeyUpdate() : device).executeTakeFirst()
    if (!found) throw new DomainError('device.unknown', `There is no device ${deviceId}.`)
    const rows = await db
      .selectFrom('credentials')
      .selectAll()
      .where('tenant_id', '=', tenantId)
      .where('device_id', '=', deviceId)
      .where(({ or, eb }) => or([eb('expires_at', 'is', null), eb('expires_at', '>', now)]))
      .orderBy('created_at')
      .orderBy('id')
      .execute()
    return rows.map(credentialOf)
  }

  return {
    insert: async (deviceId, added) => {
      const rows = added.map((credential) => credentialRow(tenantId, deviceId, credential))
      await db.insertInto('credentials').values(rows).execute()
    },
    ofDevice,
    end: async (deviceId, ids, at) => {
      await db
        .updateTable('credentials')
        .set({ expires_at: sql`least(expires_at, ${at}::timestamptz)` })
        .where('tenant_id', '=', tenantId)
        .where('device_id', '=', deviceId)
        .where('id', '=', anyOf(ids))
        .execute()
    },
    hasToken: async (deviceId, lookupHash, now) => {
      const found = await db
        .selectFrom('credentials')
        .select('id')
        .where('tenant_id', '=', tenantId)
        .where('device_id', '=', deviceId)
        .where('kind', '=', 'token')
        .where('lookup_hash', '=', lookupHash)
        .where(({ or, eb }) => or([eb('expires_at', 'is', null), eb('expires_at', '>', now)]))
        .executeTakeFirst()
      return found !== undefined
    },
    removeToken: async (deviceId, lookupHash) => {
      await db
        .deleteFrom('credentials')
        .where('tenant_id', '=', tenantId)
        .where('device_id', '=', deviceId)
        .where('kind', '=', 'token')
        .where('lookup_hash', '=', lookupHash)
        .execute()
    },
    remove: async (deviceId, ids) => {
      const { numDeletedRows } = await db
        .deleteFrom('credentials')
        .where('tenant_id', '=', tenantId)
        .where('device_id', '=', deviceId)
        .where('id', '=', anyOf(ids))
        .executeTakeFirst()
      return Number(numDeletedRows)
    },
  }
}

const anyOf = (ids: readonly string[]) => sql<string>`any(${ids}::uuid[])`

export const credentialRow = (
  tenantId: string,
  deviceId: string,
  credential: NewCredential,
): Insertable<Tables['credentials']> => ({
  id: credential.id,
  tenant_id: tenantId,
  device_id: deviceId,
  kind: credential.kind,
  lookup_hash: credential.lookupHash,
  password_hash: credential.passwordHash,
  client_id: credential.clientId,
  user_name: credential.userName,
  certificate: credential.certificate && JSON.stringify(credential.certificate),
  created_at: credential.createdAt,
})

export const credentialOf = (row: Selectable<Tables['credentials']>): CredentialView => ({
  id: row.id,
  kind: row.kind,
  clientId: row.client_id,
  userName: row.user_name,
  hasPassword: row.password_hash !== null,
  certificate: row.certificate && {
    ...row.certificate,
    validFrom: new Date(row.certificate.validFrom),
    validTo: new Date(row.certificate.validTo),
  },
  createdAt: row.created_at,
  firstUsedAt: row.first_used_at,
  expiresAt: row.expires_at,
})
