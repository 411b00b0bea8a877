import {
  type Campaign,
  hear,
  NO_FACTS,
  type Release,
  type SettingsDraft,
  type Snapshot,
  STANDARD_SETTINGS,
  visit,
} from '@updraft/core'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { campaignWork } from '../store/campaign-work.ts'
import { deviceWork } from '../store/device-work.ts'
import { eventFeed } from '../store/events.ts'
import { releaseCache } from '../store/snapshots.ts'
import {
  addTenant,
  minutesAfter,
  momentAt,
  NOON,
  newId,
  type Tenant,
  type TestStore,
  testStore,
} from '../store/store.test-helper.ts'
import { unitOfWork } from '../store/unit-of-work.ts'
import { campaignRunner } from './campaign-runner.ts'
import { campaigns, type NewCampaign } from './campaigns.ts'
import { look } from './look.ts'
import { moments } from './moments.ts'

let store: TestStore
/** Each story has a tenant of its own, so that nobody else's campaigns are carried on in it. */
let tenant: Tenant
let profile: string
let release: Release
let count = 0

beforeAll(async () => {
  store = await testStore()
})
afterAll(() => store.close())
beforeEach(async () => {
  await store.rows(`update campaigns set status = 'finished', outcome = 'cancelled'`)
  count += 1
  store.clock.at = NOON
  tenant = await addTenant(store, `acme ${count}`)
  profile = await tenant.addProfile('P')
  release = await tenant.addRelease(profile, 'R@2')
})

const settled = () => new Promise(setImmediate)
const ids = { next: newId }

/** A server that carries campaigns on when the test says that its time has come. */
function server() {
  const { database, clock } = store
  const errors: unknown[] = []
  const onError = (error: unknown) => errors.push(error)
  const feed = eventFeed(onError)
  const { announce } = feed
  const run = unitOfWork(database, announce)
  const devices = deviceWork({
    database,
    releases: releaseCache(database.pool),
    announce,
    clock,
  })
  const useCases = campaigns({ clock, ids, unitOfWork: run })
  /** Who holds a line. */
  const here = new Set<string>()
  let opened = 0
  let tick: (() => void) | undefined
  const settings = { of: async () => STANDARD_SETTINGS }
  const runner = campaignRunner({
    clock,
    every: (_ms, work) => {
      tick = work
      return () => {
        tick = undefined
      }
    },
    feed,
    ids,
    liveSessions: {
      has: (id) => here.has(id),
      here: () => here,
      get opened() {
        return opened
      },
      get count() {
        return here.size
      },
    },
    look: look({ moments: moments({ clock, ids, settings }), work: devices, onError }),
    unitOfWork: run,
    work: campaignWork({ database, announce }),
    addNewcomers: useCases.addNewcomers,
    onError,
  })
  const decide = (deviceId: string, how: Parameters<typeof devices.settle>[1]) =>
    devices.settle({ tenantId: tenant.id, deviceId }, how)
  return {
    start: runner.start,
    stop: runner.stop,
    carryOn: runner.run,
    useCases,
    errors,
    hasTick: () => tick !== undefined,
    tick: () => tick?.(),
    connect: (...deviceIds: string[]) => {
      for (const id of deviceIds) here.add(id)
      opened += deviceIds.length
    },
    come: (deviceId: string, version = '1') =>
      decide(deviceId, (snapshot) =>
        visit(snapshot, {
          ...momentAt(clock.now()),
          facts: { installed: { firmware: { title: 'R', version } } },
          tells: true,
          isHere: true,
        }),
      ),
    report: (deviceId: string, state: 'DOWNLOADING' | 'UPDATED' | 'FAILED') =>
      decide(deviceId, (snapshot: Snapshot) =>
        hear(snapshot, {
          ...momentAt(clock.now()),
          address: { operationId: snapshot.components.firmware?.underWay?.id ?? '' },
          report: { state },
          facts: NO_FACTS,
        }),
      ),
  }
}

const addDevices = async (howMany: number): Promise<string[]> => {
  const names = Array.from({ length: howMany }, (_, index) => `d${index}`)
  const added = await tenant.addDevices(profile, names)
  for (const id of added) {
    await store.rows(
      `insert into device_components (device_id, type, tenant_id, installed_title, installed_version, installed_at)
       values ($1, 'firmware', $2, 'R', '1', $3)`,
      [id, tenant.id, NOON],
    )
  }
  return added
}
const admin = () =>
  ({
    kind: 'operator',
    id: tenant.operatorId,
    name: 'admin',
    role: 'tenant-administrator',
    tenantId: tenant.id,
    customerId: null,
    tokenId: null,
    from: '127.0.0.1',
    via: 'session',
  }) as const
const begin = async (
  at: ReturnType<typeof server>,
  settings: SettingsDraft = {},
  changes: Partial<NewCampaign> = {},
) => {
  const draft = {
    name: 'C',
    releaseId: release.id,
    audience: { expression: 'true' },
    settings: { waves: [], ...settings },
    ...changes,
  }
  return (await at.useCases.create(admin(), draft)).campaign.id
}
const show = async (id: string): Promise<Campaign> =>
  (await tenant.run(({ campaigns }) => campaigns.get(id))).campaign
const tally = async (id: string) => (await show(id)).tally
const all = async () =>
  (await tenant.run(({ campaigns }) => campaigns.page({ limit: 99 }))).items.map(
    ({ campaign }) => campaign,
  )
const pass = (minutes: number) => {
  store.clock.at = minutesAfter(store.clock.at, minutes)
}

test('a campaign begins when its time has come, and asks those on the line', async () => {
  const at = server()
  const devices = await addDevices(2)
  at.connect(...devices)
  const id = await begin(at, {}, { scheduledAt: minutesAfter(NOON, 10) })
  await at.carryOn()
  expect(await show(id)).toMatchObject({ status: 'scheduled', tally: { idle: 2 } })
  pass(10)
  await at.carryOn()
  expect(await show(id)).toMatchObject({ status: 'in-progress', tally: { 'in-progress': 2 } })
  expect(at.errors).toEqual([])
})

test('a wave opens when the one before it was watched long enough', async () => {
  const at = server()
  const devices = await addDevices(3)
  at.connect(...devices)
  const waves = [{ size: { count: 1 }, soakSeconds: 600 }]
  const id = await begin(at, { waves })
  await at.carryOn()
  expect(await tally(id)).toMatchObject({ 'in-progress': 1, idle: 2 })
  const [canary] = await store.rows<{ device_id: string }>(
    `select device_id from campaign_targets where campaign_id = $1 and status = 'in-progress'`,
    [id],
  )
  await at.report(canary?.device_id ?? '', 'UPDATED')
  pass(9)
  await at.carryOn()
  expect(await tally(id)).toMatchObject({ successful: 1, idle: 2 })
  pass(1)
  await at.carryOn()
  expect(await tally(id)).toMatchObject({ successful: 1, 'in-progress': 2 })
})

test('nobody is asked before the window opens', async () => {
  const at = server()
  at.connect(...(await addDevices(1)))
  const id = await begin(at, { windows: 'Mon-Sun 13:00-14:00 UTC' })
  await at.carryOn()
  expect(await tally(id)).toMatchObject({ idle: 1 })
  pass(60)
  await at.carryOn()
  expect(await tally(id)).toMatchObject({ 'in-progress': 1 })
})

test('whoever is on the line is asked at once when another is done', async () => {
  const at = server()
  const devices = await addDevices(4)
  at.start()
  at.connect(devices[0] ?? '')
  const id = await begin(at, { maxInProgress: 1 })
  await expect.poll(() => tally(id)).toMatchObject({ 'in-progress': 1, idle: 3 })
  // They come while there is no place for them.
  at.connect(...devices)
  for (const device of devices.slice(1)) await at.come(device)
  for (let done = 1; done <= 4; done += 1) {
    const [asked] = await store.rows<{ device_id: string }>(
      `select device_id from campaign_targets where campaign_id = $1 and status = 'in-progress'`,
      [id],
    )
    await at.report(asked?.device_id ?? '', 'UPDATED')
    await expect
      .poll(() => tally(id))
      .toMatchObject({ successful: done, 'in-progress': Math.min(1, 4 - done) })
  }
  expect(await show(id)).toMatchObject({ outcome: 'success' })
  await at.stop()
})

test('a device on the line that may not be asked now does not keep the others waiting', async () => {
  const at = server()
  const devices = (await addDevices(30)).sort()
  at.connect(...devices)
  const last = devices.at(-1) ?? ''
  await store.rows(
    `update devices set attributes = '{"window": "Mon-Sun 01:00-02:00 UTC"}' where id <> $1`,
    [last],
  )
  const id = await begin(at, { maxInProgress: 1, windowAttribute: 'window' })
  await at.carryOn()
  expect(await tally(id)).toMatchObject({ 'in-progress': 1, idle: 29 })
  const { items } = await tenant.run(({ campaigns }) =>
    campaigns.targets(id, { limit: 9, statuses: ['in-progress'] }),
  )
  expect(items.map(({ deviceId }) => deviceId)).toEqual([last])
})

test('whoever says nothing is asked again, and then has failed', async () => {
  const at = server()
  const [device = ''] = await addDevices(1)
  const id = await begin(at, { requestTimeoutSeconds: 60, requestRetries: 1 })
  await at.come(device)
  const operation = async () =>
    (await tenant.run(({ campaigns }) => campaigns.targets(id, { limit: 1 }))).items[0]?.operation
  await at.carryOn()
  expect(await operation()).toMatchObject({ state: 'INITIATED', restarts: 0 })
  pass(1)
  await at.carryOn()
  expect(await operation()).toMatchObject({ state: 'QUEUED', restarts: 1 })
  pass(1)
  await at.carryOn()
  expect(await operation()).toMatchObject({ state: 'FAILED' })
  expect(await show(id)).toMatchObject({ status: 'finished', outcome: 'failure' })
})

test('a dynamic campaign takes in whom its audience has come to hold', async () => {
  const at = server()
  await addDevices(1)
  const id = await begin(at, { isDynamic: true })
  await at.carryOn()
  await tenant.addDevices(profile, ['new'])
  pass(1)
  await at.carryOn()
  expect(await show(id)).toMatchObject({ status: 'in-progress', tally: { idle: 2 } })
})

test('what a campaign that was cancelled has asked is taken back', async () => {
  const at = server()
  const devices = await addDevices(3)
  at.start()
  const id = await begin(at)
  for (const device of devices) await at.come(device)
  await at.report(devices[0] ?? '', 'DOWNLOADING')
  await at.useCases.cancel(admin(), id)
  await expect.poll(() => tally(id)).toMatchObject({ 'in-progress': 1, skipped: 2 })
  await at.stop()
})

test('one that stops takes its devices back once, whoever sees it first, also those that were still at it', async () => {
  const [one, two] = [server(), server()]
  const old = await tenant.addRelease(profile, 'R@1')
  const [good = '', late = '', ...bad] = await addDevices(5)
  const settings = {
    rollsBackOnStop: true,
    stopRule: { failurePercentage: 50, minFinished: 3 },
    maxFailurePercentage: 100,
  }
  const id = await begin(one, settings)
  for (const device of [good, late, ...bad]) await one.come(device)
  await one.report(late, 'DOWNLOADING')
  await one.report(good, 'UPDATED')
  for (const device of bad) await two.report(device, 'FAILED')
  expect(await show(id)).toMatchObject({ outcome: 'failure' })
  await Promise.all([one.carryOn(), two.carryOn(), one.carryOn()])
  const back = (await all()).find(({ rollsBack }) => rollsBack === id)
  expect(await all()).toHaveLength(2)
  expect(back).toMatchObject({ name: 'Roll back C', status: 'in-progress', tally: { idle: 1 } })
  await two.come(good, '2')
  await two.report(good, 'UPDATED')
  // One that was at it arrives all the same, and follows.
  await two.report(late, 'UPDATED')
  pass(2)
  await two.carryOn()
  expect(await tally(back?.id ?? '')).toMatchObject({ idle: 1, successful: 1 })
  const { answers } = (await two.come(late, '2')) as ReturnType<typeof visit>
  expect(answers.firmware?.operation).toMatchObject({ releaseId: old.id })
  await two.report(late, 'UPDATED')
  expect(await show(back?.id ?? '')).toMatchObject({ outcome: 'success', tally: { successful: 2 } })
  // Nor is it taken back again when the record of that is removed.
  await one.useCases.remove(admin(), back?.id ?? '')
  pass(2)
  await one.carryOn()
  expect((await all()).map(({ id }) => id)).toEqual([id])
  expect([...one.errors, ...two.errors]).toEqual([])
})

test('a way back finds a name where its own is taken', async () => {
  const at = server()
  const [good = '', bad = ''] = await addDevices(2)
  const settings = { rollsBackOnStop: true, maxFailurePercentage: 10, stopRule: null }
  const id = await begin(at, settings)
  await begin(at, {}, { name: 'Roll back C', scheduledAt: minutesAfter(NOON, 999) })
  await at.come(good)
  await at.come(bad)
  await at.report(good, 'UPDATED')
  await at.report(bad, 'FAILED')
  await at.carryOn()
  const back = (await all()).find(({ rollsBack }) => rollsBack === id)
  expect(back?.name).toBe('Roll back C (2)')
  expect(at.errors).toEqual([])
})

test('a stop finishes what is at hand and begins nothing more', async () => {
  const at = server()
  at.connect(...(await addDevices(2)))
  const id = await begin(at, {}, { scheduledAt: minutesAfter(NOON, 1) })
  at.start()
  expect(at.hasTick()).toBe(true)
  pass(1)
  at.tick()
  await at.stop()
  expect(at.hasTick()).toBe(false)
  const { status } = await show(id)
  at.tick()
  await settled()
  expect((await show(id)).status).toBe(status)
  expect(at.errors).toEqual([])
})
