import { describe, expect, test } from 'vitest'
import { canMove, isTerminal, reportableState, STATE_TABLE, STATES } from './states.ts'

/**
 * May an operation go from the row's state to the column's? Columns as rows, in the order of STATES: queued,
 * told, downloading, downloaded, verified, updating, updated, staged, failed, cancelled.
 */
const MOVES = [
  ['QUEUED', '. x x x x x x x x x'],
  ['INITIATED', 'x . x x x x x x x x'],
  ['DOWNLOADING', 'x . . x x x x x x x'],
  ['DOWNLOADED', 'x . x . x x x x x x'],
  ['VERIFIED', 'x . x x . x x x x x'],
  ['UPDATING', 'x . x x x . x x x x'],
  ['UPDATED', '. . . . . . . . . .'],
  ['STAGED', '. . . . . . . . . .'],
  ['FAILED', '. . . . . . . . . .'],
  ['CANCELED', '. . . . . . . . . .'],
] as const

test('the table of moves has a row for each state', () => {
  expect(MOVES.map(([from]) => from)).toEqual(STATES)
  expect(Object.keys(STATE_TABLE)).toEqual(STATES)
})

test.each(MOVES)('from %s', (from, allowed) => {
  expect(STATES.map((to) => (canMove(from, to) ? 'x' : '.')).join(' ')).toBe(allowed)
})

describe('ends', () => {
  test.each(STATES)('%s is one exactly when nothing follows it', (state) => {
    expect(isTerminal(state)).toBe(['UPDATED', 'STAGED', 'FAILED', 'CANCELED'].includes(state))
    expect(STATE_TABLE[state].next.length === 0).toBe(isTerminal(state))
  })
})

describe('what a device may report', () => {
  test.each(STATES)('%s', (state) => {
    const isOurs = ['QUEUED', 'INITIATED', 'STAGED', 'CANCELED'].includes(state)
    expect(reportableState(state)).toBe(isOurs ? undefined : state)
  })

  test.each(['', 'IDLE', 'updated', ' UPDATED', 'toString', 'UPDATED\n'])(
    '"%s" is none of the states',
    (word) => {
      expect(reportableState(word)).toBeUndefined()
    },
  )
})

test('the way from queued to updated is shown as ever growing', () => {
  const way = STATES.slice(0, 7).map((state) => STATE_TABLE[state].progressPercent)
  expect(way).toEqual([...way].sort((a, b) => a - b))
  expect(new Set(way).size).toBe(way.length)
  expect(way.at(-1)).toBe(100)
})
