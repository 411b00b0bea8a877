import { expect, test } from 'vitest'
import { ticksUpTo } from './scale.ts'

test.each([
  [0, [0, 1]],
  [1, [0, 1]],
  [3, [0, 1, 2, 3]],
  [7, [0, 2, 4, 6, 8]],
  [60, [0, 20, 40, 60]],
  [8_765, [0, 5_000, 10_000]],
  [100_000, [0, 50_000, 100_000]],
])('a chart whose greatest is %d is read by %j', (most, ticks) => {
  expect(ticksUpTo(most)).toEqual(ticks)
})
