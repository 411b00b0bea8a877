/** Clients whose makers' programs do not run here, played by what they put on the wire. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { random } from './firmware.ts'
import { addWithOwn, assignOwn, titleFor } from './own-release.ts'
import { type TestPlatform, testPlatform } from './platform.ts'
import { type Arduino, arduino } from './simulated/arduino.ts'
import { docsHttpSample } from './simulated/docs-http.ts'
import { docsMqttSample } from './simulated/docs-mqtt.ts'
import { performanceTestDevice } from './simulated/performance-tests.ts'
import { pythonSdk2 } from './simulated/python-sdk-2.ts'
import { zephyr, zephyrConfirms } from './simulated/zephyr.ts'

let platform: TestPlatform
beforeAll(async () => {
  platform = await testPlatform()
  await platform.addProfile('pump')
})
afterAll(() => platform.stop())

const ended = (name: string) => platform.until(name, ({ operation }) => !!operation?.endedAt)

describe("Arduino's SDK", () => {
  const start = (name: string, token: string, more: Partial<Arduino> = {}) =>
    arduino({ ...platform.mqtt, token, title: titleFor(name), version: '1.0', ...more })

  test.concurrent.each([
    ['with a rest', 10_000, {}, 3],
    ['without a rest', 8192, {}, 3],
    ['smaller than a chunk', 100, {}, 1],
    ['of many chunks', 65_536, { chunkBytes: 64 }, 1025],
    ['with a rest, as until 0.9', 10_000, { isOld: true }, 3],
    ['without a rest, as until 0.9', 8192, { isOld: true }, 3],
  ])(
    'fetches a file %s into its small buffer, reboots and runs it',
    async (what, sizeBytes, more, requests) => {
      const name = `arduino ${what}`
      const bytes = random(sizeBytes)
      const token = await addWithOwn(platform, name, { bytes })
      const run = await start(name, token, more)
      expect(run).toMatchObject({ end: 'rebooting', requests })
      expect(run.firmware.equals(bytes)).toBe(true)
      const { chunkBytes = 4096 } = more as Partial<Arduino>
      expect(run.largestPacketBytes).toBeGreaterThan(Math.min(chunkBytes, sizeBytes))
      expect(run.largestPacketBytes).toBeLessThanOrEqual(chunkBytes + 50)
      expect(await start(name, token, { ...more, version: '1.10' })).toMatchObject({
        end: 'up to date',
      })
      expect(await platform.history(name)).toEqual([
        ['QUEUED', 'INITIATED', 'DOWNLOADING', 'DOWNLOADED', 'UPDATING', 'UPDATED'],
      ])
    },
  )

  test.concurrent('that runs the release already says so at every start, and nothing comes of it', async () => {
    const name = 'arduino at it'
    const token = await addWithOwn(platform, name, { bytes: random(100) })
    for (let boot = 0; boot < 2; boot++) {
      expect(await start(name, token, { version: '1.10' })).toMatchObject({ end: 'up to date' })
    }
    const { components, installed } = await platform.device(name)
    expect(components.firmware?.reason.code).toBe('nothing.already-installed')
    expect(installed.firmware).toEqual({ title: titleFor(name), version: '1.10' })
  })

  test.concurrent('with nothing assigned goes on with what it has', async () => {
    const token = await platform.addDevice('arduino idle', 'pump')
    expect(await start('arduino idle', token)).toMatchObject({ end: 'nothing' })
  })

  test.concurrent('refuses what has another title, and the operator reads why', async () => {
    const name = 'arduino other'
    const token = await addWithOwn(platform, name, { bytes: random(100) })
    expect(await start('somebody else', token)).toMatchObject({ end: 'failed' })
    expect((await ended(name)).operation).toMatchObject({
      state: 'FAILED',
      error: 'The firmware is not meant for this device.',
    })
  })

  test.concurrent('that loses answers asks again for the same chunk, and takes no late one for another', async () => {
    const name = 'arduino lossy'
    const bytes = random(20_000)
    const token = await addWithOwn(platform, name, { bytes })
    const loses = (index: number, retries: number) => index % 2 === 1 && retries < 3
    const run = await start(name, token, { loses, timeoutMs: 250 })
    expect(run.end).toBe('rebooting')
    expect(run.requests).toBeGreaterThanOrEqual(5 + 2 * 3)
    expect(run.firmware.equals(bytes)).toBe(true)
  })

  test.concurrent('that hears nothing gives up after twelve retries, and the server knows', async () => {
    const name = 'arduino deaf'
    const token = await addWithOwn(platform, name, { bytes: random(10_000) })
    const run = await start(name, token, { loses: (index) => index === 1, timeoutMs: 100 })
    expect(run.end).toBe('failed')
    expect(run.requests).toBeGreaterThanOrEqual(13)
    expect((await ended(name)).operation).toMatchObject({
      state: 'FAILED',
      error: 'Too many retries.',
    })
  })
})

describe("a device of ThingsBoard's performance tests", () => {
  test.concurrent.each([
    ['with a rest', 120_000],
    ['without a rest', 102_400],
  ])(
    'is told, fetches a file %s until a chunk is empty, and says all its states at once',
    async (what, sizeBytes) => {
      const name = `performance ${what}`
      const bytes = random(sizeBytes)
      const token = await platform.addDevice(name, 'pump')
      const running = performanceTestDevice({ ...platform.mqtt, token })
      await assignOwn(platform, name, { bytes })
      expect((await running).equals(bytes)).toBe(true)
      expect(await platform.history(name)).toEqual([
        ['QUEUED', 'INITIATED', 'DOWNLOADING', 'DOWNLOADED', 'VERIFIED', 'UPDATING', 'UPDATED'],
      ])
    },
  )
})

describe('the SDK 2 for Python', () => {
  test.concurrent.each([
    ['with a rest', 10_000],
    ['without a rest', 8192],
  ])('is granted its filter and fetches a file %s', async (what, sizeBytes) => {
    const name = `sdk 2 ${what}`
    const bytes = random(sizeBytes)
    const token = await addWithOwn(platform, name, { bytes })
    const file = await pythonSdk2({ ...platform.mqtt, token, chunkBytes: 4096 })
    expect(file?.equals(bytes)).toBe(true)
    expect(await platform.history(name)).toEqual([
      ['QUEUED', 'INITIATED', 'DOWNLOADED', 'VERIFIED', 'UPDATING', 'UPDATED'],
    ])
  })

  test.concurrent('fails with a release that is kept elsewhere, and the operator reads why', async () => {
    const name = 'sdk 2 elsewhere'
    const token = await platform.addDevice(name, 'pump')
    const url = 'https://files.example/app.bin'
    const release = { title: 'elsewhere', version: '1', profile: 'pump', type: 'firmware', url }
    const { id } = await platform.api('createRelease', { body: release })
    await platform.assign(id, { device: name })
    expect(await pythonSdk2({ ...platform.mqtt, token, chunkBytes: 4096 })).toBeNull()
    expect((await platform.device(name)).operation).toMatchObject({
      state: 'FAILED',
      error: 'Keys are missing.',
    })
  })
})

describe("the sample for MQTT in ThingsBoard's documents", () => {
  test.concurrent.each([
    ['in chunks', 4096],
    ['as a whole', 0],
  ])('is updated %s, by asking and by being told', async (how, chunkBytes) => {
    const [asks, listens] = [`docs asks ${how}`, `docs listens ${how}`]
    const bytes = random(10_000)
    const token = await addWithOwn(platform, asks, { bytes })
    const asked = await docsMqttSample({ ...platform.mqtt, token, chunkBytes })
    expect(asked.equals(bytes)).toBe(true)
    await ended(asks)

    const other = await platform.addDevice(listens, 'pump')
    const listening = docsMqttSample({ ...platform.mqtt, token: other, chunkBytes })
    await platform.until(listens, ({ lastSeenAt }) => lastSeenAt !== null)
    await assignOwn(platform, listens, { bytes })
    expect((await listening).equals(bytes)).toBe(true)
    await ended(listens)
    for (const name of [asks, listens]) {
      expect(await platform.history(name)).toEqual([
        ['QUEUED', 'INITIATED', 'DOWNLOADING', 'DOWNLOADED', 'VERIFIED', 'UPDATING', 'UPDATED'],
      ])
    }
  })
})

describe("the sample for HTTP in ThingsBoard's documents", () => {
  test.concurrent.each([
    ['in chunks', 4096],
    ['as a whole', 0],
  ])('is updated %s, at its second throw of the dice', async (how, chunkBytes) => {
    const name = `docs http ${how}`
    const bytes = random(8192)
    const token = await addWithOwn(platform, name, { bytes })
    const { url } = platform
    const file = await docsHttpSample({ url, token, chunkBytes, throws: [false, true] })
    expect(file.equals(bytes)).toBe(true)
    const [second, first] = await platform.history(name)
    expect([first?.at(-1), second?.at(-1)]).toEqual(['FAILED', 'UPDATED'])
  })
})

describe("Zephyr's SDK", () => {
  test.concurrent.each([
    ['with a rest', 10_000, 10],
    ['without a rest', 8192, 8],
    ['smaller than a chunk', 100, 1],
  ])(
    'is told of a file %s, fetches it in exact chunks and runs it',
    async (what, sizeBytes, requests) => {
      const name = `zephyr-${what.replaceAll(' ', '-')}`
      const bytes = random(sizeBytes)
      const token = await platform.addDevice(name, 'pump')
      const its = { url: platform.coap, token, title: titleFor(name), version: '1.0' }
      const running = zephyr(its)
      await platform.until(name, ({ lastSeenAt }) => lastSeenAt !== null)
      await assignOwn(platform, name, { bytes })
      const { firmware, ...run } = await running
      expect(run).toEqual({ end: 'rebooting', requests, starts: 1 })
      expect(firmware.equals(bytes)).toBe(true)
      await zephyrConfirms({ ...its, version: '1.10' })
      expect(await platform.history(name)).toEqual([
        ['QUEUED', 'INITIATED', 'DOWNLOADING', 'DOWNLOADED', 'UPDATING', 'UPDATED'],
      ])
    },
  )

  test.concurrent('is not begun anew by attributes that change while it downloads', async () => {
    const name = 'zephyr-undisturbed'
    const bytes = random(5000)
    const token = await addWithOwn(platform, name, { bytes })
    const { id } = await platform.device(name)
    const change = (interval: number) =>
      platform.api('changeDevice', { params: { id }, body: { attributes: { interval } } })
    const its = { url: platform.coap, token, title: titleFor(name), version: '1.0' }
    const meanwhile = async () => {
      for (const interval of [10, 20, 30]) await change(interval)
    }
    const { firmware, ...run } = await zephyr({ ...its, meanwhile })
    expect(run).toEqual({ end: 'rebooting', requests: 5, starts: 1 })
    expect(firmware.equals(bytes)).toBe(true)
  })

  test.concurrent('that was off meanwhile is told at its start', async () => {
    const name = 'zephyr-off'
    const bytes = random(5000)
    const token = await addWithOwn(platform, name, { bytes })
    const its = { url: platform.coap, token, title: titleFor(name), version: '1.0' }
    expect(await zephyr(its)).toMatchObject({ end: 'rebooting', requests: 5, starts: 1 })
  })
})
