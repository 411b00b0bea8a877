import { expect, test } from 'vitest'
import { rate } from './rate.ts'

test('a rate is told once there is enough to tell it by', () => {
  const { at } = rate()
  expect(at(0, 0)).toBeNull()
  expect(at(400, 4_000)).toBeNull()
  expect(at(1000, 10_000)).toBe(10_000)
})

test('what was more than five seconds ago does not count any more', () => {
  const { at } = rate()
  at(0, 0)
  at(4_000, 40_000)
  expect(at(9_000, 45_000)).toBe(1_000)
})

test('it begins anew after a pause', () => {
  const { at, forget } = rate()
  at(0, 0)
  at(1_000, 10_000)
  forget()
  expect(at(61_000, 10_000)).toBeNull()
  expect(at(62_000, 12_000)).toBe(2_000)
})
