import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runs, type TestDevice, testDevice } from './device.ts'
import { type TestPlatform, testPlatform } from './platform.ts'

let platform: TestPlatform
beforeAll(async () => {
  platform = await testPlatform()
})
afterAll(() => platform.stop())

/** A profile of its own for each test; its releases are named after it. */
async function profile(name: string) {
  await platform.addProfile(name)
  const releases = new Map<string, string>()
  const release = async (version: string, more: { type?: string; requirement?: string } = {}) => {
    const id = await platform.addRelease({
      title: more.type ? `${name}-${more.type}` : name,
      version,
      profile: name,
      bytes: new TextEncoder().encode(`${name} ${more.type} ${version}`),
      ...more,
    })
    releases.set(version, id)
    return id
  }
  const profileId = async () =>
    (await platform.api('listProfiles', { query: { name } })).items[0]?.id ?? ''
  return {
    release,
    device: async (deviceName: string): Promise<TestDevice> =>
      testDevice(platform.url, await platform.addDevice(deviceName, name)),
    assign: (version: string, device?: string) =>
      platform.assign(releases.get(version) ?? '', device ? { device } : { profile: name }),
    withdraw: async (device?: string) => {
      const type = 'firmware'
      if (device) {
        const { id } = await platform.device(device)
        await platform.api('unassignFromDevice', { params: { id, type } })
      } else {
        await platform.api('unassignFromProfile', { params: { id: await profileId(), type } })
      }
    },
  }
}

const update = async (device: TestDevice, from: string): Promise<string> => {
  const { operation, title, version } = await device.offer(runs(from))
  await device.report(operation, { state: 'DOWNLOADING' })
  await device.report(operation, { state: 'UPDATED' })
  return `${title}@${version}`
}

const fail = async (device: TestDevice): Promise<void> => {
  const { operation } = await device.offer()
  await device.report(operation, { state: 'FAILED', error: 'no' })
}

const firmwareOf = async (name: string) => {
  const { components } = await platform.device(name)
  return components.firmware
}
const statesOf = async (name: string) => {
  const { id } = await platform.device(name)
  const { items } = await platform.api('listDeviceOperations', { params: { id } })
  return items.map(({ release, state }) => `${release.title}@${release.version} ${state}`)
}
const operationOf = async (name: string) => (await platform.device(name)).operation?.id ?? ''

test("a device's own assignment beats its profile's, now and later; withdrawn, the profile's holds again", async () => {
  const pump = await profile('F')
  for (const version of ['1', '2', '3']) await pump.release(version)
  const [d1, d2] = [await pump.device('D1'), await pump.device('D2')]
  await pump.assign('1')
  expect(await update(d1, 'F@0')).toBe('F@1')
  expect(await update(d2, 'F@0')).toBe('F@1')

  await pump.assign('2', 'D1')
  expect(await d2.offers()).toEqual([])
  expect(await update(d1, 'F@1')).toBe('F@2')

  await pump.assign('3')
  expect(await d1.offers()).toEqual([])
  expect(await firmwareOf('D1')).toMatchObject({ because: 'The device already runs F@2.' })
  expect(await update(d2, 'F@1')).toBe('F@3')

  await pump.withdraw('D1')
  const { operation } = await platform.until('D1', (device) => device.operation?.state === 'QUEUED')
  expect(operation?.origin.message).toBe('F@3, because profile F is assigned it.')
  expect(await update(d1, 'F@2')).toBe('F@3')
})

describe('another release assigned', () => {
  test('before the device has begun takes the place of the first', async () => {
    const pump = await profile('G')
    for (const version of ['1', '2', '3']) await pump.release(version)
    const device = await pump.device('G1')
    await pump.assign('1')
    await platform.until('G1', ({ operation }) => operation?.state === 'QUEUED')
    await pump.assign('2')
    await platform.until('G1', ({ operation }) => operation?.release.version === '2')
    const { operation } = await device.offer()
    await pump.assign('3')
    expect(await device.offers()).toEqual(['G@3'])
    expect(await statesOf('G1')).toEqual(['G@3 INITIATED', 'G@2 CANCELED', 'G@1 CANCELED'])
    const late = await device.report(operation, { state: 'DOWNLOADING' })
    expect([late.status, late.body.code]).toEqual([409, 'operation.already-ended'])
  })

  test('while the device downloads waits until it is done, and is offered then', async () => {
    const pump = await profile('H')
    for (const version of ['1', '2']) await pump.release(version)
    const device = await pump.device('H1')
    await pump.assign('1')
    const { operation } = await device.offer(runs('H@0'))
    await device.report(operation, { state: 'DOWNLOADING' })
    await pump.assign('2')
    expect(await device.offers()).toEqual(['H@1'])
    await device.report(operation, { state: 'UPDATED' })
    expect(await statesOf('H1')).toEqual(['H@2 QUEUED', 'H@1 UPDATED'])
    expect(await device.offers()).toEqual(['H@2'])
  })

  test('is taken back when nothing is assigned any more', async () => {
    const pump = await profile('I')
    await pump.release('1')
    const device = await pump.device('I1')
    await pump.assign('1')
    expect(await device.offers()).toEqual(['I@1'])
    await pump.withdraw()
    expect(await device.offers()).toEqual([])
    expect(await firmwareOf('I1')).toMatchObject({
      verdict: 'nothing',
      because: 'Neither this device nor profile I is assigned a firmware release.',
      operation: { state: 'CANCELED', because: 'Nothing is meant for this device any more.' },
    })
  })
})

test('several components are updated in one check-in, each for itself', async () => {
  const pump = await profile('J')
  const types = ['firmware', 'software', 'modem-fw']
  const device = await pump.device('J1')
  for (const type of types) {
    await platform.assign(await pump.release('2', { type }), { profile: 'J' }, type)
  }
  const installed = Object.fromEntries(
    types.map((type) => [type, { title: `J-${type}`, version: type === 'software' ? '2' : '1' }]),
  )
  const { offers } = (await device.checkIn({ installed })).body
  expect(offers.map(({ type, title }) => [type, title])).toEqual([
    ['firmware', 'J-firmware'],
    ['modem-fw', 'J-modem-fw'],
  ])
  const [firmware, modem] = offers
  await device.report(firmware?.operation ?? '', { state: 'FAILED', error: 'no' })
  await device.report(modem?.operation ?? '', { state: 'UPDATED' })
  const { components } = await platform.device('J1')
  expect(components).toMatchObject({
    firmware: { operation: { state: 'FAILED' } },
    software: { operation: { state: 'UPDATED' } },
    'modem-fw': { installed: { version: '2' }, operation: { state: 'UPDATED' } },
  })
})

describe('why there is nothing', () => {
  test('is that the device does not have what the release requires', async () => {
    const pump = await profile('K')
    await pump.release('3', { requirement: '>=2.0.0' })
    const device = await pump.device('K1')
    await pump.assign('3')
    expect(await device.offers()).toEqual([])
    expect((await firmwareOf('K1'))?.because).toBe(
      'K@3 requires >=2.0.0; the device has not told its version.',
    )
    expect(await device.offers(runs('K@1.4.0'))).toEqual([])
    expect((await firmwareOf('K1'))?.because).toBe('K@3 requires >=2.0.0; the device has 1.4.0.')
    expect(await device.offers(runs('K@2.1.0'))).toEqual(['K@3'])
  })

  test('is that the device already runs it', async () => {
    const pump = await profile('L')
    await pump.release('1')
    const device = await pump.device('L1')
    await device.checkIn(runs('L@1'))
    await pump.assign('1')
    expect(await device.offers()).toEqual([])
    expect(await firmwareOf('L1')).toMatchObject({
      verdict: 'nothing',
      because: 'The device already runs L@1.',
      operation: null,
    })
  })
})

test('what a factory reset brought back is updated again', async () => {
  const pump = await profile('M')
  await pump.release('2')
  const device = await pump.device('M1')
  await pump.assign('2')
  await update(device, 'M@1')
  expect(await device.offers(runs('M@2'))).toEqual([])
  const { body } = await device.checkIn(runs('M@1'))
  expect(body.offers).toEqual([])
  platform.advanceClock({ minutes: 16 })
  expect(await device.offers(runs('M@1'))).toEqual(['M@2'])
})

describe("an operator's hand", () => {
  test('that cancels is obeyed until it is assigned anew', async () => {
    const pump = await profile('N')
    await pump.release('1')
    const device = await pump.device('N1')
    await pump.assign('1')
    expect(await device.offers()).toEqual(['N@1'])
    await platform.api('cancelOperation', { params: { id: await operationOf('N1') } })
    expect(await device.offers(runs('N@0'))).toEqual([])
    platform.advanceClock({ minutes: 60 * 24 * 40 })
    expect(await device.offers(runs('N@0'))).toEqual([])
    expect((await firmwareOf('N1'))?.because).toContain('An operator cancelled N@1')
    await pump.assign('1')
    expect(await device.offers()).toEqual(['N@1'])
  })

  test('that tries again what was cancelled is obeyed as well', async () => {
    const pump = await profile('O')
    await pump.release('1')
    const device = await pump.device('O1')
    await pump.assign('1')
    const { operation: id } = await device.offer()
    await platform.api('cancelOperation', { params: { id } })
    const retried = await platform.api('retryOperation', { params: { id } })
    expect(retried).toMatchObject({ state: 'QUEUED', release: { version: '1' } })
    expect((await device.offer()).operation).toBe(retried.id)
    await expect(platform.api('retryOperation', { params: { id: retried.id } })).rejects.toThrow(
      /only what failed or was cancelled/,
    )
  })

  test('that tries again what failed need not wait for the next attempt', async () => {
    const pump = await profile('P')
    await pump.release('1')
    const device = await pump.device('P1')
    await pump.assign('1')
    await fail(device)
    expect(await device.offers()).toEqual([])
    await platform.api('retryOperation', { params: { id: await operationOf('P1') } })
    expect(await device.offers()).toEqual(['P@1'])
  })
})

test('what fails is tried again after longer and longer, and then a person must look', async () => {
  const pump = await profile('Q')
  await pump.release('1')
  const device = await pump.device('Q1')
  await pump.assign('1')
  for (const minutes of [15, 60, 240, 720]) {
    await fail(device)
    const { body } = await device.checkIn()
    expect(body.offers).toEqual([])
    expect(body.nextCheckInSeconds).toBeGreaterThan(Math.min(3600, minutes * 60) - 60)
    expect(body.nextCheckInSeconds).toBeLessThanOrEqual(Math.min(3600, minutes * 60))
    expect(await firmwareOf('Q1')).toMatchObject({
      because: expect.stringContaining('Q@1 failed on this device; the next attempt is due at'),
      lookAgainAt: expect.any(String),
    })
    platform.advanceClock({ minutes: minutes - 1 })
    expect(await device.offers()).toEqual([])
    platform.advanceClock({ minutes: 1 })
  }
  await fail(device)
  platform.advanceClock({ minutes: 60 * 24 * 100 })
  expect(await device.offers()).toEqual([])
  expect(await firmwareOf('Q1')).toMatchObject({
    because: 'Q@1 failed 5 times on this device; a person must look.',
    lookAgainAt: null,
  })
  expect(await statesOf('Q1')).toEqual(Array.from({ length: 5 }, () => 'Q@1 FAILED'))
  await pump.assign('1')
  expect(await device.offers()).toEqual(['Q@1'])
})
