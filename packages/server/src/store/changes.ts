/** Writes the changes of many devices, one statement a table, within the caller's transaction. */
import {
  type Changes,
  type DomainEvent,
  isLost,
  isOpenTarget,
  isTerminal,
  type Operation,
  type TargetMove,
  type TargetStatus,
} from '@updraft/core'
import type pg from 'pg'
import { handlingColumn } from './operations.ts'
import { writeStandings } from './policy-rows.ts'
import { type Row, type Statement, write } from './statement.ts'

export interface DeviceChanges {
  readonly tenantId: string
  readonly deviceId: string
  readonly changes: Changes
}

type Queryable = Pick<pg.ClientBase, 'query'>
/** What is not said is left as it is. One statement, as each would write the whole row anew. */
const COMPONENTS: Statement = {
  name: 'write-components',
  width: 11,
  text: `insert into device_components as c (device_id, type, tenant_id, installed_title, installed_version, installed_at,
      operation_id, operation_state, arrived_title, arrived_version, arrived_at)
    select * from unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::timestamptz[], $7::uuid[], $8::text[],
      $9::text[], $10::text[], $11::timestamptz[])
    on conflict (device_id, type) do update set
      installed_title = case when excluded.installed_at is null then c.installed_title else excluded.installed_title end,
      installed_version = case when excluded.installed_at is null then c.installed_version else excluded.installed_version end,
      installed_at = coalesce(excluded.installed_at, c.installed_at),
      operation_id = coalesce(excluded.operation_id, c.operation_id),
      operation_state = coalesce(excluded.operation_state, c.operation_state),
      arrived_title = coalesce(excluded.arrived_title, c.arrived_title),
      arrived_version = coalesce(excluded.arrived_version, c.arrived_version),
      arrived_at = coalesce(excluded.arrived_at, c.arrived_at)`,
}

const FACTS: Statement = {
  name: 'write-inventory',
  width: 2,
  text: `update devices d set inventory = v.inventory
    from unnest($1::uuid[], $2::jsonb[]) as v (id, inventory) where d.id = v.id`,
}

const OPERATIONS: Statement = {
  name: 'write-operations',
  width: 22,
  text: `insert into operations (id, tenant_id, device_id, release_id, type, title, version, state, progress_percent, error,
      origin_code, origin_message, because_code, because_message, restarts, opened_at, changed_at, heard_at, ended_at, campaign_id,
      error_code, handling)
    select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[],
      $9::smallint[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::integer[],
      $16::timestamptz[], $17::timestamptz[], $18::timestamptz[], $19::timestamptz[], $20::uuid[], $21::text[], $22::jsonb[])
    on conflict (id) do update set state = excluded.state, progress_percent = excluded.progress_percent,
      error = excluded.error, error_code = excluded.error_code, because_code = excluded.because_code, because_message = excluded.because_message,
      restarts = excluded.restarts, changed_at = excluded.changed_at, heard_at = excluded.heard_at,
      ended_at = excluded.ended_at, handling = excluded.handling`,
}

const TARGETS: Statement = {
  name: 'write-targets',
  width: 13,
  text: `update campaign_targets t set status = v.status, is_open = v.is_open, is_lost = v.is_lost, wave = v.wave,
      operation_id = v.operation_id, because_code = v.because_code, because_message = v.because_message,
      before_title = case when asking.is_asked then v.before_title else t.before_title end,
      before_version = case when asking.is_asked then v.before_version else t.before_version end,
      asked_at = case when asking.is_asked then v.at else t.asked_at end,
      ended_at = case when v.status in ('successful', 'failed', 'skipped') then v.at end
    from unnest($1::uuid[], $2::uuid[], $3::text[], $4::bool[], $5::bool[], $6::smallint[], $7::uuid[], $8::text[], $9::text[],
      $10::text[], $11::text[], $12::timestamptz[], $13::text[])
      as v (campaign_id, device_id, status, is_open, is_lost, wave, operation_id, because_code, because_message,
            before_title, before_version, at, was),
      lateral (select v.status = 'in-progress' as is_asked) asking
    where t.campaign_id = v.campaign_id and t.device_id = v.device_id and t.status = v.was`,
}

/** Reports and remarks that change nothing are kept, but not without end: a noisy device gets this many lines of each. */
const MAX_IGNORED_STEPS = 50

const STEPS: Statement = {
  name: 'write-steps',
  width: 8,
  text: `insert into operation_steps (operation_id, at, state, outcome, progress_percent, error, because_code, because_message)
    select v.* from unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::text[], $5::smallint[], $6::text[], $7::text[], $8::text[])
      as v (operation_id, at, state, outcome, progress_percent, error, because_code, because_message)
    where v.outcome not in ('remarked', 'ignored') or ${MAX_IGNORED_STEPS} >
      (select count(*) from operation_steps s where s.operation_id = v.operation_id and s.outcome = v.outcome)`,
}

const EVENTS: Statement = {
  name: 'write-events',
  width: 10,
  text: `insert into events (tenant_id, at, kind, actor, subject_kind, subject_id, subject_name, device_id, data, reason)
    select * from unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::jsonb[], $5::text[], $6::text[], $7::text[], $8::uuid[], $9::jsonb[], $10::jsonb[])`,
}

/** Events of several tenants. */
export const writeEvents = (
  client: Queryable,
  all: readonly { readonly tenantId: string; readonly events: readonly DomainEvent[] }[],
): Promise<number> =>
  write(
    client,
    EVENTS,
    all.flatMap(({ tenantId, events }) =>
      events.map((event) => [
        tenantId,
        event.at,
        event.kind,
        JSON.stringify(event.actor),
        event.subject.kind,
        event.subject.id,
        event.subject.name,
        event.deviceId,
        JSON.stringify(event.data),
        event.reason ? JSON.stringify(event.reason) : null,
      ]),
    ),
  )

export async function writeChanges(
  client: Queryable,
  all: readonly DeviceChanges[],
  now: Date,
): Promise<void> {
  const run = (statement: Statement, rows: readonly Row[]) => write(client, statement, rows)
  const rowsOf = (toRows: (each: DeviceChanges) => readonly Row[]) => all.flatMap(toRows)

  await run(
    FACTS,
    rowsOf(({ deviceId, changes: { inventory } }) =>
      inventory ? [[deviceId, JSON.stringify(inventory)]] : [],
    ),
  )
  // What ended comes first: only one operation of a type may be under way, at any moment of the statement.
  const operations = all.flatMap(({ tenantId, changes }) =>
    changes.operations.map((operation) => ({ tenantId, operation })),
  )
  operations.sort(
    (a, b) => Number(isTerminal(b.operation.state)) - Number(isTerminal(a.operation.state)),
  )
  await run(
    OPERATIONS,
    operations.map(({ tenantId, operation }) => operationRow(tenantId, operation)),
  )
  await run(
    COMPONENTS,
    rowsOf(({ deviceId, tenantId, changes: { installed, operations, arrivals } }) => {
      const newest = newestByType(operations)
      const types = new Set([...Object.keys(installed), ...newest.keys(), ...Object.keys(arrivals)])
      return [...types].map((type) => {
        const [runs, operation, arrival] = [installed[type], newest.get(type), arrivals[type]]
        return [
          deviceId,
          type,
          tenantId,
          runs?.title ?? null,
          runs?.version ?? null,
          runs ? now : null,
          operation?.id ?? null,
          operation?.state ?? null,
          arrival?.title ?? null,
          arrival?.version ?? null,
          arrival?.at ?? null,
        ]
      })
    }),
  )
  const targets = rowsOf(({ deviceId, changes }) =>
    wholeWays(changes.targets).map(({ was, move }) => [
      move.campaignId,
      deviceId,
      move.to.status,
      isOpenTarget(move),
      isLost(move),
      move.to.wave,
      move.to.operationId,
      move.because.code,
      move.because.message,
      move.before?.title ?? null,
      move.before?.version ?? null,
      move.at,
      was,
    ]),
  )
  await writeStandings(
    client,
    all.flatMap(({ tenantId, deviceId, changes }) =>
      changes.policies.map((move) => ({ tenantId, deviceId, move })),
    ),
  )
  // An operator may have had them tried again between the reading and the campaign's lock: what was counted is not so.
  if ((await run(TARGETS, targets)) < targets.length) throw new Stale()
  await run(
    STEPS,
    rowsOf(({ changes }) =>
      changes.steps.map((step) => [
        step.operationId,
        step.at,
        step.state,
        step.outcome,
        step.progressPercent,
        step.error,
        step.because.code,
        step.because.message,
      ]),
    ),
  )
  await writeEvents(
    client,
    all.map(({ tenantId, changes: { events } }) => ({ tenantId, events })),
  )
}

/** What was decided on is another by now; the same transaction done again sees it. */
class Stale extends Error {
  override readonly name = 'Stale'
  /** PostgreSQL's word for it: serialization_failure. */
  readonly code = '40001'
}

/** A target may move twice at once, as when an update that was taken back makes room for another. */
function wholeWays(moves: readonly TargetMove[]): { was: TargetStatus; move: TargetMove }[] {
  const ways = new Map<string, { was: TargetStatus; move: TargetMove }>()
  for (const move of moves) {
    const was = ways.get(move.campaignId)?.was ?? move.from.status
    ways.set(move.campaignId, { was, move })
  }
  return [...ways.values()]
}

const operationRow = (tenantId: string, operation: Operation): Row => [
  operation.id,
  tenantId,
  operation.deviceId,
  operation.releaseId,
  operation.type,
  operation.title,
  operation.version,
  operation.state,
  operation.progressPercent,
  operation.error,
  operation.origin.code,
  operation.origin.message,
  operation.because.code,
  operation.because.message,
  operation.restarts,
  operation.openedAt,
  operation.changedAt,
  operation.heardAt,
  operation.endedAt,
  operation.campaignId,
  operation.code,
  handlingColumn(operation.handling),
]

/** The operation each component shows from now on: the one opened last. */
function newestByType(operations: readonly Operation[]): Map<string, Operation> {
  const newest = new Map<string, Operation>()
  for (const operation of operations) {
    const known = newest.get(operation.type)
    const isNewer = !known || operation.openedAt >= known.openedAt
    if (isNewer && (!known || !isTerminal(operation.state) || isTerminal(known.state))) {
      newest.set(operation.type, operation)
    }
  }
  return newest
}
