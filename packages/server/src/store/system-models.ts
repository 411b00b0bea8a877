import { DomainError } from '@updraft/core'
import { sql } from 'kysely'
import type { SystemModels, SystemModelView } from '../app/ports.ts'
import { containsText, page } from './paging.ts'
import { partNumbers } from './part-numbers.ts'
import type { Scope } from './scope.ts'

export function systemModels(scope: Scope): SystemModels {
  const { db, tenantId } = scope
  const numbers = partNumbers(scope, 'system_model')
  const select = () =>
    db
      .selectFrom('system_models')
      .leftJoin('hardware_types', 'hardware_types.id', 'system_models.hardware_type_id')
      .leftJoin('profiles', 'profiles.id', 'system_models.profile_id')
      .where('system_models.tenant_id', '=', tenantId)
      .select([
        'system_models.id',
        'system_models.handle',
        'system_models.name',
        'system_models.created_at',
        'hardware_types.id as type_id',
        'hardware_types.handle as type_handle',
        'hardware_types.name as type_name',
        'profiles.id as profile_id',
        'profiles.name as profile_name',
      ])
      .select(numbers.of(sql.ref('system_models.id')).as('part_numbers'))
  type Row = Awaited<ReturnType<ReturnType<typeof select>['execute']>>[number]

  const view = (row: Row): SystemModelView => ({
    id: row.id,
    handle: row.handle,
    name: row.name,
    partNumbers: row.part_numbers,
    hardwareType:
      row.type_id && row.type_handle && row.type_name
        ? { id: row.type_id, handle: row.type_handle, name: row.type_name }
        : null,
    profile:
      row.profile_id && row.profile_name ? { id: row.profile_id, name: row.profile_name } : null,
    createdAt: row.created_at,
  })

  const unknown = (id: string) =>
    new DomainError('system-model.unknown', `There is no system model ${id}.`)

  return {
    alike: numbers.alike,
    insert: async (model) => {
      await db
        .insertInto('system_models')
        .values({
          id: model.id,
          tenant_id: tenantId,
          handle: model.handle,
          name: model.name,
          hardware_type_id: model.hardwareTypeId,
          profile_id: model.profileId,
          created_at: model.createdAt,
        })
        .execute()
      await numbers.set(model.id, model.partNumbers)
    },
    get: async (id) => {
      const row = await select().where('system_models.id', '=', id).executeTakeFirst()
      if (row) return view(row)
      throw unknown(id)
    },
    several: async (ids) => {
      const rows = await select()
        .where('system_models.id', '=', sql<string>`any(${[...ids]}::uuid[])`)
        .execute()
      return rows.map(view)
    },
    ofPartNumber: async (partNumber) => {
      const row = await select()
        .innerJoin('system_model_part_numbers as n', 'n.system_model_id', 'system_models.id')
        .where('n.tenant_id', '=', tenantId)
        .where('n.part_number', '=', partNumber)
        .executeTakeFirst()
      return row ? view(row) : null
    },
    page: (query) => {
      let rows = select()
      if (query.handle !== undefined) rows = rows.where('system_models.handle', '=', query.handle)
      if (query.hardwareTypeId !== undefined) {
        rows = rows.where('system_models.hardware_type_id', '=', query.hardwareTypeId)
      }
      if (query.profileId !== undefined) {
        rows = rows.where('system_models.profile_id', '=', query.profileId)
      }
      if (query.search) rows = rows.where('system_models.name', 'ilike', containsText(query.search))
      return page(db, rows, query, {
        columns: {
          name: sql.ref('system_models.name'),
          handle: sql.ref('system_models.handle'),
          createdAt: sql.ref('system_models.created_at'),
        },
        id: sql.ref('system_models.id'),
        defaultSort: 'name',
        view,
      })
    },
    change: async (id, { partNumbers, profileId, ...to }) => {
      const { numUpdatedRows } = await db
        .updateTable('system_models')
        .set({ name: sql`name`, ...to, ...(profileId !== undefined && { profile_id: profileId }) })
        .where('tenant_id', '=', tenantId)
        .where('id', '=', id)
        .executeTakeFirst()
      if (numUpdatedRows === 0n) throw unknown(id)
      if (partNumbers) await numbers.set(id, partNumbers)
    },
    remove: async (id) => {
      const { numDeletedRows } = await db
        .deleteFrom('system_models')
        .where('tenant_id', '=', tenantId)
        .where('id', '=', id)
        .executeTakeFirst()
      if (numDeletedRows === 0n) throw unknown(id)
    },
  }
}
