import type { Audience } from '@updraft/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  addTenant,
  NOON,
  newId,
  type Tenant,
  type TestStore,
  testStore,
} from './store.test-helper.ts'

let store: TestStore
let tenant: Tenant
let profileId: string
const names = new Map<string, string>()
const [even, late, channel] = [newId(), newId(), newId()]

beforeAll(async () => {
  store = await testStore()
  tenant = await addTenant(store, 'acme')
  profileId = await tenant.addProfile('Sensor')
  const wanted = ['d0', 'd1', 'd2', 'd3', 'd4', 'd5']
  const ids = await tenant.addDevices(profileId, wanted)
  for (const [index, id] of ids.entries()) names.set(id, wanted[index] ?? '')
  await tenant.addDevices(await tenant.addProfile('Other'), ['d6'])
  await tenant.run(async ({ groups, channels }) => {
    const group = (id: string, handle: string, expression: string) =>
      groups.insert({ id, handle, name: handle, expression, createdAt: NOON })
    await group(even, 'even', 'name in ["d0", "d2", "d4", "d6"]')
    await group(late, 'late', 'matches(name, "[45]$")')
    await channels.insert({ id: channel, handle: 'c', name: 'C', createdAt: NOON })
    await channels.setGroups(channel, [even, late])
  })
})
afterAll(() => store.close())

const all = (audience: Audience) =>
  tenant.run(async ({ audiences }) => {
    const found: (string | undefined)[] = []
    let after: string | null = null
    do {
      const page: { deviceIds: readonly string[]; after: string | null } = await audiences.page(
        audience,
        { profileId, after, limit: 2, now: NOON },
      )
      found.push(...page.deviceIds.map((id) => names.get(id)))
      after = page.after
    } while (after !== null)
    return found
  })

test('an expression, some groups and a channel each mean their devices of the profile, once', async () => {
  expect(await all({ expression: 'name < "d2"' })).toEqual(['d0', 'd1'])
  expect(await all({ groupIds: [late] })).toEqual(['d4', 'd5'])
  expect(await all({ groupIds: [even] })).toEqual(['d0', 'd2', 'd4'])
  expect(await all({ channelId: channel })).toEqual(['d0', 'd2', 'd4', 'd5'])
  await tenant.run(({ channels }) => channels.setGroups(channel, []))
  expect(await all({ channelId: channel })).toEqual([])
})

test('what is not there is refused, and so is a mistake', async () => {
  await expect(all({ channelId: newId() })).rejects.toMatchObject({ code: 'channel.unknown' })
  await expect(all({ groupIds: [even, newId()] })).rejects.toMatchObject({ code: 'group.unknown' })
  await expect(all({ expression: 'nam' })).rejects.toMatchObject({ code: 'expression.invalid' })
})

test('a channel that a campaign is for is not removed', async () => {
  const release = await tenant.addRelease(profileId, 'app@1.0.0')
  const campaignId = await tenant.addCampaign('Spring', release)
  await store.rows('update campaigns set audience = $1 where id = $2', [
    { channelId: channel },
    campaignId,
  ])
  await expect(tenant.run(({ channels }) => channels.remove(channel))).rejects.toMatchObject({
    code: 'channel.in-use',
    message: 'Campaign "Spring" is for this channel; remove it first.',
  })
})
