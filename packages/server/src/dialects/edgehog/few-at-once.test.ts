import { expect, test } from 'vitest'
import { fewAtOnce } from './few-at-once.ts'

test('so many are at work at once, in order, and one that fails makes room like any other', async () => {
  const few = fewAtOnce(2)
  const begun: number[] = []
  const ends: ((isWell: boolean) => void)[] = []
  const all = [0, 1, 2, 3].map((n) =>
    few(async () => {
      begun.push(n)
      const isWell = await new Promise<boolean>((resolve) => {
        ends[n] = resolve
      })
      if (!isWell) throw new Error(`${n} failed`)
      return n
    }),
  )
  await Promise.resolve()
  expect(begun).toEqual([0, 1])
  ends[1]?.(false)
  await expect(all[1]).rejects.toThrow('1 failed')
  await expect.poll(() => begun).toEqual([0, 1, 2])
  ends[0]?.(true)
  expect(await all[0]).toBe(0)
  await expect.poll(() => begun).toEqual([0, 1, 2, 3])
  ends[2]?.(true)
  ends[3]?.(true)
  expect(await all[3]).toBe(3)
})
