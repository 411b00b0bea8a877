/**
 * Devices with all that counts for their updates, hundreds in one statement: what they run, their newest
 * operations, what they and their profiles are assigned, and how earlier attempts ended.
 */
import {
  type Arrival,
  type Assignment,
  type Attempts,
  type Campaign,
  type Component,
  type ComponentType,
  type Handling,
  type Installed,
  type JsonObject,
  NO_COMPONENT,
  type Operation,
  type PolicyStanding,
  type ReasonCode,
  type Release,
  type Snapshot,
  type Target,
  type TargetStatus,
} from '@updraft/core'
import type { Selectable } from 'kysely'
import type pg from 'pg'
import { type ReleaseRow, releaseOf } from './catalogue.ts'
import { handlingOf, operationOf } from './operations.ts'
import type { PoliciesAtHand } from './policy-book.ts'
import type { StandingRow } from './policy-rows.ts'
import type { Tables } from './tables.ts'

/** A success the device lost again counts as an attempt this long: a factory reset now and then is no failure. */
const LOST_SUCCESS_COUNTS_FOR = "interval '30 days'"

/** How earlier operations of that release on the device `d` ended since then. */
const attemptsAt = (releaseId: string, since: string) => `
       select count(*) filter (where counts) as failures,
              max(o.ended_at) filter (where counts) as last_failed_at,
              (array_agg(o.because_code order by o.ended_at desc))[1] = 'operator.cancel' as is_cancelled,
              (array_agg(o.state order by o.ended_at desc))[1] = 'STAGED' as is_staged
         from operations o,
              lateral (select o.state = 'FAILED'
                or o.state = 'UPDATED' and o.ended_at > now() - ${LOST_SUCCESS_COUNTS_FOR} as counts) w
        where o.device_id = d.id and o.release_id = ${releaseId} and o.ended_at > ${since}`

/**
 * Columns of one snapshot, from `devices d`. What belongs to it is looked up one by one, never joined, and by all that
 * an index has: no statistics, of a table that was empty a minute ago, make it wise to read the whole for each device.
 */
export const SNAPSHOT_COLUMNS = `
  d.id, d.tenant_id, d.name, d.profile_id, d.labels, d.attributes, d.inventory, d.revision, d.created_at,
  d.cloud_id, (select c.name from clouds c where c.tenant_id = d.tenant_id and c.id = d.cloud_id) as cloud_name,
  (select p.name from profiles p where p.tenant_id = d.tenant_id and p.id = d.profile_id) as profile_name,
  (select p.policies_revision from profiles p where p.tenant_id = d.tenant_id and p.id = d.profile_id) as policies_revision,
  (select json_agg(json_build_array(c.type, c.installed_title, c.installed_version,
            (select to_json(o) from operations o where o.device_id = d.id and o.id = c.operation_id),
            c.arrived_title, c.arrived_version, c.arrived_at))
     from device_components c where c.device_id = d.id) as components,
  (select json_agg(json_build_array(
            a.type, a.device_id is not null, a.release_id, a.assigned_at, t.failures, t.last_failed_at, t.is_cancelled,
            t.is_staged, a.handling))
     from assignments a
     left join device_components c on c.device_id = d.id and c.type = a.type
     left join lateral (${attemptsAt('a.release_id', 'a.assigned_at')} and c.operation_id is not null) t on true
    where a.device_id = d.id or a.profile_id = d.profile_id) as assignments,
  (select json_agg(json_build_array(
            s.release_id, s.standing, s.because_code, s.fared, t.failures, t.last_failed_at, t.is_cancelled))
     from policy_devices s
     left join policies y on y.release_id = s.release_id and s.standing = 'offered'
     left join lateral (${attemptsAt('s.release_id', 'y.published_at')}) t on true
    where s.device_id = d.id) as standings,
  (select json_agg(json_build_array(
            t.campaign_id, t.status, t.is_lost, t.wave, t.operation_id, coalesce(t.release_id, g.release_id),
            case when t.status <> 'in-progress' then (
              select count(*) from operations o
               where o.device_id = d.id and o.release_id = coalesce(t.release_id, g.release_id) and o.state = 'FAILED'
                 and o.because_code <> 'device.no-answer' and (t.retried_at is null or o.ended_at > t.retried_at)) end)
            order by g.created_at, g.id)
     from campaign_targets t
     join campaigns g on g.id = t.campaign_id
    where t.device_id = d.id and t.is_open
      and (t.status = 'in-progress' or g.status in ('in-progress', 'pausing', 'paused'))) as targets`

/** When it spoke last, and how. */
export const PRESENCE_JOIN = `left join lateral (
    select last_seen_at, dialect from device_presence where device_id = d.id offset 0) s on true`

/**
 * Loads by id, of one or several tenants. It has no name, so that it is planned each time: pages of a release for all
 * are read while the table of operations grows from nothing.
 */
export const BY_IDS = {
  text: `select ${SNAPSHOT_COLUMNS}, s.last_seen_at, s.dialect from devices d ${PRESENCE_JOIN}
    where d.id = any($1::uuid[])`,
}
/** Keeps others from deciding on the same devices meanwhile. */
const LOCK = 'select id from devices where id = any($1::uuid[]) order by id for no key update'
const LOCKS = {
  wait: { name: 'lock-devices', text: LOCK },
  free: { name: 'lock-free-devices', text: `${LOCK} skip locked` },
}
/** `free`: only those that nobody else has locked are read. */
export type Lock = 'none' | keyof typeof LOCKS

const OPERATIONS_BY_IDS = {
  name: 'operations-by-ids',
  text: 'select * from operations where id = any($1::uuid[])',
}

/** Releases by id; they never change in what counts here, so those seen before are kept. */
export type Releases = (ids: Iterable<string>) => Promise<ReadonlyMap<string, Release>>

type Queryable = Pick<pg.ClientBase, 'query'>

export function releaseCache(pool: Queryable, maxReleases = 2000): Releases {
  const known = new Map<string, Release>()
  return async (ids) => {
    // What is asked for is gathered apart: another call may make room in the cache meanwhile.
    const found = new Map<string, Release>()
    const missing = new Set<string>()
    for (const id of ids) {
      const release = known.get(id)
      if (release) found.set(id, release)
      else missing.add(id)
    }
    if (missing.size === 0) return found
    const { rows } = await pool.query<ReleaseRow>({
      name: 'releases-by-ids',
      text: 'select * from releases where id = any($1::uuid[])',
      values: [[...missing]],
    })
    if (known.size + rows.length > maxReleases) known.clear()
    for (const row of rows) {
      const release = releaseOf(row)
      known.set(row.id, release)
      found.set(row.id, release)
    }
    return found
  }
}

type ComponentRow = [
  type: ComponentType,
  title: string | null,
  version: string | null,
  operation: OperationJson | null,
  arrivedTitle: string | null,
  arrivedVersion: string | null,
  arrivedAt: string | null,
]
type TargetRow = [
  campaignId: string,
  status: TargetStatus,
  isLost: boolean,
  wave: number | null,
  operationId: string | null,
  releaseId: string,
  failures: number | null,
]
type AssignmentRow = [
  type: ComponentType,
  isOfDevice: boolean,
  releaseId: string,
  assignedAt: string,
  failures: number | null,
  lastFailedAt: string | null,
  isCancelled: boolean | null,
  isStaged: boolean | null,
  handling: Partial<Handling> | null,
]

export interface SnapshotRow {
  id: string
  tenant_id: string
  name: string
  profile_id: string
  labels: string[]
  attributes: JsonObject
  inventory: JsonObject
  revision: number
  created_at: Date
  profile_name: string
  cloud_id: string | null
  cloud_name: string | null
  policies_revision: number
  last_seen_at: Date | null
  dialect: string | null
  components: ComponentRow[] | null
  assignments: AssignmentRow[] | null
  standings: StandingRow[] | null
  targets: TargetRow[] | null
}

/** An operation as JSON of its row: times are text. */
type OperationJson = Omit<
  Selectable<Tables['operations']>,
  'opened_at' | 'changed_at' | 'heard_at' | 'ended_at'
> & {
  opened_at: string
  changed_at: string
  heard_at: string | null
  ended_at: string | null
}

/** Rows for those devices, in no order; with a lock, within the client's transaction. */
export async function snapshotRows(
  client: Queryable,
  deviceIds: readonly string[],
  { lock }: { lock: Lock },
): Promise<SnapshotRow[]> {
  const locked =
    lock !== 'none' && (await client.query<{ id: string }>({ ...LOCKS[lock], values: [deviceIds] }))
  const ids = locked ? locked.rows.map(({ id }) => id) : deviceIds
  const { rows } = await client.query<SnapshotRow>({ ...BY_IDS, values: [ids] })
  return rows
}

export async function operationsByIds(
  client: Queryable,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Operation>> {
  if (ids.length === 0) return new Map()
  const { rows } = await client.query<Selectable<Tables['operations']>>({
    ...OPERATIONS_BY_IDS,
    values: [ids],
  })
  return new Map(rows.map((row) => [row.id, operationOf(row)]))
}

/** The campaigns the rows mention. */
export const campaignIdsOf = (rows: readonly SnapshotRow[]): readonly string[] =>
  rows.flatMap(({ targets }) => (targets ?? []).map(([campaignId]) => campaignId))

/** What devices share: the campaigns their rows mention, the policies of their profiles. */
export interface Around {
  readonly campaigns: ReadonlyMap<string, Campaign>
  readonly policies: PoliciesAtHand
}

/** The releases the rows mention, then the snapshots themselves. */
export async function snapshotsOf(
  rows: readonly SnapshotRow[],
  releases: Releases,
  around: Around,
): Promise<Snapshot[]> {
  const ids = rows.flatMap((row) => [
    ...(row.assignments ?? []).map(([, , releaseId]) => releaseId),
    ...(row.targets ?? []).map(([, , , , , releaseId]) => releaseId),
    ...(row.components ?? []).flatMap(([, , , operation]) =>
      operation?.release_id && !operation.ended_at ? operation.release_id : [],
    ),
  ])
  const known = await releases(ids)
  return rows.map((row) => snapshotOf(row, known, around))
}

function snapshotOf(
  row: SnapshotRow,
  releases: ReadonlyMap<string, Release>,
  { campaigns, policies: { chapters, belongings } }: Around,
): Snapshot {
  const installed: Record<ComponentType, Installed> = {}
  const components: Record<ComponentType, Component> = {}
  for (const component of row.components ?? []) {
    const [type, title, version, operationJson] = component
    if (title !== null || version !== null) installed[type] = { title, version }
    const operation = operationJson ? operationOfJson(operationJson) : null
    const underWay = operation?.endedAt ? null : operation
    components[type] = {
      ...NO_COMPONENT,
      arrival: arrivalOf(component),
      underWay,
      underWayRelease: (underWay && releases.get(underWay.releaseId)) ?? null,
      latestEnded: operation?.endedAt ? operation : null,
    }
  }
  for (const [
    type,
    isOfDevice,
    releaseId,
    assignedAt,
    failures,
    lastFailedAt,
    isCancelled,
    isStaged,
    handling,
  ] of row.assignments ?? []) {
    const release = releases.get(releaseId)
    // Assigned after the releases were read: the next visit sees it.
    if (!release) continue
    const assignment: Assignment = {
      release,
      assignedAt: new Date(assignedAt),
      handling: handlingOf(handling),
      attempts: attemptsOf(failures, lastFailedAt, { isCancelled, isStaged }),
    }
    const component = components[type] ?? NO_COMPONENT
    components[type] = isOfDevice
      ? { ...component, deviceAssignment: assignment }
      : { ...component, profileAssignment: assignment }
  }
  for (const targetRow of row.targets ?? []) {
    const target = targetOf(targetRow, releases, campaigns)
    if (!target) continue
    const { type } = target.release
    const component = components[type] ?? NO_COMPONENT
    components[type] = { ...component, targets: [...component.targets, target] }
  }
  for (const [type, policies] of Object.entries(chapters.get(row.profile_id) ?? {})) {
    components[type] = { ...(components[type] ?? NO_COMPONENT), policies }
  }
  return {
    tenantId: row.tenant_id,
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
      installed,
      dialect: row.dialect,
      lastSeenAt: row.last_seen_at,
      createdAt: row.created_at,
    },
    components,
    standings: Object.fromEntries((row.standings ?? []).map(standingOf)),
    belongings: belongings.get(row.id) ?? null,
    addressed: null,
  }
}

const standingOf = ([
  releaseId,
  standing,
  code,
  fared,
  failures,
  lastFailedAt,
  isCancelled,
]: StandingRow): [string, PolicyStanding] => [
  releaseId,
  {
    standing,
    code: code as ReasonCode,
    fared,
    attempts: attemptsOf(failures, lastFailedAt, { isCancelled, isStaged: false }),
  },
]

const attemptsOf = (
  failures: number | null,
  lastFailedAt: string | null,
  latest: { isCancelled: boolean | null; isStaged: boolean | null },
): Attempts => ({
  failures: failures ?? 0,
  lastFailedAt: lastFailedAt === null ? null : new Date(lastFailedAt),
  isCancelled: latest.isCancelled ?? false,
  isStaged: latest.isStaged ?? false,
})

function arrivalOf([, , , , title, version, at]: ComponentRow): Arrival | null {
  if (title === null || version === null || at === null) return null
  return { title, version, at: new Date(at) }
}

/** Null when campaign or release came about after they were read: the next visit sees them. */
function targetOf(
  [campaignId, status, isLost, wave, operationId, releaseId, failures]: TargetRow,
  releases: ReadonlyMap<string, Release>,
  campaigns: ReadonlyMap<string, Campaign>,
): Target | null {
  const campaign = campaigns.get(campaignId)
  const release = releases.get(releaseId)
  if (!campaign || !release) return null
  return { campaign, release, status, isLost, wave, operationId, failures: failures ?? 0 }
}

const operationOfJson = (json: OperationJson): Operation =>
  operationOf({
    ...json,
    opened_at: new Date(json.opened_at),
    changed_at: new Date(json.changed_at),
    heard_at: json.heard_at === null ? null : new Date(json.heard_at),
    ended_at: json.ended_at === null ? null : new Date(json.ended_at),
  })
