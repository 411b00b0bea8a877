import type { Snapshot } from '@updraft/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  addTenant,
  minutesAfter,
  NOON,
  type Tenant,
  type TestStore,
  testStore,
} from '../store/store.test-helper.ts'
import { type Notice, notices } from './notices.ts'

let store: TestStore
let tenant: Tenant
const devices = new Map<string, Snapshot>()

beforeAll(async () => {
  store = await testStore()
  tenant = await addTenant(store, 'works')
  const profileId = await tenant.addProfile('pump')
  const names = ['one', 'another', 'a third']
  const ids = await tenant.addDevices(profileId, names)
  for (const [index, id] of ids.entries()) {
    const { snapshot } = await tenant.run(({ devices }) => devices.get(id))
    devices.set(names[index] ?? '', snapshot)
  }
})
afterAll(() => store.close())

/** As one of several servers does it. */
const server = () => notices({ clock: store.clock, unitOfWork: store.run })
const device = (name: string) => devices.get(name) as Snapshot
const looping: Notice = { kind: 'download.looping', data: { type: 'firmware', index: 7 } }
const refused: Notice = {
  kind: 'download.refused',
  data: { type: 'firmware' },
  reason: { code: 'release.external', message: 'It is kept elsewhere.' },
}
const logOf = async (name: string) => {
  const { items } = await tenant.run(({ events }) =>
    events.page({ deviceId: device(name).device.id, kind: 'download', limit: 10 }),
  )
  return items
}

test('what a device does in vain is found in its log, once for all its tries, with who and why', async () => {
  const notice = server()
  expect(await notice(device('one'), refused)).toBe(true)
  for (let each = 0; each < 5; each++) expect(await notice(device('one'), refused)).toBe(false)
  const { id } = device('one').device
  expect(await logOf('one')).toMatchObject([
    {
      kind: 'download.refused',
      at: NOON,
      actor: { kind: 'device', id, name: 'one' },
      subject: { kind: 'device', id, name: 'one' },
      deviceId: id,
      data: { type: 'firmware' },
      reason: { code: 'release.external', message: 'It is kept elsewhere.' },
    },
  ])
})

test('one kind does not hide another, nor one device the other', async () => {
  const notice = server()
  expect(await notice(device('one'), looping)).toBe(true)
  expect(await notice(device('another'), looping)).toBe(true)
})

test('after an hour it is news again; within it also where another server kept it', async () => {
  store.clock.at = minutesAfter(NOON, 180)
  const [here, there] = [server(), server()]
  expect(await here(device('a third'), looping)).toBe(true)
  store.clock.at = minutesAfter(NOON, 239)
  expect(await there(device('a third'), looping)).toBe(false)
  expect(await here(device('a third'), looping)).toBe(false)
  store.clock.at = minutesAfter(NOON, 241)
  expect(await here(device('a third'), looping)).toBe(true)
  expect(await logOf('a third')).toHaveLength(2)
})
