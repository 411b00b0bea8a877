import { DomainError, STANDARD_HAWKBIT } from '@updraft/core'
import { sql } from 'kysely'
import type { Profiles, ProfileView, ReleaseName } from '../app/ports.ts'
import { containsText, page } from './paging.ts'
import { refuseRemoval } from './refusals.ts'
import { ofCustomer, ofCustomersProfile, type Scope } from './scope.ts'

export function profiles(scope: Scope): Profiles {
  const { db, tenantId, customerId } = scope

  const select = () =>
    db
      .selectFrom('profiles')
      .where('profiles.tenant_id', '=', tenantId)
      .where(ofCustomersProfile(scope, 'profiles.id'))
      .select(['profiles.id', 'profiles.name', 'profiles.description', 'profiles.created_at'])
      .select([
        sql<string>`(
          select count(*) from devices d where d.profile_id = profiles.id and ${ofCustomer(scope, 'd.customer_id')}
        )`.as('device_count'),
        // Whoever knows the key is half way to adding devices to the tenant.
        sql<ProfileView['provisioning']>`(
          case when ${customerId}::uuid is null and profiles.provisioning_key is not null
          then jsonb_build_object('key', profiles.provisioning_key, 'strategy', profiles.provisioning_strategy, 'claimsAtOnce', profiles.claims_at_once) end
        )`.as('provisioning'),
        sql<Record<string, ReleaseName> | null>`(
          select jsonb_object_agg(a.type, jsonb_build_object('id', r.id, 'title', r.title, 'version', r.version))
          from assignments a join releases r on r.id = a.release_id where a.profile_id = profiles.id
        )`.as('assignments'),
      ])
  type Row = Awaited<ReturnType<ReturnType<typeof select>['execute']>>[number]

  const view = (row: Row): ProfileView => ({
    id: row.id,
    name: row.name,
    description: row.description,
    createdAt: row.created_at,
    deviceCount: Number(row.device_count),
    provisioning: row.provisioning,
    assignments: row.assignments ?? {},
  })

  const found = (row: Row | undefined, what: string): ProfileView => {
    if (row) return view(row)
    throw new DomainError('profile.unknown', `There is no profile ${what}.`)
  }

  return {
    insert: async (profile) => {
      await db
        .insertInto('profiles')
        .values({
          id: profile.id,
          tenant_id: tenantId,
          name: profile.name,
          description: profile.description,
          provisioning_key: null,
          provisioning_secret_hash: null,
          provisioning_strategy: null,
          created_at: profile.createdAt,
        })
        .execute()
    },
    get: async (id) => found(await select().where('profiles.id', '=', id).executeTakeFirst(), id),
    byName: async (name) =>
      found(await select().where('profiles.name', '=', name).executeTakeFirst(), `"${name}"`),
    several: async (ids) => {
      const rows = await select()
        .where('profiles.id', '=', sql<string>`any(${[...ids]}::uuid[])`)
        .execute()
      return rows.map(view)
    },
    page: (query) => {
      let rows = select()
      if (query.name !== undefined) rows = rows.where('profiles.name', '=', query.name)
      if (query.search) rows = rows.where('profiles.name', 'ilike', containsText(query.search))
      return page(db, rows, query, {
        columns: { name: sql.ref('profiles.name'), createdAt: sql.ref('profiles.created_at') },
        id: sql.ref('profiles.id'),
        defaultSort: 'name',
        view,
      })
    },
    setProvisioning: async (id, to) => {
      await db
        .updateTable('profiles')
        .set({
          provisioning_key: to?.key ?? null,
          provisioning_secret_hash: to?.secretHash ?? null,
          provisioning_strategy: to?.strategy ?? null,
          claims_at_once: to?.claimsAtOnce ?? false,
        })
        .where('tenant_id', '=', tenantId)
        .where('id', '=', id)
        .execute()
    },
    hawkbit: async (id) => {
      const row = await db
        .selectFrom('profiles')
        .select('hawkbit')
        .where('tenant_id', '=', tenantId)
        .where('id', '=', id)
        .where(ofCustomersProfile(scope, 'id'))
        .executeTakeFirst()
      if (row) return { ...STANDARD_HAWKBIT, ...row.hawkbit }
      throw new DomainError('profile.unknown', `There is no profile ${id}.`)
    },
    setHawkbit: async (id, settings) => {
      await db
        .updateTable('profiles')
        .set({ hawkbit: JSON.stringify(settings) })
        .where('tenant_id', '=', tenantId)
        .where('id', '=', id)
        .execute()
    },
    authorities: async (id) => {
      const rows = await db
        .selectFrom('profile_authorities')
        .select(['fingerprint', 'subject', 'valid_to', 'certificate'])
        .where('tenant_id', '=', tenantId)
        .where('profile_id', '=', id)
        .where(ofCustomersProfile(scope, 'profile_id'))
        .orderBy('fingerprint')
        .execute()
      return rows.map(({ valid_to: validTo, ...row }) => ({ ...row, validTo }))
    },
    setAuthorities: async (id, fingerprints, added) => {
      await db
        .deleteFrom('profile_authorities')
        .where('tenant_id', '=', tenantId)
        .where('profile_id', '=', id)
        .where(sql<boolean>`not (fingerprint = any(${[...fingerprints]}::text[]))`)
        .execute()
      if (added.length === 0) return
      const values = added.map(({ fingerprint, subject, validTo, certificate }) => ({
        tenant_id: tenantId,
        profile_id: id,
        fingerprint,
        subject,
        valid_to: validTo,
        certificate: Buffer.from(certificate),
      }))
      await db
        .insertInto('profile_authorities')
        .values(values)
        .onConflict((conflict) => conflict.doNothing())
        .execute()
    },
    remove: async (id) => {
      const removed = await db
        .deleteFrom('profiles')
        .where('tenant_id', '=', tenantId)
        .where('id', '=', id)
        .executeTakeFirst()
        .catch(refuseRemoval)
      if (removed.numDeletedRows === 0n) found(undefined, id)
    },
  }
}
