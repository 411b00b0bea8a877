import { describe, expect, test } from 'vitest'
import { edgehogStatusOf, statusCodeOf } from './words.ts'

test.each([
  ['QUEUED', 0, 'PENDING'],
  ['INITIATED', 5, 'PENDING'],
  ['DOWNLOADING', 8, 'ACKNOWLEDGED'],
  ['DOWNLOADING', 10, 'DOWNLOADING'],
  ['VERIFIED', 60, 'DEPLOYING'],
  ['UPDATING', 70, 'DEPLOYING'],
  ['UPDATING', 87, 'DEPLOYED'],
  ['UPDATING', 92, 'REBOOTING'],
  ['UPDATED', 100, 'SUCCESS'],
  ['FAILED', 99, 'FAILURE'],
  ['CANCELED', 99, 'FAILURE'],
] as const)('%s at %i percent is %s to Edgehog', (state, progress, status) => {
  expect(edgehogStatusOf({ state, progress })).toBe(status)
})

describe('a status code', () => {
  const failed = { state: 'FAILED', reason: { code: 'device.reported' }, code: null } as const

  test.each([
    ['what a device says is written as Edgehog has it', 'IOError', 'IO_ERROR'],
    ['so is a code of several words', 'UpdateAlreadyInProgress', 'UPDATE_ALREADY_IN_PROGRESS'],
    ['none is none', null, null],
  ])('%s', (_what, code, told) => {
    expect(statusCodeOf({ ...failed, code })).toBe(told)
  })

  test('silence and taking back have theirs', () => {
    const silent = { ...failed, reason: { code: 'device.no-answer' } }
    expect(statusCodeOf(silent)).toBe('REQUEST_TIMEOUT')
    expect(statusCodeOf({ ...failed, state: 'CANCELED' })).toBe('CANCELED')
  })
})
