import {
  approve,
  type Campaign,
  cancelCampaign,
  hear,
  NO_FACTS,
  pause,
  plan,
  type Release,
  reason,
  resume,
  retryTargets,
  type SettingsDraft,
  type Snapshot,
  totalOf,
  visit,
} from '@updraft/core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { DeviceWork } from '../app/ports.ts'
import {
  addTenant,
  minutesAfter,
  momentAt,
  NOON,
  newId,
  type Tenant,
  type TestStore,
  testStore,
} from './store.test-helper.ts'

let store: TestStore
let tenant: Tenant
/** Each story has a profile of its own, so that its campaigns are for its devices alone. */
let profile: string
let count = 0

beforeAll(async () => {
  store = await testStore()
  tenant = await addTenant(store, 'acme')
})
afterAll(() => store.close())
beforeEach(async () => {
  count += 1
  profile = await tenant.addProfile(`P${count}`)
  store.clock.at = NOON
})

const addDevices = (howMany: number) =>
  tenant.addDevices(
    profile,
    Array.from({ length: howMany }, (_, index) => `d${count}-${index}`),
  )
const addRelease = (version = '2') => tenant.addRelease(profile, `R${count}@${version}`)
const addCampaign = (release: Release, settings: SettingsDraft = {}) =>
  tenant.addCampaign(`C${count}`, release, { waves: [], ...settings })

const show = async (id: string): Promise<Campaign> =>
  (await tenant.run(({ campaigns }) => campaigns.get(id))).campaign
const tallyOf = async (id: string) => (await show(id)).tally
const move = (id: string, how: (campaign: Campaign) => Campaign) =>
  tenant.run(async ({ campaigns }) => {
    const { campaign } = await campaigns.lock(id)
    await campaigns.save(plan(how(campaign), store.clock.now()).campaign)
  })
const retry = (id: string) =>
  tenant.run(async ({ campaigns }) => {
    const { campaign } = await campaigns.lock(id)
    const because = reason('target.retried', 'Tried again by admin.')
    const retried = await campaigns.retryTargets(id, because, store.clock.now())
    await campaigns.save(plan(retryTargets(campaign, retried, 'admin'), store.clock.now()).campaign)
  })

const V1 = (title = `R${count}`) => ({ installed: { firmware: { title, version: '1' } } })
/** The device comes and says what it runs; answers what it was told to do. */
const come = async (deviceId: string, work: DeviceWork = store.work, facts = V1()) => {
  const { answers } = await work.settle({ tenantId: tenant.id, deviceId }, (snapshot) =>
    visit(snapshot, { ...momentAt(store.clock.now()), facts, tells: true, isHere: true }),
  )
  return answers.firmware?.operation ?? null
}
const report = (
  deviceId: string,
  state: 'DOWNLOADING' | 'UPDATED' | 'FAILED',
  work: DeviceWork = store.work,
) =>
  work.settle({ tenantId: tenant.id, deviceId }, (snapshot: Snapshot) => {
    const operationId = snapshot.components.firmware?.underWay?.id
    return hear(snapshot, {
      ...momentAt(store.clock.now()),
      address: operationId ? { operationId } : { type: 'firmware' },
      report: { state, error: state === 'FAILED' ? 'no' : undefined },
      facts: NO_FACTS,
    })
  })
const update = async (deviceId: string, state: 'UPDATED' | 'FAILED' = 'UPDATED') => {
  expect(await come(deviceId)).not.toBeNull()
  await report(deviceId, state)
}

interface Counted {
  status: Campaign['status']
  settings: Campaign['settings']
  tally: Campaign['tally']
  waves: Campaign['waves']
  targets: { status: keyof Campaign['tally']; wave: number | null; count: number }[] | null
}

/** What the campaign says, and what its targets are, as they stood at one moment. */
async function counted(id: string): Promise<Counted> {
  const [row] = await store.rows<Counted>(
    `select c.status, c.settings, c.tally, c.waves,
            (select json_agg(t) from (select status, wave, count(*)::integer as count from campaign_targets
              where campaign_id = c.id group by status, wave) t) as targets
       from campaigns c where c.id = $1`,
    [id],
  )
  if (!row) throw new Error('There is no such campaign.')
  return row
}

async function expectExact(id: string, { andWaves = true } = {}): Promise<Counted> {
  const all = await counted(id)
  const { tally, waves, targets } = all
  const sum = (isSo: (target: NonNullable<typeof targets>[number]) => boolean) =>
    (targets ?? []).filter(isSo).reduce((sum, each) => sum + each.count, 0)
  for (const status of Object.keys(tally) as (keyof typeof tally)[]) {
    expect([status, tally[status]]).toEqual([status, sum((target) => target.status === status)])
  }
  expect(tally['in-progress']).toBeLessThanOrEqual(all.settings.maxInProgress)
  if (!andWaves) return all
  for (const [number, wave] of waves.entries()) {
    const isIn = (target: { wave: number | null }) => target.wave === number
    expect(wave).toMatchObject({
      asked: sum(isIn),
      successful: sum((target) => isIn(target) && target.status === 'successful'),
      failed: sum((target) => isIn(target) && target.status === 'failed'),
      skipped: sum((target) => isIn(target) && target.status === 'skipped'),
    })
    if (number < waves.length - 1) {
      expect(wave.asked - wave.skipped).toBeLessThanOrEqual(wave.size)
    }
    if (wave.asked > 0) expect(wave.openedAt).not.toBeNull()
  }
  return all
}

/** How many statements wait because another transaction holds what they need. */
const waitingForLocks = async () => {
  const rows = await store.rows(
    `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
  )
  return rows.length
}

/** The same numbers from 0 to 1 for the same seed. */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

describe('a campaign', () => {
  test('that is new holds each device of its audience once, idle', async () => {
    const devices = await addDevices(3)
    const id = await addCampaign(await addRelease())
    const { items } = await tenant.run(({ campaigns }) => campaigns.targets(id, { limit: 9 }))
    expect(items.map(({ deviceId, status }) => [deviceId, status])).toEqual(
      [...devices].sort().map((device) => [device, 'idle']),
    )
    const again = await tenant.run(({ campaigns }) =>
      campaigns.addTargets(id, [...devices, newId()]),
    )
    expect(again).toBe(0)
    await expectExact(id)
  })

  test('tells of each device what it ran, why it ended and by which operation', async () => {
    const [one = '', two = ''] = await addDevices(2)
    const id = await addCampaign(await addRelease(), { maxFailurePercentage: 100, stopRule: null })
    await update(one)
    await update(two, 'FAILED')
    const { items } = await tenant.run(({ campaigns }) => campaigns.targets(id, { limit: 9 }))
    const of = (deviceId: string) => items.find((target) => target.deviceId === deviceId)
    expect(of(one)).toMatchObject({
      status: 'successful',
      wave: 0,
      before: { title: `R${count}`, version: '1' },
      askedAt: NOON,
      endedAt: NOON,
      operation: { state: 'UPDATED' },
    })
    expect(of(two)).toMatchObject({
      status: 'failed',
      because: { message: 'The device reports that it failed: no' },
      operation: { state: 'FAILED', error: 'no' },
    })
    expect(await show(id)).toMatchObject({ status: 'finished', outcome: 'success' })
    await expectExact(id)
  })

  test('asks as many as may be at it, and the next when one is done', async () => {
    const devices = await addDevices(4)
    const id = await addCampaign(await addRelease(), { maxInProgress: 2 })
    const asked = await Promise.all(devices.map((device) => come(device)))
    expect(asked.filter((operation) => operation !== null)).toHaveLength(2)
    await expectExact(id)
    const at = devices.findIndex((_, index) => asked[index] !== null)
    await report(devices[at] ?? '', 'UPDATED')
    const again = await Promise.all(
      devices.filter((_, index) => asked[index] === null).map((device) => come(device)),
    )
    expect(again.filter((operation) => operation !== null)).toHaveLength(1)
    await expectExact(id)
  })
})

describe('many devices at three servers', () => {
  test.each([1, 2, 3])(
    'overdraw neither waves nor places, and what is counted is so at every moment: %i',
    async (seed) => {
      const random = randomOf(seed)
      const works = [store.work, store.another().work, store.another().work]
      const any = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)] as T
      const devices = await addDevices(40)
      const id = await addCampaign(await addRelease(), {
        maxInProgress: 7,
        maxFailurePercentage: 100,
        stopRule: null,
        waves: [
          { size: { count: 3 }, successPercentage: 30 },
          { size: { percentage: 30 }, successPercentage: 30 },
        ],
      })
      let isOver = false
      const end = () => {
        isOver = true
      }
      const watch = async () => {
        while (!isOver) await expectExact(id)
      }
      const hold = async () => {
        for (let round = 0; round < 6 && !isOver; round += 1) {
          for (const how of [pause, resume]) {
            await move(id, (campaign) =>
              campaign.status === 'finished' ? campaign : how(campaign, 'admin'),
            ).catch((error) => expect(error).toMatchObject({ code: 'campaign.not-now' }))
          }
        }
        await move(id, (campaign) =>
          campaign.status === 'paused' ? resume(campaign, 'a') : campaign,
        )
      }
      const walk = async () => {
        while ((await tallyOf(id)).idle + (await tallyOf(id))['in-progress'] > 0) {
          const [device, work] = [any(devices), any(works)]
          if (random() < 0.5) await come(device, work)
          else await report(device, random() < 0.3 ? 'FAILED' : 'UPDATED', work)
        }
      }
      const walking = Promise.all([...Array.from({ length: 8 }, walk), hold()])
      await Promise.all([walking.finally(end), watch()])
      await move(id, (campaign) => campaign)
      expect(await show(id)).toMatchObject({ status: 'finished', outcome: 'success' })
      const { tally } = await expectExact(id)
      expect(totalOf(tally)).toBe(40)
      const [{ operations } = { operations: 0 }] = await store.rows<{ operations: number }>(
        'select count(*)::integer as operations from operations where campaign_id = $1',
        [id],
      )
      expect(operations).toBe(40)
    },
  )

  test('are tried again by an operator while they come, and every one is counted once', async () => {
    const devices = await addDevices(20)
    const id = await addCampaign(await addRelease(), {
      maxFailurePercentage: 100,
      stopRule: null,
      // Not over when all are given up.
      isDynamic: true,
      requestRetries: 0,
      requestTimeoutSeconds: 30,
    })
    // All are asked and given up while they are away: they are asked again when they come.
    await Promise.all(devices.map((device) => come(device)))
    store.clock.at = minutesAfter(NOON, 1)
    await store.work.settleAll({ tenantId: tenant.id, deviceIds: devices }, (snapshot) =>
      visit(snapshot, { ...momentAt(store.clock.now()), facts: NO_FACTS, tells: false }),
    )
    expect((await tallyOf(id)).failed).toBe(20)
    let coming: Promise<unknown>[] = []
    await tenant.run(async ({ campaigns }) => {
      const { campaign } = await campaigns.lock(id)
      coming = devices.map((device) => come(device))
      await expect.poll(waitingForLocks).toBeGreaterThan(0)
      const because = reason('target.retried', 'Tried again by admin.')
      const retried = await campaigns.retryTargets(id, because, store.clock.now())
      await campaigns.save(retryTargets(campaign, retried, 'admin'))
    })
    await Promise.all(coming)
    expect(await tallyOf(id)).toMatchObject({ failed: 0, 'in-progress': 20 })
    await expectExact(id)
  })

  test('are asked no more from the failure on that was one too many', async () => {
    const random = randomOf(5)
    const works = [store.work, store.another().work, store.another().work]
    let ticks = 0
    // Every decision has a moment of its own.
    const { now } = store.clock
    store.clock.now = () => {
      ticks += 1
      return new Date(NOON.getTime() + ticks)
    }
    try {
      const devices = await addDevices(150)
      const id = await addCampaign(await addRelease(), {
        maxInProgress: 12,
        maxFailurePercentage: 100,
        stopRule: { failurePercentage: 20, minFinished: 15 },
      })
      let next = 0
      const walk = async (_: unknown, index: number) => {
        const work = works[index % works.length]
        while (next < devices.length) {
          const device = devices[next++] ?? ''
          if (await come(device, work)) {
            await report(device, random() < 0.35 ? 'FAILED' : 'UPDATED', work)
          }
        }
      }
      await Promise.all(Array.from({ length: 12 }, walk))
      expect(await show(id)).toMatchObject({ status: 'finished', outcome: 'failure' })
      const moves = await store.rows<{ at: Date; what: 'asked' | 'successful' | 'failed' }>(
        `select asked_at as at, 'asked' as what from campaign_targets where campaign_id = $1 and asked_at is not null
         union all select ended_at, status from campaign_targets where campaign_id = $1 and status in ('successful', 'failed')
         order by at`,
        [id],
      )
      const so = { asked: 0, successful: 0, failed: 0 }
      const crossed = moves.findIndex(({ what }) => {
        so[what] += 1
        const ended = so.successful + so.failed
        return ended >= 15 && (so.failed / ended) * 100 > 20
      })
      expect(crossed).toBeGreaterThan(0)
      expect(moves.slice(crossed).filter(({ what }) => what === 'asked')).toEqual([])
      const atWork = so.asked - so.successful - so.failed
      expect(atWork).toBeLessThanOrEqual(12)
      await expectExact(id)
    } finally {
      store.clock.now = now
    }
  })
})

describe('what an operator does', () => {
  test('a wave that waits for a person goes on when it is approved', async () => {
    const [one = '', two = ''] = await addDevices(2)
    const id = await addCampaign(await addRelease(), {
      waves: [{ size: { count: 1 }, needsApproval: true }],
    })
    await update(one)
    expect(await come(two)).toBeNull()
    await move(id, (campaign) => approve(campaign, 'admin', NOON))
    await update(two)
    await expectExact(id)
  })

  test('a campaign that is cancelled skips whom it had asked and who had not begun', async () => {
    const [begun = '', told = '', idle = ''] = await addDevices(3)
    const id = await addCampaign(await addRelease(), { maxInProgress: 2 })
    await come(begun)
    await report(begun, 'DOWNLOADING')
    await come(told)
    await move(id, (campaign) => cancelCampaign(campaign, 'admin', NOON))
    await store.work.settleAll(
      { tenantId: tenant.id, deviceIds: [begun, told, idle] },
      (snapshot) => visit(snapshot, { ...momentAt(NOON), facts: NO_FACTS, tells: false }),
    )
    expect(await tallyOf(id)).toMatchObject({ idle: 1, 'in-progress': 1, skipped: 1 })
    await report(begun, 'UPDATED')
    expect(await tallyOf(id)).toMatchObject({
      idle: 1,
      'in-progress': 0,
      successful: 1,
      skipped: 1,
    })
    await expectExact(id)
  })

  test('those that failed are tried again, and nobody else', async () => {
    const [one = '', two = ''] = await addDevices(2)
    const id = await addCampaign(await addRelease(), { maxFailurePercentage: 60, stopRule: null })
    await update(one)
    await update(two, 'FAILED')
    expect((await show(id)).status).toBe('finished')
    await retry(id)
    expect(await tallyOf(id)).toMatchObject({ idle: 1, successful: 1 })
    expect(await come(one, store.work, { installed: {} as never })).toBeNull()
    await update(two)
    expect(await show(id)).toMatchObject({ outcome: 'success', tally: { successful: 2 } })
    await expectExact(id, { andWaves: false })
    await expect(retry(id)).rejects.toMatchObject({ code: 'campaign.not-now' })
  })

  test('a device that is removed is skipped wherever it was open, and where it had ended it stays', async () => {
    const [one = '', two = '', three = ''] = await addDevices(3)
    const release = await addRelease()
    const first = await addCampaign(release)
    const second = await tenant.addCampaign(`second ${count}`, await addRelease('3'), { waves: [] })
    await update(one)
    await come(two)
    const remove = (deviceId: string) =>
      tenant.run(async ({ campaigns, devices }) => {
        await devices.remove(deviceId)
        await campaigns.forget(deviceId, reason('target.removed', 'The device was removed.'), NOON)
      })
    for (const device of [one, two, three]) await remove(device)
    expect(await tallyOf(first)).toMatchObject({ successful: 1, skipped: 2, idle: 0 })
    expect(await tallyOf(second)).toMatchObject({ skipped: 3 })
    await expectExact(first)
    await expectExact(second)
    const { items } = await tenant.run(({ campaigns }) => campaigns.targets(first, { limit: 9 }))
    expect(items.map(({ deviceName }) => deviceName)).toEqual([null, null, null])
    await expect(retry(first)).rejects.toMatchObject({ code: 'campaign.not-now' })
  })

  test('a device that is removed while it moves is counted once', async () => {
    const devices = await addDevices(12)
    const id = await addCampaign(await addRelease(), { maxInProgress: 5, stopRule: null })
    await Promise.all(
      devices.flatMap((device, index) => [
        come(device)
          .then(() => report(device, 'UPDATED'))
          .catch(() => {}),
        index % 2 === 0
          ? tenant.run(async ({ campaigns, devices }) => {
              await devices.remove(device)
              await campaigns.forget(device, reason('target.removed', 'Removed.'), NOON)
            })
          : null,
      ]),
    )
    await expectExact(id)
  })

  test('a release is kept for the campaign that brings it, and may go when that is over', async () => {
    await addDevices(1)
    const release = await addRelease()
    const id = await addCampaign(release)
    const remove = () => tenant.run(({ catalogue }) => catalogue.remove(release.id))
    await expect(remove()).rejects.toMatchObject({ code: 'release.in-use' })
    await move(id, (campaign) => pause(campaign, 'admin'))
    await expect(remove()).rejects.toMatchObject({ code: 'release.in-use' })
    await move(id, (campaign) => cancelCampaign(campaign, 'admin', NOON))
    await remove()
    const { campaign, release: brought } = await tenant.run(({ campaigns }) => campaigns.get(id))
    expect(campaign.status).toBe('finished')
    expect(brought).toMatchObject({ title: `R${count}`, version: '2' })
    await tenant.run(({ campaigns }) => campaigns.remove(id))
    expect(await store.rows('select from campaign_targets where campaign_id = $1', [id])).toEqual(
      [],
    )
  })
})

describe('a way back', () => {
  test('leads each device to what it had, where that is kept here', async () => {
    const [kept = '', gone = '', failed = '', never = ''] = await addDevices(4)
    const old = await addRelease('1')
    const id = await addCampaign(await addRelease('2'), {
      maxFailurePercentage: 100,
      stopRule: null,
    })
    await update(kept)
    expect(await come(gone, store.work, V1('another'))).not.toBeNull()
    await report(gone, 'UPDATED')
    await update(failed, 'FAILED')
    const back = newId()
    const counts = await tenant.run(({ campaigns }) => campaigns.addPrevious(back, id, NOON))
    expect(counts).toEqual({ idle: 1, skipped: 1 })
    const rows = await store.rows<{ device_id: string; release_id: string | null; status: string }>(
      'select device_id, release_id, status from campaign_targets where campaign_id = $1',
      [back],
    )
    expect(rows.find((row) => row.device_id === kept)).toMatchObject({ release_id: old.id })
    expect(rows.find((row) => row.device_id === gone)).toMatchObject({ status: 'skipped' })
    expect(rows.some((row) => row.device_id === failed || row.device_id === never)).toBe(false)
  })
})
