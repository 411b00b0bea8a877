import { expect, test } from 'vitest'
import type { Silences } from './ports.ts'
import { silenceWatch } from './silence-watch.ts'

const NOON = new Date('2026-03-01T12:00:00Z')
type Overdue = Parameters<Silences['overdue']>[0]

/** A watch over those devices; the ones whose name ends in "here" are on the line. */
function watch(devices: readonly string[], failing = false) {
  const asked: Overdue[] = []
  const looked: [string, unknown][] = []
  const errors: unknown[] = []
  let tick = () => {}
  let isTicking = false
  const watching = silenceWatch({
    clock: { now: () => NOON },
    every: (_ms, work) => {
      tick = work
      isTicking = true
      return () => {
        isTicking = false
      }
    },
    liveSessions: { has: (deviceId) => deviceId.endsWith('here') },
    deadlineSeconds: 3600,
    silences: {
      overdue: async (which) => {
        asked.push(which)
        if (failing) throw new Error('away')
        const from = devices.indexOf(which.after ?? '') + 1
        const page = devices.slice(from, from + which.limit)
        return page.map((deviceId) => ({ tenantId: 't', deviceId }))
      },
    },
    look: async ({ deviceIds }, options) => {
      for (const deviceId of deviceIds) looked.push([deviceId, options])
    },
    onError: (error) => errors.push(error),
  })
  return { watching, asked, looked, errors, tick: () => tick(), ticks: () => isTicking }
}

test('looks at those who are overdue and on the line, as being there', async () => {
  const { watching, looked, asked } = watch(['1 here', '2 away', '3 here'])
  await watching.look()
  expect(looked).toEqual([
    ['1 here', { isHere: true }],
    ['3 here', { isHere: true }],
  ])
  expect(asked).toMatchObject([{ now: NOON, deadlineSeconds: 3600, after: null }])
})

test('goes through any number of them, page by page', async () => {
  const devices = Array.from({ length: 1201 }, (_, index) => `${index} here`)
  const { watching, looked, asked } = watch(devices)
  await watching.look()
  expect(looked.map(([id]) => id)).toEqual(devices)
  expect(asked.map(({ after }) => after)).toEqual([null, '499 here', '999 here'])
})

test('looks now and then, one look at a time, until it is stopped', async () => {
  const { watching, asked, tick, ticks } = watch(['1 here'])
  watching.start()
  expect(asked).toEqual([])
  tick()
  tick()
  expect(asked).toHaveLength(1)
  await watching.stop()
  expect(ticks()).toBe(false)
})

test('a look that fails is told, and the next one is begun all the same', async () => {
  const { watching, asked, errors, tick } = watch([], true)
  watching.start()
  tick()
  await expect.poll(() => errors).toEqual([new Error('away')])
  tick()
  expect(asked).toHaveLength(2)
  await watching.stop()
})
