import { describe, expect, test } from 'vitest'
import { DomainError } from './errors.ts'
import {
  checkedSettings,
  limitsOf,
  type SettingsChange,
  STANDARD_SETTINGS,
  settingsInForce,
  TENANT_SETTING_NAMES,
} from './settings.ts'

test('what is not set is as the server has it, and the server as it is by itself', () => {
  expect(STANDARD_SETTINGS).toEqual({
    silenceDeadlineSeconds: 3600,
    maxRetries: 5,
    pacePackSize: 100,
    retentionDays: 365,
    paceIntervalMs: 60_000,
  })
  const ofServer = { ...STANDARD_SETTINGS, maxRetries: 3 }
  expect(settingsInForce({}, ofServer)).toEqual(ofServer)
  expect(settingsInForce({ paceIntervalMs: 0 }, ofServer)).toEqual({
    ...ofServer,
    paceIntervalMs: 0,
  })
})

test('a setting that is no more, or not yet known, is passed over', () => {
  const chosen = { maxRetries: 1, fromAnotherTime: 7 }
  expect(settingsInForce(chosen, STANDARD_SETTINGS)).toEqual({
    ...STANDARD_SETTINGS,
    maxRetries: 1,
  })
})

describe('limits', () => {
  const verdict = (change: SettingsChange): string => {
    try {
      checkedSettings(change)
      return 'taken'
    } catch (error) {
      if (error instanceof DomainError) return `${error.code}: ${error.message}`
      throw error
    }
  }

  test.each<[SettingsChange, string]>([
    [{}, 'taken'],
    [{ silenceDeadlineSeconds: 300 }, 'taken'],
    [{ silenceDeadlineSeconds: 0 }, 'taken'],
    [{ silenceDeadlineSeconds: null }, 'taken'],
    [
      { silenceDeadlineSeconds: 299 },
      'settings.invalid: silenceDeadlineSeconds is a whole number from 300 to 31536000, or 0 for never, not 299.',
    ],
    [{ maxRetries: 0 }, 'taken'],
    [{ maxRetries: -1 }, 'settings.invalid: maxRetries is a whole number from 0 to 1000, not -1.'],
    [
      { maxRetries: 1.5 },
      'settings.invalid: maxRetries is a whole number from 0 to 1000, not 1.5.',
    ],
    [
      { pacePackSize: 0 },
      'settings.invalid: pacePackSize is a whole number from 1 to 1000000, not 0.',
    ],
    [{ pacePackSize: 1, paceIntervalMs: 0 }, 'taken'],
    [
      { maxRetries: 1, paceIntervalMs: 86_400_001 },
      'settings.invalid: paceIntervalMs is a whole number from 0 to 86400000, not 86400001.',
    ],
  ])('%o is %s', (change, said) => {
    expect(verdict(change)).toBe(said)
  })

  test('hold for what a server has by itself', () => {
    expect(checkedSettings(STANDARD_SETTINGS)).toBe(STANDARD_SETTINGS)
    for (const name of TENANT_SETTING_NAMES) expect(limitsOf(name)).toMatch(/^\d+ to \d+/)
  })
})
