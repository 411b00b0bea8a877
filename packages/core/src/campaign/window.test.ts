import { describe, expect, test } from 'vitest'
import { DomainError } from '../errors.ts'
import { opensAt, windowsOf } from './window.ts'

const opens = (text: string, now: string): string =>
  opensAt(windowsOf(text), new Date(now))?.toISOString() ?? 'never'

/** When a window is open as seen from a moment; "now" when it is. 2026-03-01 was a Sunday. */
const OPENINGS: readonly [what: string, window: string, now: string, opensAt: string][] = [
  ['none is always', '', '2026-03-01T12:00:00Z', 'now'],
  ['blanks are none', ' ; ', '2026-03-01T12:00:00Z', 'now'],
  ['before it', '13:00-14:00', '2026-03-01T12:00:00Z', '2026-03-01T13:00:00Z'],
  ['as it begins', '13:00-14:00', '2026-03-01T13:00:00Z', 'now'],
  ['within', '13:00-14:00', '2026-03-01T13:30:00Z', 'now'],
  ['a moment before its end', '13:00-14:00', '2026-03-01T13:59:59.999Z', 'now'],
  ['at its end', '13:00-14:00', '2026-03-01T14:00:00Z', '2026-03-02T13:00:00Z'],
  ['over midnight, in the evening', '22:00-04:00', '2026-03-01T23:00:00Z', 'now'],
  ['over midnight, in the morning', '22:00-04:00', '2026-03-02T03:59:00Z', 'now'],
  ['over midnight, by day', '22:00-04:00', '2026-03-02T04:00:00Z', '2026-03-02T22:00:00Z'],
  ['until midnight', '22:00-24:00', '2026-03-01T23:59:00Z', 'now'],
  ['until midnight, after it', '22:00-24:00', '2026-03-02T00:00:00Z', '2026-03-02T22:00:00Z'],
  ['the same twice is a whole day', 'Mon 09:00-09:00', '2026-03-03T08:59:00Z', 'now'],
  ['... and no longer', 'Mon 09:00-09:00', '2026-03-03T09:00:00Z', '2026-03-09T09:00:00Z'],
  ['a day', 'Wed 10:00-11:00', '2026-03-01T12:00:00Z', '2026-03-04T10:00:00Z'],
  ['the day is that on which it begins', 'Sat 22:00-04:00', '2026-03-01T03:00:00Z', 'now'],
  [
    '... not that on which it ends',
    'Sun 22:00-04:00',
    '2026-03-01T03:00:00Z',
    '2026-03-01T22:00:00Z',
  ],
  ['days', 'Mon,Thu 10:00-11:00', '2026-03-02T12:00:00Z', '2026-03-05T10:00:00Z'],
  ['from a day to another', 'Mon-Fri 10:00-11:00', '2026-03-06T12:00:00Z', '2026-03-09T10:00:00Z'],
  ['... over the weekend', 'Sat-Mon 10:00-11:00', '2026-03-02T12:00:00Z', '2026-03-07T10:00:00Z'],
  ['days and ranges', 'Mon-Tue,Fri 10:00-11:00', '2026-03-03T12:00:00Z', '2026-03-06T10:00:00Z'],
  ['the whole week later', 'Sun 10:00-11:00', '2026-03-01T12:00:00Z', '2026-03-08T10:00:00Z'],
  [
    'several: the nearest',
    'Fri 10:00-11:00; Tue 10:00-11:00',
    '2026-03-01T12:00:00Z',
    '2026-03-03T10:00:00Z',
  ],
  ['several: one is open', 'Fri 10:00-11:00; Sun 10:00-13:00', '2026-03-01T12:00:00Z', 'now'],
  [
    'small letters',
    'mon 10:00-11:00 europe/berlin',
    '2026-03-01T12:00:00Z',
    '2026-03-02T09:00:00Z',
  ],
  ['a time zone east', '03:00-04:00 Asia/Tokyo', '2026-03-01T12:00:00Z', '2026-03-01T18:00:00Z'],
  [
    'a time zone west',
    '03:00-04:00 America/Los_Angeles',
    '2026-03-01T12:00:00Z',
    '2026-03-02T11:00:00Z',
  ],
  [
    'a time zone of half an hour',
    '03:00-04:00 Asia/Kolkata',
    '2026-03-01T12:00:00Z',
    '2026-03-01T21:30:00Z',
  ],
  [
    'the day is the day there',
    'Mon 03:00-04:00 Asia/Tokyo',
    '2026-03-01T12:00:00Z',
    '2026-03-01T18:00:00Z',
  ],
  [
    '... though it be the day before here',
    'Sun 22:00-23:00 America/New_York',
    '2026-03-02T02:00:00Z',
    '2026-03-02T03:00:00Z',
  ],
  ['in summer', '03:00-04:00 Europe/Berlin', '2026-07-01T12:00:00Z', '2026-07-02T01:00:00Z'],
  // Clocks go from 02:00 to 03:00 on 2026-03-29 in Berlin, at 01:00 UTC.
  [
    'the night with an hour less ends by the clock',
    '22:00-04:00 Europe/Berlin',
    '2026-03-29T01:59:00Z',
    'now',
  ],
  ['... and no later', '22:00-04:00 Europe/Berlin', '2026-03-29T02:00:00Z', '2026-03-29T20:00:00Z'],
  [
    'what begins in the hour that is not, begins after it',
    '02:30-05:00 Europe/Berlin',
    '2026-03-29T00:00:00Z',
    '2026-03-29T01:30:00Z',
  ],
  [
    'what lies in the hour that is not, is not',
    '02:00-03:00 Europe/Berlin',
    '2026-03-29T00:00:00Z',
    '2026-03-30T00:00:00Z',
  ],
  [
    '... also when it is once a week',
    'Sun 02:00-03:00 Europe/Berlin',
    '2026-03-28T12:00:00Z',
    '2026-04-05T00:00:00Z',
  ],
  [
    'the short day is not passed over the evening before',
    'Sun 01:00-01:30 Europe/Berlin',
    '2026-03-28T22:30:00Z',
    '2026-03-29T00:00:00Z',
  ],
  [
    '... nor is any other',
    '01:00-02:00 Europe/Berlin',
    '2026-03-28T22:30:00Z',
    '2026-03-29T00:00:00Z',
  ],
  [
    'the evening of the short day',
    'Sun 23:30-23:45 Europe/Berlin',
    '2026-03-28T23:30:00Z',
    '2026-03-29T21:30:00Z',
  ],
  // They go from 03:00 back to 02:00 on 2026-10-25, at 01:00 UTC.
  [
    'the night with an hour more ends by the clock',
    '22:00-04:00 Europe/Berlin',
    '2026-10-25T02:59:00Z',
    'now',
  ],
  [
    '... and no earlier',
    '22:00-04:00 Europe/Berlin',
    '2026-10-25T03:00:00Z',
    '2026-10-25T21:00:00Z',
  ],
  [
    'what is shown twice begins the first time',
    '02:30-05:00 Europe/Berlin',
    '2026-10-24T23:00:00Z',
    '2026-10-25T00:30:00Z',
  ],
  [
    '... west of Greenwich too',
    '01:30-05:00 America/New_York',
    '2026-11-01T04:00:00Z',
    '2026-11-01T05:30:00Z',
  ],
  [
    'the evening of the long day',
    'Sun 23:30-23:45 Europe/Berlin',
    '2026-10-24T22:30:00Z',
    '2026-10-25T22:30:00Z',
  ],
]

test.each(OPENINGS)('%s: "%s" at %s: %s', (_, window, now, at) => {
  const expected = new Date(at === 'now' ? now : at).toISOString()
  expect(opens(window, now)).toBe(expected)
  // It is open when it says that it opens.
  expect(opens(window, expected)).toBe(expected)
})

test('at no minute of a year it opens in the past, or is shut when it was to be open', () => {
  const windows = windowsOf('Sat-Sun 01:30-03:30 Europe/Berlin; Wed 23:00-00:30 America/St_Johns')
  const start = Date.parse('2026-01-01T00:00:00Z')
  for (let hour = 0; hour < 366 * 24; hour += 1) {
    const now = new Date(start + hour * 3_600_000 + (hour % 60) * 60_000)
    const at = opensAt(windows, now)
    expect(at && at >= now).toBe(true)
    expect(at && at.getTime() - now.getTime()).toBeLessThan(5 * 86_400_000)
    expect(at && opensAt(windows, at)).toEqual(at)
  }
})

describe('what cannot be read is refused, saying which part', () => {
  test.each<[string, string]>([
    ['always', 'It is written like'],
    ['10:00', 'It is written like'],
    ['10-11', 'It is written like'],
    ['10:00-11:00 Europe/Berlin now', 'It is written like'],
    ['Mon 10:00-11:00, Tue 10:00-11:00', 'It is written like'],
    ['10:00-25:00', '"25:00" is no time of day'],
    ['24:01-25:00', '"24:01" is no time of day'],
    ['10:60-11:00', '"10:60" is no time of day'],
    ['Mo 10:00-11:00', '"Mo" is none of Mon, Tue'],
    ['Mon- 10:00-11:00', '"" is none of Mon'],
    ['Mon-Wed-Fri 10:00-11:00', '"Mon-Wed-Fri" is neither a day nor two'],
    ['10:00-11:00 Berlin', '"Berlin" is no time zone'],
    ['10:00-11:00; whenever', '"whenever" cannot be read'],
  ])('%s', (text, why) => {
    const refuse = () => windowsOf(text)
    expect(refuse).toThrow(DomainError)
    expect(refuse).toThrow(why)
  })

  test('more than fifty', () => {
    const fifty = Array.from({ length: 50 }, () => '10:00-11:00').join(';')
    expect(windowsOf(fifty)).toHaveLength(50)
    expect(() => windowsOf(`${fifty};10:00-11:00`)).toThrow('more than 50')
  })
})
