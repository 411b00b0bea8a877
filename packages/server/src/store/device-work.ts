/** The hot path: check-ins and reports of many devices at once, answered after their common commit. */
import { type Changes, DomainError, isNothing, type Snapshot } from '@updraft/core'
import type { Arrived, Claim, Clock, DeviceWork, Unsettled } from '../app/ports.ts'
import { campaignsByIds } from './campaign-rows.ts'
import { campaignsAtWork, campaignsOf, writeMoved } from './campaigns-at-work.ts'
import { type DeviceChanges, writeChanges } from './changes.ts'
import type { Database } from './database.ts'
import type { Announce } from './events.ts'
import { groupCommit } from './group-commit.ts'
import { policiesAtWork } from './policies-at-work.ts'
import { policyBook } from './policy-book.ts'
import { again, isBadData, refuse } from './refusals.ts'
import {
  campaignIdsOf,
  type Lock,
  operationsByIds,
  PRESENCE_JOIN,
  type Releases,
  SNAPSHOT_COLUMNS,
  type SnapshotRow,
  snapshotRows,
  snapshotsOf,
} from './snapshots.ts'
import { transaction } from './transaction.ts'

const MAX_BATCH = 500
/** While one batch waits for the disk the next is read from the devices. */
const LANES = 2

/** Marks those of `come` who speak as seen. */
const seenAt = (now: string) => `
      update device_presence s set last_seen_at = greatest(s.last_seen_at, ${now}::timestamptz), dialect = one.dialect
        from (select distinct on (device_id) device_id, dialect from come
               where dialect is not null order by device_id) one
       where s.device_id = one.device_id`

/**
 * One statement: of each arrival's claims, in their order, finds the first that a device is known by, marks the devices
 * as seen whose password was right, and reads all that counts for them. It is its own transaction, so its answer is
 * durable. That a credential was used is noted once, at its first use.
 */
export const ARRIVE = {
  name: 'arrive',
  text: `with known as materialized (
      select distinct on (v.arrival) v.arrival, v.ord, v.dialect, c.id, c.device_id, c.first_used_at is null as is_first,
             coalesce(c.password_hash = v.password_hash, c.password_hash is null) as is_proven
        from unnest($1::int[], $2::text[], $3::bytea[], $4::bytea[], $5::text[])
          with ordinality as v (arrival, kind, lookup_hash, password_hash, dialect, ord)
        join credentials c on c.lookup_hash = v.lookup_hash and c.kind = v.kind
       where c.expires_at is null or c.expires_at > $6
       order by v.arrival, v.ord
    ), come as materialized (
      select * from known where is_proven
    ), seen as (${seenAt('$6')}), used as (
      update credentials c set first_used_at = $6::timestamptz
        from (select distinct id from come where is_first order by id) one where c.id = one.id
    )
    select come.arrival, come.ord, ${SNAPSHOT_COLUMNS}, $6::timestamptz as last_seen_at, come.dialect
      from come join devices d on d.id = come.device_id`,
}

/**
 * The same for devices behind a gateway, by their names: those of its tenant, or of its customer where it has one. A
 * device without a dialect does not speak right now.
 */
const ARRIVE_BEHIND = {
  name: 'arrive-behind',
  text: `with come as materialized (
      select v.ord, v.dialect, d.id as device_id
        from unnest($1::uuid[], $2::text[], $3::text[]) with ordinality as v (gateway_id, name, dialect, ord)
        join devices g on g.id = v.gateway_id
        join devices d on d.tenant_id = g.tenant_id and d.name = v.name
       where g.customer_id is null or d.customer_id = g.customer_id
    ), seen as (${seenAt('$4')})
    select come.ord, ${SNAPSHOT_COLUMNS}, coalesce(come.dialect, s.dialect) as dialect,
           case when come.dialect is null then s.last_seen_at else $4::timestamptz end as last_seen_at
      from come join devices d on d.id = come.device_id ${PRESENCE_JOIN}`,
}

/** The same for devices by their ids. */
const ARRIVE_VOUCHED = {
  name: 'arrive-vouched',
  text: `with come as materialized (
      select v.ord, v.dialect, v.device_id
        from unnest($1::uuid[], $2::text[]) with ordinality as v (device_id, dialect, ord)
    ), seen as (${seenAt('$3')})
    select come.ord, ${SNAPSHOT_COLUMNS}, coalesce(come.dialect, s.dialect) as dialect,
           case when come.dialect is null then s.last_seen_at else $3::timestamptz end as last_seen_at
      from come join devices d on d.id = come.device_id ${PRESENCE_JOIN}`,
}

interface Arrival {
  readonly claims: readonly Claim[]
  readonly dialect: string
  readonly now: Date
}

interface ArrivalBehind {
  readonly gatewayId: string
  readonly name: string
  readonly dialect: string | null
  readonly now: Date
}

interface ArrivalVouched {
  readonly deviceId: string
  readonly dialect: string | null
  readonly now: Date
}

interface Settling {
  readonly target: {
    readonly tenantId: string
    readonly deviceId: string
    readonly operationId?: string
  }
  readonly decide: (snapshot: Snapshot) => { readonly changes: Changes }
}

type Settled = { readonly changes: Changes }

export function deviceWork({
  database,
  releases,
  announce,
  clock,
}: {
  database: Database
  releases: Releases
  announce: Announce
  clock: Clock
}): DeviceWork {
  const { hotPool: pool } = database
  const policiesOf = policyBook({ releases, db: database.db })

  const snapshotsNow = async (rows: readonly SnapshotRow[]) => {
    const policies = await policiesOf(pool, rows, { lock: false })
    return snapshotsOf(rows, releases, { campaigns: await campaignsOf(pool, rows), policies })
  }

  const arriveTogether = async (arrivals: readonly Arrival[]): Promise<(Arrived | null)[]> => {
    const shown = arrivals.flatMap(({ claims, dialect }, arrival) =>
      claims.map((claim) => ({ arrival, dialect, claim })),
    )
    const { rows } = await again(() =>
      pool.query<SnapshotRow & { arrival: number; ord: string }>({
        ...ARRIVE,
        values: [
          shown.map(({ arrival }) => arrival),
          shown.map(({ claim }) => claim.kind),
          shown.map(({ claim }) => claim.lookupHash),
          shown.map(({ claim }) => claim.passwordHash),
          shown.map(({ dialect }) => dialect),
          latest(arrivals),
        ],
      }),
    )
    const snapshots = await snapshotsNow(rows)
    const found: (Arrived | null)[] = arrivals.map(() => null)
    for (const [index, row] of rows.entries()) {
      const snapshot = snapshots[index]
      const by = shown[Number(row.ord) - 1]
      if (snapshot && by) found[row.arrival] = { snapshot, claim: by.claim }
    }
    return found
  }

  /** A snapshot, or none, for each of so many arrivals. */
  const inOrder = async (
    count: number,
    query: { readonly name: string; readonly text: string; readonly values: unknown[] },
  ): Promise<(Snapshot | null)[]> => {
    const { rows } = await again(() => pool.query<SnapshotRow & { ord: string }>(query))
    const snapshots = await snapshotsNow(rows)
    const found: (Snapshot | null)[] = Array.from({ length: count }, () => null)
    for (const [index, row] of rows.entries()) found[Number(row.ord) - 1] = snapshots[index] ?? null
    return found
  }

  const arriveBehindTogether = (arrivals: readonly ArrivalBehind[]) =>
    inOrder(arrivals.length, {
      ...ARRIVE_BEHIND,
      values: [
        arrivals.map(({ gatewayId }) => gatewayId),
        arrivals.map(({ name }) => name),
        arrivals.map(({ dialect }) => dialect),
        latest(arrivals),
      ],
    })

  const arriveVouchedTogether = (arrivals: readonly ArrivalVouched[]) =>
    inOrder(arrivals.length, {
      ...ARRIVE_VOUCHED,
      values: [
        arrivals.map(({ deviceId }) => deviceId),
        arrivals.map(({ dialect }) => dialect),
        latest(arrivals),
      ],
    })

  /** One transaction for all; answers for each what it decided, or why it was refused. */
  const settleTogether = async (
    settlings: readonly Settling[],
    lock: Lock,
  ): Promise<(Settled | Error)[]> => {
    const { answers, written, news } = await transaction(pool, async (client) => {
      const written: DeviceChanges[] = []
      const rows = await snapshotRows(
        client,
        settlings.map(({ target }) => target.deviceId),
        { lock },
      )
      const campaigns = campaignsAtWork(
        await campaignsByIds(client, campaignIdsOf(rows), { lock: true }),
        clock.now(),
      )
      const atHand = await policiesOf(client, rows, { lock: true })
      const policies = policiesAtWork(atHand)
      const around = { campaigns: campaigns.before, policies: atHand }
      const snapshots = new Map<string, Snapshot>()
      for (const snapshot of await snapshotsOf(rows, releases, around))
        snapshots.set(snapshot.device.id, snapshot)
      const addressed = await operationsByIds(
        client,
        settlings.flatMap(({ target }) => target.operationId ?? []),
      )
      const answers = settlings.map(({ target, decide }): Settled | Error => {
        try {
          const snapshot = snapshots.get(target.deviceId)
          if (!snapshot && lock === 'free') return IN_USE
          if (snapshot?.tenantId !== target.tenantId) {
            throw new DomainError('device.unknown', 'There is no such device.')
          }
          const named = target.operationId ? addressed.get(target.operationId) : undefined
          const settled = decide({
            ...policies.asOfNow(campaigns.asOfNow(snapshot)),
            addressed: named?.deviceId === target.deviceId ? named : null,
          })
          if (isNothing(settled.changes)) return settled
          campaigns.count(settled.changes)
          policies.count(snapshot, settled.changes, clock.now())
          written.push({ ...target, changes: settled.changes })
          return settled
        } catch (error) {
          return error instanceof Error ? error : new Error(String(error))
        }
      })
      await policies.write(client)
      await writeChanges(client, written, clock.now())
      const news = await writeMoved(client, campaigns, clock.now())
      return { answers, written, news }
    })
    for (const { tenantId, changes } of written) {
      if (changes.events.length > 0) announce(tenantId, changes.events)
    }
    for (const { tenantId, events } of news) announce(tenantId, events)
    return answers
  }

  /** One device's data the database will not have must not cost the others their answer: it is found by halves. */
  const settleApart = async (
    settlings: readonly Settling[],
    lock: Lock = 'wait',
  ): Promise<(Settled | Error)[]> => {
    try {
      return await again(() => settleTogether(settlings, lock))
    } catch (error) {
      if (!isBadData(error) || !(error instanceof Error)) throw error
      if (settlings.length === 1) return [error]
      const half = Math.ceil(settlings.length / 2)
      const answers = await settleApart(settlings.slice(0, half), lock)
      return [...answers, ...(await settleApart(settlings.slice(half), lock))]
    }
  }

  /** Answers those that were not settled. */
  const settleIn = async (
    lock: Lock,
    tenantId: string,
    deviceIds: readonly string[],
    decide: Settling['decide'],
  ): Promise<Unsettled[]> => {
    const unsettled: Unsettled[] = []
    let next = 0
    const work = async () => {
      while (next < deviceIds.length) {
        const some = deviceIds.slice(next, next + MAX_BATCH)
        next += some.length
        const settlings = some.map((deviceId) => ({ target: { tenantId, deviceId }, decide }))
        for (const [index, error] of (await settleApart(settlings, lock)).entries()) {
          const deviceId = some[index]
          if (error instanceof Error && deviceId) unsettled.push({ deviceId, error })
        }
      }
    }
    const lanes = await Promise.allSettled(Array.from({ length: LANES }, work))
    for (const lane of lanes) if (lane.status === 'rejected') throw lane.reason
    return unsettled
  }

  const settleAll: DeviceWork['settleAll'] = async ({ tenantId, deviceIds }, decide) => {
    // In order, as they lie in the indexes.
    const ids = [...new Set(deviceIds)].sort()
    // Hundreds of devices that call hold locks all over the page: it does not wait for them before its end.
    const first = await settleIn('free', tenantId, ids, decide)
    const inUse = first.filter(({ error }) => error === IN_USE).map(({ deviceId }) => deviceId)
    const settledLast = await settleIn('wait', tenantId, inUse, decide)
    return [...first.filter(({ error }) => error !== IN_USE), ...settledLast]
  }

  const arrive = groupCommit<Arrival, Arrived | null>({
    carryOut: arriveTogether,
    maxBatch: MAX_BATCH,
    lanes: LANES,
  })

  const arriveBehind = groupCommit<ArrivalBehind, Snapshot | null>({
    carryOut: arriveBehindTogether,
    maxBatch: MAX_BATCH,
    lanes: LANES,
  })

  const arriveVouched = groupCommit<ArrivalVouched, Snapshot | null>({
    carryOut: arriveVouchedTogether,
    maxBatch: MAX_BATCH,
    lanes: LANES,
  })

  const settle = groupCommit<Settling, Settled>({
    maxBatch: MAX_BATCH,
    lanes: LANES,
    keyOf: ({ target }) => target.deviceId,
    carryOut: (settlings) => settleApart(settlings),
  })

  return {
    arrive: (claims, dialect, now) => arrive({ claims, dialect, now }).catch(refuse),
    arriveBehind: (gatewayId, { name, dialect }, now) =>
      arriveBehind({ gatewayId, name, dialect, now }).catch(refuse),
    arriveVouched: (deviceId, dialect, now) =>
      arriveVouched({ deviceId, dialect, now }).catch(refuse),
    settle: <T extends Settled>(target: Settling['target'], decide: (snapshot: Snapshot) => T) =>
      settle({ target, decide }).catch(refuse) as Promise<T>,
    settleAll: (page, decide) => settleAll(page, decide).catch(refuse),
  }
}

/** Somebody else decides on that device at the moment. */
const IN_USE = new Error('The device is in use.')

const latest = (arrivals: readonly { readonly now: Date }[]): Date =>
  new Date(Math.max(...arrivals.map(({ now }) => now.getTime())))
