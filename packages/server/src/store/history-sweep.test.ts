import { choose, STANDARD_SETTINGS, type State, situationOf } from '@updraft/core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { historySweeper } from '../app/history-sweeper.ts'
import type { Database } from './database.ts'
import { historySweep } from './history-sweep.ts'
import {
  addTenant,
  minutesAfter,
  NOON,
  newId,
  type Tenant,
  type TestStore,
  testStore,
} from './store.test-helper.ts'

const DAY_MINUTES = 24 * 60
const daysBefore = (days: number) => minutesAfter(NOON, -days * DAY_MINUTES)

let store: TestStore
let tenant: Tenant
let profileId: string
let count = 0

beforeAll(async () => {
  store = await testStore()
})
afterAll(() => store.close())
beforeEach(async () => {
  count += 1
  tenant = await addTenant(store, `tenant ${count}`)
  profileId = await tenant.addProfile('P')
})

/** Tenants keep things that long, but for those who have set something else. */
const sweeper = (
  retentionDays: number,
  { on = store.database, own = {} }: { on?: Database; own?: Record<string, number> } = {},
) =>
  historySweeper({
    clock: { now: () => NOON },
    sweep: historySweep(on),
    settings: {
      of: async (tenantId) => ({
        ...STANDARD_SETTINGS,
        retentionDays: own[tenantId] ?? retentionDays,
      }),
    },
    onError: (error) => {
      throw error
    },
  })

const addDevice = async (name: string) => (await tenant.addDevices(profileId, [name]))[0] ?? ''

/** An operation that ended so many days ago, or is under way, as the newest of its component; with two steps. */
async function addOperation(
  deviceId: string,
  release: { id: string },
  { ended, state = 'FAILED' }: { ended: number | null; state?: State },
): Promise<string> {
  const id = newId()
  const endedAt = ended === null ? null : daysBefore(ended)
  await store.rows(
    `insert into operations (id, tenant_id, device_id, release_id, type, title, version, state, progress_percent,
        origin_code, origin_message, because_code, because_message, restarts, opened_at, changed_at, ended_at)
      values ($1, $2, $3, $4, 'firmware', 'app', '1', $5, 0, 'assigned.device', '', 'device.reported', '', 0, $6, $6, $7)`,
    [id, tenant.id, deviceId, release.id, state, endedAt ?? NOON, endedAt],
  )
  await store.rows(
    `insert into operation_steps (operation_id, at, state, outcome, progress_percent, because_code, because_message)
      select $1, $2, $3, 'moved', 0, 'device.reported', '' from generate_series(1, 2)`,
    [id, endedAt ?? NOON, state],
  )
  await store.rows(
    `insert into device_components (device_id, type, tenant_id, operation_id, operation_state)
      values ($1, 'firmware', $2, $3, $4)
      on conflict (device_id, type) do update set operation_id = $3, operation_state = $4`,
    [deviceId, tenant.id, id, state],
  )
  return id
}

const operations = async () =>
  (
    await store.rows<{ id: string }>(
      'select id from operations where tenant_id = $1 order by ended_at nulls last',
      [tenant.id],
    )
  ).map(({ id }) => id)

const addEvents = (days: number, many: number) =>
  store.rows(
    `insert into events (tenant_id, at, kind, actor, subject_kind, subject_id, subject_name, data)
      select $1, $2::timestamptz + n * interval '1 ms', 'profile.changed', '{"kind":"server","name":"updraft"}', 'profile', '', $3, '{}'
        from generate_series(1, $4::integer) n`,
    [tenant.id, daysBefore(days), `${days} days`, many],
  )
const events = () =>
  store.rows(
    'select subject_name as age, count(*)::integer as many from events where tenant_id = $1 group by 1 order by 1',
    [tenant.id],
  )

describe('events', () => {
  test('go when they are older than they are kept, however many, and of every tenant', async () => {
    await addEvents(11, 2500)
    await addEvents(9, 3)
    const first = tenant
    tenant = await addTenant(store, 'another with events')
    await addEvents(400, 2)
    expect((await sweeper(10).sweep()).events).toBe(2502)
    expect(await events()).toEqual([])
    tenant = first
    expect(await events()).toEqual([{ age: '9 days', many: 3 }])
  })

  test('stay as long as their own tenant wants', async () => {
    await addEvents(100, 2)
    const first = tenant
    tenant = await addTenant(store, 'one that keeps things longer')
    await addEvents(100, 3)
    await addEvents(300, 4)
    await sweeper(10, { own: { [tenant.id]: 200 } }).sweep()
    expect(await events()).toEqual([{ age: '100 days', many: 3 }])
    tenant = first
    expect(await events()).toEqual([])
  })

  test('stay when they are kept for ever', async () => {
    await addEvents(4000, 2)
    expect(await sweeper(0).sweep()).toEqual({ events: 0, messages: 0, operations: 0 })
    expect(await events()).toEqual([{ age: '4000 days', many: 2 }])
  })

  test('are shared out among servers that sweep at once', async () => {
    await addEvents(30, 5000)
    const other = store.another().database
    await Promise.all([sweeper(10).sweep(), sweeper(10, { on: other }).sweep()])
    // One may find all that is left in the other's hands, and leave it to it.
    expect(await events()).toEqual([])
  })
})

describe('operations', () => {
  test('go with their steps, but for the newest of a component and what is under way', async () => {
    const [ended, moving] = [await addDevice('ended'), await addDevice('moving')]
    const release = await tenant.addRelease(profileId, 'app@1')
    const old = await addOperation(ended, release, { ended: 30 })
    const newest = await addOperation(ended, release, { ended: 20 })
    await addOperation(moving, release, { ended: 25 })
    const underWay = await addOperation(moving, release, { ended: null, state: 'UPDATING' })
    expect((await sweeper(10).sweep()).operations).toBe(2)
    expect(await operations()).toEqual([newest, underWay])
    expect(
      await store.rows('select id from operation_steps where operation_id = $1', [old]),
    ).toEqual([])
  })

  test('stay until they have been over for as long as they are kept', async () => {
    const device = await addDevice('recent')
    const release = await tenant.addRelease(profileId, 'app@1')
    const recent = await addOperation(device, release, { ended: 9 })
    const newest = await addOperation(device, release, { ended: 1 })
    await sweeper(10).sweep()
    expect(await operations()).toEqual([recent, newest])
  })

  test('are looked through to the end, though more of them stay than are looked at in one go', async () => {
    const device = await addDevice('first')
    const release = await tenant.addRelease(profileId, 'app@1')
    const names = Array.from({ length: 1100 }, (_, index) => `kept ${index}`)
    for (const id of await tenant.addDevices(profileId, names)) {
      await addOperation(id, release, { ended: 50 })
    }
    await addOperation(device, release, { ended: 30 })
    const newest = await addOperation(device, release, { ended: 20 })
    expect((await sweeper(10).sweep()).operations).toBe(1)
    expect((await operations()).at(-1)).toBe(newest)
    expect(await operations()).toHaveLength(1101)
  })

  test.each(['device', 'profile'] as const)(
    'that failed since the %s was assigned their release stay: how often it failed still counts',
    async (scope) => {
      const deviceId = await addDevice('failing')
      const release = await tenant.addRelease(profileId, 'app@1')
      const other = await tenant.addRelease(profileId, 'app@2')
      await addOperation(deviceId, release, { ended: 60 })
      const to = scope === 'device' ? { deviceId } : { profileId }
      await tenant.assign(to, release, daysBefore(50))
      const counted = []
      for (const ended of [45, 44, 43, 42, 41]) {
        counted.push(await addOperation(deviceId, release, { ended }))
      }
      await addOperation(deviceId, other, { ended: 30 })
      const newest = await addOperation(deviceId, other, { ended: 20 })
      const verdict = async () => {
        const { snapshot } = await tenant.run(({ devices }) => devices.get(deviceId))
        return choose(situationOf(snapshot, 'firmware', { isHere: true }), NOON)
      }
      const before = await verdict()
      expect(before.because.code).toBe('nothing.needs-attention')
      await sweeper(10).sweep()
      expect(await operations()).toEqual([...counted, newest])
      expect(await verdict()).toEqual(before)
    },
  )

  test('of another device go, though the release is pinned to this one', async () => {
    const [pinned, free] = [await addDevice('pinned'), await addDevice('free')]
    const release = await tenant.addRelease(profileId, 'app@1')
    await tenant.assign({ deviceId: pinned }, release, daysBefore(50))
    await addOperation(free, release, { ended: 40 })
    const newest = await addOperation(free, release, { ended: 30 })
    await sweeper(10).sweep()
    expect(await operations()).toEqual([newest])
  })
})

describe('what a device said of an action', () => {
  const addMessages = async (deviceId: string, days: number, many: number) => {
    const [action] = await store.rows<{ id: number }>(
      `insert into hawkbit_actions (tenant_id, device_id, client, needs_confirmation, created_at)
        values ($1, $2, 'ddi', false, $3) returning id`,
      [tenant.id, deviceId, daysBefore(days)],
    )
    await store.rows(
      `insert into hawkbit_messages (tenant_id, action_id, at, status, messages)
        select $1, $2, $3, 'proceeding none', '{}' from generate_series(1, $4::integer)`,
      [tenant.id, action?.id, daysBefore(days), many],
    )
  }
  const kept = async () =>
    (
      await store.rows<{ many: number }>(
        'select count(*)::integer as many from hawkbit_messages where tenant_id = $1',
        [tenant.id],
      )
    )[0]?.many

  test('goes when it is older than it is kept, however much; the action stays', async () => {
    const device = await addDevice('chatty')
    await addMessages(device, 30, 1500)
    await addMessages(device, 9, 3)
    const first = tenant
    tenant = await addTenant(store, 'another with messages')
    const theirs = await tenant.addDevices(await tenant.addProfile('P'), ['theirs'])
    await addMessages(theirs[0] ?? '', 100, 2)
    const own = { [tenant.id]: 200 }
    expect((await sweeper(10, { own }).sweep()).messages).toBe(1500)
    expect(await kept()).toBe(2)
    tenant = first
    expect(await kept()).toBe(3)
    const actions = 'select id from hawkbit_actions where device_id = $1'
    expect(await store.rows(actions, [device])).toHaveLength(2)
  })
})

test('a sweep that is stopped ends after the batch at hand', async () => {
  await addEvents(30, 3000)
  const sweep = sweeper(10)
  sweep.start()
  await sweep.stop()
  const [left] = await events()
  expect(left?.many ?? 0).toBeGreaterThan(0)
})
