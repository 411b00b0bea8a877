import { describe, expect, test } from 'vitest'
import { STANDARD_SETTINGS } from '../settings.ts'
import {
  type ActionFacts,
  type ActionStanding,
  bundleOf,
  isReadableByAll,
  mayRead,
  reportOf,
  standingOf,
} from './action.ts'
import { STANDARD_HANDLING } from './handling.ts'
import type { State } from './states.ts'

test.each([
  [1, false],
  [9, false],
  [10, false],
  [11, true],
  [100, false],
  [101, true],
  [110, true],
  [2_000_000_000, false],
])('number %d can be read by all: %s', (id, isSo) => {
  expect(isReadableByAll(id)).toBe(isSo)
})

const NOON = new Date('2026-03-01T12:00:00.000Z')
const hoursBefore = (hours: number) => new Date(NOON.getTime() - hours * 3_600_000)
const patience = { ...STANDARD_SETTINGS, silenceDeadlineSeconds: 3600 }

const untold: ActionFacts = {
  needsConfirmation: false,
  confirmedAt: null,
  fetchedAt: null,
  cancelAskedAt: null,
  cancelRefusedAt: null,
  closedAt: null,
  outcome: null,
  isUnproven: false,
  states: ['QUEUED'],
}

const standing = (facts: ActionFacts) => {
  const found = standingOf(facts, { now: NOON, patience })
  return found.kind === 'over' ? found.outcome : found.kind
}

describe('an action', () => {
  test.each<[string, Partial<ActionFacts>, ReturnType<typeof standing>]>([
    ['that nobody read is to do', {}, 'to-do'],
    ['waits for somebody at the device', { needsConfirmation: true }, 'to-confirm'],
    ['is to do once confirmed', { needsConfirmation: true, confirmedAt: NOON }, 'to-do'],
    ['taken back before it was read is withdrawn', { states: ['CANCELED'] }, 'withdrawn'],
    [
      'taken back before it was read, of which the device is to hear, is to cancel',
      { states: ['CANCELED'], cancelAskedAt: hoursBefore(0.9) },
      'to-cancel',
    ],
    [
      'of which one part is taken back is taken back',
      { fetchedAt: NOON, states: ['CANCELED', 'DOWNLOADING'] },
      'to-cancel',
    ],
    [
      'is to cancel for as long as the tenant waits',
      { fetchedAt: NOON, states: ['CANCELED'], cancelAskedAt: hoursBefore(0.9) },
      'to-cancel',
    ],
    [
      'is given up when no answer comes by then',
      { fetchedAt: NOON, states: ['CANCELED'], cancelAskedAt: hoursBefore(1) },
      'cancel-unanswered',
    ],
    [
      'goes on when the device does not stop',
      { fetchedAt: NOON, states: ['CANCELED'], cancelRefusedAt: hoursBefore(24) },
      'to-do',
    ],
    [
      'goes on for a week then',
      { fetchedAt: NOON, states: ['CANCELED'], cancelRefusedAt: hoursBefore(7 * 24) },
      'cancel-unanswered',
    ],
    ['whose parts all came to stay is finished', { states: ['UPDATED', 'UPDATED'] }, 'finished'],
    ['of which one part failed is given up', { states: ['UPDATED', 'FAILED'] }, 'given-up'],
    ['whose operation is there no more is given up', { states: [null] }, 'given-up'],
    ['without a part is given up', { states: [] }, 'given-up'],
    [
      'that the device closed is to be proven',
      { closedAt: NOON, outcome: 'finished', isUnproven: true, states: ['UPDATING'] },
      'unproven',
    ],
    [
      'is over once that came otherwise',
      { closedAt: NOON, outcome: 'finished', isUnproven: true, states: ['FAILED'] },
      'finished',
    ],
  ])('%s', (_case, facts, expected) => {
    expect(standing({ ...untold, ...facts })).toBe(expected)
  })
})

describe('is read', () => {
  const none = { outcome: null, closedAt: null }
  test.each<
    [
      string,
      Parameters<typeof mayRead>[0],
      ActionStanding['kind'],
      'dci' | 'd' | 'c' | 'i' | 'di' | '',
    ]
  >([
    ['to do it', none, 'to-do', 'd'],
    ['to be confirmed', none, 'to-confirm', 'c'],
    ['as what is to be proven', { outcome: 'finished', closedAt: NOON }, 'unproven', 'di'],
    ['as what it did last', { outcome: 'finished', closedAt: NOON }, 'over', 'di'],
    ['when it has failed', { outcome: 'failed', closedAt: NOON }, 'over', 'd'],
    ['never while it is to be cancelled', none, 'to-cancel', ''],
    ['never once it was cancelled', { outcome: 'cancelled', closedAt: NOON }, 'over', ''],
    ['never once it was withdrawn', { outcome: 'withdrawn', closedAt: NOON }, 'over', ''],
  ])('%s', (_case, facts, kind, expected) => {
    const readings = ['deployment', 'confirmation', 'installed'] as const
    const may = readings.filter((as) => mayRead(facts, kind, as)).map((as) => as[0])
    expect(may.join('')).toBe(expected)
  })
})

describe('a bundle', () => {
  const offer = (type: string, hours: number) => ({
    operation: { type, openedAt: hoursBefore(hours), handling: STANDARD_HANDLING },
  })
  const offers = [offer('software', 1), offer('firmware', 2), offer('bootloader', 3)]
  const types = (most: number) => bundleOf(offers, most).map(({ operation }) => operation.type)

  test('of one at a time is the oldest', () => expect(types(1)).toEqual(['bootloader']))
  test('of several has an order of its own', () => {
    expect(types(2)).toEqual(['bootloader', 'firmware'])
    expect(types(64)).toEqual(['bootloader', 'firmware', 'software'])
    expect(bundleOf(offers.toReversed(), 64)).toEqual(bundleOf(offers, 64))
  })
  test('is of what is to be installed, or of what is only to be downloaded, as the oldest is', () => {
    const [software, firmware, bootloader] = offers
    const handling = { ...STANDARD_HANDLING, isDownloadOnly: true }
    const kept = { operation: { ...firmware?.operation, handling } } as (typeof offers)[number]
    expect(bundleOf([software, kept, bootloader] as typeof offers, 64)).toEqual([
      bootloader,
      software,
    ])
    expect(bundleOf([software, kept] as typeof offers, 64)).toEqual([kept])
  })
  test('of nothing is none', () => expect(bundleOf([], 64)).toEqual([]))
})

describe('the word of a device', () => {
  type Word = Parameters<typeof reportOf>[0]
  test.each<[Word, State, State | null]>([
    ['at-it', 'QUEUED', 'DOWNLOADING'],
    ['at-it', 'DOWNLOADING', null],
    ['at-it', 'DOWNLOADED', 'UPDATING'],
    ['at-it', 'VERIFIED', 'UPDATING'],
    ['at-it', 'UPDATING', null],
    ['downloading', 'INITIATED', 'DOWNLOADING'],
    ['downloading', 'DOWNLOADED', null],
    ['downloaded', 'DOWNLOADING', 'DOWNLOADED'],
    ['downloaded', 'UPDATING', null],
    ['waiting', 'QUEUED', null],
    ['done', 'QUEUED', 'UPDATED'],
    ['failed', 'QUEUED', 'FAILED'],
  ])('%s, of what is %s, means %s', (word, state, expected) => {
    const report = reportOf(word, { state, confirmedBy: 'report', said: '' })
    expect(report?.state ?? null).toBe(expected)
  })

  test('done is not done where it has to be shown', () => {
    const report = reportOf('done', { state: 'UPDATING', confirmedBy: 'next-poll', said: '' })
    expect(report).toMatchObject({ state: 'UPDATING', progressPercent: 95 })
  })

  test.each<Word>(['refused-for-now', 'wants-to-stop'])('%s is a remark', (word) => {
    const said = (text: string) =>
      reportOf(word, { state: 'UPDATING', confirmedBy: 'report', said: text })
    expect(said('no room')).toEqual({ state: null, error: 'no room' })
    expect(said('')?.error).toMatch(/device/)
  })
})
