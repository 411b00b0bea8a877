import { describe, expect, test } from 'vitest'
import { dice } from '../random.test-helper.ts'
import { comesAgainInSeconds, type Waiting } from './comes-again.ts'

const MIDDLE = 0.5

/** From 0 to 1, the same each time. */
function chances(seed: number): () => number {
  const pick = dice(seed)
  const faces = Array.from({ length: 10_000 }, (_, index) => index / 10_000)
  return () => pick(faces)
}
const NEARLY_ONE = 1 - Number.EPSILON

describe('a device comes again', () => {
  const cases: [string, Waiting, [number, number, number]][] = []
  const row = (
    what: string,
    [usualSeconds, atMostSeconds, dueInSeconds]: [number, number | null, number | null],
    expected: [earliest: number, usually: number, latest: number],
  ) => cases.push([what, { usualSeconds, atMostSeconds, dueInSeconds }, expected])

  row('as usual, a tenth earlier or later', [300, null, null], [270, 300, 330])
  row('every second, where that is usual', [1, null, null], [1, 1, 1])
  row('within a day, where a day is usual', [86_399, null, null], [77_759, 86_399, 86_399])
  row('sooner while something is under way', [300, 30, null], [27, 30, 33])
  row('never later than usual for that', [20, 30, null], [18, 20, 20])
  row('soon while something is prepared', [300, 10, null], [9, 10, 11])
  row('as usual while what is due is far', [300, null, 7200], [270, 300, 330])
  row('in a third of the time to it', [300, null, 600], [180, 200, 220])
  row('in a third of less', [300, null, 120], [36, 40, 44])
  row('not sooner than the least for it', [300, null, 89], [27, 30, 33])
  row('not sooner than usual, where that is less', [5, null, 600], [5, 5, 5])
  row('within the least after it, the last time', [300, null, 30], [30, 45, 60])
  row('within the least after it, just before it', [300, null, 1], [1, 16, 31])
  row('within the least, when it is due now', [300, null, 0], [1, 15, 30])
  row('within a second, when that is usual and it is due now', [1, null, 0], [1, 1, 1])
  row('for whichever is sooner', [3600, 30, 6000], [27, 30, 33])
  row('for the window, when that is sooner', [3600, 30, 3], [3, 18, 33])
  row('for a window before a day is over', [86_399, null, 21_600], [6480, 7200, 7920])

  test.each(cases)('%s', (_what, waiting, expected) => {
    const seconds = [0, MIDDLE, NEARLY_ONE].map((chance) => comesAgainInSeconds(waiting, chance))
    expect(seconds).toEqual(expected)
  })
})

test('is told whole seconds between one and a day, whatever is set', () => {
  const random = chances(7)
  for (let count = 0; count < 10_000; count += 1) {
    const some = (most: number) => Math.floor(random() * most)
    const waiting = {
      usualSeconds: 1 + some(200_000),
      atMostSeconds: random() < 0.5 ? null : some(60),
      dueInSeconds: random() < 0.5 ? null : some(200_000),
    }
    const seconds = comesAgainInSeconds(waiting, random())
    expect(Number.isSafeInteger(seconds) && seconds >= 1 && seconds <= 86_399).toBe(true)
  }
})

/** When devices that poll until then, with such a usual time, come first after a window has opened. */
function arrivals({
  count,
  usualSeconds,
  isTogether,
}: Record<'count' | 'usualSeconds', number> & { isTogether: boolean }) {
  const random = chances(42)
  const opensAt = 4 * usualSeconds
  return Array.from({ length: count }, () => {
    let now = isTogether ? 0 : random() * usualSeconds
    while (now < opensAt) {
      const waiting = { usualSeconds, atMostSeconds: null, dueInSeconds: Math.ceil(opensAt - now) }
      now += comesAgainInSeconds(waiting, random())
    }
    return Math.floor(now - opensAt)
  })
}

test.each([
  ['that came as they liked', { usualSeconds: 300, isTogether: false }],
  ['that were all started in one second', { usualSeconds: 300, isTogether: true }],
  ['that come once a day', { usualSeconds: 86_399, isTogether: true }],
])('ten thousand devices %s come spread over half a minute when a window opens', (_case, fleet) => {
  const seconds = arrivals({ count: 10_000, ...fleet })
  const inEach = new Map<number, number>()
  for (const second of seconds) inEach.set(second, (inEach.get(second) ?? 0) + 1)
  expect(Math.max(...seconds)).toBeLessThanOrEqual(33)
  expect(Math.max(...inEach.values())).toBeLessThan(10_000 / 12)
})
