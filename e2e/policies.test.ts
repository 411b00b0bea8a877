/** Releases that say for themselves which devices get them: published, held back, taken back, and heard of at once. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runs, type TestDevice, testDevice } from './device.ts'
import { ask } from './operator.ts'
import { type TestPlatform, testPlatform } from './platform.ts'

let platform: TestPlatform

beforeAll(async () => {
  platform = await testPlatform()
})
afterAll(() => platform.stop())

interface Scene {
  readonly devices: readonly TestDevice[]
  release(version: string): Promise<string>
  /** Why the device gets what it gets, as an operator reads it. */
  why(device: number): Promise<string>
}

async function scene(profile: string, deviceCount: number): Promise<Scene> {
  await ask(platform, 'createProfile', { body: { name: profile } })
  const devices: TestDevice[] = []
  for (let index = 0; index < deviceCount; index += 1) {
    const token = await platform.addDevice(`${profile}-${index}`, profile)
    devices.push(testDevice(platform.url, token))
  }
  return {
    devices,
    release: (version) =>
      platform.addRelease({ title: profile, version, profile, bytes: new Uint8Array([1, 2, 3]) }),
    why: async (device) => {
      const { json } = await ask(platform, 'listDevices', {
        query: { name: `${profile}-${device}` },
      })
      return json.items[0].components.firmware.reason.code
    },
  }
}

async function publish(id: string, body: object = {}): Promise<void> {
  const { status, text } = await ask(platform, 'putPolicy', { params: { id }, body })
  expect(status, text).toBe(200)
}

test.each([
  ['number', { maxDevices: 1 }, 'deferred.max-devices'],
  ['share', { percentage: 50 }, 'deferred.percentage'],
  ['rate', { rate: 1, periodSeconds: 3600 }, 'deferred.rate'],
])('a limit of %s keeps the second device back, and says so', async (name, limits, code) => {
  const { devices, release, why } = await scene(name, 2)
  await publish(await release('2.0.0'), { limits })
  const offers = []
  for (const device of devices) offers.push(await device.offers(runs(`${name}@1.0.0`)))
  expect(offers).toEqual([[`${name}@2.0.0`], []])
  expect(await why(1)).toBe(code)
})

test('a bad release is taken back by a policy for those that run it', async () => {
  const { devices, release } = await scene('back', 2)
  const [one, two] = devices as [TestDevice, TestDevice]
  const [good, bad] = [await release('1.2.2'), await release('1.2.3')]
  await publish(bad)
  const { operation } = await one.offer(runs('back@1.2.2'))
  await one.report(operation, { state: 'UPDATED' })
  await ask(platform, 'disablePolicy', { params: { id: bad } })
  await publish(good, { expression: "version == '1.2.3'" })
  expect(await one.offers(runs('back@1.2.3'))).toEqual(['back@1.2.2'])
  expect(await two.offers(runs('back@1.2.2'))).toEqual([])
  expect(await one.offers(runs('back@1.2.2'))).toEqual([])
})

test('a device that opts in gets what others do not', async () => {
  const { devices, release, why } = await scene('beta', 1)
  const [device] = devices as [TestDevice]
  await publish(await release('2.0.0-beta.1'), { expression: 'device["try-beta-features"] == 1' })
  expect(await device.offers(runs('beta@1.0.0'))).toEqual([])
  expect(await why(0)).toBe('nothing.no-policy')
  const optingIn = { ...runs('beta@1.0.0'), facts: { 'try-beta-features': 1 } }
  expect(await device.offers(optingIn)).toEqual(['beta@2.0.0-beta.1'])
})

test('a device on the line hears at once of a policy that holds for it', async () => {
  const { devices, release } = await scene('line', 1)
  const [device] = devices as [TestDevice]
  const id = await release('2.0.0')
  await device.checkIn(runs('line@1.0.0'))
  const waiting = device.checkIn(runs('line@1.0.0'), { prefer: 'wait=30' })
  await publish(id)
  const { body } = await waiting
  expect(body.offers).toMatchObject([{ title: 'line', version: '2.0.0' }])
})

test('what the profile is assigned comes before its policies', async () => {
  const { devices, release, why } = await scene('assigned', 1)
  const [device] = devices as [TestDevice]
  const [older, newer] = [await release('2.0.0'), await release('3.0.0')]
  await publish(newer)
  const { json } = await ask(platform, 'listProfiles', { query: { name: 'assigned' } })
  const place = { id: json.items[0].id, type: 'firmware' }
  await ask(platform, 'assignToProfile', { params: place, body: { releaseId: older } })
  expect(await device.offers(runs('assigned@1.0.0'))).toEqual(['assigned@2.0.0'])
  expect(await why(0)).toBe('assigned.profile')
  await ask(platform, 'unassignFromProfile', { params: place })
  expect(await device.offers(runs('assigned@1.0.0'))).toEqual(['assigned@3.0.0'])
})
