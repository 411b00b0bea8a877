import { createHash } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runs, testDevice } from './device.ts'
import { random } from './firmware.ts'
import { ask, expectProblem } from './operator.ts'
import { type TestPlatform, testPlatform } from './platform.ts'

let platform: TestPlatform
beforeAll(async () => {
  platform = await testPlatform()
  await platform.addProfile('pump')
  await platform.addProfile('camera')
})
afterAll(() => platform.stop())

const SOON = { timeout: 20_000 }
const statusOf = async (address: string) => (await fetch(address)).status
const sha256Of = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const upload = async (bytes: Uint8Array<ArrayBuffer>) =>
  (await platform.api('uploadArtifact', { body: bytes })).sha256

async function byHand(name: string, body: Record<string, unknown>) {
  const { id } = await platform.device(name)
  return ask(platform, 'updateByHand', { params: { id }, body })
}

/** A file of its own, brought to that device. */
async function bring(name: string, version: string) {
  const bytes = random(5000)
  const answer = await byHand(name, { title: 'debug', version, sha256: await upload(bytes) })
  expect(answer.status, answer.text).toBe(201)
  return { bytes, operation: answer.json.id as string }
}

const device = async (name: string, profile: string) =>
  testDevice(platform.url, await platform.addDevice(name, profile))

/** A release made for that profile and assigned to it. */
async function assignTo(profile: string, version: string) {
  const title = `for ${profile}`
  const release = await platform.addRelease({ title, version, profile, bytes: random(10) })
  await platform.assign(release, { profile })
}

/** It sweeps at every start, and every hour. */
const passDays = async (days: number) => {
  platform.advanceClock({ minutes: days * 24 * 60 })
  await platform.restart()
}

const statesOf = async (name: string) => {
  const { id } = await platform.device(name)
  const { items } = await platform.api('listDeviceOperations', { params: { id } })
  return items.map(({ release, state }) => `${release.title}@${release.version} ${state}`)
}

test('a file that is made for nothing reaches one device, stays, and leaves no trace but the record', async () => {
  await assignTo('pump', '1')
  const pump = await device('d1', 'pump')
  expect(await pump.offers(runs('for pump@1'))).toEqual([])
  const { bytes, operation } = await bring('d1', 'x1')
  const offer = await pump.offer()
  expect(offer).toMatchObject({
    operation,
    title: 'debug',
    version: 'x1',
    sha256: sha256Of(bytes),
    because: 'Brought by hand by admin, unchecked.',
  })
  const fetched = await fetch(offer.artifact)
  expect(sha256Of(new Uint8Array(await fetched.arrayBuffer()))).toBe(offer.sha256)
  expect((await platform.api('listReleases', { query: { title: 'debug' } })).items).toEqual([])

  await pump.report(operation, { state: 'UPDATED' })
  expect(await pump.offers(runs('debug@x1'))).toEqual([])
  const { components, operation: shown } = await platform.device('d1')
  expect(components.firmware?.reason.code).toBe('nothing.arrived-later')
  expect(shown).toMatchObject({
    state: 'UPDATED',
    release: { id: null, title: 'debug', version: 'x1' },
    origin: { code: 'operator.manual' },
  })
  const { id } = await platform.device('d1')
  const { items } = await platform.api('listEvents', { query: { deviceId: id, limit: 50 } })
  expect(items.find(({ kind }) => kind === 'device.updated-by-hand')).toMatchObject({
    actor: { name: 'admin' },
    data: { type: 'firmware', release: 'debug@x1', sha256: offer.sha256 },
  })

  await passDays(2)
  await expect.poll(() => statusOf(offer.artifact), SOON).toBe(404)
  expect(await statesOf('d1')).toEqual(['debug@x1 UPDATED', 'for pump@1 UPDATED'])
  await platform.api('assignToDevice', {
    params: { id, type: 'firmware' },
    body: {
      releaseId: (await platform.api('listReleases', { query: { title: 'for pump' } })).items[0]
        ?.id as string,
    },
  })
  expect(await pump.offers()).toEqual(['for pump@1'])
})

test('the file stays while its operation is under way, however long that takes', async () => {
  const camera = await device('d2', 'camera')
  const { bytes, operation } = await bring('d2', 'x1')
  await passDays(2)
  // That the sweep is through is told by what is swept with it.
  const other = await device('d3', 'camera')
  const brief = await bring('d3', 'x1')
  const { artifact } = await other.offer()
  await other.report(brief.operation, { state: 'FAILED', error: 'not signed' })
  await passDays(2)
  await expect.poll(() => statusOf(artifact), SOON).toBe(404)

  const offer = await camera.offer()
  expect(offer.operation).toBe(operation)
  const fetched = await fetch(offer.artifact)
  expect(sha256Of(new Uint8Array(await fetched.arrayBuffer()))).toBe(sha256Of(bytes))
  // It is tried once.
  expect(await other.offers()).toEqual([])
  expect(await statesOf('d3')).toEqual(['debug@x1 FAILED'])
  const retried = await ask(platform, 'retryOperation', { params: { id: brief.operation } })
  expect(expectProblem(retried, 409, 'operation.cannot-retry').detail).toBe(
    'debug@x1 was brought by hand, once; bring it anew.',
  )
})

test('a ThingsBoard device fetches it in chunks, by a title and version that the catalogue may have too', async () => {
  const token = await platform.addDevice('tb', 'camera')
  const title = 'for both'
  await platform.addRelease({ title, version: '1', profile: 'pump', bytes: random(10) })
  const bytes = random(5000)
  const type = 'software'
  const brought = await byHand('tb', { title, version: '1', type, sha256: await upload(bytes) })
  expect(brought.status, brought.text).toBe(201)
  const url = `${platform.url}/api/v1/${token}`
  const asked = await fetch(`${url}/attributes?sharedKeys=sw_title,sw_version,sw_checksum,sw_size`)
  expect(await asked.json()).toEqual({
    shared: { sw_title: title, sw_version: '1', sw_checksum: sha256Of(bytes), sw_size: 5000 },
  })
  const chunk = async (index: number) => {
    const query = `title=${encodeURIComponent(title)}&version=1&size=4096&chunk=${index}`
    const answer = await fetch(`${url}/software?${query}`)
    expect(answer.status).toBe(200)
    return Buffer.from(await answer.arrayBuffer())
  }
  expect(sha256Of(Buffer.concat([await chunk(0), await chunk(1)]))).toBe(sha256Of(bytes))
  await fetch(`${url}/telemetry`, {
    method: 'POST',
    body: JSON.stringify({
      current_sw_title: title,
      current_sw_version: '1',
      sw_state: 'UPDATED',
    }),
  })
  expect(await statesOf('tb')).toEqual(['for both@1 UPDATED'])
})

test('a URL is passed on as it is', async () => {
  const camera = await device('d4', 'camera')
  const url = 'https://files.example/debug.bin'
  const answer = await byHand('d4', { title: 'debug', version: '1', url, sizeBytes: 7 })
  expect(answer.status, answer.text).toBe(201)
  expect(await camera.offer()).toMatchObject({ artifact: url, size: 7, title: 'debug' })
})

/** How many of them are kept for that device, whatever the doors show. */
async function filesFor(name: string): Promise<number> {
  const database = new pg.Client({ connectionString: platform.connectionString })
  await database.connect()
  try {
    const { id } = await platform.device(name)
    const found = 'select from releases where only_for_device_id = $1'
    return (await database.query(found, [id])).rowCount ?? 0
  } finally {
    await database.end()
  }
}

describe('one operation at a time', () => {
  test('what waits makes room, of a campaign too, whose device is passed over then', async () => {
    await platform.addProfile('lamp')
    const lamp = await device('d5', 'lamp')
    await lamp.checkIn(runs('L@0'))
    const release = { title: 'L', version: '1', profile: 'lamp', bytes: random(10) }
    const releaseId = await platform.addRelease(release)
    const { id } = await platform.api('createCampaign', {
      body: { name: 'all lamps', releaseId, audience: { expression: 'true' } },
    })
    expect(await lamp.offers()).toEqual(['L@1'])
    await bring('d5', 'x1')
    expect(await lamp.offers()).toEqual(['debug@x1'])
    expect(await statesOf('d5')).toEqual(['debug@x1 INITIATED', 'L@1 CANCELED'])
    const { items } = await platform.api('listTargets', { params: { id }, query: {} })
    expect(items).toMatchObject([
      { device: { name: 'd5' }, status: 'skipped', reason: { code: 'superseded.manual' } },
    ])
  })

  test('what the device is at is not disturbed, and nothing is left of the attempt', async () => {
    await platform.addProfile('fan')
    const fan = await device('d6', 'fan')
    await assignTo('fan', '1')
    const { operation } = await fan.offer()
    await fan.report(operation, { state: 'DOWNLOADING' })
    const sha256 = await upload(random(10))
    const refused = await byHand('d6', { title: 'debug', version: 'x1', sha256 })
    expectProblem(refused, 409, 'operation.under-way')
    expect(await filesFor('d6')).toBe(0)
    expect(await statesOf('d6')).toEqual(['for fan@1 DOWNLOADING'])
    await platform.api('cancelOperation', { params: { id: operation } })
    await bring('d6', 'x2')
    expect(await filesFor('d6')).toBe(1)
    expect(await fan.offers()).toEqual(['debug@x2'])
  })

  test('it is cancelled as any other', async () => {
    const camera = await device('d7', 'camera')
    const { operation } = await bring('d7', 'x1')
    const cancelled = await platform.api('cancelOperation', { params: { id: operation } })
    expect(cancelled).toMatchObject({ state: 'CANCELED', because: 'Cancelled by admin.' })
    expect(await camera.offers()).toEqual([])
  })
})

describe('is refused', () => {
  test.each([
    ['neither file nor URL', {}],
    ['both', { sha256: 'a'.repeat(64), url: 'https://files.example/f' }],
  ])('%s', async (_, content) => {
    const { id } = await platform.device('d1')
    const body = { title: 'debug', version: '1', ...content }
    const problem = expectProblem(
      await ask(platform, 'updateByHand', { params: { id }, body }),
      400,
      'request.malformed',
    )
    expect(problem).toMatchObject({ issues: [{ path: '/sha256' }, { path: '/url' }] })
  })

  test('a device nobody knows, and a file nobody uploaded', async () => {
    const body = { title: 'debug', version: '1', sha256: 'a'.repeat(64) }
    const unknown = { params: { id: '00000000-0000-4000-8000-000000000000' }, body }
    expectProblem(await ask(platform, 'updateByHand', unknown), 404, 'device.unknown')
    expectProblem(await byHand('d1', body), 404, 'artifact.unknown')
  })
})
