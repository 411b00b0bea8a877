import { afterAll, beforeAll, expect, test } from 'vitest'
import { pairing } from '../app/pairing.ts'
import { pairingsAtWork } from './pairings-at-work.ts'
import { realmsAtWork } from './realms.ts'
import {
  addTenant,
  hashOf,
  minutesAfter,
  NOON,
  newId,
  type Tenant,
  type TestStore,
  testStore,
  tokenCredential,
} from './store.test-helper.ts'

let store: TestStore
let acme: Tenant
let other: Tenant
let profileId: string

beforeAll(async () => {
  store = await testStore()
  acme = await addTenant(store, 'acme')
  other = await addTenant(store, 'other')
  profileId = await acme.addProfile('boards')
})
afterAll(() => store.close())

let count = 0
/** Another device of acme's, paired. */
async function paired(): Promise<{ deviceId: string; astarteId: string }> {
  count += 1
  const name = `paired ${count}`
  const [deviceId = ''] = await acme.addDevices(profileId, [name])
  const astarteId = hashOf(name).subarray(0, 16).toString('base64url')
  await acme.run(({ pairings }) =>
    pairings.insert({ deviceId, astarteId, secretHash: hashOf('secret'), createdAt: NOON }),
  )
  return { deviceId, astarteId }
}
const atWork = () => pairingsAtWork(store.database)

test('a realm is found by its name, with all its keys, and its name is taken for every tenant', async () => {
  const draft = { defaultProfileId: profileId, signingKey: 'own', createdAt: NOON }
  await acme.run(({ realms }) => realms.insert({ name: 'acmerealm', ...draft }))
  const key = { id: newId(), name: 'old', publicKey: 'theirs', createdAt: NOON }
  await acme.run(({ realms }) => realms.insertKey(key))
  const realms = realmsAtWork(store.database)
  expect(await realms.named('acmerealm')).toEqual({
    tenantId: acme.id,
    name: 'acmerealm',
    defaultProfileId: profileId,
  })
  expect(await realms.keysOf(acme.id)).toEqual({ own: 'own', others: ['theirs'] })
  expect(await realms.named('otherrealm')).toBeNull()
  await expect(other.run((stores) => stores.realms.get())).rejects.toMatchObject({
    code: 'realm.none',
  })
  const profile = await other.addProfile('theirs')
  const taken = { name: 'acmerealm', ...draft, defaultProfileId: profile }
  await expect(other.run((stores) => stores.realms.insert(taken))).rejects.toMatchObject({
    code: 'realm.duplicate',
  })
})

test('a realm in which devices are paired keeps its name, and stays', async () => {
  await paired()
  for (const attempt of [
    () => acme.run(({ realms }) => realms.change({ name: 'renamed' })),
    () => acme.run(({ realms }) => realms.remove()),
  ]) {
    await expect(attempt()).rejects.toMatchObject({ code: 'realm.in-use' })
  }
  await acme.run(({ realms }) => realms.change({ name: 'acmerealm', defaultProfileId: profileId }))
})

test('a pairing is found by either id, in its tenant only, and goes with its device', async () => {
  const { deviceId, astarteId } = await paired()
  const found = await atWork().find(acme.id, astarteId)
  expect(found).toMatchObject({ deviceId, astarteId, status: 'pending', introspection: {} })
  expect(await atWork().ofDevice(deviceId)).toEqual(found)
  expect(await acme.run(({ pairings }) => pairings.find({ astarteId }))).toEqual(found)
  expect(await atWork().find(other.id, astarteId)).toBeNull()
  expect(await other.run(({ pairings }) => pairings.find({ deviceId }))).toBeNull()
  await acme.run(({ devices }) => devices.remove(deviceId))
  expect(await atWork().ofDevice(deviceId)).toBeNull()
})

test('two devices are never paired under one id', async () => {
  const { astarteId } = await paired()
  const [deviceId = ''] = await acme.addDevices(profileId, ['the second'])
  const again = { deviceId, astarteId, secretHash: null, createdAt: NOON }
  await expect(acme.run(({ pairings }) => pairings.insert(again))).rejects.toMatchObject({
    code: 'pairing.duplicate',
  })
})

test('of a secret its hash is kept, until it is taken back', async () => {
  const { deviceId } = await paired()
  expect((await atWork().ofDevice(deviceId))?.secretHash).toEqual(hashOf('secret'))
  await acme.run(({ pairings }) => pairings.setSecret(deviceId, hashOf('another')))
  expect((await atWork().ofDevice(deviceId))?.secretHash).toEqual(hashOf('another'))
  await acme.run(({ pairings }) => pairings.reset(deviceId))
  expect((await atWork().ofDevice(deviceId))?.secretHash).toBeNull()
})

test('a device is confirmed by its first certificate, and pending again when it is reset', async () => {
  const { deviceId } = await paired()
  const credential = tokenCredential('as good as a certificate here')
  await acme.run(({ credentials }) => credentials.insert(deviceId, [credential]))
  await acme.run(({ pairings }) => pairings.setCredential(deviceId, credential.id, NOON))
  expect(await atWork().ofDevice(deviceId)).toMatchObject({
    status: 'confirmed',
    credentialId: credential.id,
  })
  await acme.run(({ pairings }) => pairings.inhibit(deviceId, true))
  expect(await atWork().ofDevice(deviceId)).toMatchObject({ status: 'inhibited' })
  await acme.run(({ pairings }) => pairings.inhibit(deviceId, false))
  await acme.run(({ pairings }) => pairings.reset(deviceId))
  expect(await atWork().ofDevice(deviceId)).toMatchObject({ status: 'pending' })
})

test('who takes a session hears who held it before, and an old line that ends later says nothing', async () => {
  const { deviceId } = await paired()
  const take = (holder: string, isClean: boolean, minutes: number) =>
    atWork().connected(deviceId, {
      holder,
      isClean,
      at: minutesAfter(NOON, minutes),
      address: `192.0.2.${minutes}`,
    })
  expect(await take('one', false, 1)).toEqual({ generation: 1, before: null })
  expect(await take('two', true, 2)).toEqual({
    generation: 2,
    before: { holder: 'one', generation: 1, isClean: false },
  })
  await atWork().disconnected(deviceId, { generation: 1, at: minutesAfter(NOON, 3) })
  expect(await atWork().ofDevice(deviceId)).toMatchObject({
    isConnected: true,
    connectedAt: minutesAfter(NOON, 2),
    disconnectedAt: null,
    lastAddress: '192.0.2.2',
  })
  await atWork().disconnected(deviceId, { generation: 2, at: minutesAfter(NOON, 4) })
  expect(await atWork().ofDevice(deviceId)).toMatchObject({
    isConnected: false,
    disconnectedAt: minutesAfter(NOON, 4),
  })
  expect(await take('one', false, 5)).toEqual({
    generation: 3,
    before: { holder: 'two', generation: 2, isClean: true },
  })
  const nobody = { holder: 'one', isClean: true, at: NOON, address: null }
  expect(await atWork().connected(newId(), nobody)).toBeNull()
})

test('of two that take a session at once, each hears of another before it', async () => {
  const { deviceId } = await paired()
  const session = { isClean: false, at: NOON, address: null }
  const taken = await Promise.all(
    ['a', 'b', 'c'].map((holder) => atWork().connected(deviceId, { holder, ...session })),
  )
  expect(taken.map((each) => each?.generation).toSorted()).toEqual([1, 2, 3])
  expect(taken.filter((each) => each?.before === null)).toHaveLength(1)
})

test('a server that comes back takes all sessions at once, in whatever order they come', async () => {
  const devices = await Promise.all(Array.from({ length: 40 }, paired))
  const session = { isClean: true, at: NOON, address: null }
  // One server after the other, each with a queue of its own; none of them meets another in the middle.
  const servers = [atWork(), atWork(), atWork()]
  const taken = await Promise.all(
    servers.flatMap((server, run) =>
      (run === 1 ? devices.toReversed() : devices).flatMap(({ deviceId }) => [
        server.connected(deviceId, { ...session, holder: `run-${run}` }),
        server.setIntrospection(deviceId, { 'org.x': { major: run, minor: 1 } }),
      ]),
    ),
  )
  const generations = taken.flatMap((each) => (each ? [each.generation] : []))
  expect(generations.toSorted()).toEqual(devices.flatMap(() => [1, 2, 3]).toSorted())
  await Promise.all(
    devices.flatMap(({ deviceId }) =>
      [1, 3].map((generation) => atWork().disconnected(deviceId, { generation, at: NOON })),
    ),
  )
  const found = await Promise.all(devices.map(({ deviceId }) => atWork().ofDevice(deviceId)))
  expect(found.map((each) => each?.astarteId)).toEqual(devices.map(({ astarteId }) => astarteId))
  expect(found.some((each) => each?.isConnected)).toBe(false)
  expect(await atWork().connected(newId(), { ...session, holder: 'run-1' })).toBeNull()
})

test('what it says it speaks takes the place of what it said before', async () => {
  const { deviceId } = await paired()
  await atWork().setIntrospection(deviceId, { 'a.One': { major: 1, minor: 0 } })
  await atWork().setIntrospection(deviceId, { 'b.Two': { major: 0, minor: 1 } })
  await atWork().setCapabilities(deviceId, { purge_properties_compression_format: 'zlib' })
  expect(await atWork().ofDevice(deviceId)).toMatchObject({
    introspection: { 'b.Two': { major: 0, minor: 1 } },
    capabilities: { purge_properties_compression_format: 'zlib' },
  })
})

test('a device goes to the profile of its system model once, when it tells its part number', async () => {
  const gate = await acme.addProfile('gates')
  const desk = pairing({
    clock: store.clock,
    ids: { next: newId },
    unitOfWork: store.run,
  } as unknown as Parameters<typeof pairing>[0])
  const marks = { handle: 'gate', name: 'Gate', partNumbers: ['G-1'], createdAt: NOON }
  const model = { id: newId(), ...marks, hardwareTypeId: null, profileId: gate }
  const add = async (awaitsModel: boolean) => {
    count += 1
    const [deviceId = ''] = await acme.addDevices(profileId, [`gate ${count}`])
    const astarteId = hashOf(`gate ${count}`).subarray(0, 16).toString('base64url')
    const row = { deviceId, astarteId, secretHash: null, awaitsModel, createdAt: NOON }
    await acme.run(({ pairings }) => pairings.insert(row))
    return deviceId
  }
  const device = async (id: string) => (await acme.run(({ devices }) => devices.get(id))).snapshot
  const tells = (id: string) =>
    store.rows(`update devices set inventory = '{"partNumber": "G-1"}' where id = $1`, [id])
  const follows = async (id: string) => desk.followModel(await device(id))

  const id = await add(true)
  expect(await follows(id)).toBe(false)
  await tells(id)
  // There is no such model yet.
  expect(await follows(id)).toBe(false)
  await acme.run(({ systemModels }) => systemModels.insert(model))
  const before = store.announced.length
  expect(await follows(id)).toBe(true)
  expect((await device(id)).device.profileId).toBe(gate)
  expect(store.announced.slice(before).map(({ event: { kind, data } }) => [kind, data])).toEqual([
    ['device.changed', { changed: ['profileId'], profile: 'gates', systemModel: 'Gate' }],
  ])
  // An operator's word counts more.
  await acme.run(({ devices }) => devices.change(id, { profileId }))
  expect(await follows(id)).toBe(false)
  expect((await device(id)).device.profileId).toBe(profileId)

  const added = await add(false)
  await tells(added)
  expect(await follows(added)).toBe(false)
  expect((await device(added)).device.profileId).toBe(profileId)
})
