import { join } from 'node:path'
import type { Campaign, CampaignDraft } from '@updraft/api/shapes'
import { welcomed } from '@updraft/server/transports/mqtt-client.test-helper'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { hasCommand } from '../tools/services.mjs'
import { COAP_CLIENT, coap, coapClient } from './coap-client.ts'
import { curl } from './curl.ts'
import { runs, type TestDevice, testDevice } from './device.ts'
import { ask, expectProblem } from './operator.ts'
import { type TestPlatform, testPlatform } from './platform.ts'
import { type ServerProcess, serverProcess } from './server-process.ts'

const BYTES = new Uint8Array([1, 2, 3])
const OLD = { current_fw_title: 'os', current_fw_version: '1' }
const NEW = { current_fw_title: 'os', current_fw_version: '2' }

let platform: TestPlatform
beforeEach(async () => {
  platform = await testPlatform()
  await platform.addProfile('box')
})
afterEach(() => platform.stop())

const addRelease = (version = '2') =>
  platform.addRelease({ title: 'os', version, profile: 'box', bytes: BYTES })
const begin = async (draft: Partial<CampaignDraft> & { releaseId: string }): Promise<Campaign> =>
  platform.api('createCampaign', {
    body: { name: 'C', audience: { expression: 'true' }, ...draft },
  })
const show = (id: string) => platform.api('showCampaign', { params: { id } })
const targetsOf = async (id: string) =>
  (await platform.api('listTargets', { params: { id }, query: { limit: 500 } })).items
const until = (id: string, wanted: object) => expect.poll(() => show(id)).toMatchObject(wanted)
const own = async (name: string): Promise<TestDevice> => {
  const device = testDevice(platform.url, await platform.addDevice(name, 'box'))
  await device.checkIn(runs('os@1'))
  return device
}
const update = async (device: TestDevice, state = 'UPDATED') => {
  const { operation } = await device.offer(runs('os@1'))
  await device.report(operation, { state })
}

test.skipIf(!hasCommand(COAP_CLIENT))(
  'one campaign goes through every dialect there is: the canary, then the rest, and one that fails',
  async () => {
    const canary = await own('canary')
    const tb = `${platform.url}/api/v1/${await platform.addDevice('thingsboard', 'box')}`
    const tell = (words: object) => curl('--data', JSON.stringify(words), `${tb}/telemetry`)
    await tell(OLD)
    const mqtt = await welcomed({
      ...platform.mqtt,
      username: await platform.addDevice('mqtt', 'box'),
    })
    const publish = (words: object) =>
      mqtt.publish('v1/devices/me/telemetry', JSON.stringify(words), 1)
    await publish(OLD)
    await mqtt.subscribe('v1/devices/me/attributes')
    const at = (path: string) => `${platform.coap}/${path}`
    const observerToken = await platform.addDevice('coap', 'box')
    const post = (words: object) =>
      coap('-m', 'post', '-e', JSON.stringify(words), at(`api/v1/${observerToken}/telemetry`))
    await post(OLD)
    const observer = coapClient('-s', '60', at(`api/v1/${observerToken}/attributes`))
    await observer.printed('{}')
    const broken = await own('broken')
    await platform.waiting(2)

    const settings = {
      maxFailurePercentage: 30,
      stopRule: null,
      waves: [{ size: { count: 1 }, successPercentage: 100 }],
    }
    // The canary is whoever comes first: here those on a line would be.
    const campaign = await begin({
      releaseId: await addRelease(),
      settings,
      scheduledAt: new Date(Date.now() + 3_600_000).toISOString(),
    })
    const { id } = campaign
    expect(campaign).toMatchObject({ status: 'scheduled', total: 5 })
    platform.advanceClock({ minutes: 60 })
    await until(id, {
      status: 'in-progress',
      waves: [
        { size: 1, asked: 1 },
        { size: 4, asked: 0 },
      ],
    })
    const [first] = (await targetsOf(id)).filter(({ status }) => status === 'in-progress')
    expect(['mqtt', 'coap']).toContain(first?.device.name)
    expect(await canary.offers(runs('os@1'))).toEqual([])
    expect((await curl(`${tb}/attributes`)).body).not.toContain('fw_version')
    const finishMqtt = async () => {
      await mqtt.message('v1/devices/me/attributes')
      await publish({ fw_state: 'DOWNLOADING' })
      await publish({ ...NEW, fw_state: 'UPDATED' })
    }
    const finishCoap = async () => {
      await observer.printed('fw_version')
      await post({ fw_state: 'DOWNLOADING' })
      await post({ ...NEW, fw_state: 'UPDATED' })
    }
    await (first?.device.name === 'mqtt' ? finishMqtt() : finishCoap())
    // The other one on a line is asked by itself as soon as the canary is updated.
    await (first?.device.name === 'mqtt' ? finishCoap() : finishMqtt())
    await until(id, { tally: { successful: 2 } })
    await update(canary)
    expect((await curl(`${tb}/attributes`)).body).toContain('"fw_version":"2"')
    await tell({ ...NEW, fw_state: 'UPDATED' })
    const { operation } = await broken.offer(runs('os@1'))
    await broken.report(operation, { state: 'FAILED', error: 'The flash is worn out' })
    await until(id, { status: 'finished', outcome: 'success' })
    expect(await show(id)).toMatchObject({
      tally: { idle: 0, 'in-progress': 0, successful: 4, failed: 1, skipped: 0 },
      because: expect.stringContaining('4 updated, 1 failed'),
    })
    const targets = await targetsOf(id)
    const of = (name: string) => targets.find(({ device }) => device.name === name)
    expect(of('broken')).toMatchObject({
      status: 'failed',
      because: expect.stringContaining('The flash is worn out'),
      before: { title: 'os', version: '1' },
      wave: 2,
    })
    for (const name of ['canary', 'thingsboard', 'mqtt', 'coap']) {
      expect(of(name)).toMatchObject({ status: 'successful', operation: { state: 'UPDATED' } })
      expect((await platform.device(name)).installed).toMatchObject({ firmware: { version: '2' } })
    }
    mqtt.end()
    await observer.stop()
  },
)

test('an operator holds it, lets it go on, approves a wave, ends it and has it tried again', async () => {
  const devices = [await own('a'), await own('b'), await own('c')] as const
  const settings = {
    stopRule: null,
    waves: [{ size: { count: 1 }, successPercentage: 100, needsApproval: true }],
  }
  const { id } = await begin({ releaseId: await addRelease(), settings })
  const does = (what: 'pause' | 'resume' | 'cancel' | 'approve' | 'retry') =>
    platform.api(`${what}Campaign`, { params: { id } })
  expect((await does('pause')).status).toBe('paused')
  expect(await devices[0].offers(runs('os@1'))).toEqual([])
  expect((await does('resume')).status).toBe('in-progress')
  await update(devices[0])
  expect(await devices[1].offers(runs('os@1'))).toEqual([])
  expect(await show(id)).toMatchObject({ canApprove: true, gate: { code: 'campaign.approval' } })
  expect((await does('approve')).canApprove).toBe(false)
  const { operation } = await devices[1].offer(runs('os@1'))
  // Whoever is at it goes on while it is held.
  expect((await does('pause')).status).toBe('pausing')
  await devices[1].report(operation, { state: 'UPDATED' })
  await until(id, { status: 'paused', tally: { successful: 2, idle: 1 } })
  await does('resume')
  await devices[2].offer(runs('os@1'))
  expect(await does('cancel')).toMatchObject({ status: 'finished', outcome: 'cancelled' })
  await until(id, { tally: { successful: 2, skipped: 1, 'in-progress': 0 } })
  expect(await devices[2].offers(runs('os@1'))).toEqual([])
  expect(await does('retry')).toMatchObject({ status: 'in-progress', tally: { idle: 1 } })
  await update(devices[2])
  await until(id, { status: 'finished', outcome: 'success', tally: { successful: 3 } })
  expectProblem(await ask(platform, 'pauseCampaign', { params: { id } }), 409, 'campaign.not-now')
})

test('of two campaigns for one device the older one comes first, then the other', async () => {
  const device = await own('a')
  const older = await begin({ name: 'older', releaseId: await addRelease('2') })
  const newer = await begin({ name: 'newer', releaseId: await addRelease('3') })
  expect(await device.offers(runs('os@1'))).toEqual(['os@2'])
  const because = 'Campaign older is older and not done with this device.'
  expect(await targetsOf(newer.id)).toMatchObject([{ status: 'idle', because }])
  await device.report((await device.offer()).operation, { state: 'UPDATED' })
  await until(older.id, { outcome: 'success' })
  expect(await device.offers(runs('os@2'))).toEqual(['os@3'])
  await device.report((await device.offer()).operation, { state: 'UPDATED' })
  await until(newer.id, { outcome: 'success', tally: { successful: 1 } })
  expect(await platform.history('a')).toHaveLength(2)
})

test('a server that starts again goes on where the campaign was', async () => {
  const devices = [await own('a'), await own('b'), await own('c')] as const
  const waves = [{ size: { count: 1 }, soakSeconds: 600, successPercentage: 100 }]
  const { id } = await begin({ releaseId: await addRelease(), settings: { waves } })
  await update(devices[0])
  await platform.restart()
  expect(await devices[1].offers(runs('os@1'))).toEqual([])
  platform.advanceClock({ minutes: 10 })
  await update(devices[1])
  const { operation } = await devices[2].offer(runs('os@1'))
  await platform.restart()
  expect((await devices[2].offer()).operation).toBe(operation)
  await devices[2].report(operation, { state: 'UPDATED' })
  await until(id, { outcome: 'success', tally: { successful: 3 } })
})

test('two servers on one database run a campaign once', async () => {
  const two = await testPlatform({
    databaseUrl: platform.connectionString,
    artifacts: [{ name: 'default', kind: 'file', folder: join(platform.dataFolder, 'artifacts') }],
  })
  try {
    const names = Array.from({ length: 24 }, (_, index) => `d${index}`)
    const devices = await Promise.all(names.map(own))
    const settings = {
      maxInProgress: 5,
      maxFailurePercentage: 100,
      stopRule: null,
      waves: [{ size: { count: 2 }, successPercentage: 100 }],
    }
    const { id } = await begin({ releaseId: await addRelease(), settings })
    const highest = { atOnce: 0 }
    const walk = async ({ token }: TestDevice, index: number) => {
      const servers = [platform, two].map(({ url }) => testDevice(url, token))
      for (let turn = index; (await show(id)).status !== 'finished'; turn += 1) {
        const { body } = await (servers[turn % 2] as TestDevice).checkIn({}, { prefer: 'wait=1' })
        const [offer] = body.offers
        const { tally } = await show(id)
        highest.atOnce = Math.max(highest.atOnce, tally['in-progress'])
        if (!offer) continue
        await (servers[(turn + 1) % 2] as TestDevice).report(offer.operation, { state: 'UPDATED' })
        return
      }
    }
    await Promise.all(devices.map(walk))
    await until(id, { outcome: 'success', tally: { successful: 24 } })
    expect(highest.atOnce).toBeLessThanOrEqual(5)
    for (const name of names) expect(await platform.history(name)).toHaveLength(1)
  } finally {
    await two.stop()
  }
})

describe('a server that is killed in the middle', () => {
  let server: ServerProcess
  beforeAll(async () => {
    server = await serverProcess()
  })
  afterAll(() => server.remove())

  test('of a campaign has lost nothing, and every device is updated once', async () => {
    const { api } = server
    await api('createProfile', { body: { name: 'box' } })
    const { sha256 } = await api('uploadArtifact', { body: BYTES })
    const release = { title: 'os', version: '2', profile: 'box', type: 'firmware', sha256 }
    const { id: releaseId } = await api('createRelease', { body: release })
    const names = Array.from({ length: 30 }, (_, index) => ({ name: `k${index}`, profile: 'box' }))
    const { devices } = await api('importDevices', { body: { devices: names } })
    const settings = {
      maxInProgress: 6,
      maxFailurePercentage: 100,
      stopRule: null,
      waves: [{ size: { count: 3 }, successPercentage: 100 }],
    }
    const body = { name: 'C', releaseId, audience: { expression: 'true' }, settings }
    const { id } = await api('createCampaign', { body })
    const show = () => api('showCampaign', { params: { id } })
    const isAway = (error: unknown) => error instanceof TypeError
    const updated: string[] = []
    let isOver = false
    const walk = async ({ name, token }: { name: string; token: string | null }) => {
      const device = testDevice(server.url, token ?? '')
      let version = '1'
      while (!isOver) {
        try {
          const { body: answer } = await device.checkIn(runs(`os@${version}`))
          const [offer] = answer.offers
          if (!offer) {
            if (version === '2') return
            await new Promise((resolve) => setTimeout(resolve, 20))
            continue
          }
          // It is what it runs from here on, whether or not anybody hears of it.
          if (version === '1') updated.push(name)
          version = '2'
          await device.report(offer.operation, { state: 'UPDATED' })
        } catch (error) {
          if (!isAway(error)) throw error
          await new Promise((resolve) => setTimeout(resolve, 50))
        }
      }
    }
    const walking = Promise.all(devices.map(walk))
    walking.catch(() => {})
    // At the canaries, early, half-way and near the end.
    for (const share of [1, 6, 15, 26]) {
      await expect.poll(() => updated.length, { interval: 2 }).toBeGreaterThanOrEqual(share)
      await server.kill()
      await server.start()
    }
    await expect.poll(show).toMatchObject({
      status: 'finished',
      outcome: 'success',
      tally: { idle: 0, 'in-progress': 0, successful: 30, failed: 0, skipped: 0 },
    })
    isOver = true
    await walking
    expect(updated.toSorted()).toEqual(names.map(({ name }) => name).toSorted())
    const { waves } = await show()
    expect(waves).toMatchObject([
      { size: 3, asked: 3, successful: 3 },
      { size: 27, asked: 27, successful: 27 },
    ])
    for (const { id: device } of devices) {
      const { items } = await api('listDeviceOperations', { params: { id: device } })
      expect(items.map(({ state }) => state)).toEqual(['UPDATED'])
    }
  })
})
