import { expect, test } from 'vitest'
import { rounds } from './rounds.ts'

/** Rounds of which the test says when they are due, and when they are over. */
function begun({ isDueAtStart = false } = {}) {
  let due: (() => void) | undefined
  const atWork: PromiseWithResolvers<void>[] = []
  const errors: unknown[] = []
  const all = rounds({
    everyMs: 1000,
    every: (_ms, work) => {
      due = work
      return () => {
        due = undefined
      }
    },
    isDueAtStart,
    work: () => {
      const one = Promise.withResolvers<void>()
      atWork.push(one)
      return one.promise
    },
    onError: (error) => errors.push(error),
  })
  all.start()
  return { all, atWork, errors, isDue: () => due?.(), hasEnded: () => due === undefined }
}
const settled = () => new Promise(setImmediate)

test('a round that is still at work when the next is due is let finish', async () => {
  const { atWork, isDue } = begun()
  expect(atWork).toHaveLength(0)
  isDue()
  isDue()
  expect(atWork).toHaveLength(1)
  atWork[0]?.resolve()
  await settled()
  isDue()
  expect(atWork).toHaveLength(2)
})

test('the first may be due at the start', () => {
  expect(begun({ isDueAtStart: true }).atWork).toHaveLength(1)
})

test('one that fails says so, and the next is done all the same', async () => {
  const { atWork, errors, isDue } = begun()
  isDue()
  atWork[0]?.reject('no')
  await settled()
  expect(errors).toEqual(['no'])
  isDue()
  expect(atWork).toHaveLength(2)
})

test('a stop waits for the round at hand, which is told of it', async () => {
  const { all, atWork, isDue, hasEnded } = begun()
  isDue()
  let isOver = false
  const stopping = all.stop().then(() => {
    isOver = true
  })
  await settled()
  expect([all.isStopped, hasEnded(), isOver]).toEqual([true, true, false])
  atWork[0]?.resolve()
  await stopping
})
