/** A migrated database of its own for a test file, tenants in it, and what a fleet needs. For tests only. */
import { createHash, randomUUID } from 'node:crypto'
import {
  createCampaign,
  createRelease,
  type DomainEvent,
  type Moment,
  plan,
  type Release,
  type ReleaseDraft,
  type Role,
  type SettingsDraft,
  STANDARD_SETTINGS,
  visit,
} from '@updraft/core'
import { v7 } from 'uuid'
import { testDatabase } from '../../../../tools/test-database.ts'
import type {
  Claim,
  Clock,
  DeviceWork,
  NewCredential,
  Stores,
  UnitOfWork,
  Within,
} from '../app/ports.ts'
import { type Database, migrate, openDatabase } from './database.ts'
import { deviceWork } from './device-work.ts'
import { releaseCache } from './snapshots.ts'
import { unitOfWork } from './unit-of-work.ts'

export const NOON = new Date('2026-03-01T12:00:00.000Z')
export const minutesAfter = (time: Date, minutes: number): Date =>
  new Date(time.getTime() + minutes * 60_000)
export const newId = (): string => v7()
export const momentAt = (now: Date): Moment => ({ now, newId, patience: STANDARD_SETTINGS })
export const hashOf = (token: string): Buffer => createHash('sha256').update(token).digest()

/** What a device with that token shows. */
export const tokenClaim = (token: string): Claim => ({
  kind: 'token',
  lookupHash: hashOf(token),
  passwordHash: null,
})
export const tokenCredential = (token: string): NewCredential => ({
  id: newId(),
  ...tokenClaim(token),
  clientId: null,
  userName: null,
  certificate: null,
  createdAt: NOON,
})

/** A token of that operator, whose secret it is named with. */
export const newToken = (
  operatorId: string,
  { name, role, secret }: { name: string; role: Role; secret: string },
) => ({ id: newId(), operatorId, name, role, secretHash: hashOf(secret), createdAt: NOON })

/** What devices that enrol themselves into a profile have to know. */
export const enrolmentBy = (key: string, secret: string) =>
  ({ key, secretHash: hashOf(secret), strategy: 'create-new' }) as const

export interface TestStore {
  readonly connectionString: string
  readonly database: Database
  readonly run: UnitOfWork
  readonly work: DeviceWork
  /** What was announced after commits, in order. */
  readonly announced: { tenantId: string; event: DomainEvent }[]
  readonly clock: Clock & { now(): Date; at: Date }
  /** Another process on the same database: a pool and device work of its own. */
  another(options?: { maxConnections?: number }): { database: Database; work: DeviceWork }
  rows<T = Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<T[]>
  close(): Promise<void>
}

export async function testStore(): Promise<TestStore> {
  const own = await testDatabase()
  const { connectionString } = own
  const opened: Database[] = []
  const open = (maxConnections = 10) => {
    const database = openDatabase({ connectionString, maxConnections, onError: () => {} })
    opened.push(database)
    return database
  }
  const database = open()
  await migrate(database)
  const announced: TestStore['announced'] = []
  const announce = (tenantId: string, events: readonly DomainEvent[]) => {
    for (const event of events) announced.push({ tenantId, event })
  }
  const clock = { at: NOON, now: () => clock.at }
  const workOf = (on: Database) =>
    deviceWork({ database: on, releases: releaseCache(on.pool), announce, clock })
  return {
    connectionString,
    database,
    run: unitOfWork(database, announce),
    work: workOf(database),
    announced,
    clock,
    another: ({ maxConnections } = {}) => {
      const other = open(maxConnections)
      return { database: other, work: workOf(other) }
    },
    rows: async (text, values = []) => (await database.pool.query(text, [...values])).rows,
    close: async () => {
      await Promise.all(opened.map((each) => each.close()))
      await own.drop()
    },
  }
}

type Installed = Parameters<typeof visit>[1]['facts']['installed']

export interface Tenant {
  readonly id: string
  readonly within: Within
  readonly operatorId: string
  /** A unit of work of this tenant. */
  run<T>(work: (stores: Stores) => Promise<T>): Promise<T>
  /** A customer that owns those devices. */
  addCustomer(name: string, deviceIds?: readonly string[]): Promise<Customer>
  addProfile(name: string): Promise<string>
  /** Devices of that profile, their tokens being their names with the tenant's in front. */
  addDevices(profileId: string, names: readonly string[]): Promise<string[]>
  addRelease(profileId: string, name: string, changes?: Partial<ReleaseDraft>): Promise<Release>
  /** Over all devices of the release's profile; answers its id. */
  addCampaign(name: string, release: Release, settings?: SettingsDraft): Promise<string>
  assign(
    to: { profileId: string } | { deviceId: string },
    release: Release,
    at?: Date,
  ): Promise<void>
  /** Has that looked at which the device is to run; answers the id of the update that is queued, or ''. */
  lookAt(deviceId: string, installed?: Installed): Promise<string>
  tokenOf(deviceName: string): string
}

export interface Customer {
  readonly id: string
  readonly name: string
  /** A unit of work of this customer. */
  run<T>(work: (stores: Stores) => Promise<T>): Promise<T>
}

export async function addTenant(store: TestStore, name: string): Promise<Tenant> {
  const id = newId()
  const operatorId = newId()
  await store.rows('insert into tenants (id, name, created_at) values ($1, $2, $3)', [
    id,
    name,
    NOON,
  ])
  await store.rows(
    `insert into operators (id, tenant_id, name, role, password_hash, created_at)
     values ($1, $2, $3, 'tenant-administrator', 'none', $4)`,
    [operatorId, id, `admin of ${name}`, NOON],
  )
  const within = { tenantId: id, customerId: null }
  const run: Tenant['run'] = (work) => store.run(within, work)
  const tokenOf = (deviceName: string) => `${name} ${deviceName}`
  return {
    id,
    within,
    operatorId,
    run,
    addCustomer: async (customerName, deviceIds = []) => {
      const customerId = newId()
      await store.rows(
        'insert into customers (id, tenant_id, name, created_at) values ($1, $2, $3, $4)',
        [customerId, id, customerName, NOON],
      )
      await store.rows('update devices set customer_id = $1 where id = any($2)', [
        customerId,
        deviceIds,
      ])
      return {
        id: customerId,
        name: customerName,
        run: (work) => store.run({ tenantId: id, customerId }, work),
      }
    },
    tokenOf,
    addProfile: async (profileName) => {
      const profile = { id: newId(), name: profileName, description: null, createdAt: NOON }
      await run(({ profiles }) => profiles.insert(profile))
      return profile.id
    },
    addDevices: async (profileId, names) => {
      const added = names.map((deviceName) => ({
        id: newId(),
        profileId,
        name: deviceName,
        labels: [],
        attributes: {},
        credentials: [tokenCredential(tokenOf(deviceName))],
        createdAt: NOON,
      }))
      await run(({ devices }) => devices.insert(added))
      return added.map((device) => device.id)
    },
    addRelease: async (profileId, releaseName, changes = {}) => {
      const [title = '', version = ''] = releaseName.split('@')
      const draft = { profileId, title, version, type: 'firmware', ...changes }
      const release = createRelease(
        { externalUrl: `https://files.example/${randomUUID()}`, ...draft },
        newId(),
        NOON,
      )
      await run(({ catalogue }) => catalogue.insert(release))
      return release
    },
    addCampaign: (campaignName, release, settings = {}) =>
      run(async ({ audiences, campaigns }) => {
        const campaignId = newId()
        const audience = { expression: 'true' }
        const now = store.clock.now()
        const profileId = release.profileId ?? ''
        const which = { profileId, after: null, limit: 100_000, now }
        const { deviceIds } = await audiences.page(audience, which)
        const targets = await campaigns.addTargets(campaignId, deviceIds)
        const draft = { name: campaignName, audience, settings }
        const made = { id: campaignId, tenantId: id, draft, release }
        const { campaign } = plan(createCampaign(made, targets, now), now)
        await campaigns.insert(campaign, release, 'admin')
        return campaignId
      }),
    assign: (to, release, at = NOON) =>
      run(({ assignments }) =>
        assignments.put(to, {
          id: newId(),
          type: release.type,
          releaseId: release.id,
          assignedAt: at,
          assignedBy: 'admin',
        }),
      ),
    lookAt: async (deviceId, installed = {}) => {
      const { answers } = await store.work.settle({ tenantId: id, deviceId }, (snapshot) =>
        visit(snapshot, { ...momentAt(NOON), facts: { installed }, tells: false }),
      )
      return answers.firmware?.operation?.id ?? ''
    },
  }
}
