/** Devices that stay on their cluster of Astarte: asked through AppEngine, heard by its triggers. */
import {
  type FakeAstarte,
  type FakeDevice,
  fakeAstarte,
} from '@updraft/server/dialects/edgehog/testing/fake-astarte'
import { SECRET_HEADER } from '@updraft/wire/astarte-cluster'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type TestPlatform, testPlatform } from './platform.ts'
import { serverProcess } from './server-process.ts'

const BASE_IMAGE = 'io.edgehog.devicemanager.BaseImage'
const SYSTEM_INFO = 'io.edgehog.devicemanager.SystemInfo'
/** As Astarte writes them. */
const idOf = (n: number) => Buffer.alloc(16, n).toString('base64url')

interface Heard {
  readonly device: string
  readonly operation: string
  readonly url: string
  readonly uuid: string
}

let platform: TestPlatform
let fake: FakeAstarte
let heard: Heard[]
beforeEach(async () => {
  fake = await fakeAstarte()
  platform = await testPlatform()
  heard = []
  fake.onMessage = (device, { data }) => {
    heard.push({ device: device.id, ...(data as Omit<Heard, 'device'>) })
  }
  const profileId = await platform.addProfile('gateway')
  await platform.api('setRealm', { body: { name: 'acme', profileId } })
})
afterEach(async () => {
  await platform.stop()
  await fake.close()
})

const addDevice = (n: number, changes: Partial<FakeDevice> = {}) =>
  fake.addDevice(idOf(n), {
    properties: { [BASE_IMAGE]: { version: '1.0.0', name: 'base' } },
    ...changes,
  })
const setCluster = async () => {
  const body = { baseUrl: fake.url, privateKey: fake.privateKey }
  await platform.api('setCluster', { body })
  await vi.waitUntil(async () => (await platform.api('showCluster', {})).wellAt, {
    timeout: 20_000,
  })
}
/** It is here, with what it runs. */
const known = (id: string) =>
  vi.waitUntil(
    async () => {
      const { items } = await platform.api('listDevices', { query: { name: id } })
      return items[0]?.installed.firmware
    },
    { timeout: 60_000 },
  )
const addRelease = (version = '2.0.0') =>
  platform.addRelease({
    title: 'base',
    version,
    profile: 'gateway',
    bytes: new Uint8Array([1, 2, 3]),
  })
const startCampaign = (releaseId: string) =>
  platform.api('createCampaign', {
    body: { name: 'all of them', releaseId, audience: { expression: 'true' } },
  })
const updatesFor = (id: string) =>
  heard.filter(({ device, operation }) => device === id && operation === 'Update')
const asked = async (id: string, times = 1) => {
  await vi.waitUntil(() => updatesFor(id).length >= times, { timeout: 60_000 })
  return updatesFor(id).at(-1) as Heard
}
const says = (id: string, uuid: string, status: string, more: object = {}) =>
  fake.says(id, 'OTAEvent', '/event', { requestUUID: uuid, status, statusProgress: 0, ...more })
const stateOf = async (id: string) => (await platform.device(id)).operation?.state ?? null
/** From the first word to the new version, as the runtime does it. */
const update = async (id: string, uuid: string, version = '2.0.0') => {
  for (const status of ['Acknowledged', 'Downloading', 'Deploying', 'Deployed', 'Rebooting']) {
    expect(await says(id, uuid, status)).toEqual([200])
  }
  await fake.disconnect(id)
  await fake.connect(id)
  await fake.says(id, 'BaseImage', '/version', version)
  expect(await says(id, uuid, 'Success')).toEqual([200])
}

describe('a realm whose devices live on a cluster', () => {
  test('is brought to what is needed, and tells how it stands', async () => {
    await setCluster()
    expect(fake.triggers.size).toBe(7)
    const cluster = await platform.api('showCluster', {})
    expect(cluster).toMatchObject({
      baseUrl: fake.url,
      realm: 'acme',
      algorithm: 'ES256',
      version: '1.3.0',
      error: null,
      triggersCall: `${platform.url}/astarte/v1/acme/triggers`,
    })
    expect(JSON.stringify(cluster)).not.toMatch(/PRIVATE|secret/i)
    const check = await platform.api('checkCluster', {})
    expect(check.items.filter(({ isWell }) => isWell).map(({ what }) => what)).toEqual([
      'realm management',
      'AppEngine',
      'interfaces',
      'triggers',
    ])
    await platform.api('removeCluster', {})
    expect(fake.triggers.size).toBe(0)
  })

  test('does not pair devices itself', async () => {
    await setCluster()
    const answer = await fetch(`${platform.url}/pairing/v1/acme/agent/devices`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer x' },
      body: JSON.stringify({ data: { hw_id: idOf(1) } }),
    })
    expect(answer.status).toBe(403)
    await platform.addProfile('elsewhere')
    await platform.addDevice('by-hand', 'elsewhere')
    const { id } = await platform.device('by-hand')
    const pair = { params: { id }, body: { astarteId: idOf(2) } }
    const refusal = { code: 'cluster.serves' }
    await expect(platform.api('pairDevice', pair)).rejects.toMatchObject(refusal)
    const token = platform.api('createAgentToken', { body: {} })
    await expect(token).rejects.toMatchObject(refusal)
  })

  test('that is away is tried again, and says why it is not well', async () => {
    fake.intercept = () => ({ status: 503, body: { errors: { detail: 'Down' } } })
    await platform.api('setCluster', { body: { baseUrl: fake.url, privateKey: fake.privateKey } })
    await vi.waitUntil(async () => (await platform.api('showCluster', {})).error, {
      timeout: 20_000,
    })
    expect((await platform.api('showCluster', {})).error).toMatch(/503, Down/)
    fake.intercept = null
    platform.advanceClock({ minutes: 1 })
    await vi.waitUntil(async () => (await platform.api('showCluster', {})).wellAt, {
      timeout: 20_000,
    })
    expect((await platform.api('showCluster', {})).error).toBeNull()
  })
})

describe('devices of a cluster', () => {
  test('are brought an update by a campaign; one that is away waits', async () => {
    for (const n of [1, 2, 3]) addDevice(n, { connected: n < 3 })
    await setCluster()
    for (const n of [1, 2]) await known(idOf(n))
    const releaseId = await addRelease()
    const campaign = await startCampaign(releaseId)
    expect(campaign.tally).toMatchObject({ idle: 3 })
    for (const n of [1, 2]) await update(idOf(n), (await asked(idOf(n))).uuid)
    await platform.until(idOf(1), ({ operation }) => operation?.state === 'UPDATED')
    await platform.until(idOf(2), ({ operation }) => operation?.state === 'UPDATED')
    expect(updatesFor(idOf(3))).toEqual([])

    await fake.connect(idOf(3))
    await update(idOf(3), (await asked(idOf(3))).uuid)
    await platform.until(idOf(3), ({ operation }) => operation?.state === 'UPDATED')
    for (const n of [1, 2, 3]) {
      expect(updatesFor(idOf(n))).toHaveLength(1)
      expect(await platform.history(idOf(n))).toEqual([
        expect.arrayContaining(['QUEUED', 'INITIATED', 'DOWNLOADING', 'UPDATING', 'UPDATED']),
      ])
    }
    await vi.waitUntil(
      async () =>
        (await platform.api('showCampaign', { params: { id: campaign.id } })).status === 'finished',
      { timeout: 60_000 },
    )
  })

  test('fetch what they are asked to from the address they were told', async () => {
    addDevice(1, { connected: true })
    await setCluster()
    await known(idOf(1))
    await platform.assign(await addRelease(), { profile: 'gateway' })
    const { url } = await asked(idOf(1))
    const file = await fetch(url)
    expect(file.headers.get('content-length')).toBe('3')
    expect(new Uint8Array(await file.arrayBuffer())).toEqual(new Uint8Array([1, 2, 3]))
  })

  test('nobody knew are made known by whatever they say', async () => {
    await setCluster()
    addDevice(4, { properties: { [SYSTEM_INFO]: { partNumber: 'P-1', serialNumber: 'S-1' } } })
    await fake.connect(idOf(4))
    const device = await platform.until(idOf(4), ({ inventory }) => inventory.partNumber === 'P-1')
    expect(device).toMatchObject({ profile: 'gateway', dialect: 'edgehog' })
    expect(device.inventory).toMatchObject({ partNumber: 'P-1', serialNumber: 'S-1' })
  })

  test('are told of by triggers more than once and in any order', async () => {
    addDevice(1, { connected: true })
    await setCluster()
    await known(idOf(1))
    await platform.assign(await addRelease(), { profile: 'gateway' })
    const { uuid } = await asked(idOf(1))
    for (const status of ['Downloading', 'Acknowledged', 'Downloading', 'Deployed', 'Deploying']) {
      expect(await says(idOf(1), uuid, status)).toEqual([200])
    }
    expect(await stateOf(idOf(1))).toBe('UPDATING')
    // It went before it came.
    const before = new Date(Date.now() - 60_000)
    expect(await fake.happen(idOf(1), { type: 'device_disconnected' }, { at: before })).toEqual([
      200,
    ])
    const device = fake.devices.get(idOf(1))
    if (device) device.properties[BASE_IMAGE] = { version: '2.0.0' }
    expect(await says(idOf(1), uuid, 'Success')).toEqual([200])
    expect(await stateOf(idOf(1))).toBe('UPDATED')
    for (const status of ['Success', 'Downloading', 'Failure']) {
      expect(await says(idOf(1), uuid, status)).toEqual([200])
    }
    expect(await stateOf(idOf(1))).toBe('UPDATED')
    expect(updatesFor(idOf(1))).toHaveLength(1)
  })

  test('speak of updates that are not theirs to no effect', async () => {
    for (const n of [1, 2]) addDevice(n, { connected: true })
    await setCluster()
    for (const n of [1, 2]) await known(idOf(n))
    await platform.assign(await addRelease(), { device: idOf(1) })
    const { uuid } = await asked(idOf(1))
    expect(await says(idOf(2), uuid, 'Failure')).toEqual([200])
    expect(await says(idOf(2), '00000000-0000-4000-8000-000000000000', 'Failure')).toEqual([200])
    expect(await says(idOf(2), 'no uuid at all', 'Failure')).toEqual([200])
    expect(await stateOf(idOf(1))).toBe('INITIATED')
  })

  test('that the cluster refuses to ask have failed, with its reason', async () => {
    addDevice(1, { connected: true })
    await setCluster()
    await known(idOf(1))
    fake.intercept = ({ method, path }) =>
      method === 'POST' && path.includes('/appengine/')
        ? { status: 422, body: { errors: { detail: 'Unexpected value type' } } }
        : undefined
    await platform.assign(await addRelease(), { profile: 'gateway' })
    const { operation } = await platform.until(idOf(1), (it) => it.operation?.state === 'FAILED')
    expect(operation?.error).toMatch(/Astarte refused it: .*422, Unexpected value type/)
  })

  test('are asked in the same words again while the cluster is away', async () => {
    addDevice(1, { connected: true })
    await setCluster()
    await known(idOf(1))
    const tried: unknown[] = []
    fake.intercept = ({ method, path, body }) => {
      if (method !== 'POST' || !path.includes('/appengine/')) return undefined
      tried.push(body)
      return tried.length === 1 ? { status: 503 } : undefined
    }
    await platform.assign(await addRelease(), { profile: 'gateway' })
    await asked(idOf(1))
    expect(tried).toHaveLength(2)
    expect(tried[1]).toEqual(tried[0])
  })

  test('that were asked in vain are asked in the same words by the server that comes after', async () => {
    addDevice(1, { connected: true })
    await setCluster()
    await known(idOf(1))
    let isLost = true
    fake.intercept = ({ method, path }) =>
      isLost && method === 'POST' && path.includes('/appengine/') ? { never: true } : undefined
    await platform.assign(await addRelease(), { profile: 'gateway' })
    await vi.waitUntil(() => fake.asked('POST', '/appengine/').length > 0, { timeout: 60_000 })
    const [first] = fake.asked('POST', '/appengine/')
    await platform.restart()
    isLost = false
    const { url, uuid } = await asked(idOf(1))
    expect(first?.body).toEqual({ data: { operation: 'Update', url, uuid } })
  })

  test('are asked to stop what an operator cancels', async () => {
    addDevice(1, { connected: true })
    await setCluster()
    await known(idOf(1))
    await platform.assign(await addRelease(), { device: idOf(1) })
    const { uuid, url } = await asked(idOf(1))
    await says(idOf(1), uuid, 'Downloading')
    await platform.api('cancelOperation', { params: { id: uuid } })
    await vi.waitUntil(() => heard.some(({ operation }) => operation === 'Cancel'), {
      timeout: 20_000,
    })
    expect(heard.at(-1)).toEqual({ device: idOf(1), operation: 'Cancel', uuid, url })
  })

  test('whose coming and going was not told of are asked how they are', async () => {
    const device = addDevice(1, { connected: true })
    await setCluster()
    await known(idOf(1))
    await platform.waiting(1)
    device.connected = false
    device.lastDisconnection = new Date(Date.now() + 1000).toISOString()
    platform.advanceClock({ minutes: 6 })
    await platform.waiting(0)
    device.connected = true
    device.lastConnection = new Date(Date.now() + 2000).toISOString()
    platform.advanceClock({ minutes: 6 })
    await platform.waiting(1)
  })
})

test('a trigger without the secret is not believed', async () => {
  addDevice(1, { connected: true })
  await setCluster()
  const [trigger] = fake.triggers.values()
  const secret = trigger?.action.http_static_headers?.[SECRET_HEADER] ?? ''
  const call = (headers: Record<string, string>) =>
    fetch(`${platform.url}/astarte/v1/acme/triggers`, {
      method: 'POST',
      headers: { 'astarte-realm': 'acme', ...headers },
      body: JSON.stringify({ device_id: idOf(9), event: { type: 'device_connected' } }),
    })
  expect((await call({})).status).toBe(403)
  expect((await call({ [SECRET_HEADER]: `${secret.slice(1)}x` })).status).toBe(403)
  expect((await platform.api('listDevices', { query: { name: idOf(9) } })).items).toEqual([])
  expect((await call({ [SECRET_HEADER]: secret })).status).toBe(200)
  expect((await platform.device(idOf(9))).profile).toBe('gateway')
})

test('a server that is killed between keeping a request and sending it sends that one when it is back', async () => {
  const server = await serverProcess()
  try {
    const { id: profileId } = await server.api('createProfile', { body: { name: 'gateway' } })
    await server.api('setRealm', { body: { name: 'acme', profileId } })
    addDevice(1, { connected: true })
    await server.api('setCluster', { body: { baseUrl: fake.url, privateKey: fake.privateKey } })
    const device = await vi.waitUntil(
      async () => {
        const { items } = await server.api('listDevices', { query: { name: idOf(1) } })
        return items[0]?.installed.firmware && items[0]
      },
      { timeout: 60_000 },
    )
    fake.intercept = ({ method, path }) =>
      method === 'POST' && path.includes('/appengine/') ? { never: true } : undefined
    const { sha256 } = await server.api('uploadArtifact', { body: new Uint8Array([1, 2, 3]) })
    const { id: releaseId } = await server.api('createRelease', {
      body: { title: 'base', version: '2.0.0', profile: 'gateway', type: 'firmware', sha256 },
    })
    await server.api('assignToDevice', {
      params: { id: device.id, type: 'firmware' },
      body: { releaseId },
    })
    await vi.waitUntil(() => fake.asked('POST', '/appengine/').length > 0, { timeout: 60_000 })
    const [kept] = fake.asked('POST', '/appengine/')
    await server.kill()
    fake.intercept = null
    await server.start()
    // Its lines are let go half a minute after the one that held them was seen last.
    await vi.waitUntil(() => updatesFor(idOf(1)).length > 0, { timeout: 90_000, interval: 500 })
    const { url, uuid } = updatesFor(idOf(1))[0] as Heard
    expect(kept?.body).toEqual({ data: { operation: 'Update', url, uuid } })
  } finally {
    await server.remove()
  }
}, 180_000)

test('of two servers one holds the lines, and events may come in at the other', async () => {
  for (const n of [1, 2]) addDevice(n, { connected: true })
  await setCluster()
  for (const n of [1, 2]) await known(idOf(n))
  const other = await testPlatform({ databaseUrl: platform.connectionString })
  try {
    await platform.waiting(2)
    other.advanceClock({ minutes: 0.2 })
    await other.waiting(0)
    await platform.assign(await addRelease(), { device: idOf(1) })
    const { uuid } = await asked(idOf(1))
    // What the other hears counts as well.
    for (const trigger of fake.triggers.values()) {
      trigger.action.http_url = trigger.action.http_url.replace(platform.url, other.url)
    }
    expect(await says(idOf(1), uuid, 'Downloading')).toEqual([200])
    expect(await stateOf(idOf(1))).toBe('DOWNLOADING')
    await fake.disconnect(idOf(2))
    platform.advanceClock({ minutes: 0.2 })
    await platform.waiting(1)
    expect(updatesFor(idOf(1))).toHaveLength(1)
  } finally {
    await other.stop()
  }
})
