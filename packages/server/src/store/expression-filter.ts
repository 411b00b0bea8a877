/** Devices for which one of several expressions holds: what SQL decides, and what is asked of each that is left. */
import { setImmediate } from 'node:timers/promises'
import type { ComponentType, Installed } from '@updraft/core'
import { type DeviceFacts, holds } from '@updraft/core/expression'
import { type RawBuilder, sql } from 'kysely'
import type { Asked } from '../app/ports.ts'
import {
  CLOUD,
  CUSTOMER,
  type FewValued,
  HARDWARE_TYPE,
  SYSTEM_MODEL,
  valuesQuery,
} from './expression-columns.ts'
import { expressionToSql } from './expression-to-sql.ts'
import type { Scope } from './scope.ts'

/** Beyond, a fact is asked of each device. */
const MAX_VALUES = 2000
/** So long others wait at most for devices to be asked. */
const TURN_MS = 20

export interface Filter {
  readonly where: RawBuilder<boolean>
  /** Which of those found are meant; null when all of them are. */
  readonly keep: ((deviceIds: readonly string[]) => Promise<ReadonlySet<string>>) | null
}

export async function expressionFilter(scope: Scope, { any, now }: Asked): Promise<Filter> {
  const { db, tenantId } = scope
  const allValues = async (of: FewValued) => {
    const { rows } = await sql<{ value: string }>`
      select value from (${valuesQuery(of, tenantId)}) known limit ${MAX_VALUES + 1}`.execute(db)
    return rows.length > MAX_VALUES ? null : rows.map(({ value }) => value)
  }
  const wheres: RawBuilder<boolean>[] = []
  let asksEach = false
  for (const program of any) {
    const { where, asks } = await expressionToSql(program, { now, allValues })
    wheres.push(where)
    asksEach ||= asks !== null
  }
  const where =
    wheres.length === 0 ? sql<boolean>`false` : sql<boolean>`(${sql.join(wheres, sql` or `)})`
  if (!asksEach) return { where, keep: null }
  const keep = async (deviceIds: readonly string[]) => {
    const kept = new Set<string>()
    let turn = performance.now()
    for (const facts of await deviceFacts(scope, deviceIds)) {
      if (any.some((program) => holds(program, facts, now).holds)) kept.add(facts.device.id)
      if (performance.now() - turn > TURN_MS) {
        await setImmediate()
        turn = performance.now()
      }
    }
    return kept
  }
  return { where, keep }
}

interface FactsRow {
  readonly id: string
  readonly name: string
  readonly profile_id: string
  readonly profile_name: string
  readonly cloud_id: string | null
  readonly cloud_name: string | null
  readonly labels: string[]
  readonly attributes: DeviceFacts['device']['attributes']
  readonly inventory: DeviceFacts['device']['inventory']
  readonly created_at: Date
  readonly dialect: string | null
  readonly last_seen_at: Date | null
  readonly customer: string | null
  readonly system_model: string | null
  readonly hardware_type: string | null
  readonly installed: [ComponentType, string | null, string | null][] | null
}

/** All that expressions may ask, of those devices, in no order. */
export async function deviceFacts(
  { db, tenantId }: Scope,
  deviceIds: readonly string[],
): Promise<DeviceFacts[]> {
  const { rows } = await sql<FactsRow>`
    select devices.id, devices.name, devices.profile_id, profiles.name as profile_name,
           devices.cloud_id, ${CLOUD} as cloud_name, devices.labels,
           devices.attributes, devices.inventory, devices.created_at,
           device_presence.dialect, device_presence.last_seen_at,
           ${CUSTOMER} as customer, ${SYSTEM_MODEL} as system_model, ${HARDWARE_TYPE} as hardware_type,
           (select json_agg(json_build_array(c.type, c.installed_title, c.installed_version))
              from device_components c where c.device_id = devices.id) as installed
      from devices join profiles on profiles.id = devices.profile_id
      left join device_presence on device_presence.device_id = devices.id
     where devices.tenant_id = ${tenantId} and devices.id = any(${[...deviceIds]}::uuid[])`.execute(
    db,
  )
  return rows.map((row) => ({
    device: {
      id: row.id,
      name: row.name,
      profileId: row.profile_id,
      profileName: row.profile_name,
      cloudId: row.cloud_id,
      cloudName: row.cloud_name,
      labels: row.labels,
      attributes: row.attributes,
      inventory: row.inventory,
      installed: installedOf(row.installed ?? []),
      dialect: row.dialect,
      lastSeenAt: row.last_seen_at,
      createdAt: row.created_at,
    },
    customer: row.customer,
    systemModel: row.system_model,
    hardwareType: row.hardware_type,
  }))
}

const installedOf = (
  components: NonNullable<FactsRow['installed']>,
): Readonly<Record<ComponentType, Installed>> =>
  Object.fromEntries(
    components.flatMap(([type, title, version]) =>
      title === null && version === null ? [] : [[type, { title, version }]],
    ),
  )
