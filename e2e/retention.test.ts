import { afterAll, beforeAll, expect, test } from 'vitest'
import { runs, testDevice } from './device.ts'
import { ask } from './operator.ts'
import { type TestPlatform, testPlatform } from './platform.ts'

const DAYS = 24 * 60

let platform: TestPlatform

beforeAll(async () => {
  platform = await testPlatform({ retentionDays: 30 })
})
afterAll(() => platform.stop())

test('what happened is forgotten after the days it is kept; what a device has come to is not', async () => {
  await platform.addProfile('P')
  const device = testDevice(platform.url, await platform.addDevice('d', 'P'))
  const update = async (version: string) => {
    const bytes = new Uint8Array([1, 2, 3])
    const release = await platform.addRelease({ title: 'app', version, profile: 'P', bytes })
    await platform.assign(release, { profile: 'P' })
    const { operation } = await device.offer()
    await device.report(operation, { state: 'UPDATED' })
    return operation
  }
  const first = await update('1')
  const second = await update('2')
  const { id } = await platform.device('d')
  const operations = async () =>
    (await ask(platform, 'listDeviceOperations', { params: { id } })).json.items.map(
      (item: { id: string }) => item.id,
    )
  const kinds = async () =>
    (await ask(platform, 'listEvents', { query: { limit: 500 } })).json.items.map(
      ({ kind }: { kind: string }) => kind,
    )
  expect(await operations()).toEqual([second, first])

  platform.advanceClock({ minutes: 29 * DAYS })
  await platform.addProfile('later')
  platform.advanceClock({ minutes: 2 * DAYS })
  // It looks at every start, and every hour.
  await platform.restart()
  await expect.poll(kinds).toEqual(['profile.created'])
  await expect.poll(operations).toEqual([second])
  expect(await platform.device('d')).toMatchObject({
    installed: { firmware: { title: 'app', version: '2' } },
    operation: { id: second, state: 'UPDATED' },
  })
  expect(await device.offers(runs('app@2'))).toEqual([])
})
