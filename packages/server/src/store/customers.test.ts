import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Stores } from '../app/ports.ts'
import {
  addTenant,
  type Customer,
  enrolmentBy,
  hashOf,
  NOON,
  newId,
  newToken,
  type Tenant,
  type TestStore,
  testStore,
} from './store.test-helper.ts'

/** What one customer has: a device of the profile that both have, and one of a profile that the other has not. */
interface Holding {
  readonly customer: Customer
  readonly deviceId: string
  readonly operationId: string
  readonly profileId: string
  readonly releaseId: string
  readonly tokenId: string
  readonly userId: string
}

let store: TestStore
let tenant: Tenant
let sharedProfileId: string
let sharedReleaseId: string
let ours: Holding
let theirs: Holding

beforeAll(async () => {
  store = await testStore()
  tenant = await addTenant(store, 'acme')
  sharedProfileId = await tenant.addProfile('shared')
  await tenant.addDevices(sharedProfileId, ['of the tenant itself'])
  const release = await tenant.addRelease(sharedProfileId, 'shared@1')
  sharedReleaseId = release.id
  await tenant.assign({ profileId: sharedProfileId }, release)
  await tenant.run(({ profiles }) =>
    profiles.setProvisioning(sharedProfileId, enrolmentBy('key', 'secret')),
  )
  ours = await furnish('ours')
  theirs = await furnish('theirs')
})
afterAll(() => store.close())

async function furnish(name: string): Promise<Holding> {
  const profileId = await tenant.addProfile(`profile of ${name}`)
  const [deviceId = ''] = await tenant.addDevices(profileId, [`device of ${name}`])
  const [sharing = ''] = await tenant.addDevices(sharedProfileId, [`shared device of ${name}`])
  const release = await tenant.addRelease(profileId, `app of ${name}@1`)
  await tenant.assign({ deviceId }, release)
  await tenant.assign({ profileId }, release)
  const operationId = await tenant.lookAt(deviceId)
  const astarteId = hashOf(name).subarray(0, 16).toString('base64url')
  await tenant.run(({ pairings }) =>
    pairings.insert({ deviceId, astarteId, secretHash: null, createdAt: NOON }),
  )
  await tenant.run(({ profiles }) => profiles.setAuthorities(profileId, ['ab'], [AUTHORITY]))
  const customer = await tenant.addCustomer(name, [deviceId, sharing])
  const userId = newId()
  await store.rows(
    `insert into operators (id, tenant_id, name, role, customer_id, password_hash, created_at)
     values ($1, $2, $3, 'customer-user', $4, 'none', $5)`,
    [userId, tenant.id, `user of ${name}`, customer.id, NOON],
  )
  const token = newToken(userId, { name: `token of ${name}`, role: 'customer-user', secret: name })
  await customer.run(({ tokens }) => tokens.insert(token))
  return {
    customer,
    deviceId,
    operationId,
    profileId,
    releaseId: release.id,
    tokenId: token.id,
    userId,
  }
}

const AUTHORITY = {
  fingerprint: 'ab',
  subject: 'CN=A maker',
  validTo: NOON,
  certificate: Buffer.of(1),
}

const assignment = (releaseId: string) => ({
  id: newId(),
  type: 'firmware',
  releaseId,
  assignedAt: NOON,
  assignedBy: 'us',
})

type Verb = readonly [answer: unknown, ask: (stores: Stores) => Promise<unknown>]
const denied = 'access.denied'
const ids = (items: readonly { readonly id: string }[]) => items.map(({ id }) => id).toSorted()

/** Every verb of Stores as our customer asks it: what comes of it, an answer or a refusal's code. */
const VERBS: () => {
  [Room in Exclude<keyof Stores, 'spread'>]: Record<keyof Stores[Room], Verb | typeof denied>
} = () => ({
  profiles: {
    insert: denied,
    several: [
      [ours.profileId],
      async ({ profiles }) => ids(await profiles.several([theirs.profileId, ours.profileId])),
    ],
    get: ['profile.unknown', ({ profiles }) => profiles.get(theirs.profileId)],
    byName: ['profile.unknown', ({ profiles }) => profiles.byName('profile of theirs')],
    page: [
      [
        { name: 'profile of ours', deviceCount: 1, provisioning: null },
        { name: 'shared', deviceCount: 1, provisioning: null },
      ],
      async ({ profiles }) => {
        const { items } = await profiles.page({ limit: 9 })
        return items.map(({ name, deviceCount, provisioning }) => ({
          name,
          deviceCount,
          provisioning,
        }))
      },
    ],
    hawkbit: ['profile.unknown', ({ profiles }) => profiles.hawkbit(theirs.profileId)],
    setHawkbit: denied,
    authorities: [[], ({ profiles }) => profiles.authorities(theirs.profileId)],
    setAuthorities: denied,
    setProvisioning: denied,
    remove: denied,
  },
  devices: {
    insert: denied,
    provision: denied,
    taken: denied,
    get: ['device.unknown', ({ devices }) => devices.get(theirs.deviceId)],
    page: [
      [
        { name: 'device of ours', customer: 'ours' },
        { name: 'shared device of ours', customer: 'ours' },
      ],
      async ({ devices }) => {
        const { items } = await devices.page({ limit: 9 })
        return items.map(({ snapshot, customer }) => ({
          name: snapshot.device.name,
          customer: customer?.name,
        }))
      },
    ],
    count: [2, ({ devices }) => devices.count({})],
    ids: [2, async ({ devices }) => (await devices.ids({})).length],
    installed: [[], ({ devices }) => devices.installed(theirs.deviceId)],
    change: denied,
    remove: denied,
    several: [
      [ours.deviceId],
      async ({ devices }) =>
        (await devices.several([theirs.deviceId, ours.deviceId])).map(
          ({ snapshot }) => snapshot.device.id,
        ),
    ],
    owned: [
      [ours.deviceId],
      async ({ devices }) => [...(await devices.owned([theirs.deviceId, ours.deviceId]))],
    ],
    labels: [[], ({ devices }) => devices.labels()],
    countByState: [{ devices: 2, states: { QUEUED: 1 } }, ({ devices }) => devices.countByState()],
  },
  credentials: {
    hasToken: denied,
    insert: denied,
    ofDevice: denied,
    end: denied,
    removeToken: denied,
    remove: denied,
  },
  deviceLogs: {
    page: [
      [],
      async ({ deviceLogs }) => (await deviceLogs.page(theirs.deviceId, { limit: 9 })).items,
    ],
  },
  registrations: {
    page: denied,
    waiting: denied,
    forget: denied,
    insert: denied,
    renew: denied,
  },
  boxes: {
    server: [null, ({ boxes }) => boxes.server(theirs.profileId)],
    setServer: denied,
    removeServer: denied,
    askRestart: denied,
    wishes: [[], ({ boxes }) => boxes.wishes(theirs.deviceId)],
    wish: denied,
    done: denied,
  },
  softwareModules: {
    insert: denied,
    get: denied,
    page: denied,
    setRelease: denied,
    remove: denied,
  },
  distributionSets: {
    insert: denied,
    get: denied,
    page: denied,
    remove: denied,
    noteAssigned: denied,
    assignedTo: denied,
  },
  hawkbitConfigs: { all: denied, put: denied, remove: denied },
  clusters: { put: denied, find: denied, access: denied, remove: denied },
  realms: {
    find: denied,
    get: denied,
    insert: denied,
    change: denied,
    remove: denied,
    signingKey: denied,
    setSigningKey: denied,
    keys: denied,
    insertKey: denied,
    removeKey: denied,
  },
  pairings: {
    insert: denied,
    find: [null, ({ pairings }) => pairings.find({ deviceId: theirs.deviceId })],
    several: [[], ({ pairings }) => pairings.several([theirs.deviceId])],
    reserve: denied,
    setSecret: denied,
    setCredential: denied,
    reset: denied,
    inhibit: denied,
    settled: denied,
    setIntrospection: denied,
    cancelling: [[], ({ pairings }) => pairings.cancelling(theirs.deviceId)],
  },
  catalogue: {
    recordArtifact: denied,
    artifact: denied,
    insert: denied,
    several: [
      [ours.releaseId],
      async ({ catalogue }) => ids(await catalogue.several([theirs.releaseId, ours.releaseId])),
    ],
    packages: [2, async ({ catalogue }) => (await catalogue.packages({ limit: 9 })).items.length],
    get: ['release.unknown', ({ catalogue }) => catalogue.get(theirs.releaseId)],
    page: [
      [ours.releaseId, sharedReleaseId].toSorted(),
      async ({ catalogue }) => ids((await catalogue.page({ limit: 9 })).items),
    ],
    describe: denied,
    forget: denied,
    remove: denied,
  },
  audiences: { page: denied },
  policies: {
    find: denied,
    get: denied,
    page: denied,
    put: denied,
    enable: denied,
    remove: denied,
    figures: denied,
    devices: denied,
    population: denied,
  },
  campaigns: {
    insert: denied,
    get: denied,
    lock: denied,
    page: denied,
    save: denied,
    remove: denied,
    addTargets: denied,
    dropTargets: denied,
    addPrevious: denied,
    targets: denied,
    dots: denied,
    retryTargets: denied,
    forget: denied,
  },
  assignments: {
    countAffected: [1, ({ assignments }) => assignments.countAffected(sharedProfileId, 'firmware')],
    put: [
      'device.unknown',
      ({ assignments }) =>
        assignments.put({ deviceId: theirs.deviceId }, assignment(theirs.releaseId)),
    ],
    withdraw: [
      false,
      ({ assignments }) => assignments.withdraw({ deviceId: theirs.deviceId }, 'firmware'),
    ],
    page: [
      [
        ['device', ours.releaseId],
        ['profile', ours.releaseId],
        ['profile', sharedReleaseId],
      ].toSorted(),
      async ({ assignments }) => {
        const { items } = await assignments.page({ limit: 9 })
        return items
          .map(({ deviceId, release }) => [deviceId ? 'device' : 'profile', release.id])
          .toSorted()
      },
    ],
  },
  operations: {
    get: ['operation.unknown', ({ operations }) => operations.get(theirs.operationId)],
    pageOfDevice: [
      [],
      async ({ operations }) =>
        (await operations.pageOfDevice(theirs.deviceId, { limit: 9 })).items,
    ],
  },
  claiming: {
    allow: denied,
    // It has said nothing yet; what it said is anybody's to know who knows the secret.
    find: [null, ({ claiming }) => claiming.find('device of theirs')],
    take: [undefined, ({ claiming }) => claiming.take(ours.deviceId)],
    giveBack: [undefined, ({ claiming }) => claiming.giveBack(newId())],
  },
  operators: {
    insert: denied,
    get: ['operator.unknown', ({ operators }) => operators.get(theirs.userId)],
    page: denied,
    setRole: denied,
    setPassword: [
      'operator.unknown',
      ({ operators }) => operators.setPassword(theirs.userId, 'ours now'),
    ],
    remove: denied,
    endSession: [
      'operator.unknown',
      ({ operators }) => operators.endSession(theirs.userId, Buffer.from('theirs')),
    ],
    endSessions: ['operator.unknown', ({ operators }) => operators.endSessions(theirs.userId)],
    revokeTokens: denied,
    lock: denied,
    count: denied,
  },
  customers: {
    insert: denied,
    get: denied,
    page: denied,
    rename: denied,
    remove: denied,
  },
  groups: {
    insert: denied,
    get: denied,
    several: denied,
    ofDevices: denied,
    all: denied,
    page: denied,
    change: denied,
    remove: denied,
  },
  channels: {
    insert: denied,
    several: denied,
    get: denied,
    page: denied,
    change: denied,
    setGroups: denied,
    remove: denied,
  },
  hardwareTypes: {
    insert: denied,
    several: denied,
    get: denied,
    alike: denied,
    page: denied,
    change: denied,
    remove: denied,
  },
  systemModels: {
    insert: denied,
    several: denied,
    get: denied,
    ofPartNumber: denied,
    alike: denied,
    page: denied,
    change: denied,
    remove: denied,
  },
  clouds: {
    insert: denied,
    get: denied,
    byName: denied,
    page: denied,
    change: denied,
    remove: denied,
    tokens: denied,
    insertToken: denied,
    removeToken: denied,
  },
  tenants: { insert: denied, get: denied, page: denied, rename: denied, remove: denied },
  tokens: {
    insert: [
      'bug',
      ({ tokens }) =>
        tokens.insert({
          id: newId(),
          operatorId: theirs.userId,
          name: 'T',
          role: 'customer-user',
          secretHash: hashOf(newId()),
          createdAt: NOON,
        }),
    ],
    page: [[ours.tokenId], async ({ tokens }) => ids((await tokens.page({ limit: 9 })).items)],
    revoke: ['token.unknown', ({ tokens }) => tokens.revoke(theirs.tokenId, NOON)],
  },
  figures: {
    endsByTime: [
      [{ at: NOON, updated: 0, failed: 0 }],
      ({ figures }) =>
        figures.endsByTime({
          since: NOON,
          until: new Date(NOON.getTime() + 60_000),
          stepSeconds: 60,
        }),
    ],
    installed: [[], ({ figures }) => figures.installed()],
    failures: [[], ({ figures }) => figures.failures(9)],
    seen: [{ recently: 0, earlier: 0, never: 2 }, ({ figures }) => figures.seen(NOON)],
  },
  settings: { get: denied, change: denied },
  events: {
    append: [undefined, ({ events }) => events.append([])],
    page: [
      [ours.deviceId],
      async ({ events }) => {
        const { items } = await events.page({ limit: 99 })
        return [...new Set(items.map(({ deviceId }) => deviceId))]
      },
    ],
    latestOf: denied,
  },
})

test('a customer sees and changes what is its own, whatever it asks', async () => {
  const all = () =>
    store.rows(
      `select * from (select to_jsonb(a) as row from assignments a union all select to_jsonb(p) from operators p union all select to_jsonb(t) from api_tokens t
        union all select to_jsonb(o) from operations o union all select to_jsonb(e) from events e) x order by 1`,
    )
  const before = await all()
  const answers: Record<string, unknown> = {}
  const expected: Record<string, unknown> = {}
  for (const [room, verbs] of Object.entries(VERBS())) {
    for (const [verb, row] of Object.entries(verbs)) {
      const name = `${room}.${verb}`
      const [outcome, ask] = row === denied ? [denied, undefined] : row
      expected[name] = outcome
      answers[name] = await ours.customer
        .run(
          ask ??
            // biome-ignore lint/suspicious/noExplicitAny: it is refused before it looks at what it is given.
            ((stores) => (stores as any)[room][verb]()),
        )
        .catch(({ code }) => (/^\d+$/.test(code) ? 'bug' : code))
    }
  }
  expect(answers).toEqual(expected)
  expect(await all()).toEqual(before)
})

test('a customer assigns nothing to a profile, not even to one that its devices have', async () => {
  const profileId = sharedProfileId
  await expect(
    ours.customer.run(({ assignments }) =>
      assignments.put({ profileId }, assignment(sharedReleaseId)),
    ),
  ).rejects.toMatchObject({ code: 'profile.unknown' })
  const isWithdrawn = await ours.customer.run(({ assignments }) =>
    assignments.withdraw({ profileId }, 'firmware'),
  )
  expect(isWithdrawn).toBe(false)
})

test('a customer assigns to its own device, and withdraws it again', async () => {
  const { customer, deviceId, releaseId } = ours
  await customer.run(({ assignments }) => assignments.put({ deviceId }, assignment(releaseId)))
  const withdraw = () =>
    customer.run(({ assignments }) => assignments.withdraw({ deviceId }, 'firmware'))
  expect(await withdraw()).toBe(true)
  expect(await withdraw()).toBe(false)
})

test('the database refuses a customer of another tenant', async () => {
  const other = await addTenant(store, 'other')
  const customer = await other.addCustomer('theirs')
  await expect(
    store.rows('update devices set customer_id = $1 where id = $2', [customer.id, ours.deviceId]),
  ).rejects.toMatchObject({ code: '23503' })
})
