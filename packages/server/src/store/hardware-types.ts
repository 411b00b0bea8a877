import { DomainError, type HardwareType } from '@updraft/core'
import { sql } from 'kysely'
import type { HardwareTypes } from '../app/ports.ts'
import { containsText, page } from './paging.ts'
import { partNumbers } from './part-numbers.ts'
import { refuseRemoval } from './refusals.ts'
import type { Scope } from './scope.ts'

export function hardwareTypes(scope: Scope): HardwareTypes {
  const { db, tenantId } = scope
  const numbers = partNumbers(scope, 'hardware_type')
  const select = () =>
    db
      .selectFrom('hardware_types')
      .where('hardware_types.tenant_id', '=', tenantId)
      .select([
        'hardware_types.id',
        'hardware_types.handle',
        'hardware_types.name',
        'hardware_types.created_at',
      ])
      .select(numbers.of(sql.ref('hardware_types.id')).as('part_numbers'))
  type Row = Awaited<ReturnType<ReturnType<typeof select>['execute']>>[number]

  const view = (row: Row): HardwareType => ({
    id: row.id,
    handle: row.handle,
    name: row.name,
    partNumbers: row.part_numbers,
    createdAt: row.created_at,
  })

  const unknown = (id: string) =>
    new DomainError('hardware-type.unknown', `There is no hardware type ${id}.`)

  return {
    alike: numbers.alike,
    insert: async ({ id, handle, name, partNumbers, createdAt }) => {
      await db
        .insertInto('hardware_types')
        .values({ id, tenant_id: tenantId, handle, name, created_at: createdAt })
        .execute()
      await numbers.set(id, partNumbers)
    },
    get: async (id) => {
      const row = await select().where('hardware_types.id', '=', id).executeTakeFirst()
      if (row) return view(row)
      throw unknown(id)
    },
    several: async (ids) => {
      const rows = await select()
        .where('hardware_types.id', '=', sql<string>`any(${[...ids]}::uuid[])`)
        .execute()
      return rows.map(view)
    },
    page: (query) => {
      let rows = select()
      if (query.handle !== undefined) rows = rows.where('hardware_types.handle', '=', query.handle)
      if (query.search) {
        rows = rows.where('hardware_types.name', 'ilike', containsText(query.search))
      }
      return page(db, rows, query, {
        columns: {
          name: sql.ref('hardware_types.name'),
          handle: sql.ref('hardware_types.handle'),
          createdAt: sql.ref('hardware_types.created_at'),
        },
        id: sql.ref('hardware_types.id'),
        defaultSort: 'name',
        view,
      })
    },
    change: async (id, { partNumbers, ...to }) => {
      const { numUpdatedRows } = await db
        .updateTable('hardware_types')
        .set({ name: sql`name`, ...to })
        .where('tenant_id', '=', tenantId)
        .where('id', '=', id)
        .executeTakeFirst()
      if (numUpdatedRows === 0n) throw unknown(id)
      if (partNumbers) await numbers.set(id, partNumbers)
    },
    remove: async (id) => {
      const { numDeletedRows } = await db
        .deleteFrom('hardware_types')
        .where('tenant_id', '=', tenantId)
        .where('id', '=', id)
        .executeTakeFirst()
        .catch(refuseRemoval)
      if (numDeletedRows === 0n) throw unknown(id)
    },
  }
}
