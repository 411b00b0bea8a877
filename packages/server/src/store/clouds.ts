import { type Cloud, DomainError } from '@updraft/core'
import { type ExpressionBuilder, type Kysely, sql } from 'kysely'
import type { Clouds, CloudsAtWork, CloudView, TenantsCloud } from '../app/ports.ts'
import type { Database } from './database.ts'
import { containsText, page } from './paging.ts'
import { refuse, refuseRemoval } from './refusals.ts'
import type { Scope } from './scope.ts'
import type { Tables } from './tables.ts'

const COLUMNS = [
  'clouds.id',
  'clouds.name',
  'clouds.public_url',
  'clouds.artifact_store',
  'clouds.region',
  'clouds.created_at',
] as const

const cloudOf = (row: Omit<Tables['clouds'], 'tenant_id'>): Cloud => ({
  id: row.id,
  name: row.name,
  publicUrl: row.public_url,
  artifactStore: row.artifact_store,
  region: row.region,
  createdAt: row.created_at,
})

export function clouds({ db, tenantId }: Scope): Clouds {
  const select = () =>
    db
      .selectFrom('clouds')
      .where('clouds.tenant_id', '=', tenantId)
      .select(COLUMNS)
      .select(
        sql<string>`(select count(*) from devices d where d.cloud_id = clouds.id)`.as('devices'),
      )
  type Row = Awaited<ReturnType<ReturnType<typeof select>['execute']>>[number]
  const view = (row: Row): CloudView => ({ ...cloudOf(row), deviceCount: Number(row.devices) })

  const unknown = (what: string) => new DomainError('cloud.unknown', `There is no cloud ${what}.`)
  const own =
    (id: string) =>
    ({ and }: ExpressionBuilder<Tables, 'clouds'>) =>
      and({ tenant_id: tenantId, id })

  return {
    insert: async (cloud) => {
      await db
        .insertInto('clouds')
        .values({
          id: cloud.id,
          tenant_id: tenantId,
          name: cloud.name,
          public_url: cloud.publicUrl,
          artifact_store: cloud.artifactStore,
          region: cloud.region,
          created_at: cloud.createdAt,
        })
        .execute()
    },
    get: async (id) => {
      const row = await select().where('clouds.id', '=', id).executeTakeFirst()
      if (row) return view(row)
      throw unknown(id)
    },
    byName: async (name) => {
      const row = await select().where('clouds.name', '=', name).executeTakeFirst()
      if (row) return view(row)
      throw unknown(`"${name}"`)
    },
    page: (query) => {
      let rows = select()
      if (query.name !== undefined) rows = rows.where('clouds.name', '=', query.name)
      if (query.search) rows = rows.where('clouds.name', 'ilike', containsText(query.search))
      return page(db, rows, query, {
        columns: { name: sql.ref('clouds.name'), createdAt: sql.ref('clouds.created_at') },
        id: sql.ref('clouds.id'),
        defaultSort: 'name',
        view,
      })
    },
    change: async (id, { name, publicUrl, artifactStore, region }) => {
      const { numUpdatedRows } = await db
        .updateTable('clouds')
        .set({
          name: name ?? sql`name`,
          ...(publicUrl !== undefined && { public_url: publicUrl }),
          ...(artifactStore !== undefined && { artifact_store: artifactStore }),
          ...(region !== undefined && { region }),
        })
        .where(own(id))
        .executeTakeFirst()
      if (numUpdatedRows === 0n) throw unknown(id)
    },
    remove: async (id) => {
      const policy = await db
        .selectFrom('policies')
        .select('release_id')
        .where('tenant_id', '=', tenantId)
        .where(sql<boolean>`${id}::uuid = any(cloud_ids)`)
        .executeTakeFirst()
      if (policy) {
        throw new DomainError(
          'cloud.in-use',
          'A policy is for devices of this cloud; change or remove the policy first.',
        )
      }
      const { numDeletedRows } = await db
        .deleteFrom('clouds')
        .where(own(id))
        .executeTakeFirst()
        .catch(refuseRemoval)
      if (numDeletedRows === 0n) throw unknown(id)
    },
    tokens: async (id) => {
      const rows = await db
        .selectFrom('cloud_tokens')
        .select(['id', 'created_at'])
        .where('tenant_id', '=', tenantId)
        .where('cloud_id', '=', id)
        .orderBy('created_at', 'desc')
        .orderBy('id', 'desc')
        .execute()
      return rows.map((row) => ({ id: row.id, createdAt: row.created_at }))
    },
    insertToken: async ({ id, cloudId, secretHash, createdAt }) => {
      await db
        .insertInto('cloud_tokens')
        .values({
          id,
          tenant_id: tenantId,
          cloud_id: cloudId,
          secret_hash: secretHash,
          created_at: createdAt,
        })
        .execute()
    },
    removeToken: async (id, tokenId) => {
      const { numDeletedRows } = await db
        .deleteFrom('cloud_tokens')
        .where('tenant_id', '=', tenantId)
        .where('cloud_id', '=', id)
        .where('id', '=', tokenId)
        .executeTakeFirst()
      if (numDeletedRows > 0n) return
      throw new DomainError('cloud.token-unknown', `The cloud has no token ${tokenId}.`)
    },
  }
}

export function cloudsAtWork({ db }: Database): CloudsAtWork {
  const select = (from: Kysely<Tables>) =>
    from.selectFrom('clouds').select(COLUMNS).select('clouds.tenant_id')
  const view = (row: Tables['clouds'] | undefined): TenantsCloud | null =>
    row ? { ...cloudOf(row), tenantId: row.tenant_id } : null

  return {
    ofToken: async (secretHash) =>
      view(
        await select(db)
          .innerJoin('cloud_tokens', 'cloud_tokens.cloud_id', 'clouds.id')
          .where('cloud_tokens.secret_hash', '=', secretHash)
          .executeTakeFirst()
          .catch(refuse),
      ),
    byId: async (id) =>
      view(await select(db).where('clouds.id', '=', id).executeTakeFirst().catch(refuse)),
    areServedFrom: async (artifactStore) => {
      const found = await select(db)
        .where('clouds.artifact_store', '=', artifactStore)
        .limit(1)
        .execute()
        .catch(refuse)
      return found.length > 0
    },
  }
}
