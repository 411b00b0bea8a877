/** Devices that speak hawkBit's language, as they come. What every poll asks is asked for many in one statement. */
import {
  type ActionOutcome,
  type ClientKind,
  DomainError,
  type Handling,
  type HawkbitSettings,
  isReadableByAll,
  STANDARD_HAWKBIT,
} from '@updraft/core'
import type pg from 'pg'
import type {
  HawkbitAction,
  HawkbitActionChange,
  HawkbitAtWork,
  HawkbitChunk,
  HawkbitDevice,
} from '../app/ports.ts'
import { type ReleaseRow, releaseOf } from './catalogue.ts'
import type { Database } from './database.ts'
import { groupCommit } from './group-commit.ts'
import { handlingOf } from './operations.ts'
import { again, refuse } from './refusals.ts'
import { transaction } from './transaction.ts'

const MAX_BATCH = 500
/** Of one action, by the device's own words; what is older goes. */
const MAX_STATUSES = 100

/** An action as JSON, from `hawkbit_actions a`. */
const ACTION = `json_build_object(
    'id', a.id, 'tenantId', a.tenant_id, 'deviceId', a.device_id, 'client', a.client, 'createdAt', a.created_at,
    'needsConfirmation', a.needs_confirmation, 'confirmedAt', a.confirmed_at, 'fetchedAt', a.fetched_at,
    'isSkipped', a.is_skipped, 'cancelAskedAt', a.cancel_asked_at, 'cancelRefusedAt', a.cancel_refused_at,
    'feedbackCount', a.feedback_count, 'closedAt', a.closed_at, 'outcome', a.outcome, 'isUnproven', a.is_unproven,
    'chunks', (select coalesce(json_agg(json_build_object(
        'id', c.id, 'operationId', c.operation_id, 'releaseId', c.release_id, 'type', c.type,
        'state', (select o.state from operations o where o.id = c.operation_id),
        'handling', (select o.handling from operations o where o.id = c.operation_id)) order by c.id), '[]')
      from hawkbit_chunks c where c.action_id = a.id))`

const OF = {
  name: 'hawkbit-of',
  text: `select d.id as device_id,
         (select p.hawkbit from profiles p where p.id = d.profile_id) as settings,
         (select r.name from realms r where r.tenant_id = d.tenant_id) as realm,
         (select g.said_id from registrations g where g.device_id = d.id) as registered_as,
         coalesce(h.wants_attributes, true) as wants_attributes, h.auto_confirm,
         (select json_agg(${ACTION} order by a.id) from hawkbit_actions a
           where a.device_id = d.id and (a.closed_at is null or a.is_unproven)) as actions,
         (select max(a.id) from hawkbit_actions a where a.device_id = d.id and a.outcome = 'finished') as finished_id
    from devices d left join hawkbit_devices h on h.device_id = d.id
   where d.id = any($1::uuid[])`,
}

interface DeviceRow {
  device_id: string
  settings: Partial<HawkbitSettings> | null
  realm: string | null
  registered_as: string | null
  wants_attributes: boolean
  auto_confirm: { initiator: string | null; remark: string | null; activatedAt: string } | null
  actions: ActionJson[] | null
  finished_id: number | null
}

const TIMES = ['confirmedAt', 'fetchedAt', 'cancelAskedAt', 'cancelRefusedAt', 'closedAt'] as const
type Time = (typeof TIMES)[number]
type ActionJson = Omit<HawkbitAction, Time | 'createdAt' | 'client' | 'outcome' | 'chunks'> &
  Record<Time, string | null> & {
    createdAt: string
    client: ClientKind
    outcome: ActionOutcome | null
    chunks: (Omit<HawkbitChunk, 'handling'> & { handling: Partial<Handling> | null })[]
  }

function actionOf(json: ActionJson): HawkbitAction {
  const times = TIMES.map((time) => [time, json[time] === null ? null : new Date(json[time])])
  return {
    ...json,
    createdAt: new Date(json.createdAt),
    chunks: json.chunks.map((chunk) => ({ ...chunk, handling: handlingOf(chunk.handling) })),
    ...(Object.fromEntries(times) as Record<Time, Date | null>),
  }
}

const settingsOf = (told: Partial<HawkbitSettings> | null): HawkbitSettings => ({
  ...STANDARD_HAWKBIT,
  ...told,
})

const deviceOf = (row: DeviceRow): HawkbitDevice => ({
  settings: settingsOf(row.settings),
  realm: row.realm,
  registeredAs: row.registered_as,
  wantsAttributes: row.wants_attributes,
  autoConfirm: row.auto_confirm && {
    ...row.auto_confirm,
    activatedAt: new Date(row.auto_confirm.activatedAt),
  },
  actions: (row.actions ?? []).map(actionOf),
  finishedId: row.finished_id,
})

const COLUMNS: Record<keyof HawkbitActionChange, string> = {
  confirmedAt: 'confirmed_at',
  fetchedAt: 'fetched_at',
  isSkipped: 'is_skipped',
  cancelAskedAt: 'cancel_asked_at',
  cancelRefusedAt: 'cancel_refused_at',
  closedAt: 'closed_at',
  outcome: 'outcome',
  isUnproven: 'is_unproven',
}

export function hawkbitAtWork({ pool, hotPool }: Database): HawkbitAtWork {
  const run = async <T extends object>(
    text: string,
    values: readonly unknown[],
    name?: string,
  ): Promise<readonly T[]> =>
    (await again(() => hotPool.query<T>({ name, text, values: [...values] })).catch(refuse)).rows

  const of = groupCommit<string, HawkbitDevice | null>({
    maxBatch: MAX_BATCH,
    carryOut: async (deviceIds) => {
      const { rows } = await hotPool.query<DeviceRow>({
        ...OF,
        values: [[...new Set(deviceIds)]],
      })
      const found = new Map(rows.map((row) => [row.device_id, deviceOf(row)]))
      return deviceIds.map((id) => found.get(id) ?? null)
    },
  })

  const action: HawkbitAtWork['action'] = async (deviceId, id) => {
    const [row] = await run<{ action: ActionJson }>(
      `select ${ACTION} as action from hawkbit_actions a where a.device_id = $1 and a.id = $2`,
      [deviceId, id],
      'hawkbit-action',
    )
    return row ? actionOf(row.action) : null
  }

  const releases: HawkbitAtWork['releases'] = async (ids) => {
    const rows = await run<ReleaseRow>(
      'select * from releases where id = any($1::uuid[])',
      [[...ids]],
      'hawkbit-releases',
    )
    return rows.map(releaseOf)
  }

  return {
    of: async (deviceId) => {
      const found = await of(deviceId).catch(refuse)
      if (found) return found
      throw new DomainError('device.unknown', 'There is no such device.')
    },
    action,
    chunk: async (deviceId, id) => {
      const [row] = await run<{ action_id: number; release_id: string }>(
        `select c.action_id, c.release_id from hawkbit_chunks c join hawkbit_actions a on a.id = c.action_id
          where c.id = $2 and a.device_id = $1`,
        [deviceId, id],
        'hawkbit-chunk',
      )
      if (!row) return null
      const [whole, [release]] = await Promise.all([
        action(deviceId, row.action_id),
        releases([row.release_id]),
      ])
      return whole && release ? { action: whole, release } : null
    },
    open: ({ tenantId, deviceId }, { client, needsConfirmation, operations, at }) =>
      again(() =>
        transaction(pool, async (connection) => {
          // Whoever comes for the same device at the same time waits here, and then finds what was made.
          await connection.query(
            `insert into hawkbit_devices (device_id, tenant_id) values ($1, $2)
             on conflict (device_id) do update set tenant_id = excluded.tenant_id`,
            [deviceId, tenantId],
          )
          const ids = operations.map((operation) => operation.id)
          const { rowCount } = await connection.query(
            `select from hawkbit_chunks c join hawkbit_actions a on a.id = c.action_id
              where c.operation_id = any($1::uuid[]) and a.closed_at is null`,
            [ids],
          )
          if (rowCount) return null
          const id = await nextActionId(connection)
          await connection.query(
            `insert into hawkbit_actions (id, tenant_id, device_id, client, needs_confirmation, created_at)
             overriding system value values ($1, $2, $3, $4, $5, $6)`,
            [id, tenantId, deviceId, client, needsConfirmation, at],
          )
          await connection.query(
            `insert into hawkbit_chunks (action_id, operation_id, release_id, type)
             select $1, o.id, o.release_id, o.type
               from unnest($2::uuid[], $3::uuid[], $4::text[]) with ordinality as o (id, release_id, type, ord)
              order by o.ord`,
            [
              id,
              ids,
              operations.map(({ releaseId }) => releaseId),
              operations.map(({ type }) => type),
            ],
          )
          return id
        }),
      )
        .catch(refuse)
        .then((id) => (id === null ? null : action(deviceId, id))),
    change: async (id, to) => {
      const entries = Object.entries(to).filter(([, value]) => value !== undefined)
      if (entries.length === 0) return
      const sets = entries.map(
        ([key], index) => `${COLUMNS[key as keyof HawkbitActionChange]} = $${index + 2}`,
      )
      await run(`update hawkbit_actions set ${sets.join(', ')} where id = $1`, [
        id,
        ...entries.map(([, value]) => value),
      ])
    },
    bundleAnew: (ids, { client, needsConfirmation, most, at }) =>
      again(() =>
        transaction(pool, async (connection) => {
          const { rows } = await connection.query<{ id: number }>(
            `update hawkbit_actions set client = $2, needs_confirmation = $3
              where id = any($1::int[]) and fetched_at is null and closed_at is null returning id`,
            [[...ids], client, needsConfirmation],
          )
          const unread = rows.map(({ id }) => id)
          await connection.query(BUNDLE_ANEW, [unread, most])
          await connection.query(
            `update hawkbit_actions a set closed_at = $2, outcome = 'withdrawn'
              where id = any($1::int[]) and not exists (select from hawkbit_chunks c where c.action_id = a.id)`,
            [unread, at],
          )
        }),
      ).catch(refuse),
    countFeedback: async (id) => {
      const [row] = await run<{ feedback_count: number }>(
        'update hawkbit_actions set feedback_count = feedback_count + 1 where id = $1 returning feedback_count',
        [id],
        'hawkbit-feedback',
      )
      const count = row?.feedback_count ?? 0
      // Counted for each action, whichever server hears it; not at each word, as who says much meets it often enough.
      if (count % FORGETS_EVERY === 0) await run(FORGET, [id], 'hawkbit-forget')
      return count
    },
    note: async (id, { at, status, messages }) => {
      await run(
        `insert into hawkbit_messages (action_id, tenant_id, at, status, messages)
         select id, tenant_id, $2, $3, $4 from hawkbit_actions where id = $1`,
        [id, at, status, [...messages]],
        'hawkbit-note',
      )
    },
    statuses: async (id, limit) =>
      run(
        'select at, status, messages from hawkbit_messages where action_id = $1 order by id desc limit $2',
        [id, limit],
        'hawkbit-statuses',
      ),
    releases,
    releaseNamed: async (profileId, { title, version }) => {
      const [row] = await run<ReleaseRow>(
        'select * from releases where profile_id = $1 and title = $2 and version = $3',
        [profileId, title, version],
      )
      return row ? releaseOf(row) : null
    },
    wantAttributes: async ({ tenantId, deviceId }, wants) => {
      await run(
        `insert into hawkbit_devices as h (device_id, tenant_id, wants_attributes) values ($1, $2, $3)
         on conflict (device_id) do update set wants_attributes = excluded.wants_attributes
          where h.wants_attributes <> excluded.wants_attributes`,
        [deviceId, tenantId, wants],
        'hawkbit-wants',
      )
    },
    setAutoConfirm: async ({ tenantId, deviceId }, to) => {
      await run(
        `insert into hawkbit_devices (device_id, tenant_id, auto_confirm) values ($1, $2, $3)
         on conflict (device_id) do update set auto_confirm = excluded.auto_confirm`,
        [deviceId, tenantId, to && JSON.stringify(to)],
      )
    },
    gateway: async (key) => {
      const [row] = await run<{ id: string; hawkbit: Partial<HawkbitSettings> | null }>(
        'select id, hawkbit from profiles where provisioning_key = $1',
        [key],
        'hawkbit-gateway',
      )
      return row ? { profileId: row.id, settings: settingsOf(row.hawkbit) } : null
    },
    called: async (profileId, controllerId) => {
      const [row] = await run<{ id: string }>(CALLED, [profileId, controllerId], 'hawkbit-called')
      return row?.id ?? null
    },
    vouchedFor: async (controllerId, { authorities, tenant }) => {
      const rows = await run<{ id: string }>(
        VOUCHED_FOR,
        [
          controllerId,
          authorities.map((each) => each.toLowerCase()),
          tenant?.toLowerCase() ?? null,
        ],
        'hawkbit-vouched-for',
      )
      return rows.length === 1 ? (rows[0]?.id ?? null) : null
    },
    authoritiesFor: async (controllerId, tenant) => {
      const rows = await run<{ certificate: Buffer }>(
        AUTHORITIES_FOR,
        [controllerId, tenant?.toLowerCase() ?? null],
        'hawkbit-authorities-for',
      )
      return rows.map(({ certificate }) => certificate)
    },
  }
}

/** Those that not every client could read are left out. */
async function nextActionId(connection: Pick<pg.ClientBase, 'query'>): Promise<number> {
  for (;;) {
    const { rows } = await connection.query<{ id: number }>(
      `select nextval(pg_get_serial_sequence('hawkbit_actions', 'id'))::int as id`,
    )
    const [next] = rows
    if (!next) throw new Error('A sequence has no next number.')
    if (isReadableByAll(next.id)) return next.id
  }
}

/** The parts of some actions over the same ones again, so many each. */
const BUNDLE_ANEW = `
  with parts as (
    select c.id, (row_number() over (order by c.action_id, c.id) - 1) / $2::int + 1 as place
      from hawkbit_chunks c where c.action_id = any($1::int[])),
  homes as (select id, row_number() over (order by id) as place from unnest($1::int[]) as id),
  left_over as (
    delete from hawkbit_chunks c using parts p
     where c.id = p.id and p.place > (select count(*) from homes))
  update hawkbit_chunks c set action_id = h.id from parts p join homes h using (place) where c.id = p.id`

const FORGETS_EVERY = 20
const FORGET = `
  delete from hawkbit_messages where action_id = $1 and id <= (
    select id from hawkbit_messages where action_id = $1 order by id desc offset ${MAX_STATUSES} limit 1)`

/** By its name here, or by what it called itself when it registered. */
const CALLED = `
  select d.id from devices d join profiles p on p.id = $1 and p.tenant_id = d.tenant_id
   where d.profile_id = p.id and d.name = $2
  union
  select d.id from registrations g join devices d on d.id = g.device_id and d.profile_id = $1
   where g.profile_id = $1 and g.said_id = $2
  limit 1`

/** Of a tenant that goes by that name, or of any. */
const ofTenant = (column: string, parameter: string) => `(${parameter}::text is null
     or ${column}::text = ${parameter}
     or exists (select from realms r where r.tenant_id = ${column} and lower(r.name) = ${parameter}))`

const VOUCHED_FOR = `
  with trusting as (
    select p.id, p.tenant_id from profiles p
     where p.hawkbit -> 'authorities' ?| $2::text[] and ${ofTenant('p.tenant_id', '$3')})
  select d.id from trusting p join devices d on d.tenant_id = p.tenant_id and d.profile_id = p.id and d.name = $1
  union
  select d.id from trusting p join registrations g on g.tenant_id = p.tenant_id and g.said_id = $1
    join devices d on d.id = g.device_id and d.profile_id = p.id
  limit 2`

/** Of that many at most is any tried; few tenants have a device of the same name. */
const MAX_AUTHORITIES = 100
const AUTHORITIES_FOR = `
  select distinct a.certificate from profile_authorities a
   where ${ofTenant('a.tenant_id', '$2')} and (
     exists (select from devices d
      where d.tenant_id = a.tenant_id and d.profile_id = a.profile_id and d.name = $1)
     or exists (select from registrations g join devices d on d.id = g.device_id and d.profile_id = a.profile_id
      where g.tenant_id = a.tenant_id and g.said_id = $1))
   limit ${MAX_AUTHORITIES}`
