import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createInterface } from 'node:readline'
import type { Device } from '@updraft/api/shapes'
import { welcomed } from '@updraft/server/transports/mqtt-client.test-helper'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasCommand } from '../tools/services.mjs'
import { runs, testDevice } from './device.ts'
import { addWithOwn, titleFor } from './own-release.ts'
import { ADMIN_TOKEN, type TestPlatform, testPlatform } from './platform.ts'
import { run } from './program.ts'

const ATTRIBUTES = 'v1/devices/me/attributes'

let platform: TestPlatform
beforeAll(async () => {
  platform = await testPlatform({ maxRetries: 2 })
  await platform.addProfile('pump')
})
afterAll(() => platform.stop())

const random = (sizeBytes: number) => new Uint8Array(randomBytes(sizeBytes))

const updraft = async (...args: string[]) => {
  const env = { UPDRAFT_URL: platform.url, UPDRAFT_TOKEN: ADMIN_TOKEN }
  const ran = await run('updraft', args, env)
  expect(ran, ran.stderr).toMatchObject({ exitCode: 0 })
  return ran.stdout
}
const isAt =
  (state: string, restarts: number) =>
  ({ operation }: Device) =>
    operation?.state === state && operation.restarts === restarts
const history = async (name: string) => {
  const { id } = await platform.device(name)
  const { items } = await platform.api('listDeviceOperations', { params: { id } })
  return items[0]?.steps.map(({ state }) => state)
}

describe.skipIf(!hasCommand('mosquitto_sub'))('mosquitto', () => {
  test('that takes what it is pushed and says nothing is told again twice, then the update has failed', async () => {
    const name = 'silent'
    const token = await addWithOwn(platform, name, { bytes: random(100) })
    const { host, port } = platform.mqtt
    const args = ['-h', host, '-p', String(port), '-u', token, '-t', ATTRIBUTES]
    const child = spawn('mosquitto_sub', args, { stdio: ['ignore', 'pipe', 'inherit'] })
    try {
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
      for (const restarts of [0, 1, 2]) {
        const { value } = await lines.next()
        expect(JSON.parse(String(value))).toMatchObject({
          fw_title: titleFor(name),
          fw_version: '1.10',
        })
        await platform.until(name, isAt('INITIATED', restarts))
        platform.advanceClock({ minutes: 61 })
      }
      await platform.until(name, isAt('FAILED', 3))
      const error = `The device went silent at INITIATED: no word of ${titleFor(name)}@1.10 within 1 h, after 2 retries.`
      expect((await platform.device(name)).operation).toMatchObject({
        error,
        reason: { code: 'device.silent' },
      })
      expect(await updraft('status', name)).toContain(error)
      const round = ['QUEUED', 'INITIATED']
      expect(await history(name)).toEqual([...round, ...round, ...round, 'FAILED'])
    } finally {
      child.kill()
    }
  })
})

test('a device that loses power in its download and is away for days is told again, and arrives', async () => {
  const name = 'unplugged'
  const bytes = random(5000)
  const token = await addWithOwn(platform, name, { bytes })
  const connect = async () => {
    const device = await welcomed({ ...platform.mqtt, username: token })
    const tell = (words: object) =>
      device.publish('v1/devices/me/telemetry', JSON.stringify(words), 1)
    const fetchChunk = async (index: number) => {
      void device.publish(`v2/fw/request/1/chunk/${index}`, '2048')
      return (await device.message(`v2/fw/response/1/chunk/${index}`)).payload
    }
    return { device, tell, fetchChunk }
  }
  const old = { current_fw_title: 'pump', current_fw_version: '1.0' }
  const before = await connect()
  await before.tell(old)
  await before.device.subscribe(ATTRIBUTES)
  await before.device.message(ATTRIBUTES)
  await before.tell({ ...old, fw_state: 'DOWNLOADING' })
  await before.fetchChunk(0)
  before.device.socket.destroy()
  await platform.waiting(0)

  for (let day = 0; day < 3; day += 1) platform.advanceClock({ minutes: 24 * 60 })
  expect((await platform.device(name)).operation).toMatchObject({
    state: 'DOWNLOADING',
    restarts: 0,
  })

  const after = await connect()
  await after.tell({ ...old, fw_state: 'UPDATED' })
  await after.device.subscribe(ATTRIBUTES)
  const told = JSON.parse(`${(await after.device.message(ATTRIBUTES)).payload}`)
  expect(told).toMatchObject({ fw_version: '1.10', fw_size: 5000 })
  expect((await platform.device(name)).operation).toMatchObject({ state: 'INITIATED', restarts: 1 })
  await after.tell({ fw_state: 'DOWNLOADING' })
  const chunks = [await after.fetchChunk(0), await after.fetchChunk(1), await after.fetchChunk(2)]
  expect(Buffer.compare(Buffer.concat(chunks), bytes)).toBe(0)
  for (const word of ['DOWNLOADED', 'VERIFIED', 'UPDATING']) await after.tell({ fw_state: word })
  const runsNow = { current_fw_title: titleFor(name), current_fw_version: '1.10' }
  await after.tell({ ...runsNow, fw_state: 'UPDATED' })
  expect((await platform.device(name)).operation).toMatchObject({ state: 'UPDATED', error: null })
  after.device.end()
})

test('a device of our own protocol that rolled back and only checks in is not offered it for ever', async () => {
  const name = 'rolled back'
  const token = await addWithOwn(platform, name, { bytes: random(100) })
  const device = testDevice(platform.url, token)
  const { operation } = await device.offer(runs('pump@1.0'))
  await device.report(operation, { state: 'DOWNLOADING' })
  await device.report(operation, { state: 'UPDATING' })
  let visits = 0
  for (; visits < 50; visits += 1) {
    platform.advanceClock({ minutes: 30 })
    if ((await device.offers(runs('pump@1.0'))).length === 0) break
  }
  // Half an hour and an hour each time: told again twice, and failed the third time.
  expect(visits).toBe(5)
  const status = await updraft('status', name)
  expect(status).toContain('The device went silent at INITIATED')
  expect(status).toContain('after 2 retries')
  expect(await history(name)).toEqual([
    'QUEUED',
    'INITIATED',
    'DOWNLOADING',
    'UPDATING',
    'QUEUED',
    'INITIATED',
    'QUEUED',
    'INITIATED',
    'FAILED',
  ])
})

describe('what a tenant sets for itself', () => {
  test('holds at once: deadline and retries', async () => {
    const own = await testPlatform()
    try {
      await own.addProfile('pump')
      const token = await addWithOwn(own, 'd1', { bytes: random(100) })
      const device = await welcomed({ ...own.mqtt, username: token })
      await device.subscribe(ATTRIBUTES)
      await device.message(ATTRIBUTES)
      await own.until('d1', isAt('INITIATED', 0))
      const env = { UPDRAFT_URL: own.url, UPDRAFT_TOKEN: ADMIN_TOKEN }
      const words = ['settings', 'set', 'silenceDeadlineSeconds=600', 'maxRetries=1']
      expect((await run('updraft', words, env)).stdout).toMatch(
        /silenceDeadlineSeconds +600 +this tenant/,
      )
      own.advanceClock({ minutes: 11 })
      await device.message(ATTRIBUTES)
      await own.until('d1', isAt('INITIATED', 1))
      own.advanceClock({ minutes: 11 })
      const { operation } = await own.until('d1', isAt('FAILED', 2))
      expect(operation?.error).toContain('within 10 min, after 1 retry.')
      const refused = await run('updraft', ['settings', 'set', 'maxRetries=1001'], env)
      expect(refused).toMatchObject({ exitCode: 1, stdout: '' })
      expect(refused.stderr).toContain('maxRetries is a whole number from 0 to 1000, not 1001.')
      const { items } = await own.api('listEvents', { query: { kind: 'settings' } })
      expect(items).toMatchObject([
        { actor: { name: 'admin' }, data: { silenceDeadlineSeconds: 600, maxRetries: 1 } },
      ])
      device.end()
    } finally {
      await own.stop()
    }
  })

  test('holds at once: a pace that is raised lets those go who wait', async () => {
    const paced = await testPlatform({ pacePackSize: 1, paceIntervalMs: 86_400_000 })
    try {
      await paced.addProfile('pump')
      const devices = await Promise.all(
        ['a', 'b', 'c'].map(async (name) => {
          const token = await paced.addDevice(name, 'pump')
          const device = await welcomed({ ...paced.mqtt, username: token })
          await device.subscribe(ATTRIBUTES)
          return device
        }),
      )
      const release = { title: 'app', version: '2', profile: 'pump', bytes: random(100) }
      await paced.assign(await paced.addRelease(release), { profile: 'pump' })
      const told = devices.map((device) => device.message(ATTRIBUTES))
      await Promise.race(told)
      expect((await paced.api('overview', {})).states).toMatchObject({ QUEUED: 2 })
      await paced.api('changeSettings', { body: { pacePackSize: 3 } })
      await Promise.all(told)
      for (const device of devices) device.end()
    } finally {
      await paced.stop()
    }
  })
})
