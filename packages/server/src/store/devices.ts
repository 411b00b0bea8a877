import { DomainError, type State } from '@updraft/core'
import { CompiledQuery, sql } from 'kysely'
import type { DeviceFilter, Devices, DeviceView } from '../app/ports.ts'
import { campaignsByIds } from './campaign-rows.ts'
import { credentialRow } from './credentials.ts'
import { HARDWARE_TYPE_NAMES, SYSTEM_MODEL_NAMES } from './expression-columns.ts'
import { expressionFilter } from './expression-filter.ts'
import { containsText, page } from './paging.ts'
import { policyBook } from './policy-book.ts'
import { ofCustomer, ofCustomersDevice, type Scope } from './scope.ts'
import { campaignIdsOf, releaseCache, snapshotRows, snapshotsOf } from './snapshots.ts'

/** Of many devices, so many are looked at in one statement. */
const IDS_AT_ONCE = 5000

export function devices(scope: Scope): Devices {
  const { db, tenantId } = scope

  // The hot path's statements, run within this transaction.
  const client = {
    query: async ({ text, values }: { text: string; values: unknown[] }) => {
      const { rows } = await db.executeQuery(CompiledQuery.raw(text, values))
      return { rows }
    },
  } as unknown as Parameters<typeof releaseCache>[0]

  /** Those of the devices that are within the scope, with the customers that own them and what they are. */
  const belongingsOf = async (
    ids: readonly string[],
  ): Promise<ReadonlyMap<string, Omit<DeviceView, 'snapshot' | 'revision'>>> => {
    const rows = await db
      .selectFrom('devices')
      .leftJoin('customers', 'customers.id', 'devices.customer_id')
      .leftJoin('registrations', 'registrations.device_id', 'devices.id')
      .select(['devices.id', 'customers.id as customer_id', 'customers.name as customer_name'])
      .leftJoin('pairings', 'pairings.device_id', 'devices.id')
      .select(['registrations.said_id', 'pairings.astarte_id'])
      .select([SYSTEM_MODEL_NAMES.as('system_model'), HARDWARE_TYPE_NAMES.as('hardware_type')])
      .where('devices.id', '=', sql<string>`any(${ids}::uuid[])`)
      .where('devices.tenant_id', '=', tenantId)
      .where(ofCustomer(scope, 'devices.customer_id'))
      .execute()
    return new Map(
      rows.map(({ id, customer_id, customer_name, ...row }) => [
        id,
        {
          customer: customer_id && customer_name ? { id: customer_id, name: customer_name } : null,
          systemModel: row.system_model,
          hardwareType: row.hardware_type,
          astarteId: row.astarte_id?.toString('base64url') ?? null,
          registeredAs: row.said_id,
        },
      ]),
    )
  }

  const views = async (ids: readonly string[]): Promise<DeviceView[]> => {
    const belongings = await belongingsOf(ids)
    const rows = await snapshotRows(client, [...belongings.keys()], { lock: 'none' })
    const campaigns = await campaignsByIds(client, campaignIdsOf(rows), { lock: false })
    const releases = releaseCache(client)
    const policies = await policyBook({ releases, db })(client, rows, { lock: false })
    const snapshots = await snapshotsOf(rows, releases, { campaigns, policies })
    const byId = new Map(
      snapshots.flatMap((snapshot, index) => {
        const { id } = snapshot.device
        const its = belongings.get(id)
        return its ? [[id, { snapshot, ...its, revision: rows[index]?.revision ?? 0 }]] : []
      }),
    )
    return ids.flatMap((id) => byId.get(id) ?? [])
  }

  const get = async (id: string): Promise<DeviceView> => {
    const [view] = await views([id])
    if (view) return view
    throw new DomainError('device.unknown', `There is no device ${id}.`)
  }

  const matching = async (query: DeviceFilter) => {
    let rows = db
      .selectFrom('devices')
      .innerJoin('profiles', 'profiles.id', 'devices.profile_id')
      .leftJoin('device_presence', 'device_presence.device_id', 'devices.id')
      .where('devices.tenant_id', '=', tenantId)
      .where(ofCustomer(scope, 'devices.customer_id'))
    if (query.name !== undefined) rows = rows.where('devices.name', '=', query.name)
    if (query.profile !== undefined) rows = rows.where('profiles.name', '=', query.profile)
    if (query.customer !== undefined) {
      rows = rows.where(
        sql<boolean>`devices.customer_id =
          (select c.id from customers c where c.tenant_id = ${tenantId} and c.name = ${query.customer})`,
      )
    }
    if (query.cloud !== undefined) {
      rows = rows.where(
        sql<boolean>`devices.cloud_id =
          (select c.id from clouds c where c.tenant_id = ${tenantId} and c.name = ${query.cloud})`,
      )
    }
    if (query.cloudIds !== undefined) {
      rows = rows.where('devices.cloud_id', '=', sql<string>`any(${[...query.cloudIds]}::uuid[])`)
    }
    if (query.label !== undefined) {
      rows = rows.where(sql<boolean>`devices.labels @> array[${query.label}]::text[]`)
    }
    if (query.search) rows = rows.where('devices.name', 'ilike', containsText(query.search))
    const { states, releaseId } = query
    if (states || releaseId) {
      rows = rows.where(({ exists, selectFrom }) => {
        let newest = selectFrom('device_components')
          .select('device_components.type')
          .whereRef('device_components.device_id', '=', 'devices.id')
        if (states) newest = newest.where('device_components.operation_state', 'in', [...states])
        if (releaseId) {
          newest = newest
            .innerJoin('operations', 'operations.id', 'device_components.operation_id')
            .where('operations.release_id', '=', releaseId)
        }
        return exists(newest)
      })
    }
    if (!query.asked) return { rows, keep: null }
    const { where, keep } = await expressionFilter(scope, query.asked)
    return { rows: rows.where(where), keep }
  }

  /** In the order of their ids, some at a time. */
  async function* idsOf(filter: DeviceFilter): AsyncGenerator<readonly string[]> {
    const { rows, keep } = await matching(filter)
    const ordered = rows.select('devices.id').orderBy('devices.id').limit(IDS_AT_ONCE)
    let after: string | undefined
    do {
      const further = after === undefined ? ordered : ordered.where('devices.id', '>', after)
      const found = (await further.execute()).map(({ id }) => id)
      const meant = keep && (await keep(found))
      yield meant ? found.filter((id) => meant.has(id)) : found
      after = found.length < IDS_AT_ONCE ? undefined : found.at(-1)
    } while (after !== undefined)
  }

  const owned: Devices['owned'] = async (ids) => {
    const rows = await db
      .selectFrom('devices')
      .select('id')
      .where('tenant_id', '=', tenantId)
      .where(ofCustomer(scope, 'customer_id'))
      .where('id', '=', sql<string>`any(${[...ids]}::uuid[])`)
      .execute()
    return new Set(rows.map(({ id }) => id))
  }

  const own = (id: string) =>
    [sql<boolean>`tenant_id = ${tenantId}`, sql<boolean>`id = ${id}`] as const

  return {
    insert: async (added) => {
      // One statement a table, in pieces that stay below the limit of parameters.
      for (let start = 0; start < added.length; start += 1000) {
        const piece = added.slice(start, start + 1000)
        await db
          .insertInto('devices')
          .values(
            piece.map((device) => ({
              id: device.id,
              tenant_id: tenantId,
              profile_id: device.profileId,
              customer_id: device.customerId ?? null,
              cloud_id: device.cloudId ?? null,
              name: device.name,
              labels: [...device.labels],
              attributes: JSON.stringify(device.attributes),
              inventory: '{}',
              provisioned_at: device.provisionedAt ?? null,
              created_at: device.createdAt,
            })),
          )
          .execute()
        await db
          .insertInto('device_presence')
          .values(piece.map((device) => ({ device_id: device.id, tenant_id: tenantId })))
          .execute()
        const rows = piece.flatMap(({ id, credentials }) =>
          credentials.map((credential) => credentialRow(tenantId, id, credential)),
        )
        if (rows.length > 0) await db.insertInto('credentials').values(rows).execute()
      }
    },
    taken: async (added) => {
      const names = await db
        .selectFrom('devices')
        .select('name')
        .where('tenant_id', '=', tenantId)
        .where('name', '=', sql<string>`any(${added.map(({ name }) => name)}::text[])`)
        .execute()
      // Credentials are looked up before it is known whose tenant it is, so they are unique among all.
      const hashes = added.flatMap(({ credentials }) =>
        credentials.map(({ lookupHash }) => lookupHash),
      )
      const known = await db
        .selectFrom('credentials')
        .select('lookup_hash')
        .where('lookup_hash', '=', sql<Buffer>`any(${hashes}::bytea[])`)
        .execute()
      return {
        names: names.map(({ name }) => name),
        lookupHashes: known.map(({ lookup_hash }) => lookup_hash),
      }
    },
    get,
    page: async (query) => {
      const { rows, keep } = await matching(query)
      const found = await page(db, rows.select('devices.id'), query, {
        columns: {
          name: sql.ref('devices.name'),
          createdAt: sql.ref('devices.created_at'),
          profile: sql.ref('profiles.name'),
          lastSeenAt: sql`coalesce(device_presence.last_seen_at, 'epoch'::timestamptz)`,
        },
        id: sql.ref('devices.id'),
        defaultSort: 'name',
        view: (row) => row.id,
        keep,
      })
      return { ...found, items: await views(found.items) }
    },
    count: async (filter) => {
      const { rows, keep } = await matching(filter)
      if (keep) {
        let count = 0
        for await (const ids of idsOf(filter)) count += ids.length
        return count
      }
      const { count } = await rows
        .select(sql<string>`count(*)`.as('count'))
        .executeTakeFirstOrThrow()
      return Number(count)
    },
    ids: async (filter) => {
      const all: string[] = []
      for await (const ids of idsOf(filter)) all.push(...ids)
      return all
    },
    change: async (id, to, revision) => {
      let update = db
        .updateTable('devices')
        .set({ revision: sql`revision + 1` })
        .where(({ and }) => and([...own(id)]))
      if (to.name !== undefined) update = update.set({ name: to.name })
      if (to.profileId !== undefined) update = update.set({ profile_id: to.profileId })
      if (to.customerId !== undefined) update = update.set({ customer_id: to.customerId })
      if (to.cloudId !== undefined) update = update.set({ cloud_id: to.cloudId })
      if (to.labels !== undefined) update = update.set({ labels: [...to.labels] })
      if (to.attributes !== undefined)
        update = update.set({ attributes: JSON.stringify(to.attributes) })
      if (revision !== undefined) update = update.where('revision', '=', revision)
      const { numUpdatedRows } = await update.executeTakeFirst()
      if (numUpdatedRows > 0n) {
        // Whom it was to be claimed by is not asked any more.
        if (to.customerId !== undefined) {
          await db.deleteFrom('device_claims').where('device_id', '=', id).execute()
        }
        return
      }
      await get(id)
      throw new DomainError(
        'request.version-mismatch',
        'The device was changed by someone else meanwhile.',
      )
    },
    provision: async (profileId, name, at) => {
      const named = () =>
        ({
          tenant_id: tenantId,
          profile_id: profileId,
          name,
        }) as const
      const found = await db
        .updateTable('devices')
        .set({ provisioned_at: at })
        .where(({ and }) => and(named()))
        .where('provisioned_at', 'is', null)
        .returning('id')
        .executeTakeFirst()
      if (found) return found.id
      const known = await db
        .selectFrom('devices')
        .select('id')
        .where(({ and }) => and(named()))
        .executeTakeFirst()
      if (!known) {
        throw new DomainError('device.unknown', `There is no device "${name}" in the profile.`)
      }
      throw new DomainError('provisioning.repeated', `Device "${name}" has enrolled before.`)
    },
    remove: async (id) => {
      const { numDeletedRows } = await db
        .deleteFrom('devices')
        .where(({ and }) => and([...own(id)]))
        .executeTakeFirst()
      if (numDeletedRows === 0n) await get(id)
    },
    several: async (ids) => views([...(await owned(ids))]),
    owned,
    installed: async (id) => {
      const rows = await db
        .selectFrom('device_components')
        .innerJoin('devices', 'devices.id', 'device_components.device_id')
        .select(['type', 'installed_title', 'installed_version', 'installed_at'])
        .where('device_components.tenant_id', '=', tenantId)
        .where('device_components.device_id', '=', id)
        .where(ofCustomer(scope, 'devices.customer_id'))
        .orderBy('type')
        .execute()
      return rows.flatMap((row) =>
        row.installed_at
          ? {
              type: row.type,
              installed: { title: row.installed_title, version: row.installed_version },
              at: row.installed_at,
            }
          : [],
      )
    },
    labels: async () => {
      const { rows } = await sql<{ label: string; devices: string }>`
        select label, count(*) as devices from devices, unnest(labels) as label
         where tenant_id = ${tenantId} and ${ofCustomer(scope, 'customer_id')}
         group by label order by label`.execute(db)
      return rows.map(({ label, devices }) => ({ label, devices: Number(devices) }))
    },
    countByState: async () => {
      const total = await db
        .selectFrom('devices')
        .select(sql<string>`count(*)`.as('count'))
        .where('tenant_id', '=', tenantId)
        .where(ofCustomer(scope, 'customer_id'))
        .executeTakeFirstOrThrow()
      const rows = await db
        .selectFrom('device_components')
        .select(['operation_state', sql<string>`count(*)`.as('count')])
        .where('tenant_id', '=', tenantId)
        .where(ofCustomersDevice(scope, 'device_id'))
        .where('operation_state', 'is not', null)
        .groupBy('operation_state')
        .execute()
      const states: Partial<Record<State, number>> = {}
      for (const row of rows)
        if (row.operation_state) states[row.operation_state] = Number(row.count)
      return { devices: Number(total.count), states }
    },
  }
}
