import { describe, expect, test } from 'vitest'
import { minutesAfter, NOON, operation, release } from './examples.test-helper.ts'
import type { Operation } from './operation.ts'
import { fallSilent } from './silence.ts'
import { STATES, type State } from './states.ts'

const F2 = release('F@2.0.0')
const HOUR = 3600

/** What becomes of an operation in that state of which nothing was heard for so long. */
const silentFor = (
  minutes: number,
  state: State,
  {
    silenceDeadlineSeconds = HOUR,
    maxRetries = 5,
    ...changes
  }: Partial<Operation> & {
    silenceDeadlineSeconds?: number
    maxRetries?: number
  } = {},
) =>
  fallSilent(operation(F2, state, changes), {
    now: minutesAfter(NOON, minutes),
    patience: { silenceDeadlineSeconds, maxRetries },
  })

describe('after the deadline', () => {
  test.each<[State, string | null]>([
    ['QUEUED', null],
    ['INITIATED', 'The device went silent at INITIATED; it is told again.'],
    ['DOWNLOADING', 'The device went silent at DOWNLOADING; it is told again.'],
    ['DOWNLOADED', 'The device went silent at DOWNLOADED; it is told again.'],
    ['VERIFIED', 'The device went silent at VERIFIED; it is told again.'],
    ['UPDATING', 'The device went silent at UPDATING; it is told again.'],
    ['UPDATED', null],
    ['FAILED', null],
    ['CANCELED', null],
  ])('%s: %s', (state, message) => {
    const silent = silentFor(60, state)
    if (message === null) return expect(silent).toBeNull()
    expect(silent).toMatchObject({
      outcome: 'moved',
      operation: { state: 'QUEUED', restarts: 1, heardAt: minutesAfter(NOON, 60) },
      step: { outcome: 'moved', state: 'QUEUED' },
      because: { code: 'device.silent', message },
    })
  })

  test.each(STATES)('and not before it: %s', (state) => {
    expect(silentFor(59.99, state)).toBeNull()
  })

  test('which is counted from the last sign, not from the last move', () => {
    const heardAt = minutesAfter(NOON, 30)
    expect(silentFor(89, 'DOWNLOADING', { heardAt })).toBeNull()
    expect(silentFor(90, 'DOWNLOADING', { heardAt })?.operation.state).toBe('QUEUED')
  })

  test.each(STATES)('of zero, which never comes: %s', (state) => {
    expect(silentFor(1e6, state, { silenceDeadlineSeconds: 0 })).toBeNull()
  })
})

describe('after the retries', () => {
  test.each([
    [0, HOUR, 'no word of F@2.0.0 within 1 h.'],
    [1, 2 * HOUR, 'no word of F@2.0.0 within 2 h, after 1 retry.'],
    [2, 300, 'no word of F@2.0.0 within 5 min, after 2 retries.'],
    [3, 90, 'no word of F@2.0.0 within 90 s, after 3 retries.'],
  ])('%i of them, it has failed', (maxRetries, silenceDeadlineSeconds, words) => {
    const patience = { silenceDeadlineSeconds, maxRetries, restarts: maxRetries }
    const silent = silentFor(600, 'DOWNLOADING', patience)
    const error = `The device went silent at DOWNLOADING: ${words}`
    expect(silent).toMatchObject({
      operation: { state: 'FAILED', error, endedAt: minutesAfter(NOON, 600) },
      step: { state: 'FAILED', error },
      because: { code: 'device.silent', message: error },
    })
  })
})
