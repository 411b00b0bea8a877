import { expect, test } from 'vitest'
import { doEach } from './each.ts'

test('each thing is done once, and a refusal does not stop the others', async () => {
  const seen: number[] = []
  const progress: number[] = []
  const things = Array.from({ length: 20 }, (_, index) => index)
  const result = await doEach(
    things,
    async (thing) => {
      seen.push(thing)
      if (thing % 5 === 0) throw new Error(`not ${thing}`)
    },
    { onProgress: (count) => progress.push(count) },
  )
  expect(seen.toSorted((a, b) => a - b)).toEqual(things)
  expect(result.done).toBe(16)
  expect(result.refused.map(({ thing, error }) => [thing, String(error)])).toEqual(
    [0, 5, 10, 15].map((each) => [each, `Error: not ${each}`]),
  )
  expect(result.left).toEqual([])
  expect(progress.at(-1)).toBe(20)
})

test('no more than a few are at it at once', async () => {
  let now = 0
  let most = 0
  await doEach(
    Array.from({ length: 50 }, (_, index) => index),
    async () => {
      now += 1
      most = Math.max(most, now)
      await Promise.resolve()
      now -= 1
    },
    { onProgress: () => {} },
  )
  expect(most).toBeGreaterThan(1)
  expect(most).toBeLessThanOrEqual(6)
})

test('what is stopped finishes what it has begun and says what is left', async () => {
  const stopping = new AbortController()
  const things = Array.from({ length: 20 }, (_, index) => index)
  const result = await doEach(
    things,
    async (thing) => {
      if (thing === 3) stopping.abort()
      await Promise.resolve()
    },
    { onProgress: () => {}, signal: stopping.signal },
  )
  expect(result).toEqual({ done: 4, refused: [], left: things.slice(4) })
})
