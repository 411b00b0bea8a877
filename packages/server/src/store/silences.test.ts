import { NO_FACTS, type SettingsChange, type Snapshot, visit } from '@updraft/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { silences } from './silences.ts'
import {
  addTenant,
  minutesAfter,
  momentAt,
  NOON,
  type Tenant,
  type TestStore,
  testStore,
} from './store.test-helper.ts'

let store: TestStore
let tenant: Tenant
let profile: string
beforeAll(async () => {
  store = await testStore()
  tenant = await addTenant(store, 'of the silent')
  profile = await tenant.addProfile('P')
  await tenant.assign({ profileId: profile }, await tenant.addRelease(profile, 'app@2'))
})
afterAll(() => store.close())

const settle = (deviceId: string, changes: (snapshot: Snapshot) => ReturnType<typeof visit>) =>
  store.work.settle({ tenantId: tenant.id, deviceId }, changes)

/** A device that was told of an update at that time, or has it waiting. */
async function device(name: string, { tells = true, at = NOON } = {}): Promise<string> {
  const [id = ''] = await tenant.addDevices(profile, [name])
  await settle(id, (snapshot) => visit(snapshot, { ...momentAt(at), facts: NO_FACTS, tells }))
  return id
}

const overdue = async (
  minutes: number,
  {
    deadlineSeconds = 3600,
    after = null,
    limit = 100,
  }: Partial<{
    deadlineSeconds: number
    after: string | null
    limit: number
  }> = {},
) => {
  const now = minutesAfter(NOON, minutes)
  const found = await silences(store.database).overdue({ now, deadlineSeconds, after, limit })
  for (const { tenantId } of found) expect(tenantId).toBe(tenant.id)
  return found.map(({ deviceId }) => deviceId)
}

test('who was told is overdue after the deadline, who waits in the queue never', async () => {
  const told = await device('told')
  await device('queued', { tells: false })
  expect(await overdue(59)).toEqual([])
  expect(await overdue(60)).toEqual([told])
  expect(await overdue(60, { deadlineSeconds: 7200 })).toEqual([])
  expect(await overdue(1e6, { deadlineSeconds: 0 })).toEqual([])
})

test("a sign of life puts it off; the tenant's own deadline counts before the server's", async () => {
  const [told = ''] = await overdue(60)
  await settle(told, (snapshot) =>
    visit(snapshot, {
      ...momentAt(minutesAfter(NOON, 50)),
      facts: NO_FACTS,
      tells: false,
      fetches: { type: 'firmware' },
    }),
  )
  expect(await overdue(109)).toEqual([])
  expect(await overdue(110)).toEqual([told])
  const set = (seconds: number | null) =>
    tenant.run(({ settings }) => settings.change({ silenceDeadlineSeconds: seconds }))
  await set(300)
  expect(await overdue(55)).toEqual([told])
  await set(0)
  expect(await overdue(1e6)).toEqual([])
  await set(null)
  expect(await overdue(110)).toEqual([told])
})

test('they come page by page, in order, and no more once they have ended', async () => {
  const ids = [(await overdue(200))[0] ?? '']
  for (let index = 0; index < 4; index += 1) ids.push(await device(`many ${index}`))
  const all = ids.toSorted()
  expect(await overdue(200)).toEqual(all)
  expect(await overdue(200, { limit: 2 })).toEqual(all.slice(0, 2))
  expect(await overdue(200, { limit: 2, after: all[1] ?? null })).toEqual(all.slice(2, 4))
  const runs = { installed: { firmware: { title: 'app', version: '2' } } }
  for (const id of ids) {
    await settle(id, (snapshot) =>
      visit(snapshot, { ...momentAt(NOON), facts: runs, tells: false }),
    )
  }
  expect(await overdue(200)).toEqual([])
})

test('an update of before it was noted when it was heard of counts from when it last changed', async () => {
  const id = await device('of before')
  await store.rows('update operations set heard_at = null where device_id = $1', [id])
  expect(await overdue(59)).toEqual([])
  expect(await overdue(60)).toEqual([id])
  const { answers } = await settle(id, (snapshot) =>
    visit(snapshot, {
      ...momentAt(minutesAfter(NOON, 60)),
      facts: NO_FACTS,
      tells: false,
      isHere: true,
    }),
  )
  expect(answers.firmware?.operation).toMatchObject({ state: 'QUEUED', restarts: 1 })
})

test('what a tenant sets is kept by name, and forgotten when it goes back to the server', async () => {
  const chosen = async () => (await tenant.run(({ settings }) => settings.get())).chosen
  const change = (to: SettingsChange) => tenant.run(({ settings }) => settings.change(to))
  await change({ maxRetries: 3, pacePackSize: 7 })
  await change({ maxRetries: null, paceIntervalMs: 0 })
  expect(await chosen()).toEqual({ pacePackSize: 7, paceIntervalMs: 0 })
})
