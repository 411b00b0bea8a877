import { expect, test } from 'vitest'
import { retryAfterMs } from './http.ts'
import { HurriedClock } from './test-bench.test-helper.ts'
import { backOffMs, spreadMs, systemClock, Throttle } from './waits.ts'

const BACK_OFF = { baseMs: 5_000, capMs: 600_000 }

test.each([
  [1, 5_000],
  [2, 10_000],
  [5, 80_000],
  [8, 600_000],
  [1000, 600_000],
])('after %i failures the wait is drawn from under %i ms', (failures, ceiling) => {
  expect(backOffMs(failures, BACK_OFF, () => 1)).toBe(ceiling)
  expect(backOffMs(failures, BACK_OFF, () => 0.5)).toBe(ceiling / 2)
  expect(backOffMs(failures, BACK_OFF, () => 0)).toBe(1_000)
})

test('an interval is spread by a tenth to both sides', () => {
  expect(spreadMs(1000, () => 0)).toBe(900)
  expect(spreadMs(1000, () => 0.5)).toBe(1000)
})

test('a throttle lets as many bytes pass as its rate allows, whatever their pieces', async () => {
  for (const piece of [100, 1_000, 65_536]) {
    const clock = new HurriedClock()
    const throttle = new Throttle(20_000, clock)
    for (let passed = 0; passed < 655_360; passed += piece) await throttle.pass(piece)
    expect(clock.nowMs() / 1000).toBeGreaterThan(655_360 / 20_000 - 0.3)
    expect(clock.nowMs() / 1000).toBeLessThan(655_360 / 20_000 + 0.3)
  }
})

test('a wait ends when it is broken off', async () => {
  const stop = new AbortController()
  const waiting = systemClock.wait(3_600_000, stop.signal)
  stop.abort()
  await waiting
  await systemClock.wait(3_600_000, stop.signal)
})

test.each([
  [{ 'retry-after': '120' }, 120_000],
  [
    { 'retry-after': 'Thu, 01 Jan 2026 00:02:00 GMT', date: 'Thu, 01 Jan 2026 00:00:00 GMT' },
    120_000,
  ],
  [{ 'retry-after': 'Thu, 01 Jan 2026 00:02:00 GMT' }, null],
  [{ 'retry-after': '99999999999' }, 86_400_000],
  [{ 'retry-after': 'soon' }, null],
  [{}, null],
])('Retry-After of %j is %s ms, whatever this device takes for the date', (headers, ms) => {
  expect(retryAfterMs(headers)).toBe(ms)
})
