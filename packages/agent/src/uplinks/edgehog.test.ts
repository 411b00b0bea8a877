import * as promises from 'node:fs/promises'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { quickAgent, temporaryFolder } from '../test-bench.test-helper.ts'
import type { Uplink } from '../uplink.ts'
import { systemClock } from '../waits.ts'
import { type EdgehogOptions, edgehogUplink } from './edgehog.ts'
import { FakeAstarte, UUID } from './fake-astarte.test-helper.ts'
import { AGENT_TOKEN, REALM } from './fake-astarte-pairing.test-helper.ts'

const { signal } = new AbortController()
const RUNS = { firmware: { title: 'app', version: '1.0.0' } }
const FACTS = { serialNumber: 'SN-1', partNumber: 'PN-1', arch: 'arm64', memoryBytes: 2 ** 33 }
const about = { installed: RUNS, facts: FACTS, waitSeconds: 60, signal }
const ID = 'kIu2MiMuS_qIFbgv1nNDFw'

async function device(options: Partial<EdgehogOptions> = {}, astarte?: FakeAstarte) {
  const fake = astarte ?? (await FakeAstarte.start())
  const stateFolder = options.stateFolder ?? (await temporaryFolder())
  const uplink = edgehogUplink({
    server: fake.url,
    realm: REALM,
    astarteId: ID,
    agentToken: async () => AGENT_TOKEN,
    disk: promises,
    stateFolder,
    trust: { authorities: [fake.pairing.authority] },
    ...options,
  })
  return { fake, uplink, stateFolder }
}

const kept = async (stateFolder: string) =>
  JSON.parse(await readFile(join(stateFolder, 'edgehog.json'), 'utf8'))

/** Checks in as soon as the server can ask for something, which is done then. */
async function offered(fake: FakeAstarte, uplink: Uplink) {
  await expect.poll(() => fake.isConnected).toBe(false)
  const asked = uplink.checkIn(about)
  await expect.poll(() => fake.listed).not.toBeNull()
  fake.request()
  const [offer] = (await asked).offers
  if (!offer) throw new Error('nothing is offered')
  return offer
}

test('it registers, is certified, and introduces itself in the order of Astarte’s own devices', async () => {
  const { fake, uplink, stateFolder } = await device()
  const offer = await offered(fake, uplink)
  expect(offer).toEqual({
    operation: UUID,
    type: 'firmware',
    title: 'app',
    version: null,
    sizeBytes: null,
    checksum: null,
    address: fake.image,
    isStanding: false,
  })
  expect(fake.connects).toEqual([{ clientId: `test/${ID}`, username: undefined, clean: true }])
  expect(fake.subscriptions).toEqual([
    '/control/consumer/properties',
    '/io.edgehog.devicemanager.OTARequest/#',
  ])
  expect(fake.said).toEqual([
    'introspection of 7',
    'empty cache',
    'BaseImage/name',
    'BaseImage/version',
    'RuntimeInfo/name',
    'SystemInfo/serialNumber',
    'SystemInfo/partNumber',
    'HardwareInfo/cpu/architecture',
    'HardwareInfo/mem/totalBytes',
    'list',
  ])
  expect(fake.properties).toMatchObject({
    'BaseImage/version': '1.0.0',
    'SystemInfo/partNumber': 'PN-1',
    'HardwareInfo/mem/totalBytes': 2 ** 33,
  })
  expect(fake.listed).toEqual(Object.keys(fake.properties))
  const { astarteId, secret, key, certificate } = await kept(stateFolder)
  expect([astarteId, secret]).toEqual([ID, fake.pairing.devices.get(ID)?.secret])
  expect(key).toMatch(/^-----BEGIN PRIVATE KEY/)
  expect(certificate).toBe(fake.pairing.devices.get(ID)?.certificate)
  await uplink.hangUp?.()
})

test('what it has is used again at the next start, once the server has said that it is good', async () => {
  const { fake, uplink, stateFolder } = await device()
  await offered(fake, uplink)
  await uplink.hangUp?.()
  const before = await kept(stateFolder)
  fake.pairing.asked.length = 0
  const again = (await device({ stateFolder }, fake)).uplink
  await offered(fake, again)
  expect(fake.pairing.asked.map(({ path }) => path.split('/').at(-1))).toEqual([ID, 'verify'])
  expect(await kept(stateFolder)).toEqual(before)
  await again.hangUp?.()
})

test('what is not good any more is replaced', async () => {
  const { fake, uplink, stateFolder } = await device()
  await offered(fake, uplink)
  await uplink.hangUp?.()
  const before = await kept(stateFolder)
  fake.pairing.isEveryCertificateBad = true
  const again = (await device({ stateFolder }, fake)).uplink
  await offered(fake, again)
  const after = await kept(stateFolder)
  expect(after.secret).toBe(before.secret)
  expect(after.certificate).not.toBe(before.certificate)
  await again.hangUp?.()
})

test('a device whose registration was taken back registers again', async () => {
  const { fake, uplink, stateFolder } = await device()
  await offered(fake, uplink)
  await uplink.hangUp?.()
  fake.pairing.devices.clear()
  const again = (await device({ stateFolder }, fake)).uplink
  await offered(fake, again)
  expect((await kept(stateFolder)).secret).toBe(fake.pairing.devices.get(ID)?.secret)
  await again.hangUp?.()
})

test('a device that was given its secret registers nothing, and writes it down nowhere', async () => {
  const fake = await FakeAstarte.start()
  fake.pairing.devices.set(ID, { secret: 'given', isConfirmed: false, certificate: null })
  const { uplink, stateFolder } = await device(
    { agentToken: undefined, secret: async () => 'given' },
    fake,
  )
  await offered(fake, uplink)
  expect(fake.pairing.asked.map(({ path }) => path)).not.toContain('/pairing/v1/test/agent/devices')
  expect(JSON.stringify(await kept(stateFolder))).not.toContain('given')
  await uplink.hangUp?.()
})

test('an id that nobody gave is made up once, and is one of 128 bits', async () => {
  const fake = await FakeAstarte.start()
  const { uplink, stateFolder } = await device({ astarteId: null }, fake)
  await offered(fake, uplink)
  await uplink.hangUp?.()
  const { astarteId } = await kept(stateFolder)
  expect(astarteId).toMatch(/^[\w-]{22}$/)
  const again = (await device({ astarteId: null, stateFolder }, fake)).uplink
  await offered(fake, again)
  expect([...fake.pairing.devices.keys()]).toEqual([astarteId])
  await again.hangUp?.()
})

test.each([
  [
    'registered by somebody else',
    (fake: FakeAstarte) =>
      fake.pairing.devices.set(ID, { secret: 's', isConfirmed: true, certificate: null }),
    /already registered/,
  ],
  [
    'kept out',
    (fake: FakeAstarte) => {
      fake.pairing.isInhibited = true
    },
    /keeps this device out/,
  ],
  [
    'told of no port',
    (fake: FakeAstarte) => {
      fake.pairing.brokerUrl = 'mqtts://broker.example'
    },
    /no broker with a port/,
  ],
] as const)('a device that is %s hears why', async (_, prepare, why) => {
  const { fake, uplink } = await device()
  prepare(fake)
  await expect(uplink.checkIn(about)).rejects.toThrow(why)
})

test('a server whose certificate nobody vouches for is not spoken to, unless told to', async () => {
  const fake = await FakeAstarte.start()
  const { uplink, stateFolder } = await device({ trust: {} }, fake)
  await expect(uplink.checkIn(about)).rejects.toThrow(/cannot be reached/)
  expect(fake.connects).toEqual([])
  const believing = (await device({ trust: { isUnverified: true }, stateFolder }, fake)).uplink
  await offered(fake, believing)
  await believing.hangUp?.()
})

test('the same request again is passed over, and another is refused, while one is under way', async () => {
  const { fake, uplink } = await device()
  const offer = await offered(fake, uplink)
  await uplink.report(offer, { state: 'DOWNLOADING', progressPercent: 10, installed: null }, signal)
  fake.request()
  fake.request({ url: `${fake.image}?signed=anew` })
  fake.request({ uuid: '00000000-0000-4000-8000-000000000000' })
  await expect.poll(() => fake.events.length).toBe(4)
  expect(fake.events.slice(2)).toMatchObject([
    { requestUUID: UUID, status: 'Failure', statusCode: 'UpdateAlreadyInProgress' },
    { requestUUID: '00000000-0000-4000-8000-000000000000', statusCode: 'UpdateAlreadyInProgress' },
  ])
  await uplink.hangUp?.()
})

test('a cancel aborts what is under way; of anything else it is refused', async () => {
  const { fake, uplink } = await device()
  const offer = await offered(fake, uplink)
  const takenBack = uplink.takenBack?.(offer)
  fake.request({ operation: 'Cancel', uuid: '00000000-0000-4000-8000-000000000000' })
  await expect.poll(() => fake.story).toEqual(['Failure InvalidRequest'])
  expect(takenBack?.aborted).toBe(false)
  fake.request({ operation: 'Cancel' })
  await expect.poll(() => takenBack?.aborted).toBe(true)
  await uplink.hangUp?.()
})

test('what comes twice at quality 2 is heard once', async () => {
  const { fake, uplink } = await device()
  const asked = uplink.checkIn(about)
  await expect.poll(() => fake.listed).not.toBeNull()
  fake.quality = 2
  fake.request()
  await asked
  const cancel = { operation: 'Cancel', uuid: '00000000-0000-4000-8000-000000000000' } as const
  await expect.poll(() => fake.said).toContain('pubcomp')
  fake.request(cancel)
  await expect.poll(() => fake.story).toEqual(['Failure InvalidRequest'])
  await uplink.hangUp?.()
})

test('what changes is told as it changes, and no more than that', async () => {
  const { fake, uplink } = await device()
  await offered(fake, uplink)
  fake.said = []
  await uplink.checkIn({ ...about, installed: { firmware: { title: 'app', version: '1.1.0' } } })
  expect(fake.said).toEqual(['BaseImage/version'])
  const { partNumber: _, ...fewer } = FACTS
  await uplink.checkIn({
    ...about,
    installed: { firmware: { title: 'app', version: '1.1.0' } },
    facts: fewer,
  })
  expect(fake.said).toEqual(['BaseImage/version', 'list'])
  expect(fake.listed).not.toContain('SystemInfo/partNumber')
  await uplink.hangUp?.()
})

test('a line that breaks is opened again, and all is said anew', async () => {
  const { fake, uplink } = await device()
  await offered(fake, uplink)
  fake.cut()
  await expect.poll(() => fake.isConnected).toBe(false)
  await uplink.checkIn(about)
  expect(fake.connects.length).toBe(2)
  expect(fake.said.at(0)).toBe('introspection of 7')
  expect(fake.said.at(-1)).toBe('list')
  await uplink.hangUp?.()
})

/** A whole agent, over the real time. */
async function agentOf(
  fake: FakeAstarte,
  options: Parameters<typeof quickAgent>[1] & { uplink: Uplink },
) {
  fake.standing = { operation: 'Update', uuid: UUID, url: fake.image }
  return await quickAgent(fake, {
    clock: systemClock,
    isUncheckedAllowed: true,
    backOffBaseSeconds: 0.01,
    ...options,
  })
}

test('an update is told in the words of Edgehog’s runtime, in its order', async () => {
  const { fake, uplink } = await device()
  const { agent, installed } = await agentOf(fake, { uplink })
  expect(await agent.run({ once: true })).toEqual({ kind: 'idle', updated: 1 })
  expect(Buffer.concat(installed).equals(fake.bytes)).toBe(true)
  const first = fake.story.filter((word) => !/^Downloading \d0$/.test(word))
  expect(first).toEqual([
    'Acknowledged',
    'Downloading',
    'Downloading 100',
    'Deploying',
    'Deployed',
    'Success',
  ])
  expect(new Set(fake.events.map(({ requestUUID }) => requestUUID))).toEqual(new Set([UUID]))
})

test('a download that breaks is told of as an error, and goes on', async () => {
  const { fake, uplink } = await device()
  fake.cutAfterBytes = 50_000
  const { agent, installed } = await agentOf(fake, { uplink })
  expect(await agent.run({ once: true })).toEqual({ kind: 'idle', updated: 1 })
  expect(Buffer.concat(installed).equals(fake.bytes)).toBe(true)
  expect(fake.story.filter((word) => word.startsWith('Error'))).toEqual(['Error NetworkError'])
})

test.each([
  ['1.1.0', 'Success'],
  ['1.0.0', 'Failure SystemRollback'],
])('after a restart into version %s it says %s, after what runs', async (after, end) => {
  const { fake, uplink, stateFolder } = await device()
  let runs = '1.0.0'
  const askInstalled = async () => ({ firmware: { title: null, version: runs } })
  const installers = { firmware: { install: async () => ({ kind: 'exit' as const }) } }
  const options = { uplink, stateFolder, askInstalled, installers }
  expect(await (await agentOf(fake, options)).agent.run({ once: true })).toEqual({ kind: 'exit' })
  expect(fake.story.slice(-3)).toEqual(['Deploying', 'Deployed', 'Rebooting'])
  runs = after
  const next = await device({ stateFolder }, fake)
  const second = await agentOf(fake, { ...options, uplink: next.uplink })
  fake.standing = null
  await second.agent.run({ once: true })
  expect(fake.story.at(-1)).toBe(end)
  expect(fake.properties['BaseImage/version']).toBe(after)
  const said = fake.said.filter((word) => !word.includes(' '))
  expect(said.slice(0, 3)).toEqual(['BaseImage/name', 'BaseImage/version', end.split(' ')[0]])
})

test('a cancel in mid-download ends it, and the server hears that it was heeded', async () => {
  const { fake, uplink } = await device()
  const { agent, installed } = await agentOf(fake, { uplink, maxBytesPerSecond: 100_000 })
  fake.once('event', () => fake.request({ operation: 'Cancel' }))
  expect(await agent.run({ once: true })).toMatchObject({ kind: 'failed' })
  expect(fake.story.at(-1)).toBe('Failure Canceled')
  expect(installed).toEqual([])
})
