import { describe, expect, test } from 'vitest'
import {
  isAlwaysOpen,
  isOpen,
  nextOpening,
  parseCronWindow,
  parseSeconds,
  staysOpenMs,
  WrongWindow,
} from './cron-window.ts'

/** What the clock on the wall shows, as `2026-11-21 13:00`, a Saturday. */
const at = (text: string): number => Date.parse(`${text.replace(' ', 'T')}Z`)
const shown = (ms: number | null): string | null =>
  ms === null ? null : new Date(ms).toISOString().slice(0, 16).replace('T', ' ')
const HOUR = 3_600_000

describe('a window is open', () => {
  test.each([
    ['anytime', '2026-11-21 13:00', true],
    ['* * * * *', '2026-11-21 13:00', true],
    ['never', '2026-11-21 13:00', false],
    ['unscheduled', '2026-11-21 13:00', false],
    ['day', '2026-11-21 05:59', false],
    ['day', '2026-11-21 06:00', true],
    ['day', '2026-11-21 17:59', true],
    ['day', '2026-11-21 18:00', false],
    ['night', '2026-11-21 18:00', true],
    ['night', '2026-11-21 23:59', true],
    ['night', '2026-11-22 00:00', true],
    ['night', '2026-11-22 05:59', true],
    ['night', '2026-11-22 06:00', false],
    ['midnight', '2026-11-22 00:59', true],
    ['midnight', '2026-11-22 01:00', false],
    ['weekdays', '2026-11-20 13:00', true],
    ['weekdays', '2026-11-21 13:00', false],
    ['workhours', '2026-11-20 17:59', true],
    ['workhours', '2026-11-20 18:00', false],
    ['workhours', '2026-11-22 10:00', false],
    ['Night', '2026-11-21 19:00', true],
    // ranges that wrap, lists, and all fields at once
    ['* 22-4 * * *', '2026-11-21 23:00', true],
    ['* 22-4 * * *', '2026-11-21 04:59', true],
    ['* 22-4 * * *', '2026-11-21 12:00', false],
    ['45-15 * * * *', '2026-11-21 12:50', true],
    ['45-15 * * * *', '2026-11-21 12:30', false],
    ['0,30 * * * *', '2026-11-21 12:30', true],
    ['0,30 * * * *', '2026-11-21 12:31', false],
    ['* * * * 5-1', '2026-11-22 12:00', true],
    ['* * * * 5-1', '2026-11-24 12:00', false],
    ['* * * 11-2 *', '2026-01-05 12:00', true],
    ['* * * 11-2 *', '2026-03-05 12:00', false],
    ['* 1-3,5 1-7 * 6', '2026-11-07 05:10', true],
    ['* 1-3,5 1-7 * 6', '2026-11-14 05:10', false],
    ['* 1-3,5 1-7 * 6', '2026-11-06 05:10', false],
  ])('%s at %s: %s', (text, moment, expected) => {
    expect(isOpen(parseCronWindow(text), at(moment))).toBe(expected)
  })
})

describe('the next opening', () => {
  test.each([
    ['anytime', '2026-11-21 13:07', '2026-11-21 13:07'],
    ['midnight', '2026-11-21 00:30', '2026-11-21 00:30'],
    ['midnight', '2026-11-21 13:07', '2026-11-22 00:00'],
    ['* 22-4 * * *', '2026-11-21 13:07', '2026-11-21 22:00'],
    ['* 22-4 * * *', '2026-11-22 03:07', '2026-11-22 03:07'],
    ['30 12 * * *', '2026-11-21 12:31', '2026-11-22 12:30'],
    ['30 12 31 * *', '2026-11-21 12:31', '2026-12-31 12:30'],
    ['workhours', '2026-11-20 18:00', '2026-11-23 09:00'],
    ['* * 1 1 *', '2026-11-21 13:07', '2027-01-01 00:00'],
    ['0 0 29 2 *', '2026-11-21 13:07', '2028-02-29 00:00'],
    ['0 0 30 2 *', '2026-11-21 13:07', null],
    ['never', '2026-11-21 13:07', null],
  ])('of %s from %s on is %s', (text, moment, expected) => {
    expect(shown(nextOpening(parseCronWindow(text), at(moment)))).toBe(expected)
  })
})

describe('it stays open', () => {
  test.each([
    ['midnight', '2026-11-22 00:40', 24, 1 / 3],
    ['* 22-4 * * *', '2026-11-21 23:00', 24, 6],
    ['* 22-4 * * *', '2026-11-21 23:00', 2, 2],
    ['anytime', '2026-11-21 23:00', 30, 30],
    ['0-29 * * * *', '2026-11-21 23:10', 24, 1 / 3],
    ['weekdays', '2026-11-20 12:00', 100, 12],
    ['midnight', '2026-11-22 01:00', 24, 0],
  ])('%s from %s on, of %i hours: %d', (text, moment, most, hours) => {
    expect(staysOpenMs(parseCronWindow(text), at(moment), most * HOUR)).toBe(
      Math.round(hours * HOUR),
    )
  })
})

test('what is always open is known for it', () => {
  expect(
    ['anytime', '0-59 * * * *', 'day', 'never'].map(parseCronWindow).map(isAlwaysOpen),
  ).toEqual([true, true, false, false])
})

test.each([
  ['', 'has 1 of five fields'],
  ['* * * *', 'has 4 of five fields'],
  ['noon', 'is none of anytime, day'],
  ['*/5 * * * *', 'the minute "*/5" is no *'],
  ['60 * * * *', 'the minute "60" goes from 0 to 59'],
  ['* 24 * * *', 'the hour "24" goes from 0 to 23'],
  ['* * 0 * *', 'the day of the month "0" goes from 1 to 31'],
  ['* * * 13 *', 'the month "13" goes from 1 to 12'],
  ['* * * * 7', 'the weekday "7" goes from 0 to 6'],
  ['* 1- * * *', 'the hour "1-" is no *'],
  ['* 1,,2 * * *', 'the hour "1,,2" is no *'],
  ['* mon * * *', 'the hour "mon" is no *'],
])('%j is refused in a sentence', (text, words) => {
  expect(() => parseCronWindow(text)).toThrow(WrongWindow)
  expect(() => parseCronWindow(text)).toThrow(words)
})

test.each([
  ['90', 90],
  ['20 secs', 20],
  ['1 sec', 1],
  ['5 mins', 300],
  ['1 minute', 60],
  ['24 hrs', 86_400],
  ['1hr', 3_600],
  ['1 day', 86_400],
  ['2 weeks', 1_209_600],
  ['1 month', 2_592_000],
  ['1 year', 31_536_000],
  ['1.5 Hours', 5_400],
])('%j is %i seconds', (text, seconds) => {
  expect(parseSeconds(text)).toBe(seconds)
})

test.each(['', 'soon', '5 parsecs', '-1', '1 2'])('%j is no time', (text) => {
  expect(() => parseSeconds(text)).toThrow(WrongWindow)
})
