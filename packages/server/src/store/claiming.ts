import { DomainError } from '@updraft/core'
import type { Claiming } from '../app/ports.ts'
import { ofCustomer, type Scope } from './scope.ts'

export function claiming(scope: Scope): Claiming {
  const { db, tenantId, customerId } = scope

  const give = (deviceId: string, to: string | null) =>
    db
      .updateTable('devices')
      .set(({ eb }) => ({ customer_id: to, revision: eb('revision', '+', 1) }))
      .where('tenant_id', '=', tenantId)
      .where('id', '=', deviceId)

  return {
    allow: async ({ deviceId, secretHash, expiresAt }) => {
      const said = { secret_hash: secretHash, expires_at: expiresAt }
      await db
        .insertInto('device_claims')
        .values({ device_id: deviceId, tenant_id: tenantId, ...said })
        .onConflict((conflict) => conflict.column('device_id').doUpdateSet(said))
        .execute()
    },
    // Of all devices of the tenant: it is not the customer's yet.
    find: async (deviceName) => {
      const row = await db
        .selectFrom('devices')
        .innerJoin('device_claims', 'device_claims.device_id', 'devices.id')
        .select(['devices.id', 'devices.customer_id', 'secret_hash', 'expires_at'])
        .where('devices.tenant_id', '=', tenantId)
        .where('devices.name', '=', deviceName)
        .forNoKeyUpdate('devices')
        .executeTakeFirst()
      if (!row) return null
      return {
        deviceId: row.id,
        customerId: row.customer_id,
        secretHash: row.secret_hash,
        expiresAt: row.expires_at,
      }
    },
    take: async (deviceId) => {
      if (customerId === null) {
        throw new DomainError('access.denied', 'Only a customer claims devices.')
      }
      await give(deviceId, customerId).where('customer_id', 'is', null).execute()
    },
    giveBack: async (deviceId) => {
      const { numUpdatedRows } = await give(deviceId, null)
        .where(ofCustomer(scope, 'customer_id'))
        .executeTakeFirst()
      if (numUpdatedRows === 0n) return
      await db
        .deleteFrom('device_claims')
        .where('tenant_id', '=', tenantId)
        .where('device_id', '=', deviceId)
        .execute()
    },
  }
}
