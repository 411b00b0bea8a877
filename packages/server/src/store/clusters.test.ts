import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ClustersAtWork } from '../app/ports.ts'
import { clustersAtWork } from './clusters.ts'
import { pairingsAtWork } from './pairings-at-work.ts'
import {
  addTenant,
  minutesAfter,
  NOON,
  type Tenant,
  type TestStore,
  testStore,
} from './store.test-helper.ts'

let store: TestStore
let tenant: Tenant
let clusters: ClustersAtWork
let deviceIds: string[]
const at = (minutes: number) => minutesAfter(NOON, minutes)
const astarteId = (n: number) => Buffer.alloc(16, n).toString('base64url')
const CLUSTER = {
  baseUrl: 'https://astarte.example',
  realm: 'there',
  privateKey: 'private key',
  algorithm: 'ES256' as const,
  webhookSecret: 'the secret',
}
const STATE = { lookedAt: at(5), wellAt: at(5), version: '1.3.0', done: ['a', 'b'], error: null }

beforeAll(async () => {
  store = await testStore()
  tenant = await addTenant(store, 'acme')
  clusters = clustersAtWork(store.database)
  const profileId = await tenant.addProfile('pump')
  deviceIds = await tenant.addDevices(profileId, ['one', 'two', 'three'])
  await tenant.run(async ({ clusters: own, pairings, realms }) => {
    await realms.insert({
      name: 'here',
      defaultProfileId: profileId,
      signingKey: 'k',
      createdAt: NOON,
    })
    for (const [n, deviceId] of deviceIds.entries()) {
      await pairings.insert({
        deviceId,
        astarteId: astarteId(n),
        secretHash: null,
        createdAt: NOON,
      })
    }
    await own.put(CLUSTER, NOON)
  })
})
afterAll(() => store.close())

const lineOf = async (deviceId = '') => {
  const found = await pairingsAtWork(store.database).ofDevice(deviceId)
  return found && [found.isConnected, found.connectedAt, found.disconnectedAt, found.lastAddress]
}

describe('a cluster', () => {
  test('is found by the name of the realm here', async () => {
    expect(await clusters.ofRealm('here')).toMatchObject({ tenantId: tenant.id, realm: 'there' })
    expect(await clusters.ofRealm('there')).toBeNull()
    expect((await clusters.all()).map(({ name }) => name)).toEqual(['here'])
  })

  test('is shown without its key, and keeps its secret when it is set anew', async () => {
    await clusters.note({ tenantId: tenant.id, changedAt: NOON }, STATE)
    const before = await tenant.run(({ clusters: own }) => own.find())
    expect(before?.state).toEqual(STATE)
    await tenant.run(({ clusters: own }) =>
      own.put({ ...CLUSTER, realm: 'elsewhere', webhookSecret: 'another' }, at(1)),
    )
    const view = await tenant.run(({ clusters: own }) => own.find())
    expect(JSON.stringify(view)).not.toContain('private key')
    expect(view).toMatchObject({
      realm: 'elsewhere',
      createdAt: NOON,
      changedAt: at(1),
      state: { lookedAt: null, wellAt: null, version: null, done: [], error: null },
    })
    expect((await clusters.ofRealm('here'))?.webhookSecret).toBe('the secret')
  })

  test('is not noted about when it was changed meanwhile', async () => {
    await clusters.note({ tenantId: tenant.id, changedAt: NOON }, { ...STATE, error: 'of before' })
    expect((await tenant.run(({ clusters: own }) => own.find()))?.state.error).toBeNull()
    await clusters.note({ tenantId: tenant.id, changedAt: at(1) }, STATE)
    const failed = { lookedAt: at(6), wellAt: null, version: null, done: [], error: 'it is away' }
    await clusters.note({ tenantId: tenant.id, changedAt: at(1) }, failed)
    expect((await tenant.run(({ clusters: own }) => own.find()))?.state).toEqual({
      ...STATE,
      lookedAt: at(6),
      error: 'it is away',
    })
  })

  test('is held by one server at a time', async () => {
    const hold = (holder: string, minutes: number) =>
      clusters.hold(tenant.id, holder, { now: at(minutes), until: at(minutes + 1) })
    expect(await hold('a', 0)).toBe(true)
    expect(await hold('b', 0.5)).toBe(false)
    expect(await hold('a', 0.9)).toBe(true)
    expect(await hold('b', 1.5)).toBe(false)
    expect(await hold('b', 2)).toBe(true)
    await clusters.letGo(tenant.id, 'a')
    expect(await hold('a', 2)).toBe(false)
    await clusters.letGo(tenant.id, 'b')
    expect(await hold('a', 2)).toBe(true)
  })

  test('does not serve a realm whose devices are paired here', async () => {
    const [deviceId = ''] = deviceIds
    const put = tenant.run(async ({ clusters: own, pairings }) => {
      await pairings.setSecret(deviceId, Buffer.from('hash'))
      await own.put(CLUSTER, NOON)
    })
    await expect(put).rejects.toMatchObject({ code: 'realm.in-use' })
  })
})

describe('the line of a device', () => {
  test('is what happened last, in whatever order that is heard', async () => {
    const [deviceId = ''] = deviceIds
    const hear = (isConnected: boolean, minutes: number, address: string | null = null) =>
      clusters.heardOfLine(deviceId, { isConnected, at: at(minutes), address })
    expect(await hear(true, 10, '192.0.2.1')).toBe(true)
    expect(await hear(true, 11)).toBe(false)
    // It went before it came back.
    expect(await hear(false, 9)).toBe(false)
    expect(await lineOf(deviceId)).toEqual([true, at(10), null, '192.0.2.1'])
    expect(await hear(false, 12)).toBe(true)
    expect(await hear(false, 12)).toBe(false)
    expect(await hear(true, 11)).toBe(false)
    expect(await lineOf(deviceId)).toEqual([false, at(10), at(12), '192.0.2.1'])
    expect(await hear(true, 13)).toBe(true)
  })

  test('is one of those that are there, unless the device is kept outside', async () => {
    const [one = '', two = '', three = ''] = deviceIds
    for (const deviceId of [two, three]) {
      await clusters.heardOfLine(deviceId, { isConnected: true, at: at(20), address: null })
    }
    await tenant.run(({ pairings }) => pairings.inhibit(two, true))
    const there = async (after: string | null, limit: number) =>
      (await clusters.connected(tenant.id, after, limit)).map((each) => each.deviceId)
    expect(await there(null, 9)).toEqual([one, three])
    expect(await there(null, 1)).toEqual([one])
    expect(await there(one, 9)).toEqual([three])
    expect((await clusters.connected(tenant.id, null, 1))[0]?.astarteId).toBe(astarteId(0))
  })

  test('is down once the cluster serves it no more', async () => {
    expect(await tenant.run(({ clusters: own }) => own.remove())).toBe(true)
    expect(await clusters.connected(tenant.id, null, 9)).toEqual([])
    expect(await tenant.run(({ clusters: own }) => own.remove())).toBe(false)
  })
})

test('a device another house answers for is seen when it speaks, and not when it is looked at', async () => {
  const [deviceId = ''] = deviceIds
  const looked = await store.work.arriveVouched(deviceId, null, at(1))
  expect(looked?.device).toMatchObject({ name: 'one', lastSeenAt: null, dialect: null })
  const spoke = await store.work.arriveVouched(deviceId, 'edgehog', at(2))
  expect(spoke?.device).toMatchObject({ lastSeenAt: at(2), dialect: 'edgehog' })
  const again = await store.work.arriveVouched(deviceId, null, at(3))
  expect(again?.device).toMatchObject({ lastSeenAt: at(2), dialect: 'edgehog' })
  expect(await store.work.arriveVouched(tenant.id, null, at(3))).toBeNull()
})
