import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import {
  type Options,
  type TestClient,
  welcomed,
} from '@updraft/server/transports/mqtt-client.test-helper'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasCommand, pahoFolder } from '../tools/services.mjs'
import { random } from './firmware.ts'
import { addWithOwn, assignOwn } from './own-release.ts'
import { type TestPlatform, testPlatform } from './platform.ts'
import { python } from './python.ts'

const call = promisify(execFile)
const paho = await pahoFolder()

let platform: TestPlatform
beforeAll(async () => {
  platform = await testPlatform()
  await platform.addProfile('pump')
})
afterAll(() => platform.stop())

describe.skipIf(!hasCommand('mosquitto_rr'))('mosquitto', () => {
  const at = (token: string) => {
    const { host, port } = platform.mqtt
    return ['-h', host, '-p', String(port), '-u', token]
  }
  const ask = async (
    token: string,
    topic: string,
    answer: string,
    payload: string,
    ...more: string[]
  ) => {
    const args = [...at(token), ...more, '-N', '-W', '20', '-t', topic, '-e', answer, '-m', payload]
    const { stdout } = await call('mosquitto_rr', args, { encoding: 'buffer', maxBuffer: 2 ** 26 })
    return stdout
  }

  test.concurrent('asks for attributes in all three versions, and gets chunks of each family by their ids', async () => {
    const name = 'asks'
    const [firmware, software] = [random(10_000), random(5_000)]
    const token = await addWithOwn(platform, name, { bytes: firmware })
    await assignOwn(platform, name, { version: '7', bytes: software, type: 'software' })
    for (const version of ['mqttv31', 'mqttv311', 'mqttv5']) {
      const topic = 'v1/devices/me/attributes'
      const keys = '{"sharedKeys":"fw_title,fw_version,sw_version,"}'
      const answer = await ask(
        token,
        `${topic}/request/1`,
        `${topic}/response/1`,
        keys,
        '-V',
        version,
      )
      expect(JSON.parse(answer.toString())).toEqual({
        shared: { fw_title: 'for asks', fw_version: '1.10', sw_version: '7' },
      })
    }
    const chunk = (family: string, index: number, size: string) =>
      ask(
        token,
        `v2/${family}/request/1/chunk/${index}`,
        `v2/${family}/response/1/chunk/${index}`,
        size,
      )
    expect(await chunk('fw', 2, '4096')).toEqual(Buffer.from(firmware.subarray(8192)))
    expect(await chunk('sw', 0, '"4096"')).toEqual(Buffer.from(software.subarray(0, 4096)))
    expect(await chunk('sw', 0, '0')).toEqual(Buffer.from(software))
    expect(await chunk('fw', 3, '4096')).toHaveLength(0)
  })
})

describe.skipIf(!hasCommand('mosquitto_pub'))(
  'mosquitto, one program to listen and one to speak',
  () => {
    test.concurrent.each(['mqttv31', 'mqttv311', 'mqttv5'])(
      'is told and updates over %s',
      async (version) => {
        const name = `mosquitto ${version}`
        const token = await platform.addDevice(name, 'pump')
        const { host, port } = platform.mqtt
        const at = ['-h', host, '-p', String(port), '-u', token, '-V', version]
        const listening = call('mosquitto_sub', [
          ...[...at, '-q', '1', '-C', '1', '-W', '30', '-t', 'v1/devices/me/attributes'],
        ])
        await platform.until(name, ({ lastSeenAt }) => lastSeenAt !== null)
        await assignOwn(platform, name, { bytes: random(100) })
        expect(JSON.parse((await listening).stdout)).toMatchObject({
          fw_title: `for ${name}`,
          fw_version: '1.10',
          fw_size: 100,
        })
        const installed = { current_fw_title: `for ${name}`, current_fw_version: '1.10' }
        for (const [qos, words] of [
          ['0', { fw_state: 'DOWNLOADING' }],
          ['1', { fw_state: 'DOWNLOADED' }],
          ['2', { ...installed, fw_state: 'UPDATED' }],
        ] as const) {
          const said = ['-t', 'v1/devices/me/telemetry', '-m', JSON.stringify(words)]
          await call('mosquitto_pub', [...at, '-q', qos, ...said])
          const state = words.fw_state
          await platform.until(name, ({ operation }) => operation?.state === state)
        }
      },
    )
  },
)

describe.skipIf(!paho)("a script on Debian's paho", () => {
  test.concurrent.each(
    ['3.1.1', '5'].flatMap((version) => [0, 1, 2].map((qos) => ({ version, qos }))),
  )('updates over MQTT $version at quality $qos', async ({ version, qos }) => {
    const name = `paho ${version} ${qos}`
    const token = await addWithOwn(platform, name, { bytes: random(10_000) })
    const { host, port } = platform.mqtt
    const args = [host, String(port), token, version, String(qos)]
    const cwd = platform.dataFolder
    const device = python('python3', { name: 'paho_device', args, cwd, modules: paho })
    expect(await device.next()).toBe(version === '5' ? 'Success' : '0')
    expect(await device.next()).toEqual(Array(3).fill(Math.min(qos, 1)))
    expect(await device.next()).toMatchObject({ fw_version: '1.10', fw_size: 10_000 })
    expect(await device.next()).toBe(10_000)
    await device.ended
    // What was sent at quality 0 may still be under way.
    await platform.until(name, ({ operation }) => operation?.state === 'UPDATED')
    expect(await platform.history(name)).toEqual([
      ['QUEUED', 'INITIATED', 'DOWNLOADING', 'DOWNLOADED', 'VERIFIED', 'UPDATING', 'UPDATED'],
    ])
  })
})

describe('a device', () => {
  const connect = (token: string, more: Partial<Options> = {}) =>
    welcomed({ ...platform.mqtt, username: token, ...more })
  const tell = (device: TestClient, words: object) =>
    device.publish('v1/devices/me/telemetry', JSON.stringify(words), 1)
  const pushed = async (device: TestClient) =>
    JSON.parse(`${(await device.message('v1/devices/me/attributes')).payload}`)
  const fetchChunk = async (device: TestClient, id: number, index: number, size: number) => {
    void device.publish(`v2/fw/request/${id}/chunk/${index}`, String(size))
    return (await device.message(`v2/fw/response/${id}/chunk/${index}`)).payload
  }

  test.concurrent('is not given two files as one when another release is assigned midway', async () => {
    const name = 'overtaken'
    const [first, second] = [random(10_000), random(9_000)]
    const token = await addWithOwn(platform, name, { bytes: first })
    const device = await connect(token, { version: 5 })
    await device.subscribe('v1/devices/me/attributes')
    expect(await pushed(device)).toMatchObject({ fw_version: '1.10', fw_size: 10_000 })
    await tell(device, { fw_state: 'DOWNLOADING' })
    const chunks = [await fetchChunk(device, 1, 0, 4096)]
    await assignOwn(platform, name, { version: '2.0', bytes: second })
    chunks.push(await fetchChunk(device, 1, 1, 4096), await fetchChunk(device, 1, 2, 4096))
    expect(Buffer.concat(chunks)).toEqual(Buffer.from(first))
    const installed = { current_fw_title: `for ${name}`, current_fw_version: '1.10' }
    await tell(device, { ...installed, fw_state: 'UPDATED' })
    expect(await pushed(device)).toMatchObject({ fw_version: '2.0', fw_size: 9_000 })
    expect(await fetchChunk(device, 2, 0, 10_000)).toEqual(Buffer.from(second))
    device.end()
  })

  test.concurrent('that lost power comes back with the old version, is told again and arrives', async () => {
    const name = 'in the dark'
    const token = await addWithOwn(platform, name, { bytes: random(10_000) })
    const device = await connect(token)
    await device.subscribe('v1/devices/me/attributes')
    await pushed(device)
    await tell(device, { fw_state: 'DOWNLOADING' })
    await fetchChunk(device, 1, 0, 4096)
    device.end()
    const again = await connect(token)
    const old = { current_fw_title: `for ${name}`, current_fw_version: '1.0' }
    await tell(again, { ...old, fw_state: 'UPDATED' })
    await again.subscribe('v1/devices/me/attributes')
    expect(await pushed(again)).toMatchObject({ fw_version: '1.10' })
    await tell(again, { fw_state: 'DOWNLOADING' })
    await tell(again, { ...old, current_fw_version: '1.10', fw_state: 'UPDATED' })
    expect((await platform.device(name)).operation).toMatchObject({ state: 'UPDATED' })
    again.end()
  })

  test.concurrent('that listens to all there is, or reads nothing, loses nothing of what it says', async () => {
    const name = 'deaf'
    const token = await addWithOwn(platform, name, { bytes: random(3_000_000) })
    const device = await connect(token)
    device.socket.pause()
    for (const topic of ['v1/devices/me/attributes', 'v2/a/j', 'v2/fw/response/#', '#']) {
      void device.subscribe(topic).catch(() => {})
    }
    for (let each = 0; each < 20; each++) void device.publish('v2/fw/request/1/chunk/0', '0')
    const installed = { current_fw_title: `for ${name}`, current_fw_version: '1.10' }
    void device.publish(
      'v1/devices/me/telemetry',
      JSON.stringify({ ...installed, fw_state: 'UPDATED' }),
    )
    device.socket.resume()
    await platform.until(name, ({ operation }) => operation?.state === 'UPDATED')
    device.end()
  })

  test.concurrent('whose token is replaced is let go', async () => {
    const token = await platform.addDevice('replaced', 'pump')
    const device = await connect(token, { version: 5 })
    const { id, lastSeenAt } = await platform.device('replaced')
    expect(lastSeenAt).not.toBeNull()
    await platform.api('replaceDeviceToken', { params: { id }, body: {} })
    expect(await device.closed).toBe(0x87)
  })
})

test('a profile of 200 devices is told in packs', async () => {
  // The next pack would leave in a day.
  const paced = await testPlatform({ pacePackSize: 50, paceIntervalMs: 86_400_000 })
  try {
    await paced.addProfile('fleet')
    const names = Array.from({ length: 200 }, (_, index) => `f${index}`)
    const devices = await Promise.all(
      names.map(async (name) => {
        const token = await paced.addDevice(name, 'fleet')
        const device = await welcomed({ ...paced.mqtt, username: token })
        await device.subscribe('v1/devices/me/attributes')
        return device
      }),
    )
    const releaseId = await paced.addRelease({
      title: 'app',
      version: '2',
      profile: 'fleet',
      bytes: random(100),
    })
    await paced.assign(releaseId, { profile: 'fleet' })
    let told = 0
    const hearing = devices.map(async (device) => {
      await device.message('v1/devices/me/attributes')
      told += 1
    })
    const tellsOnly = async (count: number) => {
      await expect.poll(() => told).toBe(count)
      expect((await paced.api('overview', {})).states).toMatchObject({ QUEUED: 200 - count })
      expect(told).toBe(count)
    }
    await tellsOnly(50)
    await paced.api('changeSettings', { body: { pacePackSize: 120 } })
    await tellsOnly(120)
    await paced.api('changeSettings', { body: { pacePackSize: 200 } })
    await Promise.all(hearing)
    for (const device of devices) device.end()
  } finally {
    await paced.stop()
  }
})

test('a gateway speaks for the devices behind it, and is told what they are to run', async () => {
  const token = await platform.addDevice('box', 'pump')
  const { id } = await platform.device('box')
  await platform.api('changeDevice', { params: { id }, body: { attributes: { gateway: true } } })
  const gateway = await welcomed({ ...platform.mqtt, username: token, version: 5 })
  await gateway.subscribe('v1/gateway/attributes', 'v1/gateway/attributes/response')
  const say = (verb: string, words: object) =>
    gateway.publish(`v1/gateway/${verb}`, JSON.stringify(words), 1)
  const hear = async (topic: string) => JSON.parse(`${(await gateway.message(topic)).payload}`)
  expect(await say('connect', { device: 'child', type: 'pump' })).toBe(0)
  expect(await say('connect', { device: 'stranger', type: 'no such profile' })).toBe(0)
  expect(await platform.device('child')).toMatchObject({
    profile: 'pump',
    dialect: 'thingsboard',
    lastSeenAt: expect.any(String),
  })
  const file = random(100)
  await assignOwn(platform, 'child', { bytes: file })
  expect(await hear('v1/gateway/attributes')).toMatchObject({
    device: 'child',
    data: { fw_title: 'for child', fw_version: '1.10', fw_size: 100 },
  })
  await say('attributes/request', { id: 1, device: 'child', client: false, key: 'fw_version' })
  expect(await hear('v1/gateway/attributes/response')).toEqual({
    id: 1,
    device: 'child',
    value: '1.10',
  })
  const chunks: Buffer[] = []
  for (const index of [0, 1]) {
    await say(`fw/request/1/chunk/${index}`, { device: 'child', size: 60 })
    chunks.push((await gateway.message(`v1/gateway/fw/response/1/chunk/${index}`)).payload)
  }
  expect(Buffer.concat(chunks)).toEqual(Buffer.from(file))
  const values = { current_fw_title: 'for child', current_fw_version: '1.10', fw_state: 'UPDATED' }
  await say('telemetry', { stranger: [{ t: 1 }], child: [{ ts: 1, values }] })
  await say('attributes', { child: { serial: 'C1' } })
  expect(await platform.device('child')).toMatchObject({
    inventory: { serial: 'C1' },
    operation: { state: 'UPDATED' },
  })
  const other = await welcomed({
    ...platform.mqtt,
    username: await platform.addDevice('no gateway', 'pump'),
    version: 5,
  })
  expect(await other.publish('v1/gateway/connect', '{"device":"child"}', 1)).toBe(0x87)
  gateway.end()
  other.end()
})
