/** The durable list of devices to be looked at because what is meant for them changed. */
import { sql } from 'kysely'
import type { Spreads, Stores } from '../app/ports.ts'
import { columnsOf } from './assignments.ts'
import type { Database } from './database.ts'
import { refuse } from './refusals.ts'
import type { Scope } from './scope.ts'

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
        const oldest = () =>
          transaction
            .selectFrom('spreads')
            .selectAll()
            .orderBy('created_at')
            .orderBy('id')
            .forUpdate()
            .skipLocked()
        const spread = await oldest().limit(1).executeTakeFirst()
        if (!spread) return false
        const { tenant_id: tenantId, profile_id: profileId, after_device_id: after } = spread
        if (!profileId) {
          // Single devices come in hundreds, after an import: they are looked at together.
          const taken = await oldest()
            .where('tenant_id', '=', tenantId)
            .where('device_id', 'is not', null)
            .limit(pageSize)
            .execute()
          const deviceIds = new Set(taken.flatMap((each) => each.device_id ?? []))
          await work({ tenantId, deviceIds: [...deviceIds] })
          const ids = taken.map((each) => each.id)
          await sql`delete from spreads where id = any(${ids}::uuid[])`.execute(transaction)
          return true
        }
        const rows = await transaction
          .selectFrom('devices')
          .select('id')
          .where('tenant_id', '=', tenantId)
          .where('profile_id', '=', profileId)
          .$if(after !== null, (query) => query.where('id', '>', after))
          .orderBy('id')
          .limit(pageSize)
          .execute()
        if (rows.length > 0) await work({ tenantId, deviceIds: rows.map((row) => row.id) })
        const last = rows.at(-1)
        if (!last || rows.length < pageSize) {
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
