import { expect, test } from 'vitest'
import { placesOf, squareAt } from './squares.ts'

test.each([1, 299, 1501, 10_000])('%i squares all stand within the strip', (count) => {
  const places = placesOf(count, 672)
  const last = count - 1
  const right = (last % places.perRow) * places.step + places.size
  const bottom = Math.floor(last / places.perRow) * places.step + places.size
  expect(right).toBeLessThanOrEqual(672)
  expect(bottom).toBe(places.height)
  expect(places.height).toBeLessThan(400)
})

test('whoever points at a square means it', () => {
  const places = placesOf(500, 300)
  expect(squareAt({ x: 1, y: 1 }, places)).toBe(0)
  expect(squareAt({ x: places.step + 1, y: places.step + 1 }, places)).toBe(places.perRow + 1)
  expect(squareAt({ x: 299.9 + places.step, y: 1 }, places)).toBe(-1)
})
