import { DomainError } from '@updraft/core'
import { sql } from 'kysely'
import type { Customers, CustomerView } from '../app/ports.ts'
import { containsText, page } from './paging.ts'
import { refuseRemoval } from './refusals.ts'
import type { Scope } from './scope.ts'

export function customers({ db, tenantId }: Scope): Customers {
  const select = () =>
    db
      .selectFrom('customers')
      .where('customers.tenant_id', '=', tenantId)
      .select(['customers.id', 'customers.name', 'customers.created_at'])
      .select([
        sql<string>`(select count(*) from devices d where d.customer_id = customers.id)`.as(
          'device_count',
        ),
        sql<string>`(select count(*) from operators o where o.customer_id = customers.id)`.as(
          'user_count',
        ),
      ])
  type Row = Awaited<ReturnType<ReturnType<typeof select>['execute']>>[number]

  const view = (row: Row): CustomerView => ({
    id: row.id,
    name: row.name,
    deviceCount: Number(row.device_count),
    userCount: Number(row.user_count),
    createdAt: row.created_at,
  })

  const unknown = (id: string) => new DomainError('customer.unknown', `There is no customer ${id}.`)

  return {
    insert: async ({ id, name, createdAt }) => {
      await db
        .insertInto('customers')
        .values({ id, tenant_id: tenantId, name, created_at: createdAt })
        .execute()
    },
    get: async (id) => {
      const row = await select().where('customers.id', '=', id).executeTakeFirst()
      if (row) return view(row)
      throw unknown(id)
    },
    page: (query) => {
      let rows = select()
      if (query.name !== undefined) rows = rows.where('customers.name', '=', query.name)
      if (query.search) rows = rows.where('customers.name', 'ilike', containsText(query.search))
      return page(db, rows, query, {
        columns: { name: sql.ref('customers.name'), createdAt: sql.ref('customers.created_at') },
        id: sql.ref('customers.id'),
        defaultSort: 'name',
        view,
      })
    },
    rename: async (id, name) => {
      const { numUpdatedRows } = await db
        .updateTable('customers')
        .set({ name })
        .where('tenant_id', '=', tenantId)
        .where('id', '=', id)
        .executeTakeFirst()
      if (numUpdatedRows === 0n) throw unknown(id)
    },
    remove: async (id) => {
      const { numDeletedRows } = await db
        .deleteFrom('customers')
        .where('tenant_id', '=', tenantId)
        .where('id', '=', id)
        .executeTakeFirst()
        .catch(refuseRemoval)
      if (numDeletedRows === 0n) throw unknown(id)
    },
  }
}
