import { expect, test } from 'vitest'
import { nextPack } from './pacing.ts'

const settings = { packSize: 3, intervalMs: 1000 }

test.each([
  ['nobody waits', { waiting: 0, leaving: 0, left: [] }, { size: 0, nextAtMs: null }],
  ['a pack leaves at once', { waiting: 5, leaving: 0, left: [] }, { size: 3, nextAtMs: null }],
  ['fewer than a pack', { waiting: 2, leaving: 0, left: [] }, { size: 2, nextAtMs: null }],
  ['those on their way count', { waiting: 5, leaving: 2, left: [] }, { size: 1, nextAtMs: null }],
  [
    'those who left within the interval count',
    { waiting: 5, leaving: 0, left: [9100, 9200] },
    { size: 1, nextAtMs: 10_100 },
  ],
  [
    'those who left before do not',
    { waiting: 5, leaving: 0, left: [8000, 9000, 9001] },
    { size: 2, nextAtMs: 10_001 },
  ],
  [
    'a full interval lets nobody go until its oldest is out of it',
    { waiting: 1, leaving: 0, left: [9500, 9600, 9700] },
    { size: 0, nextAtMs: 10_500 },
  ],
])('%s', (_what, queue, pack) => {
  expect(nextPack(queue, settings, 10_000)).toEqual(pack)
})

test('without an interval everybody leaves', () => {
  const queue = { waiting: 5000, leaving: 70, left: [1, 2, 3] }
  expect(nextPack(queue, { packSize: 1, intervalMs: 0 }, 3)).toEqual({ size: 5000, nextAtMs: null })
})

test('over a long queue no interval, wherever it begins, sees more than a pack leave', () => {
  const left: number[] = []
  let [nowMs, waiting] = [0, 100]
  while (waiting > 0) {
    const { size, nextAtMs } = nextPack({ waiting, leaving: 0, left }, settings, nowMs)
    for (let each = 0; each < size; each++) left.push(nowMs)
    waiting -= size
    // Time passes unevenly, and the alarm rings late.
    nowMs = Math.max(nowMs + 1, nextAtMs ?? nowMs) + (waiting % 7) * 13
  }
  expect(left).toHaveLength(100)
  for (const fromMs of left) {
    const within = left.filter((atMs) => atMs >= fromMs && atMs < fromMs + settings.intervalMs)
    expect(within.length).toBeLessThanOrEqual(settings.packSize)
  }
})
