/** One campaign over devices of hawkBit's language, of ThingsBoard's and of our own. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { raucUpdater } from './hawkbit-clients.ts'
import { zephyrDevice } from './hawkbit-zephyr.ts'
import { type Come, ownDevice, thingsBoardDevice } from './mixed-fleet.ts'
import { type TestPlatform, testPlatform } from './platform.ts'

let platform: TestPlatform
beforeAll(async () => {
  platform = await testPlatform()
})
afterAll(() => platform.stop())

async function fleet(profile: string, install: () => Promise<boolean>): Promise<readonly Come[]> {
  await platform.addProfile(profile)
  const tokenOf = (name: string) =>
    platform.addDevice(`${name} of ${profile}`.replaceAll(' ', '-'), profile)
  const { url } = platform
  const id = (name: string) => `${name}-of-${profile}`
  const rauc = raucUpdater(
    { url, controllerId: id('rauc'), authorization: `TargetToken ${await tokenOf('rauc')}` },
    { install, isStreaming: true },
  )
  return [
    () => rauc.once(),
    ownDevice({ url, token: await tokenOf('own') }, install),
    thingsBoardDevice({ url, token: await tokenOf('things') }, install),
  ]
}

async function campaign(profile: string) {
  const releaseId = await platform.addRelease({
    title: `os of ${profile}`,
    version: '2.0.0',
    profile,
    bytes: new Uint8Array(randomBytes(300_000)),
    fileName: 'os.raucb',
  })
  return platform.api('createCampaign', {
    body: {
      name: `all of ${profile}`,
      releaseId,
      audience: { expression: 'true' },
      settings: { forceDowngrade: true, maxFailurePercentage: 40, maxInProgress: 10 },
    },
  })
}

/** Everybody comes until the campaign is over. */
async function follow(id: string, devices: readonly Come[]) {
  for (let times = 0; times < 20; times += 1) {
    for (const come of devices) await come()
    const shown = await platform.api('showCampaign', { params: { id } })
    if (shown.outcome !== null) return shown
  }
  return platform.api('showCampaign', { params: { id } })
}

test('it comes to its end when all of them have shown that they run the release', async () => {
  const devices = await fleet('mixed', async () => true)
  for (const come of devices) await come()
  const { id } = await campaign('mixed')
  const shown = await follow(id, devices)
  const targets = await platform.api('listTargets', { params: { id }, query: { limit: 10 } })
  expect(targets.items.map(({ status, because }) => [status, because])).toEqual(
    targets.items.map(() => ['successful', expect.any(String)]),
  )
  expect(shown).toMatchObject({ status: 'finished', outcome: 'success' })
  const { items } = await platform.api('listDevices', { query: { profile: 'mixed' } })
  expect(new Set(items.map(({ dialect }) => dialect))).toEqual(
    new Set(['hawkbit', 'thingsboard', 'updraft']),
  )
  expect(items.map(({ operation }) => operation?.state)).toEqual(items.map(() => 'UPDATED'))
})

test('it is stopped by those that fail', async () => {
  const devices = await fleet('broken', async () => false)
  for (const come of devices) await come()
  const { id } = await campaign('broken')
  expect(await follow(id, devices)).toMatchObject({ status: 'finished', outcome: 'failure' })
})

test('Zephyr takes part, known by what it does not say', async () => {
  await platform.addProfile('zephyr')
  const zephyr = zephyrDevice({
    url: platform.url,
    controllerId: 'z-1',
    authorization: `TargetToken ${await platform.addDevice('z-1', 'zephyr')}`,
  })
  await zephyr.probe()
  const { id: campaignId } = await campaign('zephyr')
  expect(await follow(campaignId, [() => zephyr.probe()])).toMatchObject({ outcome: 'success' })
  expect(zephyr.bytesOfDocument).toBeLessThan(1100)
})
