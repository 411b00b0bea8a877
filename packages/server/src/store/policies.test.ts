import {
  checkedLimits,
  DomainError,
  type Policy,
  type PolicyLimits,
  type Release,
  visit,
} from '@updraft/core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { DeviceWork } from '../app/ports.ts'
import { policyWork } from './policies.ts'
import {
  addTenant,
  minutesAfter,
  momentAt,
  NOON,
  newId,
  type Tenant,
  type TestStore,
  testStore,
  tokenClaim,
} from './store.test-helper.ts'

let store: TestStore
let tenant: Tenant
let profileId: string
let release: Release

beforeAll(async () => {
  store = await testStore()
})
afterAll(() => store.close())
beforeEach(async () => {
  tenant = await addTenant(store, newId())
  profileId = await tenant.addProfile('P')
  release = await tenant.addRelease(profileId, 'F@2.0.0')
})

const OLD = { firmware: { title: null, version: '1.0.0' } }

const put = (
  of: Release,
  {
    limits = {},
    ...changes
  }: Partial<Omit<Policy, 'limits'>> & { limits?: Partial<PolicyLimits> } = {},
  revision?: number,
) =>
  tenant.run(({ policies }) =>
    policies.put(
      {
        releaseId: of.id,
        expression: '',
        isEnabled: true,
        cloudIds: [],
        publishedAt: NOON,
        createdAt: NOON,
        ...changes,
        limits: checkedLimits(limits),
      },
      { profileId, type: of.type, createdBy: 'us' },
      revision,
    ),
  )

/** The device asks at that server; answers what it is offered, and why or why not. */
const ask = async (
  deviceId: string,
  {
    work = store.work,
    installed = OLD,
    now = NOON,
  }: { work?: DeviceWork; installed?: typeof OLD; now?: Date } = {},
) => {
  const { answers } = await work.settle({ tenantId: tenant.id, deviceId }, (snapshot) =>
    visit(snapshot, { ...momentAt(now), facts: { installed }, tells: true, isHere: true }),
  )
  const { operation, choice } = answers.firmware ?? {}
  return operation ? `${operation.title}@${operation.version}` : choice?.because.code
}

const names = (count: number) => Array.from({ length: count }, (_, index) => `D${index}`)
const view = (of = release) => tenant.run(({ policies }) => policies.get(of.id))

describe('two servers at once', () => {
  test.each([
    ['devices', { maxDevices: 25 }, 'deferred.max-devices'],
    ['a share', { percentage: 41 }, 'deferred.percentage'],
    ['a rate', { rate: 25, periodSeconds: 60 }, 'deferred.rate'],
  ])('never offer more together than a limit of %s says', async (_, limits, code) => {
    const ids = await tenant.addDevices(profileId, names(60))
    await put(release, { limits })
    const other = store.another()
    const answers = await Promise.all(
      ids.map((id, index) => ask(id, { work: index % 2 ? other.work : store.work })),
    )
    expect(answers.filter((answer) => answer === 'F@2.0.0')).toHaveLength(25)
    expect(answers.filter((answer) => answer === code)).toHaveLength(35)
    expect(await view()).toMatchObject({
      counts: { offered: 25, population: 60 },
      tally: { deferred: 35 },
    })
    const [opened] = await store.rows<{ count: number }>(
      'select count(*)::integer as count from operations where release_id = $1',
      [release.id],
    )
    expect(opened?.count).toBe(25)
  })

  test('count each device once, however many of them ask without a limit', async () => {
    const ids = await tenant.addDevices(profileId, names(40))
    await put(release)
    const other = store.another()
    const all = [...ids, ...ids]
    await Promise.all(
      all.map((id, index) => ask(id, { work: index % 2 ? other.work : store.work })),
    )
    expect((await view()).counts.offered).toBe(40)
  })
})

test('whoever was offered it passes; who was held back has its turn when there is room', async () => {
  const [first = '', second = ''] = await tenant.addDevices(profileId, names(2))
  await put(release, { limits: { maxDevices: 1 } })
  expect([await ask(first), await ask(second), await ask(first)]).toEqual([
    'F@2.0.0',
    'deferred.max-devices',
    'F@2.0.0',
  ])
  await put(release, { limits: { maxDevices: 2 } })
  expect(await ask(second)).toBe('F@2.0.0')
  expect(await view()).toMatchObject({ counts: { offered: 2 }, tally: { deferred: 0 } })
})

test('a period that is over makes room for as many again', async () => {
  const ids = await tenant.addDevices(profileId, names(3))
  await put(release, { limits: { rate: 1, periodSeconds: 60 } })
  expect(await Promise.all(ids.map((id) => ask(id)))).toEqual(
    expect.arrayContaining(['F@2.0.0', 'deferred.rate', 'deferred.rate']),
  )
  const later = minutesAfter(NOON, 2)
  store.clock.at = later
  const again = await Promise.all(ids.map((id) => ask(id, { now: later })))
  store.clock.at = NOON
  expect(again.filter((answer) => answer === 'F@2.0.0')).toHaveLength(2)
  expect((await view()).counts.offered).toBe(2)
})

test('how it went on the devices is counted, and kept when the policy is disabled meanwhile', async () => {
  const [first = '', second = ''] = await tenant.addDevices(profileId, names(2))
  await put(release)
  await ask(first)
  await ask(second)
  await tenant.run(({ policies }) => policies.enable(release.id, false, NOON))
  await ask(first, { installed: { firmware: { title: null, version: '2.0.0' } } })
  expect((await view()).tally).toEqual({ deferred: 0, started: 1, succeeded: 1, failed: 0 })
})

test('a policy that is another by now is asked as it is, also by a server that knew the old one', async () => {
  const [id = ''] = await tenant.addDevices(profileId, ['D'])
  await put(release, { expression: 'name == "another"' })
  expect(await ask(id)).toBe('nothing.no-policy')
  await put(release, { expression: 'name == "D"' })
  expect(await ask(id)).toBe('F@2.0.0')
  await tenant.run(({ policies }) => policies.remove(release.id))
  expect(await ask(id)).toBe('nothing.assigned')
})

test('it may ask for the description of the release, as it is by now', async () => {
  const [id = ''] = await tenant.addDevices(profileId, ['D'])
  await put(release, { expression: 'update.description == "fit for all"' })
  expect(await ask(id)).toBe('nothing.no-policy')
  await tenant.run(({ catalogue }) => catalogue.describe(release.id, 'fit for all'))
  expect(await ask(id)).toBe('F@2.0.0')
})

test('it may ask who owns a device, and what its part number says', async () => {
  const [id = '', other = ''] = await tenant.addDevices(profileId, names(2))
  await tenant.addCustomer('ACME', [id])
  await put(release, { expression: 'customer == "ACME" && systemModel == ""' })
  expect([await ask(id), await ask(other)]).toEqual(['F@2.0.0', 'nothing.no-policy'])
  const arrived = await store.work.arrive([tokenClaim(tenant.tokenOf('D0'))], 'updraft', NOON)
  expect(arrived?.snapshot.belongings?.customer).toBe('ACME')
})

test('a deferral that goes on is not written again', async () => {
  const [first = '', second = ''] = await tenant.addDevices(profileId, names(2))
  await put(release, { limits: { maxDevices: 1 } })
  await ask(first)
  await ask(second)
  const at = () =>
    store.rows('select xmin::text, at from policy_devices where device_id = $1', [second])
  const before = await at()
  await ask(second, { now: minutesAfter(NOON, 60) })
  expect(await at()).toEqual(before)
})

test('populations are counted anew, and nobody is held back by a disabled policy', async () => {
  const [first = '', second = ''] = await tenant.addDevices(profileId, names(2))
  await put(release, { limits: { percentage: 50 } })
  await ask(first)
  expect(await ask(second)).toBe('deferred.percentage')
  await tenant.addDevices(profileId, ['a third'])
  await policyWork(store.database).recount()
  expect((await view()).counts.population).toBe(3)
  expect(await ask(second)).toBe('F@2.0.0')
  await store.rows(
    `insert into policy_devices (release_id, device_id, tenant_id, standing, because_code, because_message, at)
     select $1, id, tenant_id, 'deferred', 'deferred.rate', 'of a test', now() from devices where name = 'a third' and tenant_id = $2`,
    [release.id, tenant.id],
  )
  await store.rows('update policies set is_enabled = false where release_id = $1', [release.id])
  await policyWork(store.database).recount()
  expect((await view()).tally.deferred).toBe(0)
})

describe('a release', () => {
  const remove = () => tenant.run(({ catalogue }) => catalogue.remove(release.id))

  test('is not removed while a policy offers it', async () => {
    await put(release)
    await expect(remove()).rejects.toMatchObject({ code: 'release.in-use' })
  })

  test('takes a disabled policy along', async () => {
    await put(release, { isEnabled: false })
    await remove()
    expect(await tenant.run(({ policies }) => policies.find(release.id))).toBeNull()
  })
})

test('a device that is removed stays counted, and leaves no trace besides', async () => {
  const [id = ''] = await tenant.addDevices(profileId, ['D'])
  await put(release)
  await ask(id)
  await tenant.run(({ devices }) => devices.remove(id))
  expect(await view()).toMatchObject({ counts: { offered: 1 }, tally: { started: 0 } })
})

test('whoever changes what was changed meanwhile is refused', async () => {
  await put(release)
  const { revision } = await view()
  await put(release, { expression: 'seen' }, revision)
  await expect(put(release, { expression: 'true' }, revision)).rejects.toThrow(DomainError)
  await expect(put(release, { expression: 'true' }, revision)).rejects.toMatchObject({
    code: 'request.version-mismatch',
  })
  expect((await view()).policy.expression).toBe('seen')
})

test('statistics say who asked, who was offered it and who was held back by what', async () => {
  const ids = await tenant.addDevices(profileId, names(3))
  await put(release, { limits: { maxDevices: 1 } })
  for (const name of names(2)) {
    await store.work.arrive([tokenClaim(tenant.tokenOf(name))], 'updraft', minutesAfter(NOON, 1))
  }
  for (const id of ids.slice(0, 2)) await ask(id)
  const { items } = await tenant.run(({ policies }) => policies.figures({ limit: 9 }))
  expect(items).toMatchObject([
    {
      requests: 2,
      offered: 1,
      deferred: { maxDevices: 1, percentage: 0, rate: 0 },
      started: 0,
    },
  ])
})

test('a cloud that a policy is for stays until the policy is for it no more', async () => {
  const cloudId = newId()
  const cloud = { id: cloudId, publicUrl: null, artifactStore: null, region: null, createdAt: NOON }
  await tenant.run(({ clouds }) => clouds.insert({ ...cloud, name: 'C' }))
  await put(release, { cloudIds: [cloudId], isEnabled: false })
  const remove = () => tenant.run(({ clouds }) => clouds.remove(cloudId))
  await expect(remove()).rejects.toMatchObject({ code: 'cloud.in-use' })
  await put(release)
  await remove()
})
