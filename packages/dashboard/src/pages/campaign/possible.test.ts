import { expect, test } from 'vitest'
import { actsOf } from './possible.ts'

const tally = { idle: 0, 'in-progress': 0, successful: 0, failed: 0, skipped: 0 }
const release = { id: 'r', title: 'app', version: '2' }
const of = (to: Partial<Parameters<typeof actsOf>[0]>) =>
  actsOf({
    status: 'in-progress',
    outcome: null,
    canApprove: false,
    tally,
    rollsBack: null,
    release,
    ...to,
  })

test('what comes next is the one button', () => {
  expect(of({}).primary).toBe('pause')
  expect(of({ canApprove: true }).primary).toBe('approve')
  expect(of({ status: 'pausing' }).primary).toBe('resume')
  expect(of({ status: 'paused' }).primary).toBe('resume')
  expect(of({ status: 'scheduled' }).primary).toBe('edit')
})

test('when it is over, what failed is tried again before all is rolled back', () => {
  const stopped = { status: 'finished', outcome: 'failure' } as const
  const mixed = of({ ...stopped, tally: { ...tally, successful: 3, failed: 2 } })
  expect(mixed).toEqual({ primary: 'retry', others: ['roll-back'], isRemovable: true })
  expect(of({ ...stopped, tally: { ...tally, successful: 3 } }).primary).toBe('roll-back')
})

test('a success needs nothing more, but can be rolled back; a roll-back cannot', () => {
  const done = {
    status: 'finished',
    outcome: 'success',
    tally: { ...tally, successful: 3 },
  } as const
  expect(of(done)).toEqual({ primary: null, others: ['roll-back'], isRemovable: true })
  expect(of({ ...done, rollsBack: 'another' }).others).toEqual([])
})

test('what was removed is brought to nobody again', () => {
  const gone = { ...release, id: null }
  const acts = of({
    status: 'finished',
    outcome: 'failure',
    release: gone,
    tally: { ...tally, failed: 1 },
  })
  expect(acts.primary).toBeNull()
})

test('while devices are at it, it is not removed', () => {
  const over = { status: 'finished', outcome: 'cancelled' } as const
  expect(of({ ...over, tally: { ...tally, 'in-progress': 1 } }).isRemovable).toBe(false)
  expect(of({ status: 'paused' }).isRemovable).toBe(false)
})
