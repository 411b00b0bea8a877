/**
 * Where the facts an expression asks for are kept. All of it is said of a query `from devices` that joins `profiles`
 * and, where there is one, `device_presence`.
 */
import type { VariableName } from '@updraft/core/expression'
import { type RawBuilder, sql } from 'kysely'
import type { AudienceName } from '../app/ports.ts'

/** SQL null: there is no such fact, and what asks for it is undecided. */
export type Fact =
  | { readonly type: 'bool'; readonly sql: RawBuilder<boolean> }
  | { readonly type: 'text' | 'int' | 'time' | 'json' | 'texts'; readonly sql: RawBuilder<unknown> }

const text = (sql: RawBuilder<unknown>): Fact => ({ type: 'text', sql })

/** `what` of the system model `m`. */
const systemModel = <What>(what: RawBuilder<What>) => sql<What | null>`(
  select ${what} from system_model_part_numbers n join system_models m on m.id = n.system_model_id
   where n.tenant_id = devices.tenant_id and n.part_number = devices.part_number
)`

/** `what` of the hardware type `t`: the system model's, or else the one that has the part number itself. */
const hardwareType = <What>(what: RawBuilder<What>) => sql<What | null>`coalesce(
  (select ${what} from system_model_part_numbers n
     join system_models m on m.id = n.system_model_id join hardware_types t on t.id = m.hardware_type_id
    where n.tenant_id = devices.tenant_id and n.part_number = devices.part_number),
  (select ${what} from hardware_type_part_numbers n join hardware_types t on t.id = n.hardware_type_id
    where n.tenant_id = devices.tenant_id and n.part_number = devices.part_number)
)`

export const SYSTEM_MODEL = systemModel(sql<string>`m.handle`)
export const HARDWARE_TYPE = hardwareType(sql<string>`t.handle`)

const names = (alias: 'm' | 't') => {
  const of = (column: string) => sql.ref(`${alias}.${column}`)
  return sql<AudienceName>`jsonb_build_object(
    'id', ${of('id')}, 'handle', ${of('handle')}, 'name', ${of('name')})`
}

export const SYSTEM_MODEL_NAMES = systemModel(names('m'))
export const HARDWARE_TYPE_NAMES = hardwareType(names('t'))

export const CUSTOMER = sql<string | null>`(
  select c.name from customers c where c.id = devices.customer_id
)`

export const CLOUD = sql<string | null>`(
  select c.name from clouds c where c.id = devices.cloud_id
)`

/** `installed` is asked for by component type, below. */
export const COLUMNS: Readonly<Record<Exclude<VariableName, 'installed'>, Fact>> = {
  name: text(sql`devices.name`),
  profile: text(sql`profiles.name`),
  customer: text(sql`coalesce(${CUSTOMER}, '')`),
  cloud: text(sql`coalesce(${CLOUD}, '')`),
  labels: { type: 'texts', sql: sql`devices.labels` },
  attributes: { type: 'json', sql: sql`devices.attributes` },
  inventory: { type: 'json', sql: sql`devices.inventory` },
  dialect: text(sql`coalesce(device_presence.dialect, '')`),
  partNumber: text(sql`coalesce(devices.part_number, '')`),
  systemModel: text(sql`coalesce(${SYSTEM_MODEL}, '')`),
  hardwareType: text(sql`coalesce(${HARDWARE_TYPE}, '')`),
  createdAt: { type: 'time', sql: sql`date_trunc('milliseconds', devices.created_at)` },
  lastSeenAt: { type: 'time', sql: sql`date_trunc('milliseconds', device_presence.last_seen_at)` },
  seen: { type: 'bool', sql: sql<boolean>`(device_presence.last_seen_at is not null)` },
}

export const installedText = (type: string, field: 'title' | 'version'): RawBuilder<string> => sql`(
  select ${sql.ref(`c.installed_${field}`)} from device_components c
   where c.device_id = devices.id and c.type = ${type}::text
)`

export const isInstalled = (type: string): RawBuilder<boolean> => sql`exists (
  select from device_components c where c.device_id = devices.id and c.type = ${type}::text
     and (c.installed_title is not null or c.installed_version is not null)
)`

/** Facts of which a fleet knows few values, so that what is asked of one can be asked of each value once. */
export type FewValued =
  | { readonly kind: 'variable'; readonly name: VariableName & keyof typeof FEW_VALUED }
  | { readonly kind: 'installed'; readonly type: string; readonly field: 'title' | 'version' }
  | { readonly kind: 'label' }

/** By variable: a query for its values in the tenant, in `value`. */
export const FEW_VALUED = {
  profile: (tenantId: string) =>
    sql`select name as value from profiles where tenant_id = ${tenantId}`,
  customer: (tenantId: string) =>
    sql`select name as value from customers where tenant_id = ${tenantId} union select ''`,
  cloud: (tenantId: string) =>
    sql`select name as value from clouds where tenant_id = ${tenantId} union select ''`,
  dialect: (tenantId: string) =>
    sql`select distinct coalesce(dialect, '') as value from device_presence where tenant_id = ${tenantId} union select ''`,
  partNumber: (tenantId: string) =>
    sql`select distinct coalesce(part_number, '') as value from devices where tenant_id = ${tenantId}`,
  systemModel: (tenantId: string) =>
    sql`select handle as value from system_models where tenant_id = ${tenantId} union select ''`,
  hardwareType: (tenantId: string) =>
    sql`select handle as value from hardware_types where tenant_id = ${tenantId} union select ''`,
} as const

export const valuesQuery = (of: FewValued, tenantId: string): RawBuilder<{ value: string }> => {
  switch (of.kind) {
    case 'variable':
      return FEW_VALUED[of.name](tenantId) as RawBuilder<{ value: string }>
    case 'installed': {
      const column = sql.ref(`installed_${of.field}`)
      return sql`select distinct ${column} as value from device_components
        where tenant_id = ${tenantId} and type = ${of.type} and ${column} is not null`
    }
    case 'label':
      return sql`select distinct unnest(labels) as value from devices where tenant_id = ${tenantId}`
  }
}
