import { describe, expect, test } from 'vitest'
import type { DomainError } from './errors.ts'
import { candidate, NOBODY_YET, PolicyFleet } from './example-policies.test-helper.ts'
import { compilePolicy, holds, policyWarnings } from './expression.ts'
import { checkedLimits, comparePolicies, counted, deferral, NO_LIMITS } from './policy.ts'
import { reason } from './reason.ts'
import { refusal } from './refusal.test-helper.ts'
import { type Installed, nameOf } from './release.ts'
import {
  type Choice,
  choose,
  desiredRelease,
  NO_ATTEMPTS,
  type Situation,
} from './update/choose.ts'
import {
  assigned,
  device,
  installed,
  minutesAfter,
  NOON,
  operation,
  release,
  situation,
  target,
} from './update/examples.test-helper.ts'
import { NO_BELONGINGS } from './update/snapshot.ts'

const F1 = release('F@1.0.0')
const F2 = release('F@2.0.0')
const F3 = release('F@3.0.0')
const needsTwo = release('F@3.0.0', { requirement: '~> 2.0' })
const beta = release('F@2.0.0-beta.1')
const dated = release('F@2026-03')
const later = { ...release('F@2.0.0+b2'), createdAt: minutesAfter(NOON, 1) }

/** A device that runs that version of something it does not name, and says this of itself. */
const says = (version: string | null, inventory = {}, cloudId: string | null = null) => {
  const runs: Record<string, Installed> =
    version === null ? {} : { firmware: { title: null, version } }
  return {
    installed: runs.firmware,
    facts: { device: device('D1', { installed: runs, inventory, cloudId }), ...NO_BELONGINGS },
  }
}
const offered = { standing: 'offered', code: 'policy.offers', fared: null } as const

/** The samples of the vendor's language, in the words of this one. */
const SAMPLES: readonly [string, string, Partial<Situation>][] = [
  ['an older device', '', says('1.9.9')],
  ['a device of the same version', '', says('2.0.0')],
  ['a newer device', '', says('2.0.1')],
  ['a pre-release of the very version', '', says('2.0.0-rc.1')],
  ['another build of the very version', '', says('2.0.0+b7')],
  ['a device whose version is no SemVer', '', says('1.0')],
  ['a device that told no version', '', says(null)],
  ['what empty means, an older device', 'semver(version, "<", newVersion)', says('1.9.9')],
  ['what empty means, a newer device', 'semver(version, "<", newVersion)', says('2.0.1')],
  [
    'numbers of the version and properties',
    'major >= 1 && minor >= 1 && patch >= 5 && device.memory >= 256 && device.ports == 32',
    says('1.1.5', { memory: 256, ports: 32 }),
  ],
  [
    'numbers of the version that do not do',
    'major >= 1 && minor >= 1 && patch >= 5 && device.memory >= 256 && device.ports == 32',
    says('1.1.4', { memory: 256, ports: 32 }),
  ],
  [
    'a unit string where a number is asked for',
    'device.memory >= 256',
    says('1.1.5', { memory: '256MB' }),
  ],
  ['numbers of what is no SemVer are 0', 'major == 0 && minor == 0 && patch == 0', says('v1')],
  ['a roll-back', 'version == "2.0.1"', says('2.0.1')],
  ['a roll-back, another device', 'version == "2.0.1"', says('2.0.2')],
  ['who opted in', 'device["try-beta-features"] == 1', says('1.0.0', { 'try-beta-features': 1 })],
  ['who did not say', 'device["try-beta-features"] == 1', says('1.0.0')],
  [
    'device and update',
    'semver(device.version, "<", update.version) && (device.region == "us-west" || device.tier == "premium")',
    says('1.0.0', { region: 'eu', tier: 'premium' }),
  ],
  ['a beginning', 'device.model.startsWith("Office")', says('1.0.0', { model: 'Office-3' })],
  ['a pattern', 'device.language.matches("en")', says('1.0.0', { language: 'en-GB' })],
  ['a property within a property', 'device.loc.room == "x"', says('1.0.0', { loc: { room: 'x' } })],
  ['the title of the release', 'update.title == "F" && update.description == ""', says('1.0.0')],
  ['without a term for the version, the device has it', 'true', says('2.0.0')],
]

const SITUATIONS: readonly [string, Partial<Situation>, number?][] = [
  ...SAMPLES.map(([what, expression, of]): [string, Partial<Situation>] => [
    `${what}: ${expression || 'older'}`,
    { ...of, policies: [candidate(F2, expression)] },
  ]),
  ['the newest of several', { ...says('1.0.0'), policies: [candidate(F3), candidate(F2)] }],
  [
    'a stepping stone: the newest must not start from there',
    { ...says('1.0.0'), policies: [candidate(needsTwo), candidate(F2)] },
  ],
  [
    'after the stepping stone',
    { ...says('2.0.0'), policies: [candidate(needsTwo), candidate(F2)] },
  ],
  [
    'the newest holds for others only',
    { ...says('1.0.0'), policies: [candidate(F3, 'device.region == "us"'), candidate(F2)] },
  ],
  [
    'the newest that holds is there: no falling through to an older one',
    { ...says('3.0.0'), policies: [candidate(F3, 'true'), candidate(F2, 'true')] },
  ],
  [
    'it is for other clouds',
    { ...says('1.0.0', {}, 'c1'), policies: [candidate(F2, '', { cloudIds: ['c2'] })] },
  ],
  [
    'it is for the cloud of the device',
    { ...says('1.0.0', {}, 'c2'), policies: [candidate(F2, '', { cloudIds: ['c2'] })] },
  ],
  [
    'it is for a cloud, and the device has none',
    { ...says('1.0.0'), policies: [candidate(F2, '', { cloudIds: ['c2'] })] },
  ],
  ['the device is away', { ...says('1.0.0'), policies: [candidate(F2)], isHere: false }],
  [
    'as many as may be were offered it',
    {
      ...says('1.0.0'),
      policies: [candidate(F2, '', { limits: { maxDevices: 3 }, counts: { offered: 3 } })],
    },
  ],
  [
    'held back, and an older release would hold: no falling through',
    {
      ...says('1.0.0'),
      policies: [
        candidate(F3, '', { limits: { maxDevices: 3 }, counts: { offered: 3 } }),
        candidate(F2),
      ],
    },
  ],
  [
    'a share of the devices, rounded up, is not reached',
    {
      ...says('1.0.0'),
      policies: [candidate(F2, '', { limits: { percentage: 21 }, counts: { offered: 2 } })],
    },
  ],
  [
    'a share of the devices is reached',
    {
      ...says('1.0.0'),
      policies: [candidate(F2, '', { limits: { percentage: 20 }, counts: { offered: 2 } })],
    },
  ],
  [
    'as many as may be in a period',
    {
      ...says('1.0.0'),
      policies: [
        candidate(F2, '', {
          limits: { rate: 2, periodSeconds: 3600 },
          counts: { offered: 9, periodStartedAt: NOON, offeredInPeriod: 2 },
        }),
      ],
    },
    59,
  ],
  [
    'the period is over',
    {
      ...says('1.0.0'),
      policies: [
        candidate(F2, '', {
          limits: { rate: 2, periodSeconds: 3600 },
          counts: { offered: 9, periodStartedAt: NOON, offeredInPeriod: 2 },
        }),
      ],
    },
    60,
  ],
  [
    'who was offered it passes every limit',
    {
      ...says('1.0.0'),
      policies: [candidate(F2, '', { limits: { maxDevices: 1 }, counts: { offered: 1 } })],
      standings: { [F2.id]: { ...offered, attempts: NO_ATTEMPTS } },
    },
  ],
  [
    'it failed on the device a moment ago',
    {
      ...says('1.0.0'),
      policies: [candidate(F2)],
      standings: {
        [F2.id]: { ...offered, attempts: { ...NO_ATTEMPTS, failures: 1, lastFailedAt: NOON } },
      },
    },
    5,
  ],
  [
    'it failed as often as it may',
    {
      ...says('1.0.0'),
      policies: [candidate(F2)],
      standings: {
        [F2.id]: { ...offered, attempts: { ...NO_ATTEMPTS, failures: 5, lastFailedAt: NOON } },
      },
    },
    9999,
  ],
  [
    'an operator cancelled it on the device',
    {
      ...says('1.0.0'),
      policies: [candidate(F2)],
      standings: { [F2.id]: { ...offered, attempts: { ...NO_ATTEMPTS, isCancelled: true } } },
    },
  ],
  [
    'what a campaign brought after it was published is there',
    {
      ...says('1.0.0'),
      policies: [candidate(F2)],
      arrival: { ...installed('F@1.0.0'), at: minutesAfter(NOON, 1) },
    },
    5,
  ],
  [
    'what a campaign brought before it was published is there',
    {
      ...says('1.0.0'),
      policies: [candidate(F2)],
      arrival: { ...installed('F@1.0.0'), at: minutesAfter(NOON, -1) },
    },
  ],
  [
    'a campaign comes before it',
    { ...says('1.0.0'), policies: [candidate(F3)], targets: [target(F2)] },
  ],
  [
    'a pin comes before it',
    { ...says('1.0.0'), policies: [candidate(F3)], deviceAssignment: assigned(F1) },
  ],
  [
    'what the profile is assigned comes before it',
    { ...says('2.0.0'), policies: [candidate(F3)], profileAssignment: assigned(F2) },
  ],
  [
    'told of an older one by its policy, and a newer one is published',
    {
      ...says('1.0.0'),
      policies: [candidate(F3), candidate(F2)],
      underWay: operation(F2, 'INITIATED', { origin: reason('policy.offers', 'Its policy.') }),
    },
  ],
  [
    'told of an older one by its policy, and the newer one is held back',
    {
      ...says('1.0.0'),
      policies: [
        candidate(F3, '', { limits: { maxDevices: 1 }, counts: { offered: 1 } }),
        candidate(F2),
      ],
      underWay: operation(F2, 'INITIATED', { origin: reason('policy.offers', 'Its policy.') }),
    },
  ],
  [
    'told of it by a policy that is disabled by now',
    {
      ...says('1.0.0'),
      underWay: operation(F2, 'INITIATED', { origin: reason('policy.offers', 'Its policy.') }),
    },
  ],
  [
    'the same while the device is away: it is asked first',
    {
      ...says('1.0.0'),
      isHere: false,
      underWay: operation(F2, 'INITIATED', { origin: reason('policy.offers', 'Its policy.') }),
    },
  ],
]

function render(choice: Choice): string[] {
  const lines: string[] = []
  if ('cancels' in choice && choice.cancels) {
    const { operation: taken, because } = choice.cancels
    lines.push(`takes back ${nameOf(taken)} [${because.code}] ${because.message}`)
  }
  const what = choice.kind === 'offer' ? `offer ${nameOf(choice.release)}` : choice.kind
  lines.push(`${what} [${choice.because.code}] ${choice.because.message}`)
  if (choice.kind === 'nothing' && choice.lookAgainAt) {
    lines.push(`look again at ${choice.lookAgainAt.toISOString()}`)
  }
  const desired = desiredRelease(choice)
  if (desired && desired !== 'under-way') lines.push(`desired: ${nameOf(desired)}`)
  return lines
}

test('what policies decide in which situation, to be read', async () => {
  const plans = SITUATIONS.map(([what, changes, minutes = 0]) => {
    const choice = choose(situation(changes), minutesAfter(NOON, minutes))
    return [what, ...render(choice).map((line) => `  → ${line}`)].join('\n')
  })
  await expect(`${plans.join('\n\n')}\n`).toMatchFileSnapshot('policy.plans.txt')
})

const HELD: readonly [string, boolean][] = [
  ['an older device: older', true],
  ['a device of the same version: older', false],
  ['a newer device: older', false],
  ['a pre-release of the very version: older', true],
  ['another build of the very version: older', false],
  ['a device whose version is no SemVer: older', false],
  ['a device that told no version: older', false],
  ['a unit string where a number is asked for: device.memory >= 256', false],
  ['a roll-back: version == "2.0.1"', true],
  ['a roll-back, another device: version == "2.0.1"', false],
  ['who did not say: device["try-beta-features"] == 1', false],
  ['the newest of several', true],
  ['a stepping stone: the newest must not start from there', true],
  ['the newest that holds is there: no falling through to an older one', false],
  ['held back, and an older release would hold: no falling through', false],
  ['the device is away', false],
  ['who was offered it passes every limit', true],
]

test.each(HELD)('%s: offered: %s', (what, isOffered) => {
  const [, changes, minutes = 0] = SITUATIONS.find(([name]) => name === what) ?? []
  expect(changes, 'a situation of that name').toBeDefined()
  const choice = choose(situation(changes), minutesAfter(NOON, minutes))
  expect(choice.kind === 'offer').toBe(isOffered)
})

test('the highest version is asked first, of equal ones the newest, and what is no SemVer last', () => {
  const all = [dated, F1, later, beta, F3, F2].map((each) => candidate(each))
  expect(all.sort(comparePolicies).map(({ release: { version } }) => version)).toEqual([
    '3.0.0',
    '2.0.0+b2',
    '2.0.0',
    '2.0.0-beta.1',
    '1.0.0',
    '2026-03',
  ])
})

describe('limits', () => {
  test.each([
    [{}, 'accepted'],
    [{ maxDevices: 1, percentage: 0.1, rate: 1, periodSeconds: 1 }, 'accepted'],
    [{ percentage: 100 }, 'accepted'],
    [{ maxDevices: 0 }, 'policy.invalid'],
    [{ maxDevices: 1.5 }, 'policy.invalid'],
    [{ maxDevices: 1_000_000_001 }, 'policy.invalid'],
    [{ percentage: 0 }, 'policy.invalid'],
    [{ percentage: 100.1 }, 'policy.invalid'],
    [{ percentage: Number.NaN }, 'policy.invalid'],
    [{ rate: 5 }, 'policy.invalid'],
    [{ periodSeconds: 5 }, 'policy.invalid'],
    [{ rate: 5, periodSeconds: 0 }, 'policy.invalid'],
    [{ rate: 5, periodSeconds: 31_536_001 }, 'policy.invalid'],
  ])('%o: %s', (limits, answer) => {
    expect(refusal(() => checkedLimits(limits))).toBe(answer)
  })

  test.each([
    [7, 100, 7],
    [1.1, 1000, 11],
    [10, 9, 1],
    [50, 3, 2],
    [100, 0, 0],
  ])('%d%% of %d devices are %d', (percentage, population, share) => {
    const at = (offered: number) =>
      deferral(candidate(F2, '', { limits: { percentage }, counts: { population, offered } }), NOON)
        ?.because.code
    expect(at(share)).toBe('deferred.percentage')
    if (share > 0) expect(at(share - 1)).toBeUndefined()
  })

  test('a period begins with the first offer after the last one', () => {
    const { policy } = candidate(F2, '', { limits: { rate: 2, periodSeconds: 60 } })
    const first = counted(policy, NOBODY_YET, NOON)
    expect(first).toMatchObject({ offered: 1, periodStartedAt: NOON, offeredInPeriod: 1 })
    const second = counted(policy, first, new Date(NOON.getTime() + 59_999))
    expect(second).toMatchObject({ offered: 2, periodStartedAt: NOON, offeredInPeriod: 2 })
    const third = counted(policy, second, minutesAfter(NOON, 1))
    expect(third).toMatchObject({
      offered: 3,
      periodStartedAt: minutesAfter(NOON, 1),
      offeredInPeriod: 1,
    })
  })

  test('all that is not said is not limited', () => {
    expect(checkedLimits({})).toEqual(NO_LIMITS)
    const far = { offered: 1_000_000, population: 1, periodStartedAt: NOON, offeredInPeriod: 9 }
    expect(deferral(candidate(F2, '', { counts: far }), NOON)).toBeNull()
  })
})

describe('an expression', () => {
  test.each([
    [
      'region == "us"',
      1,
      'nothing is called "region"; what a device says of itself is device.region; ',
    ],
    ['version == ', 11, 'something is missing at the end'],
    ['major == "1"', 1, 'a whole number cannot be compared with a text'],
    ['newVersion', 1, 'it does not say yes or no'],
    ['true && update.size == "5"', 9, 'of a release there is update.version, '],
    ['semver(version, "~", "1")', 17, 'how to compare is written out: one of "<", '],
    ['labels.exists(version, true)', 15, '"version" means something already'],
    ['device.model ^= "Office"', 14, ''],
  ])('%s is refused at column %d', (text, column, mistake) => {
    try {
      compilePolicy(text, F2)
    } catch (error) {
      expect((error as DomainError).code).toBe('expression.invalid')
      expect((error as DomainError).details).toMatchObject({ column })
      expect((error as DomainError).details.mistake).toContain(mistake)
      return
    }
    expect.unreachable(`${text} was read`)
  })

  test.each([
    ['', []],
    ['semver(version, "<", newVersion)', []],
    ['semver(version, "<", newVersion) && device.memory > 256', []],
    ['version == "1.9.0"', []],
    ['device.memory > 256', ['policy.may-downgrade']],
    ['true', ['policy.may-downgrade']],
    ['version == "2.7.3"', ['policy.may-downgrade']],
    ['semver(version, "<=", newVersion)', []],
    ['version < newVersion', ['policy.may-downgrade']],
    ['major >= 1', ['policy.may-downgrade']],
    ['"beta" in labels', ['policy.may-downgrade']],
  ])('%s warns of %j', (text, codes) => {
    const warnings = policyWarnings(compilePolicy(text, F2), F2)
    expect(warnings.map(({ code }) => code)).toEqual(codes)
  })

  test('a release whose version is none is older than nobody', () => {
    expect(policyWarnings(compilePolicy('', dated), dated)).toMatchObject([
      { code: 'policy.nobody' },
    ])
  })

  test('what the device says otherwise than expected is told', () => {
    const { asks } = compilePolicy('device.memory >= 256', F2)
    const { facts } = says('1.0.0', { memory: '256MB' })
    expect(asks(facts, NOON)).toEqual({
      holds: false,
      because: 'A text and a whole number have no >= between them.',
    })
    expect(compilePolicy('int(device.memory) >= 256', F2).asks(facts, NOON)).toEqual({
      holds: false,
      because: 'A whole number cannot be made of what is there.',
    })
  })
})

test.each(SAMPLES)('one device and a whole fleet are asked the same: %s', (_, expression, of) => {
  const { facts } = of
  if (!facts) throw new Error('It says nothing.')
  const program = compilePolicy(expression, F2)
  expect(program.asks(facts, NOON).holds).toBe(holds(program, facts, NOON).holds)
})

/** Stories, told by what is asserted of them; all of them are rendered to be read as well. */
const STORIES: Readonly<Record<string, (fleet: PolicyFleet) => void>> = {
  'a device gets the newest release when it asks, and nothing more after that': (fleet) => {
    fleet.add('D1', '1.0.0')
    fleet.publish(F2)
    fleet.publish(F3)
    expect(fleet.asks('D1')).toBe('F@3.0.0')
    expect(fleet.asks('D1', '3.0.0')).toBeNull()
    expect(fleet.standing('D1', F3)).toMatchObject({ standing: 'offered', fared: 'succeeded' })
    expect(fleet.writesNothingFor('D1')).toBe(true)
  },
  'stepping stones: what a release must start from comes first': (fleet) => {
    fleet.add('D1', '1.0.0')
    fleet.publish(F2)
    fleet.publish(needsTwo)
    expect(fleet.asks('D1')).toBe('F@2.0.0')
    expect(fleet.asks('D1', '2.0.0')).toBe('F@3.0.0')
    expect(fleet.asks('D1', '3.0.0')).toBeNull()
  },
  'a roll-back: the bad release is disabled, the one before is for those that run it': (fleet) => {
    fleet.add('D1', '2.0.0')
    fleet.add('D2', '3.0.0')
    fleet.publish(F3)
    fleet.disable(F3)
    fleet.publish(F2, 'version == "3.0.0"')
    expect(fleet.asks('D1')).toBeNull()
    expect(fleet.asks('D2')).toBe('F@2.0.0')
    expect(fleet.asks('D2', '2.0.0')).toBeNull()
  },
  'of three devices two get it, and the third is held back until there is room': (fleet) => {
    for (const name of ['D1', 'D2', 'D3']) fleet.add(name, '1.0.0')
    fleet.publish(F2, '', { maxDevices: 2 })
    expect(['D1', 'D2', 'D3'].map((name) => fleet.asks(name))).toEqual(['F@2.0.0', 'F@2.0.0', null])
    expect(fleet.standing('D3', F2)).toMatchObject({ standing: 'deferred' })
    expect(fleet.writesNothingFor('D3')).toBe(true)
    expect(fleet.asks('D1')).toBe('F@2.0.0')
    expect(fleet.counts(F2)?.offered).toBe(2)
    fleet.publish(F2, '', { maxDevices: 3 })
    expect(fleet.asks('D3')).toBe('F@2.0.0')
    expect(fleet.counts(F2)?.offered).toBe(3)
  },
  'a share of the fleet, which grows': (fleet) => {
    for (const name of ['D1', 'D2']) fleet.add(name, '1.0.0')
    fleet.publish(F2, '', { percentage: 50 })
    expect(['D1', 'D2'].map((name) => fleet.asks(name))).toEqual(['F@2.0.0', null])
    fleet.add('D3', '3.0.0')
    expect(fleet.asks('D2')).toBe('F@2.0.0')
  },
  'so many in a period': (fleet) => {
    for (const name of ['D1', 'D2', 'D3']) fleet.add(name, '1.0.0')
    fleet.publish(F2, '', { rate: 1, periodSeconds: 3600 })
    expect(['D1', 'D2', 'D3'].map((name) => fleet.asks(name))).toEqual(['F@2.0.0', null, null])
    fleet.pass(60)
    expect(['D3', 'D2'].map((name) => fleet.asks(name))).toEqual(['F@2.0.0', null])
  },
  'who is held back and changes is so no more': (fleet) => {
    fleet.add('D1', '1.0.0', { region: 'us' })
    fleet.add('D2', '1.0.0', { region: 'us' })
    fleet.publish(F2, 'device.region == "us"', { maxDevices: 1 })
    fleet.asks('D1')
    fleet.asks('D2')
    expect(fleet.standing('D2', F2)?.standing).toBe('deferred')
    fleet.asks('D2', '1.0.0', { region: 'eu' })
    expect(fleet.standing('D2', F2)).toBeUndefined()
  },
  'it fails, is tried again after a while, and then left alone': (fleet) => {
    fleet.add('D1', '1.0.0')
    fleet.publish(F2, '', { maxDevices: 1 })
    let offers = 0
    for (let days = 0; days < 10; days += 1) {
      if (fleet.asks('D1')) offers += 1
      if (!fleet.snapshot('D1').components.firmware?.underWay) continue
      fleet.reports('D1', 'DOWNLOADING')
      fleet.reports('D1', 'FAILED')
      fleet.pass(24 * 60)
    }
    expect(offers).toBe(5)
    expect(fleet.standing('D1', F2)).toMatchObject({ standing: 'offered', fared: 'failed' })
    expect(fleet.counts(F2)?.offered).toBe(1)
  },
  'an operator cancels it on one device': (fleet) => {
    fleet.add('D1', '1.0.0')
    fleet.publish(F2)
    fleet.asks('D1')
    fleet.cancel('D1')
    expect(fleet.asks('D1')).toBeNull()
  },
  'a policy is disabled before the device has begun': (fleet) => {
    fleet.add('D1', '1.0.0')
    fleet.publish(F2)
    fleet.asks('D1')
    fleet.disable(F2)
    expect(fleet.asks('D1')).toBeNull()
  },
  'a policy is disabled while the device is at it': (fleet) => {
    fleet.add('D1', '1.0.0')
    fleet.publish(F2)
    fleet.asks('D1')
    fleet.reports('D1', 'DOWNLOADING')
    fleet.disable(F2)
    fleet.reports('D1', 'UPDATED')
    expect(fleet.standing('D1', F2)?.fared).toBe('succeeded')
  },
  'what its profile is assigned comes before policies': (fleet) => {
    fleet.add('D1', '1.0.0')
    fleet.publish(F3)
    fleet.profileAssignment = assigned(F2)
    expect(fleet.asks('D1')).toBe('F@2.0.0')
    fleet.profileAssignment = null
    expect(fleet.asks('D1', '2.0.0')).toBe('F@3.0.0')
  },
}

describe('a story', () => {
  test.each(Object.entries(STORIES))('%s', (_, story) => story(new PolicyFleet()))

  test('of each kind, to be read', async () => {
    const told = Object.entries(STORIES).map(([what, story]) => {
      const fleet = new PolicyFleet()
      story(fleet)
      return [`# ${what}`, ...fleet.log].join('\n')
    })
    await expect(`${told.join('\n\n')}\n`).toMatchFileSnapshot('policy.stories.txt')
  })
})
