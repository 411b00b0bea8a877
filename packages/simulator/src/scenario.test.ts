import { expect, test } from 'vitest'
import { chanceOf, dialectsOf, fateOf } from './chance.ts'
import { planOf } from './fleet.ts'
import { CUT_MOMENTS, deviceName, type Group, parseScenario, ScenarioError } from './scenario.ts'

const METER = {
  name: 'meter',
  profile: 'energy meter',
  devices: 10,
  dialects: { updraft: 2, 'thingsboard-mqtt': 1 },
  installed: { firmware: 'meter-os@1.0.0' },
}
const written = (group: object, more: object = {}) =>
  JSON.stringify({ ...more, groups: [{ ...METER, ...group }] })
const groupOf = (more: object = {}): Group => {
  const [group] = parseScenario(written(more)).groups
  if (!group) throw new Error('a scenario without a group was taken')
  return group
}

test('a scenario needs little, and the rest is as most devices are', () => {
  expect(parseScenario(written({}))).toEqual({
    seed: 1,
    groups: [
      {
        ...METER,
        installed: { firmware: { title: 'meter-os', version: '1.0.0' } },
        provisioning: null,
        ioto: null,
        edgehog: null,
        hawkbit: { tenant: 'DEFAULT', gatewayToken: null },
        startWithinSeconds: 10,
        checkInSeconds: 60,
        waitSeconds: 0,
        downloadBytesPerSecond: 0,
        installSeconds: 1,
        failures: [],
        rollbacks: { share: 0, restartSeconds: 5 },
        powerCuts: { share: 0, offSeconds: 5, during: ['download', 'install', 'report'] },
        offline: { everySeconds: 0, forSeconds: 30 },
      },
    ],
  })
})

test.each([
  ['{', 'It is no JSON'],
  ['[]', 'the scenario is an object.'],
  ['{}', 'groups is missing.'],
  ['{"groups":[]}', 'groups is empty'],
  [written({}, { sead: 2 }), 'sead means nothing here; there are groups, seed.'],
  [written({ devices: 0 }), 'groups[0].devices is a whole number from 1 on, not 0.'],
  [written({ devices: 1.5 }), 'groups[0].devices is a whole number'],
  [written({ devices: undefined }), 'groups[0].devices is missing.'],
  [written({ dialects: { mqtt: 1 } }), 'groups[0].dialects.mqtt means nothing here'],
  [written({ dialects: { updraft: 0 } }), 'groups[0].dialects gives no dialect a part.'],
  [written({ name: 'a,b' }), 'groups[0].name holds a comma'],
  [written({ installed: {} }), 'groups[0].installed names no component type.'],
  [written({ installed: { firmware: '1.0' } }), 'groups[0].installed.firmware is TITLE@VERSION'],
  [written({ failures: [{ share: 2, reason: 'x' }] }), 'groups[0].failures[0].share is a number'],
  [written({ failures: [{ share: 0.1 }] }), 'groups[0].failures[0].reason is missing.'],
  [
    written({ powerCuts: { share: 1, during: ['lunch'] } }),
    'groups[0].powerCuts.during is a list of parts: download, install, report.',
  ],
  [written({ dialects: { ioto: 1 } }), 'groups[0].ioto is missing'],
  [written({ ioto: {} }), 'groups[0].ioto.product is missing.'],
  [
    written({ ioto: { product: 'P', certificates: 1 } }),
    'groups[0].ioto.certificates is true or false, not 1.',
  ],
  [
    written({ ioto: { product: 'P', updater: 'java' } }),
    'groups[0].ioto.updater is one of updater-c, updater-node, updater-shell.',
  ],
  [written({ powerCuts: { shares: 1 } }), 'groups[0].powerCuts.shares means nothing here'],
  [written({ provisioning: { key: 'k' } }), 'groups[0].provisioning.secret is missing.'],
  [
    written({ failures: [{ share: 0.7, reason: 'x' }], rollbacks: { share: 0.4 } }),
    'groups[0]: failures and rollbacks together are more than all updates.',
  ],
])('%s is refused in a sentence', (text, words) => {
  const parse = () => parseScenario(text)
  expect(parse).toThrow(ScenarioError)
  expect(parse).toThrow(words)
})

test('two groups do not share a name', () => {
  const text = JSON.stringify({ groups: [METER, METER] })
  expect(() => parseScenario(text)).toThrow('Two groups are called meter.')
})

test('dialects get their parts, and devices names that sort', () => {
  const plan = planOf(parseScenario(written({})))
  expect(plan.map(({ name }) => name)).toEqual(plan.map(({ name }) => name).sort())
  expect(plan[0]?.name).toBe('meter-0001')
  expect(deviceName('meter', 9_999)).toBe('meter-10000')
  const spoken = plan.map(({ dialect }) => dialect)
  expect(spoken.filter((dialect) => dialect === 'updraft')).toHaveLength(7)
  expect(spoken.filter((dialect) => dialect === 'thingsboard-mqtt')).toHaveLength(3)
  // Not one after the other: a fleet that is half started is mixed as well.
  expect(new Set(spoken.slice(0, 3)).size).toBe(2)
})

test('whole parts come out whole', () => {
  const dialects = {
    updraft: 1,
    'thingsboard-http': 1,
    'thingsboard-mqtt': 1,
    'thingsboard-coap': 1,
  }
  const spoken = dialectsOf(groupOf({ devices: 40, dialects }))
  for (const dialect of Object.keys(dialects)) {
    expect(spoken.filter((each) => each === dialect)).toHaveLength(10)
  }
})

test('the same seed brings the same fates, another seed others', () => {
  const group = groupOf({
    failures: [{ share: 0.3, reason: 'worn out' }],
    rollbacks: { share: 0.2 },
    powerCuts: { share: 0.5 },
  })
  const fates = (seed: number) =>
    Array.from({ length: 200 }, (_, index) =>
      fateOf(group, chanceOf(seed, deviceName('meter', index), 'meter-os@2.0.0', 1)),
    )
  expect(fates(7)).toEqual(fates(7))
  expect(fates(7)).not.toEqual(fates(8))
})

test('fates come in the shares that were asked for', () => {
  const group = groupOf({
    failures: [
      { share: 0.2, reason: 'worn out' },
      { share: 0.1, reason: 'no space' },
    ],
    rollbacks: { share: 0.1 },
    powerCuts: { share: 0.25 },
  })
  const fates = Array.from({ length: 4000 }, (_, index) => fateOf(group, chanceOf(1, index)))
  const share = (isSo: (fate: (typeof fates)[number]) => boolean) =>
    fates.filter(isSo).length / fates.length
  expect(share(({ reason }) => reason === 'worn out')).toBeCloseTo(0.2, 1)
  expect(share(({ reason }) => reason === 'no space')).toBeCloseTo(0.1, 1)
  expect(share(({ end }) => end === 'rolls back')).toBeCloseTo(0.1, 1)
  expect(share(({ end }) => end === 'works')).toBeCloseTo(0.6, 1)
  for (const moment of CUT_MOMENTS) {
    expect(share(({ powerCut }) => powerCut?.during === moment)).toBeCloseTo(0.25 / 3, 1)
  }
  for (const { powerCut } of fates) {
    if (powerCut === null) continue
    expect(powerCut.at).toBeGreaterThan(0)
    expect(powerCut.at).toBeLessThan(1)
  }
})
