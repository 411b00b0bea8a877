import { expect, test } from 'vitest'
import { apart, barOf, countWords, limitWords, usedUp } from './policies.ts'

const COUNTS = {
  population: 20,
  offered: 10,
  deferred: 4,
  started: 7,
  succeeded: 4,
  failed: 1,
}

test('each device is counted once, by how far it has come', () => {
  expect(apart(COUNTS)).toEqual({ succeeded: 4, failed: 1, started: 2, offered: 3, deferred: 4 })
})

test('a bar is as long as there are devices in question', () => {
  const parts = barOf(COUNTS)
  expect(parts.reduce((sum, { count }) => sum + count, 0)).toBe(20)
  expect(parts.at(-1)).toEqual({ key: 'rest', count: 6, look: null })
})

test('more that were offered it than there are now leave no part of the bar below nothing', () => {
  const parts = barOf({ ...COUNTS, population: 5 })
  expect(parts.every(({ count }) => count >= 0)).toBe(true)
})

test('what a bar says is also said in words', () => {
  expect(countWords(COUNTS)).toBe(
    '4 succeeded, 1 failed, 2 under way, 3 offered, 4 held back, of 20 devices',
  )
  const none = { ...COUNTS, offered: 0, deferred: 0, started: 0, succeeded: 0, failed: 0 }
  expect(countWords({ ...none, population: 1 })).toBe('nobody yet, of 1 device')
})

test.each([
  [{ maxDevices: 1000, percentage: null, rate: null, periodSeconds: null }, ['1,000 devices']],
  [{ maxDevices: null, percentage: 2.5, rate: null, periodSeconds: null }, ['2.5 %']],
  [{ maxDevices: null, percentage: null, rate: 5, periodSeconds: 3600 }, ['5 an hour']],
  [
    { maxDevices: 9, percentage: null, rate: 5, periodSeconds: 5400 },
    ['9 devices', '5 in 1 h 30 min'],
  ],
  [{ maxDevices: null, percentage: null, rate: null, periodSeconds: null }, []],
])('limits %j are said as %j', (limits, words) => {
  expect(limitWords(limits)).toEqual(words)
})

test('it goes no further by itself once all it may reach are done while others are held back', () => {
  const deferred = { maxDevices: 3, percentage: 0, rate: 0 }
  const done = { isEnabled: true, offered: 5, succeeded: 4, failed: 1, deferred }
  expect(usedUp(done)).toBe(3)
  expect(usedUp({ ...done, succeeded: 3 })).toBe(0)
  expect(usedUp({ ...done, isEnabled: false })).toBe(0)
  expect(usedUp({ ...done, deferred: { maxDevices: 0, percentage: 0, rate: 3 } })).toBe(0)
})
