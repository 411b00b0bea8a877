/**
 * The tenants themselves: the one room that is not within a tenant, as they belong to the installation. Nothing that
 * is theirs is read here.
 */
import { DomainError } from '@updraft/core'
import { sql } from 'kysely'
import type { Tenant, Tenants } from '../app/ports.ts'
import { containsText, page } from './paging.ts'
import { refuseRemoval } from './refusals.ts'
import type { Scope } from './scope.ts'
import type { Tables } from './tables.ts'

export function tenants({ db }: Scope): Tenants {
  const select = () => db.selectFrom('tenants').selectAll('tenants')

  const get = async (id: string): Promise<Tenant> => {
    const row = await select().where('id', '=', id).executeTakeFirst()
    if (row) return tenantOf(row)
    throw new DomainError('tenant.unknown', `There is no tenant ${id}.`)
  }

  return {
    insert: async ({ id, name, createdAt }, administrator) => {
      await db.insertInto('tenants').values({ id, name, created_at: createdAt }).execute()
      await db
        .insertInto('operators')
        .values({
          id: administrator.id,
          tenant_id: id,
          name: administrator.name,
          role: 'tenant-administrator',
          password_hash: administrator.passwordHash,
          created_at: createdAt,
        })
        .execute()
    },
    get,
    page: (query) => {
      let rows = select()
      if (query.name !== undefined) rows = rows.where('tenants.name', '=', query.name)
      if (query.search) rows = rows.where('tenants.name', 'ilike', containsText(query.search))
      return page(db, rows, query, {
        columns: { name: sql.ref('tenants.name'), createdAt: sql.ref('tenants.created_at') },
        id: sql.ref('tenants.id'),
        defaultSort: 'name',
        view: tenantOf,
      })
    },
    rename: async (id, name) => {
      await get(id)
      await db.updateTable('tenants').set({ name }).where('id', '=', id).execute()
    },
    remove: async (id) => {
      await get(id)
      for (const table of GO_WITH_IT) {
        await db.deleteFrom(table).where('tenant_id', '=', id).execute().catch(refuseRemoval)
      }
      await db.deleteFrom('tenants').where('id', '=', id).execute().catch(refuseRemoval)
    },
  }
}

/** Its people and its traces. All else refuses the removal by its reference to the tenant. */
const GO_WITH_IT = ['operators', 'events', 'spreads', 'idempotent_requests', 'artifacts'] as const

const tenantOf = (row: Omit<Tables['tenants'], 'settings'>): Tenant => ({
  id: row.id,
  name: row.name,
  createdAt: row.created_at,
})
