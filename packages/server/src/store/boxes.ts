import { type BoxServer, DomainError, hostOf } from '@updraft/core'
import { type Kysely, sql } from 'kysely'
import type { Box, Boxes, BoxesAtWork, Wish } from '../app/ports.ts'
import type { Database } from './database.ts'
import { refuse } from './refusals.ts'
import { ofCustomersDevice, ofCustomersProfile, type Scope } from './scope.ts'
import type { Tables } from './tables.ts'

const select = (db: Kysely<Tables>) =>
  db
    .selectFrom('boxes')
    .select([
      'boxes.tenant_id',
      'boxes.device_id',
      'boxes.channel',
      'boxes.release_id',
      'boxes.restart_asked_at',
    ])
    .select(
      sql<string[]>`array(
        select n.name from box_names n where n.device_id = boxes.device_id order by n.name
      )`.as('names'),
    )
type Row = Awaited<ReturnType<ReturnType<typeof select>['execute']>>[number]

const boxOf = (row: Row): Box => ({
  tenantId: row.tenant_id,
  deviceId: row.device_id,
  channel: row.channel,
  names: row.names,
  releaseId: row.release_id,
  restartAskedAt: row.restart_asked_at,
})

const wishOf = (row: Pick<Tables['box_wishes'], 'id' | 'kind' | 'asked_at' | 'told_at'>): Wish => ({
  id: row.id,
  kind: row.kind,
  askedAt: row.asked_at,
  toldAt: row.told_at,
})

const WISH_COLUMNS = ['id', 'kind', 'asked_at', 'told_at'] as const

export function boxes(scope: Scope): Boxes {
  const { db, tenantId } = scope
  return {
    server: async (profileId) =>
      (await db
        .selectFrom('box_servers')
        .select(['url', 'series'])
        .where('tenant_id', '=', tenantId)
        .where('profile_id', '=', profileId)
        .where(ofCustomersProfile(scope, 'profile_id'))
        .executeTakeFirst()) ?? null,
    setServer: async (profileId, server) => {
      const row = { ...server, host: hostOf(server) }
      const { numInsertedOrUpdatedRows } = await db
        .insertInto('box_servers')
        .values({ profile_id: profileId, tenant_id: tenantId, ...row })
        .onConflict((conflict) =>
          conflict
            .column('profile_id')
            .doUpdateSet(row)
            .where('box_servers.tenant_id', '=', tenantId),
        )
        .executeTakeFirst()
      if (!numInsertedOrUpdatedRows) {
        throw new DomainError('profile.unknown', `There is no profile ${profileId}.`)
      }
    },
    removeServer: async (profileId) => {
      const { numDeletedRows } = await db
        .deleteFrom('box_servers')
        .where('tenant_id', '=', tenantId)
        .where('profile_id', '=', profileId)
        .executeTakeFirst()
      return numDeletedRows > 0n
    },
    askRestart: async (deviceId, at) => {
      const { numUpdatedRows } = await db
        .updateTable('boxes')
        .set({ restart_asked_at: at })
        .where('tenant_id', '=', tenantId)
        .where('device_id', '=', deviceId)
        .where(ofCustomersDevice(scope, 'device_id'))
        .executeTakeFirst()
      if (numUpdatedRows === 0n) throw new DomainError('box.none', 'The device is no box.')
    },
    wishes: async (deviceId) => {
      const rows = await db
        .selectFrom('box_wishes')
        .select(WISH_COLUMNS)
        .where('tenant_id', '=', tenantId)
        .where('device_id', '=', deviceId)
        .where(ofCustomersDevice(scope, 'device_id'))
        .orderBy('asked_at')
        .execute()
      return rows.map(wishOf)
    },
    wish: async (deviceId, { id, kind, askedAt }) => {
      const row = await db
        .insertInto('box_wishes')
        .values({
          id,
          tenant_id: tenantId,
          device_id: deviceId,
          kind,
          asked_at: askedAt,
          told_at: null,
        })
        .onConflict((conflict) =>
          conflict
            .columns(['device_id', 'kind'])
            .doUpdateSet({ asked_at: askedAt, told_at: null })
            .where('box_wishes.tenant_id', '=', tenantId),
        )
        .returning(WISH_COLUMNS)
        .executeTakeFirst()
      if (row) return wishOf(row)
      throw new DomainError('device.unknown', `There is no device ${deviceId}.`)
    },
    done: async (deviceId, ids) => {
      const rows = await db
        .deleteFrom('box_wishes')
        .where('tenant_id', '=', tenantId)
        .where('device_id', '=', deviceId)
        .where(sql<boolean>`id::text = any(${[...ids]}::text[])`)
        .returning(WISH_COLUMNS)
        .execute()
      return rows.map(wishOf)
    },
  }
}

/** Boxes as they come, on single statements. */
export function boxesAtWork({ db }: Database): BoxesAtWork {
  const onChannel = async (channel: string): Promise<Box | null> => {
    const row = await select(db).where('channel', '=', channel).executeTakeFirst().catch(refuse)
    return row ? boxOf(row) : null
  }
  return {
    serverAt: async (host) => {
      const row = await db
        .selectFrom('box_servers')
        .select(['tenant_id', 'profile_id', 'url', 'series'])
        .where('host', '=', host)
        .executeTakeFirst()
        .catch(refuse)
      if (!row) return null
      const server: BoxServer = { url: row.url, series: row.series }
      return { ...server, tenantId: row.tenant_id, profileId: row.profile_id }
    },
    named: async (names) => {
      const rows = await select(db)
        .where(({ exists, selectFrom }) =>
          exists(
            selectFrom('box_names')
              .select('name')
              .whereRef('box_names.device_id', '=', 'boxes.device_id')
              .where('name', '=', sql<string>`any(${[...names]}::text[])`),
          ),
        )
        .execute()
        .catch(refuse)
      return rows.map(boxOf)
    },
    onChannel,
    keep: async ({ tenantId, deviceId }, { channel, names }) => {
      const row = await db
        .transaction()
        .execute(async (transaction) => {
          await transaction
            .insertInto('boxes')
            .values({ device_id: deviceId, tenant_id: tenantId, channel })
            .onConflict((conflict) => conflict.column('device_id').doNothing())
            .execute()
          await transaction
            .insertInto('box_names')
            .values(names.map((name) => ({ name, tenant_id: tenantId, device_id: deviceId })))
            .onConflict((conflict) => conflict.column('name').doNothing())
            .execute()
          return select(transaction)
            .where('boxes.device_id', '=', deviceId)
            .executeTakeFirstOrThrow()
        })
        .catch(refuse)
      return boxOf(row)
    },
    given: async (deviceId, releaseId) => {
      await db
        .updateTable('boxes')
        .set({ release_id: releaseId })
        .where('device_id', '=', deviceId)
        .execute()
        .catch(refuse)
    },
    imagesAt: async (host, { orOnly }) => {
      const { rows } = await sql<{ version: string | null; sha256: string; is_meant: boolean }>`
        with server as (
          select * from box_servers where host = ${host}
          union all
          select * from box_servers
           where ${orOnly} and not exists (select from box_servers where host = ${host})
             and (select count(*) from (select from box_servers limit 2) as few) = 1
        )
        select r.version, r.artifact_sha256 as sha256, a.release_id is not null as is_meant
          from server s
          left join releases r on r.tenant_id = s.tenant_id and r.profile_id = s.profile_id
                              and r.type = 'image' and r.artifact_sha256 is not null
          left join assignments a on a.profile_id = s.profile_id and a.release_id = r.id
         order by r.created_at, r.id`
        .execute(db)
        .catch(refuse)
      if (rows.length === 0) return null
      return rows.flatMap(({ version, sha256, is_meant: isMeant }) =>
        version === null ? [] : [{ version, sha256, isMeant }],
      )
    },
    around: async ({ deviceId, profileId }) => {
      const { rows } = await sql<{ series: string | null; wishes: WishJson[] | null }>`
        select (select s.series from box_servers s where s.profile_id = ${profileId}) as series,
               (select json_agg(json_build_array(w.id, w.kind, w.asked_at, w.told_at) order by w.asked_at)
                  from box_wishes w where w.device_id = ${deviceId}) as wishes`
        .execute(db)
        .catch(refuse)
      const [row] = rows
      return { series: row?.series ?? null, wishes: (row?.wishes ?? []).map(wishOfJson) }
    },
    told: async (ids, at) => {
      await db
        .updateTable('box_wishes')
        .set({ told_at: at })
        .where('id', '=', sql<string>`any(${[...ids]}::uuid[])`)
        .execute()
        .catch(refuse)
    },
  }
}

type WishJson = [id: string, kind: Wish['kind'], askedAt: string, toldAt: string | null]

const wishOfJson = ([id, kind, askedAt, toldAt]: WishJson): Wish => ({
  id,
  kind,
  askedAt: new Date(askedAt),
  toldAt: toldAt === null ? null : new Date(toldAt),
})
