import { describe, expect, test } from 'vitest'
import { reason } from '../reason.ts'
import { STANDARD_SETTINGS } from '../settings.ts'
import { installed, minutesAfter, NOON, operation, release } from './examples.test-helper.ts'
import { STANDARD_HANDLING } from './handling.ts'
import { advance, cancel, type Operation, open, type Report, tell } from './operation.ts'
import { isTerminal, STATES, type State } from './states.ts'

const F2 = release('F@2.0.0')
const LATER = minutesAfter(NOON, 7)
const later = { now: LATER, patience: STANDARD_SETTINGS }
const { maxRetries } = STANDARD_SETTINGS

/** What becomes of an operation to F@2.0.0 in that state when the report comes. */
const hears = (state: State, report: Report) => advance(operation(F2, state), report, later)

/** "UPDATED runs F@1.0.0" → the report. */
function report(words: string): Report {
  const [state = '', , runs] = words.split(' ')
  return { state: state as State, installed: runs ? installed(runs) : undefined }
}

test('an operation is opened QUEUED, with its first line of history', () => {
  const origin = reason('assigned.device', 'Because.')
  const { operation: opened, step } = open({ id: 'op1', deviceId: 'D1', release: F2, origin }, NOON)
  expect(opened).toEqual({
    id: 'op1',
    campaignId: null,
    handling: STANDARD_HANDLING,
    deviceId: 'D1',
    releaseId: 'F@2.0.0',
    type: 'firmware',
    title: 'F',
    version: '2.0.0',
    state: 'QUEUED',
    progressPercent: 0,
    error: null,
    code: null,
    origin,
    because: origin,
    restarts: 0,
    openedAt: NOON,
    changedAt: NOON,
    heardAt: NOON,
    endedAt: null,
  })
  expect(step).toEqual({
    operationId: 'op1',
    at: NOON,
    state: 'QUEUED',
    outcome: 'opened',
    progressPercent: 0,
    error: null,
    because: origin,
  })
})

describe('the device is told', () => {
  test.each(STATES)('while %s', (state) => {
    const told = tell(operation(F2, state), LATER)
    expect(told.outcome).toBe(state === 'QUEUED' ? 'moved' : 'repeated')
    expect(told.operation.state).toBe(state === 'QUEUED' ? 'INITIATED' : state)
  })
})

describe('an operation is cancelled', () => {
  test.each(STATES)('while %s', (state) => {
    const because = reason('operator.cancel', 'Cancelled by Ada.')
    const cancelled = cancel(operation(F2, state), because, LATER)
    if (isTerminal(state)) {
      expect(cancelled).toMatchObject({ outcome: 'ignored', operation: { state } })
    } else {
      expect(cancelled).toMatchObject({
        outcome: 'moved',
        operation: { state: 'CANCELED', because, endedAt: LATER, error: null },
        step: { state: 'CANCELED', at: LATER, because },
      })
    }
  })
})

describe('a report', () => {
  test.each<[State, string, string, State, string]>([
    // The way as the book has it.
    ['QUEUED', 'DOWNLOADING', 'moved', 'DOWNLOADING', 'device.reported'],
    ['INITIATED', 'DOWNLOADING', 'moved', 'DOWNLOADING', 'device.reported'],
    ['DOWNLOADING', 'DOWNLOADED', 'moved', 'DOWNLOADED', 'device.reported'],
    ['DOWNLOADED', 'VERIFIED', 'moved', 'VERIFIED', 'device.reported'],
    ['VERIFIED', 'UPDATING', 'moved', 'UPDATING', 'device.reported'],
    ['UPDATING', 'UPDATED runs F@2.0.0', 'moved', 'UPDATED', 'device.runs-target'],
    // Devices skip.
    ['INITIATED', 'UPDATING', 'moved', 'UPDATING', 'device.reported'],
    ['QUEUED', 'VERIFIED', 'moved', 'VERIFIED', 'device.reported'],
    ['DOWNLOADING', 'UPDATING', 'moved', 'UPDATING', 'device.reported'],
    ['QUEUED', 'UPDATED runs F@2.0.0', 'moved', 'UPDATED', 'device.runs-target'],
    ['DOWNLOADING', 'UPDATED runs F@2.0.0', 'moved', 'UPDATED', 'device.runs-target'],
    // Devices step back.
    ['UPDATING', 'DOWNLOADING', 'moved', 'DOWNLOADING', 'device.reported'],
    ['VERIFIED', 'DOWNLOADED', 'moved', 'DOWNLOADED', 'device.reported'],
    // Devices repeat themselves.
    ['DOWNLOADING', 'DOWNLOADING', 'repeated', 'DOWNLOADING', 'report.repeated'],
    ['UPDATING', 'UPDATING', 'repeated', 'UPDATING', 'report.repeated'],
    ['UPDATED', 'UPDATED runs F@2.0.0', 'repeated', 'UPDATED', 'report.repeated'],
    ['FAILED', 'FAILED', 'repeated', 'FAILED', 'report.repeated'],
    // Devices speak late.
    ['UPDATED', 'DOWNLOADING', 'ignored', 'UPDATED', 'report.after-end'],
    ['UPDATED', 'FAILED', 'ignored', 'UPDATED', 'report.after-end'],
    ['FAILED', 'UPDATED runs F@2.0.0', 'ignored', 'FAILED', 'report.after-end'],
    ['CANCELED', 'UPDATING', 'ignored', 'CANCELED', 'report.after-end'],
    ['CANCELED', 'UPDATED runs F@2.0.0', 'ignored', 'CANCELED', 'report.after-end'],
    // Failure is believed in any state.
    ['QUEUED', 'FAILED', 'moved', 'FAILED', 'device.reported'],
    ['DOWNLOADING', 'FAILED', 'moved', 'FAILED', 'device.reported'],
    ['UPDATING', 'FAILED runs F@2.0.0', 'moved', 'FAILED', 'device.reported'],
    // UPDATED alone is not: with another version it tells how far the device came.
    ['QUEUED', 'UPDATED runs F@1.0.0', 'ignored', 'QUEUED', 'report.not-started'],
    ['INITIATED', 'UPDATED runs F@1.0.0', 'ignored', 'INITIATED', 'report.not-started'],
    ['INITIATED', 'UPDATED', 'ignored', 'INITIATED', 'report.not-started'],
    ['DOWNLOADING', 'UPDATED runs F@1.0.0', 'moved', 'QUEUED', 'device.interrupted'],
    ['DOWNLOADED', 'UPDATED runs F@1.0.0', 'moved', 'QUEUED', 'device.interrupted'],
    ['VERIFIED', 'UPDATED runs G@2.0.0', 'moved', 'QUEUED', 'device.interrupted'],
    ['UPDATING', 'UPDATED runs F@1.0.0', 'moved', 'FAILED', 'device.rolled-back'],
    ['UPDATING', 'UPDATED runs F@2.0.0+b1', 'moved', 'FAILED', 'device.rolled-back'],
    ['DOWNLOADING', 'UPDATED', 'ignored', 'DOWNLOADING', 'report.other-version'],
    ['UPDATING', 'UPDATED', 'ignored', 'UPDATING', 'report.other-version'],
    // The server's own states are not for a device to claim.
    ['DOWNLOADING', 'QUEUED', 'ignored', 'DOWNLOADING', 'report.not-reportable'],
    ['DOWNLOADING', 'INITIATED', 'ignored', 'DOWNLOADING', 'report.not-reportable'],
    ['DOWNLOADING', 'CANCELED', 'ignored', 'DOWNLOADING', 'report.not-reportable'],
    ['QUEUED', 'INITIATED', 'ignored', 'QUEUED', 'report.not-reportable'],
    ['QUEUED', 'QUEUED', 'ignored', 'QUEUED', 'report.not-reportable'],
    ['CANCELED', 'CANCELED', 'repeated', 'CANCELED', 'report.repeated'],
  ])('in %s: "%s" is %s → %s, %s', (state, words, outcome, after, because) => {
    const heard = hears(state, report(words))
    expect(heard).toMatchObject({
      outcome,
      operation: { state: after },
      because: { code: because },
    })
    expect(heard.because.message).toMatch(/\.$/)
  })

  test.each(STATES.flatMap((state) => STATES.map((word) => [state, word] as const)))(
    'in %s: whatever follows from %s, the history tells it',
    (state, word) => {
      for (const runs of [undefined, 'F@1.0.0', 'F@2.0.0']) {
        const before = operation(F2, state)
        const heard = advance(
          before,
          { state: word, installed: runs ? installed(runs) : undefined },
          later,
        )
        if (heard.outcome === 'moved') {
          expect(heard.operation).toMatchObject({ changedAt: LATER, because: heard.because })
          expect(heard.operation.endedAt).toEqual(isTerminal(heard.operation.state) ? LATER : null)
          expect(heard.step).toMatchObject({ outcome: 'moved', state: heard.operation.state })
        }
        if (heard.outcome === 'ignored') {
          expect(heard.operation).toBe(before)
          expect(heard.step).toMatchObject({ outcome: 'ignored', state: word, at: LATER })
        }
        if (heard.outcome === 'repeated') {
          expect(heard.operation).toEqual(
            isTerminal(state) ? before : { ...before, heardAt: LATER },
          )
          expect(heard.step).toBeUndefined()
        }
      }
    },
  )
})

describe('progress', () => {
  test('within a state moves without a line of history', () => {
    const heard = hears('DOWNLOADING', { state: 'DOWNLOADING', progressPercent: 40 })
    expect(heard).toMatchObject({ outcome: 'moved', operation: { progressPercent: 40 } })
    expect(heard.step).toBeUndefined()
  })

  test('that was told before is a repetition', () => {
    const before = operation(F2, 'DOWNLOADING', { progressPercent: 40 })
    const heard = advance(before, { state: 'DOWNLOADING', progressPercent: 40.3 }, later)
    expect(heard).toMatchObject({ outcome: 'repeated', operation: { progressPercent: 40 } })
  })

  test.each([
    [undefined, 10],
    [0, 0],
    [12.4, 12],
    [12.5, 13],
    [-5, 0],
    [250, 100],
    [Number.NaN, 10],
    [Number.POSITIVE_INFINITY, 10],
  ])('of %d is kept as %i when the download begins', (progressPercent, kept) => {
    const heard = hears('INITIATED', { state: 'DOWNLOADING', progressPercent })
    expect(heard.operation.progressPercent).toBe(kept)
    expect(heard.step?.progressPercent).toBe(kept)
  })
})

describe('a device with more words than there are states', () => {
  const acknowledged = { state: 'DOWNLOADING', word: 'Acknowledged', progressPercent: 10 } as const

  test('is quoted with its own', () => {
    const heard = hears('INITIATED', acknowledged)
    expect(heard).toMatchObject({ outcome: 'moved', operation: { state: 'DOWNLOADING' } })
    expect(heard.step?.because.message).toBe('The device reports Acknowledged.')
  })

  test('has a line for each of them, and none for one it repeats', () => {
    const said = [
      ['Deploying', 70],
      ['Deploying', 78],
      ['Deployed', 86],
      ['Rebooting', 92],
      ['Rebooting', 92],
    ] as const
    let current = operation(F2, 'DOWNLOADING')
    const lines = said.flatMap(([word, progressPercent]) => {
      const heard = advance(current, { state: 'UPDATING', word, progressPercent }, later)
      current = heard.operation
      return heard.step ? [`${heard.step.because.message} ${heard.step.progressPercent}`] : []
    })
    expect(lines).toEqual([
      'The device reports Deploying. 70',
      'The device reports Deployed. 86',
      'The device reports Rebooting. 92',
    ])
    expect(current.restarts).toBe(0)
  })

  test('may say one of them late: it goes no step back', () => {
    const before = operation(F2, 'UPDATING', { progressPercent: 86 })
    const late = { state: 'UPDATING', word: 'Deploying', progressPercent: 75 } as const
    expect(advance(before, late, later)).toMatchObject({
      outcome: 'repeated',
      operation: { progressPercent: 86, restarts: 0 },
    })
  })
})

describe('a remark', () => {
  const remark = { state: null, error: 'NetworkError: no route to host' }

  test.each(STATES.filter((state) => !isTerminal(state)))(
    'while %s is a sign of life with a line of its own, and changes nothing',
    (state) => {
      const before = operation(F2, state)
      const heard = advance(before, remark, later)
      expect(heard.outcome).toBe('repeated')
      expect(heard.operation).toEqual({ ...before, heardAt: LATER })
      expect(heard.step).toMatchObject({ state, outcome: 'remarked', error: remark.error })
    },
  )

  test('after the end is ignored', () => {
    expect(advance(operation(F2, 'FAILED'), remark, later)).toMatchObject({
      outcome: 'ignored',
      because: { code: 'report.after-end' },
      step: { outcome: 'ignored', state: 'FAILED' },
    })
  })
})

describe('a device that refuses as it is busy', () => {
  const busy = { state: 'FAILED', isBusy: true, code: 'UpdateAlreadyInProgress' } as const
  const hearsBusy = (state: State, { restarts = 0, ...more }: Partial<Report & Operation> = {}) =>
    advance(operation(F2, state, { restarts }), { ...busy, ...more }, later)

  test('has failed when it never told of this one', () => {
    expect(hearsBusy('INITIATED').operation).toMatchObject({ state: 'FAILED', code: busy.code })
  })

  test.each<State>(['DOWNLOADING', 'DOWNLOADED', 'VERIFIED', 'UPDATING'])(
    'repeats itself when it was %s',
    (state) => {
      expect(hearsBusy(state)).toMatchObject({ outcome: 'repeated', operation: { state } })
    },
  )

  test.each([{ restarts: 1 }, { isAskedAgain: true }])(
    'is at this one when it was asked before: %o',
    (before) => {
      expect(hearsBusy('INITIATED', before).operation.state).toBe('DOWNLOADING')
    },
  )

  test.each([{}, { restarts: 1 }, { isAskedAgain: true }])(
    'is told again later when it may be at what it was to stop: %o',
    (before) => {
      expect(hearsBusy('INITIATED', { isAtAnother: true, ...before })).toMatchObject({
        outcome: 'moved',
        operation: { state: 'QUEUED', restarts: before.restarts ?? 0, error: null },
        because: { code: 'device.busy' },
      })
    },
  )

  test('is at this one when it told of it, whatever else it was to stop', () => {
    expect(hearsBusy('UPDATING', { isAtAnother: true })).toMatchObject({ outcome: 'repeated' })
  })

  test('has ended when it says so after the end', () => {
    expect(hearsBusy('UPDATED')).toMatchObject({ outcome: 'ignored' })
  })
})

describe('a code', () => {
  test('is kept as it was said, whatever it is', () => {
    const { operation } = hears('UPDATING', { state: 'FAILED', error: 'No.', code: 'Weird\0Code' })
    expect(operation).toMatchObject({ error: 'No.', code: 'Weird\ufffdCode' })
  })

  test('is none where nothing failed', () => {
    expect(hears('INITIATED', { state: 'DOWNLOADING', code: 'x' }).operation.code).toBeNull()
  })
})

describe("the device's words", () => {
  test.each([
    ['No space left.', 'No space left.'],
    ['  padded \n', 'padded'],
    ['', 'The device gave no reason.'],
    [' ', 'The device gave no reason.'],
    [undefined, 'The device gave no reason.'],
    ['a\0b', 'a\ufffdb'],
    ['half \ud800 pair', 'half \ufffd pair'],
    ['x'.repeat(5000), `${'x'.repeat(4095)}…`],
    [`${'x'.repeat(4094)}\u{1f680}y`, `${'x'.repeat(4094)}\ufffd…`],
  ])('for a failure are kept: "%s"', (error, kept) => {
    const heard = hears('UPDATING', { state: 'FAILED', error })
    expect(heard.operation.error).toBe(kept)
    expect(heard.step?.error).toBe(kept)
  })

  test('are not an error where nothing failed', () => {
    expect(hears('INITIATED', { state: 'DOWNLOADING', error: 'x' }).operation.error).toBeNull()
  })

  test('that came too late stay in the history', () => {
    expect(hears('UPDATED', { state: 'FAILED', error: 'late\0' }).step?.error).toBe('late\ufffd')
  })
})

test('what may be late is no step back, and no new start', () => {
  const before = operation(F2, 'DOWNLOADED')
  const late = advance(before, { state: 'DOWNLOADING', mayBeLate: true }, later)
  expect(late).toMatchObject({ outcome: 'repeated', operation: { ...before, heardAt: LATER } })
  const inTime = advance(
    operation(F2, 'INITIATED'),
    { state: 'DOWNLOADING', mayBeLate: true },
    later,
  )
  expect(inTime).toMatchObject({ outcome: 'moved', operation: { state: 'DOWNLOADING' } })
})

describe('a device that starts over', () => {
  /** Lets the device report the words again and again, until the operation ends. */
  function goRound(...rounds: string[]): Operation {
    let current = operation(F2, 'INITIATED')
    for (let turn = 0; turn < 100; turn += 1) {
      for (const words of rounds) {
        current = advance(current, report(words), later).operation
        if (isTerminal(current.state)) return current
      }
    }
    return current
  }

  test.each([
    [['DOWNLOADING', 'DOWNLOADED']],
    [['DOWNLOADING', 'DOWNLOADED', 'VERIFIED', 'UPDATING']],
    [['DOWNLOADED', 'VERIFIED']],
    [['DOWNLOADING', 'UPDATED runs F@1.0.0']],
    [['VERIFIED', 'UPDATING']],
  ])('%s, again and again, has failed in the end', (rounds) => {
    expect(goRound(...rounds)).toMatchObject({
      state: 'FAILED',
      restarts: maxRetries + 1,
      because: { code: 'device.keeps-starting-over' },
      error: expect.stringContaining(`${maxRetries + 1} times`),
    })
  })

  test('may do so five times and still arrive', () => {
    const worn = operation(F2, 'DOWNLOADED', { restarts: maxRetries })
    expect(advance(worn, report('DOWNLOADING'), later).operation.state).toBe('FAILED')
    expect(advance(worn, report('UPDATED runs F@2.0.0'), later).operation.state).toBe('UPDATED')
  })

  test('is not said to when it only goes on or repeats itself', () => {
    const words = ['DOWNLOADING', 'DOWNLOADING', 'VERIFIED', 'UPDATING', 'UPDATING']
    let current = operation(F2, 'INITIATED')
    for (const word of words) current = advance(current, report(word), later).operation
    expect(current).toMatchObject({ state: 'UPDATING', restarts: 0 })
  })

  test('may do so as often as its tenant lets it', () => {
    const patience = { ...STANDARD_SETTINGS, maxRetries: 0 }
    const failed = advance(operation(F2, 'DOWNLOADED'), report('DOWNLOADING'), {
      ...later,
      patience,
    })
    expect(failed.operation).toMatchObject({
      state: 'FAILED',
      error: 'The device started over once without arriving at F@2.0.0.',
    })
  })
})

describe('a sign of life', () => {
  test.each([
    [29, 0],
    [30, 30],
    [3000, 3000],
  ])('%i seconds after the last one is noted as of second %i', (seconds, noted) => {
    const now = new Date(NOON.getTime() + seconds * 1000)
    const before = operation(F2, 'DOWNLOADING')
    const { operation: after } = advance(before, report('DOWNLOADING'), { ...later, now })
    expect(after).toEqual({ ...before, heardAt: new Date(NOON.getTime() + noted * 1000) })
  })
})
