/**
 * Pairings as devices meet them. When a server comes back all its devices come at once: what each of them does then is
 * done for many in one statement, so that they wait for each other here, and not in line for a connection until it seems
 * that the database is away.
 */
import type { HeldSession, Introspection, Pairing, PairingsAtWork } from '../app/ports.ts'
import type { Database } from './database.ts'
import { groupCommit } from './group-commit.ts'
import { bytesOf, type PairingRow, pairingOf, selectPairings } from './pairings.ts'
import { again, refuse } from './refusals.ts'

const MAX_BATCH = 500

type Connecting = Parameters<PairingsAtWork['connected']>[1] & { readonly deviceId: string }
type Connected = { readonly generation: number; readonly before: HeldSession | null }

/** What it was before is read under the same lock as it is changed; all are locked in one order. */
const CONNECT = {
  name: 'pairings-connect',
  text: `with come as materialized (
      select * from unnest($1::uuid[], $2::text[], $3::boolean[], $4::timestamptz[], $5::text[])
        as c (device_id, holder, is_clean, at, address)
    ), held as materialized (
      select device_id, session_holder, session_is_clean from pairings
       where device_id = any($1::uuid[]) order by device_id for update
    )
    update pairings p
       set session_holder = c.holder, session_is_clean = c.is_clean,
           session_generation = p.session_generation + 1, is_connected = true, connected_at = c.at,
           last_address = coalesce(c.address, p.last_address)
      from held join come c using (device_id)
     where p.device_id = held.device_id
    returning p.device_id, p.session_generation, held.session_holder as held_by,
              held.session_is_clean as held_clean`,
}

interface ConnectedRow {
  device_id: string
  session_generation: string
  held_by: string | null
  held_clean: boolean
}

interface Disconnecting {
  readonly deviceId: string
  readonly generation: number
  readonly at: Date
}

const DISCONNECT = {
  name: 'pairings-disconnect',
  text: `with gone as materialized (
      select * from unnest($1::uuid[], $2::bigint[], $3::timestamptz[]) as g (device_id, generation, at)
    ), held as materialized (
      select p.device_id from pairings p join gone g using (device_id)
       where p.session_generation = g.generation and p.is_connected
       order by p.device_id for update of p
    )
    update pairings p set is_connected = false, disconnected_at = g.at
      from held join gone g using (device_id)
     where p.device_id = held.device_id`,
}

interface Introducing {
  readonly deviceId: string
  readonly introspection: Introspection
}

const INTRODUCE = {
  name: 'pairings-introduce',
  text: `with said as materialized (
      select * from unnest($1::uuid[], $2::text[]) as s (device_id, introspection)
    ), held as materialized (
      select device_id from pairings where device_id = any($1::uuid[]) order by device_id for update
    )
    update pairings p set introspection = s.introspection::jsonb
      from held join said s using (device_id)
     where p.device_id = held.device_id`,
}

export function pairingsAtWork({ db, hotPool }: Database): PairingsAtWork {
  const run = async <T extends object>(
    statement: { name: string; text: string },
    columns: readonly unknown[][],
  ): Promise<readonly T[]> =>
    (await again(() => hotPool.query<T>({ ...statement, values: [...columns] }))).rows

  const keyOf = ({ deviceId }: { readonly deviceId: string }) => deviceId

  const ofDevice = groupCommit<string, Pairing | null>({
    maxBatch: MAX_BATCH,
    carryOut: async (deviceIds) => {
      const query = selectPairings(db).where('pairings.device_id', '=', (eb) =>
        eb.fn.any(eb.val([...deviceIds])),
      )
      const { sql, parameters } = query.compile()
      const { rows } = await hotPool.query<PairingRow>(sql, [...parameters])
      const found = new Map(rows.map((row) => [row.device_id, pairingOf(row)]))
      return deviceIds.map((deviceId) => found.get(deviceId) ?? null)
    },
  })

  const connected = groupCommit<Connecting, Connected | null>({
    maxBatch: MAX_BATCH,
    keyOf,
    carryOut: async (come) => {
      const rows = await run<ConnectedRow>(CONNECT, [
        come.map(({ deviceId }) => deviceId),
        come.map(({ holder }) => holder),
        come.map(({ isClean }) => isClean),
        come.map(({ at }) => at),
        come.map(({ address }) => address),
      ])
      const found = new Map(rows.map((row) => [row.device_id, connectedOf(row)]))
      return come.map(({ deviceId }) => found.get(deviceId) ?? null)
    },
  })

  const disconnected = groupCommit<Disconnecting, undefined>({
    maxBatch: MAX_BATCH,
    keyOf,
    carryOut: async (gone) => {
      await run(DISCONNECT, [
        gone.map(({ deviceId }) => deviceId),
        gone.map(({ generation }) => generation),
        gone.map(({ at }) => at),
      ])
      return gone.map(() => undefined)
    },
  })

  const introduced = groupCommit<Introducing, undefined>({
    maxBatch: MAX_BATCH,
    keyOf,
    carryOut: async (said) => {
      await run(INTRODUCE, [
        said.map(({ deviceId }) => deviceId),
        said.map(({ introspection }) => JSON.stringify(introspection)),
      ])
      return said.map(() => undefined)
    },
  })

  return {
    find: async (tenantId, astarteId) => {
      const row = await selectPairings(db)
        .where('pairings.tenant_id', '=', tenantId)
        .where('pairings.astarte_id', '=', bytesOf(astarteId))
        .executeTakeFirst()
        .catch(refuse)
      return row ? pairingOf(row) : null
    },
    ofDevice: (deviceId) => ofDevice(deviceId).catch(refuse),
    setIntrospection: (deviceId, introspection) =>
      introduced({ deviceId, introspection }).catch(refuse),
    setCapabilities: async (deviceId, capabilities) => {
      await db
        .updateTable('pairings')
        .where('device_id', '=', deviceId)
        .set({ capabilities: JSON.stringify(capabilities) })
        .execute()
        .catch(refuse)
    },
    connected: (deviceId, session) => connected({ deviceId, ...session }).catch(refuse),
    disconnected: (deviceId, session) => disconnected({ deviceId, ...session }).catch(refuse),
    setConnected: async (deviceId, { isConnected, at, address }) => {
      const when = isConnected ? { connected_at: at } : { disconnected_at: at }
      await db
        .updateTable('pairings')
        .where('device_id', '=', deviceId)
        .set({ is_connected: isConnected, ...when, ...(address && { last_address: address }) })
        .execute()
        .catch(refuse)
    },
  }
}

function connectedOf({ session_generation, held_by, held_clean }: ConnectedRow): Connected {
  const generation = Number(session_generation)
  const before =
    held_by === null ? null : { holder: held_by, generation: generation - 1, isClean: held_clean }
  return { generation, before }
}
