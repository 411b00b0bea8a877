import { expect, test } from 'vitest'
import { bodyOf, EMPTY_DRAFT, limitOf, withRate } from './draft.ts'

test('what is left empty is for every older device, unlimited, in all clouds', () => {
  expect(bodyOf({ ...EMPTY_DRAFT, expression: '  \n' })).toEqual({
    expression: '',
    limits: { maxDevices: null, percentage: null, rate: null, periodSeconds: null },
    cloudIds: [],
    isEnabled: true,
  })
})

test('an empty number is no limit', () => {
  expect(limitOf('')).toBeNull()
  expect(limitOf(5)).toBe(5)
  expect(limitOf('5')).toBe(5)
})

test('a rate has a period, and goes with it', () => {
  const paced = withRate(EMPTY_DRAFT.limits, 5)
  expect(paced).toMatchObject({ rate: 5, periodSeconds: 3_600 })
  expect(withRate({ ...paced, periodSeconds: 60 }, 9)).toMatchObject({ rate: 9, periodSeconds: 60 })
  expect(withRate(paced, null)).toEqual(EMPTY_DRAFT.limits)
})
