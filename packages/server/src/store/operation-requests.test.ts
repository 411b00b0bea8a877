import { cancelByOperator, hear } from '@updraft/core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { RequestsAtWork } from '../app/ports.ts'
import { requestsAtWork } from './operation-requests.ts'
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
let requests: RequestsAtWork

beforeAll(async () => {
  store = await testStore()
  tenant = await addTenant(store, 'acme')
  requests = requestsAtWork(store.database)
})
afterAll(() => store.close())

let [deviceId, otherId, operationId] = ['', '', '']
let count = 0
beforeEach(async () => {
  count += 1
  const profileId = await tenant.addProfile(`p${count}`)
  ;[deviceId = '', otherId = ''] = await tenant.addDevices(profileId, [`a${count}`, `b${count}`])
  await tenant.assign({ deviceId }, await tenant.addRelease(profileId, `F@2.0.${count}`))
  operationId = await tenant.lookAt(deviceId)
})

const cancel = () =>
  store.work.settle({ tenantId: tenant.id, deviceId, operationId }, (snapshot) => ({
    changes: cancelByOperator(snapshot, {
      ...momentAt(NOON),
      operationId,
      actor: { kind: 'operator', id: tenant.operatorId, name: 'Ada' },
    }),
  }))

describe('a request', () => {
  test('keeps the address it had first, however often it is sent', async () => {
    const first = { operationId, deviceId, url: 'https://a/1' }
    const again = { ...first, url: 'https://b/2' }
    const kept = { operationId, url: 'https://a/1' }
    expect(await requests.sending(first, NOON)).toEqual(kept)
    expect(await requests.timesSent(deviceId, operationId)).toBe(1)
    expect(await requests.sending(again, minutesAfter(NOON, 5))).toEqual(kept)
    expect(await requests.timesSent(deviceId, operationId)).toBe(2)
  })

  test('keeps one address when two servers send it at once', async () => {
    const urls = Array.from({ length: 20 }, (_, index) => `https://a/${index}`)
    const sent = await Promise.all(
      urls.map((url) => requests.sending({ operationId, deviceId, url }, NOON)),
    )
    expect(new Set(sent.map((request) => request?.url)).size).toBe(1)
  })

  test("is none for an operation that is gone, or another device's", async () => {
    expect(await requests.sending({ operationId: newId(), deviceId, url: 'x' }, NOON)).toBeNull()
    expect(await requests.sending({ operationId, deviceId: otherId, url: 'x' }, NOON)).toBeNull()
    expect(await requests.timesSent(otherId, operationId)).toBe(0)
  })

  test('goes with its operation', async () => {
    await requests.sending({ operationId, deviceId, url: 'x' }, NOON)
    await store.rows('delete from devices where id = $1', [deviceId])
    expect(
      await store.rows('select * from operation_requests where device_id = $1', [deviceId]),
    ).toEqual([])
  })
})

describe('a cancel is owed', () => {
  test('from when what was asked is cancelled until the device has answered', async () => {
    await requests.sending({ operationId, deviceId, url: 'https://a/1' }, NOON)
    expect(await requests.cancelsOwed(deviceId)).toEqual([])
    await cancel()
    expect(await requests.cancelsOwed(deviceId)).toEqual([{ operationId, url: 'https://a/1' }])
    expect(await requests.cancelsOwed(otherId)).toEqual([])
    await requests.answered(otherId, operationId, NOON)
    expect(await requests.cancelsOwed(deviceId)).toHaveLength(1)
    await requests.answered(deviceId, operationId, NOON)
    expect(await requests.cancelsOwed(deviceId)).toEqual([])
  })

  test('for nothing that was never asked', async () => {
    await cancel()
    expect(await requests.cancelsOwed(deviceId)).toEqual([])
  })
})

test('a code, and what a device remarks, are kept with the update', async () => {
  const say = (report: Parameters<typeof hear>[1]['report']) =>
    store.work.settle({ tenantId: tenant.id, deviceId, operationId }, (snapshot) =>
      hear(snapshot, {
        ...momentAt(NOON),
        address: { operationId },
        report,
        facts: { installed: {} },
      }),
    )
  await say({ state: 'UPDATING', word: 'Deploying', progressPercent: 70 })
  await say({ state: null, error: 'NetworkError: again' })
  await say({ state: 'FAILED', error: 'No.', code: 'SystemRollback' })
  const view = await tenant.run(({ operations }) => operations.get(operationId))
  expect(view.operation).toMatchObject({ state: 'FAILED', error: 'No.', code: 'SystemRollback' })
  expect(view.steps.map(({ outcome, state, error }) => [outcome, state, error])).toEqual([
    ['opened', 'QUEUED', null],
    ['moved', 'UPDATING', null],
    ['remarked', 'UPDATING', 'NetworkError: again'],
    ['moved', 'FAILED', 'No.'],
  ])
})
