import { describe, expect, test } from 'vitest'
import { type Cron, nextOf, readCron } from './cron.ts'

const cronOf = (text: string): Cron => {
  const read = readCron(text)
  if ('mistake' in read) throw new Error(read.mistake)
  return read
}
const after = (text: string, at: string, zone = 'UTC') =>
  nextOf(cronOf(text), new Date(at), zone)?.toISOString().slice(0, 19) ?? null

describe('A schedule of Quartz next comes', () => {
  // 2026-03-01 was a Sunday.
  test.each([
    ['0 0 22 ? * MON-FRI', '2026-03-01T12:00:00Z', '2026-03-02T22:00:00'],
    ['0 0 22 ? * *', '2026-03-01T22:00:00Z', '2026-03-02T22:00:00'],
    ['0 0 22 * * ?', '2026-03-01T21:59:59Z', '2026-03-01T22:00:00'],
    ['* * * * * ?', '2026-03-01T12:00:00Z', '2026-03-01T12:00:01'],
    ['30/10 5 * * * ?', '2026-03-01T12:05:41Z', '2026-03-01T12:05:50'],
    ['0 0/15 8-10 * * ?', '2026-03-01T10:50:00Z', '2026-03-02T08:00:00'],
    ['0 0 0 1 1 ?', '2026-03-01T12:00:00Z', '2027-01-01T00:00:00'],
    ['0 0 0 1 1 ? 2030', '2026-03-01T12:00:00Z', '2030-01-01T00:00:00'],
    ['0 0 0 29 2 ?', '2026-03-01T12:00:00Z', '2028-02-29T00:00:00'],
    ['0 0 3 L * ?', '2026-02-01T12:00:00Z', '2026-02-28T03:00:00'],
    ['0 0 3 L-3 * ?', '2026-03-01T12:00:00Z', '2026-03-28T03:00:00'],
    ['0 0 3 LW * ?', '2026-05-01T12:00:00Z', '2026-05-29T03:00:00'],
    ['0 0 3 1W * ?', '2026-02-10T12:00:00Z', '2026-03-02T03:00:00'],
    ['0 0 3 15W * ?', '2026-03-01T12:00:00Z', '2026-03-16T03:00:00'],
    ['0 0 3 ? * 6L', '2026-03-01T12:00:00Z', '2026-03-27T03:00:00'],
    ['0 0 3 ? * FRI#2', '2026-03-01T12:00:00Z', '2026-03-13T03:00:00'],
    ['0 0 3 ? 2 6#5', '2026-03-01T12:00:00Z', '2036-02-29T03:00:00'],
    ['0 0 3 ? * SAT-MON', '2026-03-03T12:00:00Z', '2026-03-07T03:00:00'],
    ['0 0 3 ? * SUN,WED', '2026-03-01T12:00:00Z', '2026-03-04T03:00:00'],
    ['0 0 3 ? JAN,JUL *', '2026-03-01T12:00:00Z', '2026-07-01T03:00:00'],
    // As rauc-hawkbit-updater's tests write one.
    ['7 5 4 ? 3 * 2026', '2026-03-01T12:00:00Z', '2026-03-02T04:05:07'],
  ])('%s after %s: %s', (text, at, expected) => {
    expect(after(text, at)).toBe(expected)
  })

  test('never again after its last year', () => {
    expect(after('0 0 22 ? * * 2025', '2026-03-01T12:00:00Z')).toBeNull()
  })

  test('by the clocks of its time zone, also when they are set', () => {
    expect(after('0 0 22 ? * *', '2026-03-01T12:00:00Z', '+02:00')).toBe('2026-03-01T20:00:00')
    const berlin = 'Europe/Berlin'
    // They skip from two to three: what would be at half past two is as late as it would have been.
    expect(after('0 30 2 ? * *', '2026-03-29T00:00:00Z', berlin)).toBe('2026-03-29T01:30:00')
    expect(after('0 30 2 ? * *', '2026-03-29T01:10:00Z', berlin)).toBe('2026-03-29T01:30:00')
    // They show half past two twice: the first counts.
    expect(after('0 30 2 ? * *', '2026-10-24T12:00:00Z', berlin)).toBe('2026-10-25T00:30:00')
    expect(after('0 30 2 ? * *', '2026-10-25T00:30:00Z', berlin)).toBe('2026-10-26T01:30:00')
  })
})

describe('No schedule is', () => {
  test.each([
    ['', 'It has 1 fields, not six or seven.'],
    ['0 22 * * MON', 'It has 5 fields, not six or seven.'],
    ['0 0 22 * * *', 'One of the day of the month and the day of the week is ?, and one is not.'],
    ['0 0 22 ? * ?', 'One of the day of the month and the day of the week is ?, and one is not.'],
    ['61 0 22 ? * *', '"61" is no second: they go from 0 to 59.'],
    ['0 0 24 ? * *', '"24" is no hour: they go from 0 to 23.'],
    ['0 0 22 ? * MOO', '"MOO" is no day of the week: they go from 1 to 7.'],
    ['0 0/0 22 ? * *', '"0/0" is no minute.'],
    ['0 0 22 30 2 ?', 'There is no such day.'],
  ])('%s', (text, mistake) => {
    expect(readCron(text)).toEqual({ mistake })
  })
})
