/** The durable list of devices to be looked at because what is meant for them changed. */
import type { Spreads, Stores } from '../app/ports.ts'
import { columnsOf } from './assignments.ts'
import type { Database, Scope } from './database.ts'
import { refuse } from './refusals.ts'

export const addSpread =
  ({ db, tenantId }: Scope): Stores['spread'] =>
  async (to, id, at) => {
    await db
      .insertInto('spreads')
      .values({ id, tenant_id: tenantId, ...columnsOf(to), after_device_id: null, created_at: at })
      .execute()
  }

export const spreads = ({ db }: Database): Spreads => ({
  next: (pageSize, work) =>
    db
      .transaction()
      .execute(async (transaction) => {
        const spread = await transaction
          .selectFrom('spreads')
          .selectAll()
          .orderBy('created_at')
          .limit(1)
          .forUpdate()
          .skipLocked()
          .executeTakeFirst()
        if (!spread) return false
        const { profile_id: profileId, device_id: deviceId, after_device_id: after } = spread
        const rows = deviceId
          ? [{ id: deviceId }]
          : await transaction
              .selectFrom('devices')
              .select('id')
              .where('profile_id', '=', profileId)
              .$if(after !== null, (query) => query.where('id', '>', after))
              .orderBy('id')
              .limit(pageSize)
              .execute()
        await work({ tenantId: spread.tenant_id, deviceIds: rows.map((row) => row.id) })
        const last = rows.at(-1)
        if (deviceId || !last || rows.length < pageSize) {
          await transaction.deleteFrom('spreads').where('id', '=', spread.id).execute()
        } else {
          await transaction
            .updateTable('spreads')
            .set({ after_device_id: last.id })
            .where('id', '=', spread.id)
            .execute()
        }
        return true
      })
      .catch(refuse),
})
