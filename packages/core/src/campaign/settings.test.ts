import { describe, expect, test } from 'vitest'
import { DomainError } from '../errors.ts'
import {
  checkedCampaignSettings,
  LARGE_CAMPAIGN,
  type SettingsDraft,
  STANDARD_CAMPAIGN_SETTINGS,
  shareOf,
  type WaveDraft,
  waveSizes,
} from './settings.ts'

/** What is said of it; null when it is taken. */
function refusal(draft: SettingsDraft, targets = 10): string | null {
  try {
    checkedCampaignSettings(draft, targets)
    return null
  } catch (error) {
    if (error instanceof DomainError && error.code === 'campaign.invalid') return error.message
    throw error
  }
}

const wave = (changes: Partial<WaveDraft> = {}): SettingsDraft => ({
  waves: [{ size: { count: 1 }, ...changes }],
})
const rule = (failurePercentage: number, minFinished: number): SettingsDraft => ({
  stopRule: { failurePercentage, minFinished },
})

test('what is not said is as it stands everywhere', () => {
  expect(checkedCampaignSettings({}, 10)).toEqual({ ...STANDARD_CAMPAIGN_SETTINGS, waves: [] })
})

test('a large campaign has a canary of one unless something else is said', () => {
  const waves = (targets: number, draft: SettingsDraft = {}) =>
    checkedCampaignSettings(draft, targets).waves
  expect(waves(LARGE_CAMPAIGN - 1)).toEqual([])
  expect(waves(LARGE_CAMPAIGN)).toEqual([
    { size: { count: 1 }, successPercentage: 90, soakSeconds: 0, needsApproval: false },
  ])
  expect(waves(LARGE_CAMPAIGN, { waves: [] })).toEqual([])
})

test('a wave may fail as much as the campaign, unless it says more', () => {
  const settings = checkedCampaignSettings(
    {
      maxFailurePercentage: 25,
      waves: [{ size: { count: 2 } }, { size: { count: 2 }, successPercentage: 100 }],
    },
    10,
  )
  expect(settings.waves.map(({ successPercentage }) => successPercentage)).toEqual([75, 100])
})

/** The last value that is taken and the first that is not, at either end. */
const LIMITS: readonly [string, (value: number) => SettingsDraft, readonly [number, number][]][] = [
  [
    'maxInProgress',
    (value) => ({ maxInProgress: value }),
    [
      [1, 0],
      [100_000_000, 100_000_001],
    ],
  ],
  [
    'maxFailurePercentage',
    (value) => ({ maxFailurePercentage: value }),
    [
      [0, -0.1],
      [100, 100.1],
    ],
  ],
  [
    'stopRule.failurePercentage',
    (value) => rule(value, 1),
    [
      [0, -1],
      [100, 101],
    ],
  ],
  [
    'stopRule.minFinished',
    (value) => rule(10, value),
    [
      [1, 0],
      [100_000_000, 100_000_001],
    ],
  ],
  [
    'requestRetries',
    (value) => ({ requestRetries: value }),
    [
      [0, -1],
      [1000, 1001],
    ],
  ],
  [
    'requestTimeoutSeconds',
    (value) => ({ requestTimeoutSeconds: value }),
    [
      [30, 29],
      [31_536_000, 31_536_001],
    ],
  ],
  [
    'progressTimeoutSeconds',
    (value) => ({ progressTimeoutSeconds: value }),
    [
      [30, 29],
      [31_536_000, 31_536_001],
    ],
  ],
  [
    'The size of wave 1',
    (count) => wave({ size: { count } }),
    [
      [1, 0],
      [10, 11],
    ],
  ],
  [
    'The size of wave 1',
    (percentage) => wave({ size: { percentage } }),
    [
      [0.1, 0],
      [100, 100.1],
    ],
  ],
  [
    'SuccessPercentage of wave 1',
    (value) => wave({ successPercentage: value }),
    [
      [0, -1],
      [100, 101],
    ],
  ],
  [
    'SoakSeconds of wave 1',
    (value) => wave({ soakSeconds: value }),
    [
      [0, -1],
      [31_536_000, 31_536_001],
    ],
  ],
]

describe('limits', () => {
  test.each(
    LIMITS.flatMap(([name, draftOf, ends]) =>
      ends.map(([last, first]) => [name, last, first, draftOf] as const),
    ),
  )('%s: %d is taken, %d is not', (_, last, first, draftOf) => {
    expect(refusal(draftOf(last))).toBeNull()
    expect(refusal(draftOf(first))).not.toBeNull()
  })

  test.each(LIMITS)('%s: no number is none', (_, draftOf) => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      expect(refusal(draftOf(value))).not.toBeNull()
    }
  })

  test.each<[string, SettingsDraft]>([
    ['MaxInProgress', { maxInProgress: 1.5 }],
    ['RequestRetries', { requestRetries: 0.5 }],
    ['RequestTimeoutSeconds', { requestTimeoutSeconds: 30.5 }],
    ['Count', wave({ size: { count: 1.5 } })],
  ])('%s is a whole number', (_, draft) => {
    expect(refusal(draft)).toContain('whole number')
  })

  test('the message names setting, limits and value', () => {
    expect(refusal({ requestTimeoutSeconds: 29 })).toBe(
      'requestTimeoutSeconds is a whole number from 30 to 31536000, not 29.',
    )
  })

  test('to wait without end is to say so', () => {
    expect(refusal({ progressTimeoutSeconds: null })).toBeNull()
    expect(refusal({ stopRule: null })).toBeNull()
  })

  test('a window that cannot be read', () => {
    expect(refusal({ windows: 'whenever' })).toContain('whenever')
  })

  test('more than a hundred waves', () => {
    const waves = (count: number) => Array.from({ length: count }, () => ({ size: { count: 1 } }))
    expect(refusal({ waves: waves(100) }, 1000)).toBeNull()
    expect(refusal({ waves: waves(101) }, 1000)).toContain('at most 100 waves')
  })
})

const sized = (...sizes: readonly (number | string)[]): WaveDraft[] =>
  sizes.map((size) => ({
    size: typeof size === 'number' ? { count: size } : { percentage: Number.parseFloat(size) },
  }))

describe('waves that do not add up', () => {
  test.each<[string, WaveDraft[], number, string | null]>([
    ['as many as there are', sized(4, 6), 10, null],
    ['more than there are', sized(4, 7), 10, 'take 11 devices together; there are only 10'],
    ['all of them', sized('40 %', '60 %'), 10, null],
    ['more than all of them', sized('40 %', '61 %'), 10, 'take 101 % of the devices together'],
    [
      'a sum that only a computer finds too large',
      sized('10.1 %', '20.2 %', '30.3 %', '39.4 %'),
      10,
      null,
    ],
    ['some and a share', sized(5, '50 %'), 10, null],
    [
      'some, and a share of which there is less left',
      sized(6, '50 %'),
      10,
      'take 11 devices together',
    ],
    ['counts for nobody yet', sized(4, 7), 0, null],
  ])('%s', (_, waves, targets, why) => {
    const said = refusal({ waves }, targets)
    if (why === null) expect(said).toBeNull()
    else expect(said).toContain(why)
  })
})

describe('how large waves are', () => {
  test.each<[string, WaveDraft[], number, boolean, readonly number[]]>([
    ['none: all at once', [], 10, false, [10]],
    ['a canary and the rest', sized(1), 10, false, [1, 9]],
    ['percentages', sized('10 %', '20 %'), 50, false, [5, 10, 35]],
    ['a percentage of few is one at least', sized('1 %'), 10, false, [1, 9]],
    ['percentages are rounded up', sized('33.3 %', '33.3 %'), 10, false, [4, 4, 2]],
    ['all in waves', sized('50 %', '50 %'), 10, false, [5, 5]],
    ['more waves than devices', sized('50 %', '30 %', '20 %'), 1, false, [1]],
    ['a fraction that only a computer finds larger', sized('1.1 %'), 1000, false, [11, 989]],
    ['nobody', sized(1), 0, false, []],
    ['nobody yet', sized(1), 0, true, [0]],
    ['newcomers have a last wave', sized('50 %', '50 %'), 10, true, [5, 5, 0]],
    ['newcomers join the rest', sized(1), 10, true, [1, 9]],
  ])('%s', (_, waves, targets, isDynamic, sizes) => {
    const { waves: whole } = checkedCampaignSettings({ waves }, targets)
    expect(waveSizes({ waves: whole, isDynamic }, targets)).toEqual(sizes)
  })
})

test('a share of devices that is whole is whole', () => {
  for (let devices = 0; devices <= 1000; devices += 10) {
    for (let percentage = 0; percentage <= 100; percentage += 0.1) {
      const rounded = Math.round(percentage * 10) / 10
      const exact = (devices * Math.round(rounded * 10)) / 1000
      expect(shareOf(devices, rounded)).toBeCloseTo(exact, 9)
      if (Number.isInteger(exact)) expect(shareOf(devices, rounded)).toBe(exact)
    }
  }
})
