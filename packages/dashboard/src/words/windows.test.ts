import { expect, test } from 'vitest'
import { readWindows } from './windows.ts'

/** A Saturday evening. */
const NOW = new Date('2026-11-21T20:00:00Z')

test.each([
  [
    'Mon-Fri 22:00-04:00 Europe/Berlin',
    ['Monday to Friday, 22:00 to 04:00 the day after (Europe/Berlin)'],
  ],
  ['01:00-05:00', ['Every day, 01:00 to 05:00 (UTC)']],
  ['Sat,Sun 00:00-24:00', ['Saturday and Sunday, from 00:00 for 24 hours (UTC)']],
  ['Mon,Wed-Sat 20:00-24:00', ['Monday and Wednesday to Saturday, 20:00 to 00:00 (UTC)']],
  [
    'Sun-Tue 1:30-2:00; Thu 03:00-02:00',
    [
      'Monday, Tuesday and Sunday, 01:30 to 02:00 (UTC)',
      'Thursday, 03:00 to 02:00 the day after (UTC)',
    ],
  ],
])('%s reads: %j', (text, lines) => {
  expect(readWindows(text, NOW)).toMatchObject({ lines })
})

test('nothing is read where nothing is written, and a mistake is told', () => {
  expect(readWindows('  ', NOW)).toBeNull()
  expect(readWindows('at night', NOW)).toMatchObject({
    mistake: expect.stringContaining('"at night"'),
  })
})

test('it is said when the next one opens, or that one is open', () => {
  expect(readWindows('Sat 18:00-22:00', NOW)).toMatchObject({ next: 'One of them is open now.' })
  expect(readWindows('Sun 18:00-22:00', NOW)).toMatchObject({
    next: expect.stringMatching(/22 Nov/),
  })
})
