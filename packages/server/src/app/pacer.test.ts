import { expect, test, vi } from 'vitest'
import { pacer } from './pacer.ts'

const always = new AbortController().signal

test('a pack leaves at once and the next when the interval has passed', async () => {
  vi.useFakeTimers()
  try {
    const pace = pacer({
      paceOf: () => ({ packSize: 5, intervalMs: 120 }),
      nowMs: () => Date.now(),
    })
    const beganMs = Date.now()
    const leftMs: number[] = []
    const turns = Array.from({ length: 12 }, () =>
      pace.inTurn('t', always, async () => {
        leftMs.push(Date.now() - beganMs)
        return true
      }),
    )
    await vi.advanceTimersByTimeAsync(1000)
    await Promise.all(turns)
    expect(leftMs).toEqual([0, 0, 0, 0, 0, 120, 120, 120, 120, 120, 240, 240])
    expect(pace.waiting).toBe(0)
  } finally {
    vi.useRealTimers()
  }
})

test('how long it takes to tell a device does not slow the pace, whoever is back first', async () => {
  vi.useFakeTimers()
  try {
    const pace = pacer({
      paceOf: () => ({ packSize: 2, intervalMs: 1000 }),
      nowMs: () => Date.now(),
    })
    const beganMs = Date.now()
    const leftMs: number[] = []
    const turns = Array.from({ length: 8 }, (_, index) =>
      pace.inTurn('t', always, async () => {
        leftMs.push(Date.now() - beganMs)
        await new Promise((resolve) => setTimeout(resolve, index % 2 === 0 ? 900 : 100))
        return true
      }),
    )
    await vi.advanceTimersByTimeAsync(10_000)
    await Promise.all(turns)
    expect(leftMs).toEqual([0, 0, 1000, 1000, 2000, 2000, 3000, 3000])
  } finally {
    vi.useRealTimers()
  }
})

test('who has nothing to be told takes no place, and order is kept', async () => {
  const pace = pacer({ paceOf: () => ({ packSize: 1, intervalMs: 3_600_000 }) })
  const seen: number[] = []
  const turn = (number: number, isTold: boolean) =>
    pace.inTurn('t', always, async () => {
      seen.push(number)
      return isTold
    })
  await Promise.all([turn(1, false), turn(2, false), turn(3, true)])
  expect(seen).toEqual([1, 2, 3])
})

test('a tenant does not wait for another, nor for one whose line is gone', async () => {
  const pace = pacer({ paceOf: () => ({ packSize: 1, intervalMs: 3_600_000 }) })
  const gone = new AbortController()
  await pace.inTurn('a', always, async () => true)
  const waits = pace.inTurn('a', gone.signal, async () => {
    throw new Error('Nobody is there.')
  })
  await pace.inTurn('b', always, async () => true)
  expect(pace.waiting).toBe(1)
  gone.abort()
  await waits
  expect(pace.waiting).toBe(0)
})

test('one that fails says so to its caller only', async () => {
  const pace = pacer({ paceOf: () => ({ packSize: 1, intervalMs: 3_600_000 }) })
  const fails = pace.inTurn('t', always, async () => {
    throw new Error('The line broke.')
  })
  const next = pace.inTurn('t', always, async () => true)
  await expect(fails).rejects.toThrow('The line broke.')
  await next
})

test('without an interval nobody waits, and a stop lets everybody go', async () => {
  const open = pacer({ paceOf: () => ({ packSize: 1, intervalMs: 0 }) })
  let told = 0
  const tell = async () => {
    told += 1
    return true
  }
  await Promise.all(Array.from({ length: 1000 }, () => open.inTurn('t', always, tell)))
  expect(told).toBe(1000)

  const closing = pacer({ paceOf: () => ({ packSize: 1, intervalMs: 3_600_000 }) })
  await closing.inTurn('t', always, tell)
  const waits = closing.inTurn('t', always, tell)
  closing.close()
  await waits
  await closing.inTurn('t', always, tell)
  expect(told).toBe(1001)
})

test('each tenant has its own pace, and one that changes lets go of whom it may at once', async () => {
  const packSizes: Record<string, number> = { slow: 1, quick: 3 }
  const pace = pacer({
    paceOf: (tenantId) => ({ packSize: packSizes[tenantId] ?? 0, intervalMs: 3_600_000 }),
  })
  const told: string[] = []
  const turns = (tenantId: string) =>
    Promise.all(
      Array.from({ length: 3 }, () =>
        pace.inTurn(tenantId, always, async () => {
          told.push(tenantId)
          return true
        }),
      ),
    )
  const slow = turns('slow')
  await turns('quick')
  expect(told.toSorted()).toEqual(['quick', 'quick', 'quick', 'slow'])
  expect(pace.waiting).toBe(2)
  packSizes.slow = 3
  pace.paceChanged('slow')
  await slow
  expect(pace.waiting).toBe(0)
  pace.paceChanged('nobody')
})
