import { HurriedClock } from '@updraft/agent/test-bench.test-helper'
import { FakeIoto, TOKEN } from '@updraft/agent/uplinks/fake-ioto.test-helper'
import { expect, onTestFinished, test } from 'vitest'
import { differences } from './account.ts'
import { Fleet, planOf } from './fleet.ts'
import { parseScenario } from './scenario.ts'

/** A fleet against a builder and its cloud, living until the test is over. */
async function fleetOf(group: object, tokens: ReadonlyMap<string, string> = new Map()) {
  const fake = await FakeIoto.start()
  fake.mean('2.0.0')
  const written = {
    name: 'lamp',
    profile: 'lamp',
    devices: 4,
    installed: { firmware: 'lamp-os@1.0.0' },
    ioto: { product: 'PROD1', cloudToken: TOKEN },
    ...group,
  }
  const scenario = parseScenario(JSON.stringify({ groups: [written] }))
  const servers = { http: fake.url, mqtt: 'mqtt://127.0.0.1:1', coap: 'coap://127.0.0.1:1' }
  const clock = new HurriedClock()
  const fleet = new Fleet(planOf(scenario), { seed: 1, servers, tokens, clock })
  const lives = fleet.start()
  onTestFinished(async () => {
    await fleet.stop()
    await lives
  })
  return { fake, fleet }
}

const when = async (isSo: () => boolean) => await expect.poll(isSo).toBe(true)

test('agents of Ioto register, wait to be claimed, and are updated without a word of theirs', async () => {
  const { fake, fleet } = await fleetOf({ dialects: { ioto: 1 } })
  await when(() =>
    fleet.devices.every(({ runs, isKnown }) => runs.firmware?.version === '2.0.0' && isKnown),
  )
  expect(fake.to('/updateReport')).toEqual([])
  expect(fake.to('/register').map(({ path }) => path)).toContain('/api/device/register')
  const bodies = fake.to('/provision/update').map(({ body }) => JSON.parse(body))
  expect(bodies).toContainEqual({
    id: 'lamp-0001',
    product: 'PROD1',
    simulated: true,
    group: 'lamp',
    speaks: 'ioto',
    version: '2.0.0',
    iotoVersion: '3.0.0',
  })
})

test.each(['updater-c', 'updater-node', 'updater-shell'])(
  'those that come as %s share the token of their cloud, and say how it went',
  async (updater) => {
    const { fake, fleet } = await fleetOf({
      dialects: { 'ioto-updater': 1 },
      ioto: { product: 'PROD1', cloudToken: TOKEN, updater },
    })
    await when(() => fake.to('/updateReport').length >= 4)
    expect(fake.to('/register')).toEqual([])
    expect(fleet.devices.map(({ runs }) => runs.firmware?.version)).toEqual(Array(4).fill('2.0.0'))
  },
)

test('an agent with a token of its own was told where to go as well', async () => {
  const tokens = new Map([['lamp-0001', 'mine']])
  const { fake, fleet } = await fleetOf({ devices: 1, dialects: { ioto: 1 } }, tokens)
  await when(() => fleet.devices[0]?.runs.firmware?.version === '2.0.0')
  expect(fake.to('/register')).toEqual([])
  expect(fake.to('/provision/update')[0]).toMatchObject({
    path: '/tok/provision/update',
    headers: { Authorization: 'bearer mine' },
  })
})

test('an Updater without a token, its own or its cloud’s, is left out', async () => {
  const { fleet } = await fleetOf({ dialects: { 'ioto-updater': 1 }, ioto: { product: 'PROD1' } })
  expect(fleet.devices).toEqual([])
})

test('agents that fail, roll back and lose power come through', async () => {
  const { fleet } = await fleetOf({
    devices: 20,
    dialects: { ioto: 1, 'ioto-updater': 1 },
    failures: [{ share: 0.2, reason: 'the flash is worn out' }],
    rollbacks: { share: 0.2, restartSeconds: 0 },
    powerCuts: { share: 0.5, offSeconds: 0 },
  })
  await when(() => fleet.devices.every(({ runs }) => runs.firmware?.version === '2.0.0'))
  const sum = (count: 'failed' | 'rolledBack' | 'powerCuts') =>
    fleet.devices.reduce((all, { counts }) => all + counts[count], 0)
  expect([sum('failed'), sum('rolledBack'), sum('powerCuts')].every((count) => count > 0)).toBe(
    true,
  )
})

test('of a device that tells no title the version alone is held against the server', () => {
  const truth = {
    name: 'a',
    nameThere: 'a',
    runs: { firmware: { title: 'lamp-os', version: '2.0.0' } },
    lastEnd: null,
    isUnderWay: false,
    isKnown: true,
  }
  const there = (title: string | null, version: string) =>
    new Map([['a', { name: 'a', installed: { firmware: { title, version } }, components: {} }]])
  expect(differences([truth], there(null, '2.0.0'))).toEqual([])
  expect(differences([truth], there(null, '1.0.0'))).toHaveLength(1)
  expect(differences([truth], there('other', '2.0.0'))).toHaveLength(1)
})
