import { type Snapshot, visit } from '@updraft/core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { look } from '../app/look.ts'
import { type Spreader, spreader } from '../app/spreader.ts'
import { eventFeed } from './events.ts'
import { spreads } from './spreads.ts'
import {
  addTenant,
  momentAt,
  NOON,
  newId,
  type Tenant,
  type TestStore,
  testStore,
} from './store.test-helper.ts'

const PAGE = 500

let store: TestStore
let tenant: Tenant
let profile: string
let ids: string[]

beforeAll(async () => {
  store = await testStore()
  tenant = await addTenant(store, 'acme')
  profile = await tenant.addProfile('P')
  ids = await tenant.addDevices(
    profile,
    Array.from({ length: 1200 }, (_, index) => `d${index}`),
  )
})
afterEach(() => store.rows('delete from spreads'))
afterAll(() => store.close())

const spread = (to: { deviceId: string } | { profileId: string }, by: Tenant = tenant) =>
  by.run((stores) => stores.spread(to, newId(), NOON))
const left = async () => (await store.rows('select id from spreads')).length

/** Works off all there is; answers the pages. */
async function workOff(): Promise<{ tenantId: string; deviceIds: readonly string[] }[]> {
  const pages: { tenantId: string; deviceIds: readonly string[] }[] = []
  while (await spreads(store.database).next(PAGE, async (page) => void pages.push(page)));
  return pages
}

test('a profile of 1,200 devices is looked at in pages, each device once', async () => {
  await spread({ profileId: profile })
  const pages = await workOff()
  expect(pages.map(({ deviceIds }) => deviceIds.length)).toEqual([500, 500, 200])
  expect(pages.flatMap(({ deviceIds }) => deviceIds)).toEqual(ids.toSorted())
  expect(await left()).toBe(0)
})

test('what was cut off in the middle goes on at the page that was not finished', async () => {
  await spread({ profileId: profile })
  const list = spreads(store.database)
  const seen: string[][] = []
  const look = async ({ deviceIds }: { deviceIds: readonly string[] }) => {
    seen.push([...deviceIds])
    if (seen.length === 2) throw new Error('killed')
  }
  expect(await list.next(PAGE, look)).toBe(true)
  await expect(list.next(PAGE, look)).rejects.toThrow('killed')
  while (await spreads(store.another().database).next(PAGE, look));
  expect(seen.map((page) => page.length)).toEqual([500, 500, 500, 200])
  expect(seen[2]).toEqual(seen[1])
  expect(new Set(seen.flat()).size).toBe(1200)
})

test('two workers take different ones, and none waits for the other', async () => {
  await spread({ profileId: profile })
  await spread({ deviceId: ids[0] ?? '' })
  const one = spreads(store.database)
  const two = spreads(store.another().database)
  const sizes: number[] = []
  await one.next(PAGE, async ({ deviceIds }) => {
    sizes.push(deviceIds.length)
    expect(await two.next(PAGE, async (page) => void sizes.push(page.deviceIds.length))).toBe(true)
    expect(await two.next(PAGE, async () => {})).toBe(false)
  })
  expect(sizes).toEqual([500, 1])
})

test('hundreds of single devices are looked at together, each once', async () => {
  for (const deviceId of ids.slice(0, 20)) await spread({ deviceId })
  await spread({ deviceId: ids[0] ?? '' })
  const pages = await workOff()
  expect(pages.map(({ deviceIds }) => [...deviceIds].toSorted())).toEqual([
    ids.slice(0, 20).toSorted(),
  ])
  expect(await left()).toBe(0)
})

test('single devices of two tenants are never in one page', async () => {
  const other = await addTenant(store, 'other')
  const [device = ''] = await other.addDevices(await other.addProfile('P'), ['d0'])
  await spread({ deviceId: ids[0] ?? '' })
  await spread({ deviceId: device }, other)
  expect(await workOff()).toEqual([
    { tenantId: tenant.id, deviceIds: [ids[0]] },
    { tenantId: other.id, deviceIds: [device] },
  ])
})

test('a device can be removed while it is looked at, and one that is gone is no trouble', async () => {
  const own = await tenant.addProfile('of the removed')
  const [first = '', second = ''] = await tenant.addDevices(own, ['r1', 'r2'])
  await spread({ profileId: own })
  await spread({ deviceId: first })
  await spreads(store.database).next(1, async ({ deviceIds }) => {
    expect(deviceIds).toEqual([first])
    await tenant.run(({ devices }) => devices.remove(first))
  })
  expect((await workOff()).map(({ deviceIds }) => deviceIds)).toEqual([[second], [first]])
})

test('a profile can be removed while it is looked at', async () => {
  const own = await tenant.addProfile('removed')
  await spread({ profileId: own })
  await spreads(store.database).next(PAGE, async () => {
    throw new Error('an empty profile has no devices to look at')
  })
  await spread({ profileId: own })
  await tenant.run(({ profiles }) => profiles.remove(own))
  expect(await workOff()).toEqual([])
  expect(await left()).toBe(0)
})

describe('the spreader', () => {
  let running: Spreader | undefined
  afterEach(async () => {
    await running?.stop()
    running = undefined
  })

  /** One that looks as core does; resolves `done` when nothing is left. */
  const start = (onLook?: (snapshot: Snapshot) => void) => {
    const errors: unknown[] = []
    const feed = eventFeed((error) => errors.push(error))
    const work: typeof store.work = {
      ...store.work,
      settleAll: (page, decide) =>
        store.work.settleAll(page, (snapshot) => {
          onLook?.(snapshot)
          return decide(snapshot)
        }),
    }
    running = spreader({
      feed,
      look: look({
        moments: async () => () => momentAt(store.clock.now()),
        work,
        onError: (error) => errors.push(error),
      }),
      spreads: spreads(store.database),
      onError: (error) => errors.push(error),
    })
    running.start()
    return { feed, errors }
  }
  const queued = async (releaseId: string) =>
    (await store.rows('select id from operations where release_id = $1', [releaseId])).length

  test('queues what a profile was assigned for each of its devices', async () => {
    const release = await tenant.addRelease(profile, 'spread@1')
    await tenant.assign({ profileId: profile }, release)
    await spread({ profileId: profile })
    const { errors } = start()
    await expect.poll(left, { timeout: 20_000 }).toBe(0)
    expect(await queued(release.id)).toBe(1200)
    expect(errors).toEqual([])
  })

  test('goes past a device that cannot be looked at, and says so', async () => {
    const own = await tenant.addProfile('with one bad')
    await tenant.addDevices(own, ['good 1', 'bad', 'good 2'])
    const release = await tenant.addRelease(own, 'past@1')
    await tenant.assign({ profileId: own }, release)
    await spread({ profileId: own })
    const { errors } = start(({ device }) => {
      if (device.name === 'bad') throw new Error('a bug')
    })
    await expect.poll(left, { timeout: 20_000 }).toBe(0)
    expect(await queued(release.id)).toBe(2)
    expect(errors).toEqual([expect.objectContaining({ message: 'a bug' })])
  })

  test('is woken by what may have put something on the list', async () => {
    const [device = ''] = await tenant.addDevices(profile, ['woken'])
    const { feed } = start()
    await spread({ deviceId: device })
    feed.deliver([
      {
        tenantId: tenant.id,
        kind: 'assignment.made',
        deviceId: device,
        subjectId: device,
        event: null,
      },
    ])
    await expect.poll(left, { timeout: 20_000 }).toBe(0)
  })

  test('does not look at a device it was told of by another tenant', async () => {
    const other = await addTenant(store, 'stranger')
    await tenant.assign({ deviceId: ids[5] ?? '' }, await tenant.addRelease(profile, 'mine@1'))
    const before = visitCount()
    await spread({ deviceId: ids[5] ?? '' }, other)
    await spread({ profileId: profile }, other)
    const { errors } = start()
    await expect.poll(left, { timeout: 20_000 }).toBe(0)
    expect(await visitCount()).toEqual(await before)
    expect(errors).toEqual([])

    async function visitCount() {
      return store.rows('select id, state from operations where device_id = $1 order by id', [
        ids[5],
      ])
    }
  })
})

test('a device is found by what it is assigned when it is looked at', async () => {
  const [deviceId = ''] = await tenant.addDevices(profile, ['looked at'])
  const { answers } = await store.work.settle({ tenantId: tenant.id, deviceId }, (snapshot) =>
    visit(snapshot, { ...momentAt(NOON), facts: { installed: {} }, tells: false }),
  )
  expect(answers.firmware?.operation?.state).toBe('QUEUED')
})
