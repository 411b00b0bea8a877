import { DomainError } from '@updraft/core'
import { type Kysely, sql } from 'kysely'
import type { Realm, RealmKey, Realms, RealmsAtWork, RealmView } from '../app/ports.ts'
import type { Database } from './database.ts'
import { refuse, refuseRemoval } from './refusals.ts'
import type { Scope } from './scope.ts'
import type { Tables } from './tables.ts'

const none = () => new DomainError('realm.none', 'The tenant has no realm yet.')

const keyOf = (row: Omit<Tables['realm_keys'], 'tenant_id'>): RealmKey => ({
  id: row.id,
  name: row.name,
  publicKey: row.public_key,
  createdAt: row.created_at,
})

export function realms({ db, tenantId }: Scope): Realms {
  const find = async (): Promise<RealmView | null> => {
    const row = await db
      .selectFrom('realms')
      .innerJoin('profiles', 'profiles.id', 'realms.default_profile_id')
      .where('realms.tenant_id', '=', tenantId)
      .select([
        'realms.name',
        'realms.default_profile_id',
        'realms.signing_key_made_at',
        'realms.created_at',
        'profiles.name as profile_name',
        sql<string>`(select count(*) from pairings p where p.tenant_id = realms.tenant_id)`.as(
          'devices',
        ),
      ])
      .executeTakeFirst()
    if (!row) return null
    return {
      tenantId,
      name: row.name,
      defaultProfileId: row.default_profile_id,
      defaultProfileName: row.profile_name,
      signingKeyMadeAt: row.signing_key_made_at,
      createdAt: row.created_at,
      deviceCount: Number(row.devices),
    }
  }
  const get = async (): Promise<RealmView> => {
    const realm = await find()
    if (realm) return realm
    throw none()
  }
  const isUsed = () => sql<boolean>`exists (select from pairings p where p.tenant_id = ${tenantId})`
  const refuseUsed = async (what: string) => {
    await get()
    throw new DomainError('realm.in-use', `Devices are paired in this realm; ${what}.`)
  }

  return {
    find,
    get,
    insert: async ({ name, defaultProfileId, signingKey, createdAt }) => {
      await db
        .insertInto('realms')
        .values({
          tenant_id: tenantId,
          name,
          default_profile_id: defaultProfileId,
          signing_key: signingKey,
          signing_key_made_at: createdAt,
          created_at: createdAt,
        })
        .execute()
    },
    change: async ({ name, defaultProfileId }) => {
      let update = db
        .updateTable('realms')
        .set({
          name: name ?? sql`name`,
          default_profile_id: defaultProfileId ?? sql`default_profile_id`,
        })
        .where('tenant_id', '=', tenantId)
      // The certificates of its devices say the name it has.
      if (name !== undefined) {
        update = update.where(({ or, not, eb }) => or([eb('name', '=', name), not(isUsed())]))
      }
      const { numUpdatedRows } = await update.executeTakeFirst()
      if (numUpdatedRows === 0n) await refuseUsed('it keeps its name')
    },
    remove: async () => {
      const { numDeletedRows } = await db
        .deleteFrom('realms')
        .where('tenant_id', '=', tenantId)
        .where(({ not }) => not(isUsed()))
        .executeTakeFirst()
        .catch(refuseRemoval)
      if (numDeletedRows === 0n) await refuseUsed('remove them first')
    },
    signingKey: async () => {
      const row = await db
        .selectFrom('realms')
        .select('signing_key')
        .where('tenant_id', '=', tenantId)
        .executeTakeFirst()
      if (row) return row.signing_key
      throw none()
    },
    setSigningKey: async (signingKey, at) => {
      const { numUpdatedRows } = await db
        .updateTable('realms')
        .set({ signing_key: signingKey, signing_key_made_at: at })
        .where('tenant_id', '=', tenantId)
        .executeTakeFirst()
      if (numUpdatedRows === 0n) throw none()
    },
    keys: async () => {
      const rows = await db
        .selectFrom('realm_keys')
        .select(['id', 'name', 'public_key', 'created_at'])
        .where('tenant_id', '=', tenantId)
        .orderBy('created_at', 'desc')
        .orderBy('id', 'desc')
        .execute()
      return rows.map(keyOf)
    },
    insertKey: async ({ id, name, publicKey, createdAt }) => {
      await db
        .insertInto('realm_keys')
        .values({ id, tenant_id: tenantId, name, public_key: publicKey, created_at: createdAt })
        .execute()
    },
    removeKey: async (id) => {
      const row = await db
        .deleteFrom('realm_keys')
        .where('tenant_id', '=', tenantId)
        .where('id', '=', id)
        .returning(['id', 'name', 'public_key', 'created_at'])
        .executeTakeFirst()
      if (row) return keyOf(row)
      throw new DomainError('realm.key-unknown', `The realm has no key ${id}.`)
    },
  }
}

/** Realms as devices meet them, on single statements. */
export function realmsAtWork({ db }: Database): RealmsAtWork {
  const select = (from: Kysely<Tables>) =>
    from.selectFrom('realms').select(['tenant_id', 'name', 'default_profile_id'])
  const view = (
    row: Pick<Tables['realms'], 'tenant_id' | 'name' | 'default_profile_id'>,
  ): Realm => ({
    tenantId: row.tenant_id,
    name: row.name,
    defaultProfileId: row.default_profile_id,
  })

  return {
    named: async (name) => {
      const row = await select(db).where('name', '=', name).executeTakeFirst().catch(refuse)
      return row ? view(row) : null
    },
    ofTenant: async (tenantId) => {
      const row = await select(db)
        .where('tenant_id', '=', tenantId)
        .executeTakeFirst()
        .catch(refuse)
      return row ? view(row) : null
    },
    keysOf: async (tenantId) => {
      const own = await db
        .selectFrom('realms')
        .select('signing_key')
        .where('tenant_id', '=', tenantId)
        .executeTakeFirst()
        .catch(refuse)
      if (!own) throw none()
      const others = await db
        .selectFrom('realm_keys')
        .select('public_key')
        .where('tenant_id', '=', tenantId)
        .orderBy('created_at', 'desc')
        .execute()
        .catch(refuse)
      return { own: own.signing_key, others: others.map(({ public_key }) => public_key) }
    },
  }
}
