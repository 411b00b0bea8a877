import { DomainError, type Json } from '@updraft/core'
import { sql } from 'kysely'
import type {
  DistributionSet,
  DistributionSets,
  HawkbitConfigs,
  Numbered,
  SoftwareModule,
  SoftwareModules,
} from '../app/ports.ts'
import type { Scope } from './scope.ts'

/** bigint columns come back as text, and as part of JSON as numbers. */
interface ModuleRow {
  id: string | number
  profile_id: string
  type: string
  name: string
  version: string
  vendor: string | null
  description: string | null
  release_id: string | null
  created_at: Date | string
  created_by: string
  removed_at: Date | string | null
}

const moduleOf = (row: ModuleRow): SoftwareModule => ({
  id: Number(row.id),
  profileId: row.profile_id,
  type: row.type,
  name: row.name,
  version: row.version,
  vendor: row.vendor,
  description: row.description,
  releaseId: row.release_id,
  createdAt: new Date(row.created_at),
  createdBy: row.created_by,
  isRemoved: row.removed_at !== null,
})

const numbered = <Row extends { total: string }, T>(
  rows: readonly Row[],
  view: (row: Row) => T,
): Numbered<T> => ({ items: rows.map(view), total: Number(rows[0]?.total ?? 0) })

export function softwareModules({ db, tenantId }: Scope): SoftwareModules {
  return {
    insert: async (module) => {
      const row = await db
        .insertInto('software_modules')
        .values({
          tenant_id: tenantId,
          profile_id: module.profileId,
          type: module.type,
          name: module.name,
          version: module.version,
          vendor: module.vendor,
          description: module.description,
          created_at: module.createdAt,
          created_by: module.createdBy,
        })
        .returningAll()
        .executeTakeFirstOrThrow()
      return moduleOf(row)
    },
    get: async (id, options) => {
      const found = db
        .selectFrom('software_modules')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('id', '=', String(id))
        .where('removed_at', 'is', null)
      const row = await (options?.lock ? found.forUpdate() : found).executeTakeFirst()
      if (row) return moduleOf(row)
      throw new DomainError('software-module.unknown', `There is no software module ${id}.`)
    },
    page: async ({ offset, limit, name, version, type }) => {
      let rows = db
        .selectFrom('software_modules')
        .selectAll()
        .select(sql<string>`count(*) over ()`.as('total'))
        .where('tenant_id', '=', tenantId)
        .where('removed_at', 'is', null)
      if (name !== undefined) rows = rows.where('name', '=', name)
      if (version !== undefined) rows = rows.where('version', '=', version)
      if (type !== undefined) rows = rows.where('type', '=', type)
      return numbered(await rows.orderBy('id').offset(offset).limit(limit).execute(), moduleOf)
    },
    setRelease: async (id, releaseId) => {
      await db
        .updateTable('software_modules')
        .set({ release_id: releaseId })
        .where('tenant_id', '=', tenantId)
        .where('id', '=', String(id))
        .execute()
    },
    remove: async (id, at) => {
      await db
        .updateTable('software_modules')
        .set({ removed_at: at })
        .where('tenant_id', '=', tenantId)
        .where('id', '=', String(id))
        .execute()
    },
  }
}

export function distributionSets({ db, tenantId }: Scope): DistributionSets {
  const select = () =>
    db
      .selectFrom('distribution_sets')
      .where('distribution_sets.tenant_id', '=', tenantId)
      .selectAll('distribution_sets')
      .select(
        sql<ModuleRow[] | null>`(
          select jsonb_agg(to_jsonb(m) order by m.type, m.id)
            from distribution_set_modules s join software_modules m on m.id = s.module_id
           where s.set_id = distribution_sets.id
        )`.as('modules'),
      )
  type Row = Awaited<ReturnType<ReturnType<typeof select>['execute']>>[number]

  const setOf = (row: Row): DistributionSet => ({
    id: Number(row.id),
    type: row.type,
    name: row.name,
    version: row.version,
    description: row.description,
    createdAt: row.created_at,
    createdBy: row.created_by,
    isRemoved: row.removed_at !== null,
    modules: (row.modules ?? []).map(moduleOf),
  })

  const get: DistributionSets['get'] = async (id) => {
    const row = await select()
      .where('distribution_sets.id', '=', String(id))
      .where('distribution_sets.removed_at', 'is', null)
      .executeTakeFirst()
    if (row) return setOf(row)
    throw new DomainError('distribution-set.unknown', `There is no distribution set ${id}.`)
  }

  return {
    get,
    insert: async ({ moduleIds, ...set }) => {
      const { id } = await db
        .insertInto('distribution_sets')
        .values({
          tenant_id: tenantId,
          type: set.type,
          name: set.name,
          version: set.version,
          description: set.description,
          created_at: set.createdAt,
          created_by: set.createdBy,
        })
        .returning('id')
        .executeTakeFirstOrThrow()
      if (moduleIds.length > 0) {
        await db
          .insertInto('distribution_set_modules')
          .values(
            moduleIds.map((module) => ({
              set_id: id,
              module_id: String(module),
              tenant_id: tenantId,
            })),
          )
          .execute()
      }
      return get(Number(id))
    },
    page: async ({ offset, limit, name, version, type }) => {
      let rows = select()
        .select(sql<string>`count(*) over ()`.as('total'))
        .where('distribution_sets.removed_at', 'is', null)
      if (name !== undefined) rows = rows.where('distribution_sets.name', '=', name)
      if (version !== undefined) rows = rows.where('distribution_sets.version', '=', version)
      if (type !== undefined) rows = rows.where('distribution_sets.type', '=', type)
      const found = await rows.orderBy('distribution_sets.id').offset(offset).limit(limit).execute()
      return numbered(found, setOf)
    },
    remove: async (id, at) => {
      await db
        .updateTable('distribution_sets')
        .set({ removed_at: at })
        .where('tenant_id', '=', tenantId)
        .where('id', '=', String(id))
        .execute()
    },
    noteAssigned: async (id, { deviceId, at, by }) => {
      await db
        .insertInto('distribution_set_assignments')
        .values({
          tenant_id: tenantId,
          set_id: String(id),
          device_id: deviceId,
          assigned_at: at,
          assigned_by: by,
        })
        .execute()
    },
    assignedTo: async (deviceId, limit) => {
      const rows = await select()
        .innerJoin('distribution_set_assignments as a', 'a.set_id', 'distribution_sets.id')
        .select(['a.assigned_at', 'a.assigned_by'])
        .where('a.tenant_id', '=', tenantId)
        .where('a.device_id', '=', deviceId)
        .orderBy('a.id', 'desc')
        .limit(limit)
        .execute()
      return rows.map((row) => ({
        set: setOf(row),
        assignedAt: row.assigned_at,
        assignedBy: row.assigned_by,
      }))
    },
  }
}

export const hawkbitConfigs = ({ db, tenantId }: Scope): HawkbitConfigs => ({
  all: async () => {
    const rows = await db
      .selectFrom('hawkbit_configs')
      .selectAll()
      .where('tenant_id', '=', tenantId)
      .execute()
    return rows.map(({ key, value, changed_at, changed_by }) => ({
      key,
      value: value as Json,
      changedAt: changed_at,
      changedBy: changed_by,
    }))
  },
  put: async ({ key, value, changedAt, changedBy }) => {
    const row = { value: JSON.stringify(value), changed_at: changedAt, changed_by: changedBy }
    await db
      .insertInto('hawkbit_configs')
      .values({ tenant_id: tenantId, key, ...row })
      .onConflict((conflict) => conflict.columns(['tenant_id', 'key']).doUpdateSet(row))
      .execute()
  },
  remove: async (key) => {
    const { numDeletedRows } = await db
      .deleteFrom('hawkbit_configs')
      .where('tenant_id', '=', tenantId)
      .where('key', '=', key)
      .executeTakeFirst()
    return numDeletedRows > 0n
  },
})
