import { describe, expect, test } from 'vitest'
import { groupCommit } from './group-commit.ts'

/** Batches that end when the test says so. */
function batches<Item>() {
  const begun: {
    items: readonly Item[]
    end: (results?: readonly unknown[]) => void
    fail: (error: unknown) => void
  }[] = []
  let arrived: (() => void) | undefined
  const carryOut = (items: readonly Item[]) =>
    new Promise<readonly unknown[]>((resolve, reject) => {
      begun.push({ items, end: (results = items) => resolve(results), fail: reject })
      arrived?.()
    })
  return {
    begun,
    carryOut,
    /** Resolves once so many have begun. */
    until: async (count: number) => {
      while (begun.length < count) {
        await new Promise<void>((resolve) => {
          arrived = resolve
        })
      }
    },
    itemsOf: () => begun.map(({ items }) => items),
  }
}

const settled = (promises: readonly Promise<unknown>[]) =>
  Promise.allSettled(promises).then((results) =>
    results.map((result) =>
      result.status === 'fulfilled' ? result.value : `✕ ${(result.reason as Error).message}`,
    ),
  )

test('what arrives while a batch is being carried out shares the next one', async () => {
  const { begun, carryOut, until, itemsOf } = batches<number>()
  const add = groupCommit({ carryOut, maxBatch: 100 })
  const first = [1, 2].map(add)
  await until(1)
  const second = [3, 4, 5].map(add)
  begun[0]?.end()
  await until(2)
  begun[1]?.end()
  expect(await settled([...first, ...second])).toEqual([1, 2, 3, 4, 5])
  expect(itemsOf()).toEqual([
    [1, 2],
    [3, 4, 5],
  ])
})

test('a batch holds no more than it may, and the rest follows in order', async () => {
  const sizes: number[] = []
  const add = groupCommit<number, number>({
    maxBatch: 10,
    carryOut: async (items) => {
      sizes.push(items.length)
      return items.map((item) => item * 2)
    },
  })
  const all = Array.from({ length: 25 }, (_, index) => index)
  expect(await Promise.all(all.map(add))).toEqual(all.map((item) => item * 2))
  expect(sizes).toEqual([10, 10, 5])
})

test('a result that is an Error rejects its item alone', async () => {
  const add = groupCommit<string, string>({
    maxBatch: 10,
    carryOut: async (items) => items.map((item) => (item === 'bad' ? new Error('no') : item)),
  })
  expect(await settled(['a', 'bad', 'b'].map(add))).toEqual(['a', '✕ no', 'b'])
})

describe('items with the same key', () => {
  test('never share a batch, and are carried out in the order they came', async () => {
    const { begun, carryOut, until, itemsOf } = batches<string>()
    const add = groupCommit({ carryOut, maxBatch: 10, keyOf: (item) => item[0] ?? '' })
    const results = settled(['a1', 'a2', 'b1', 'a3', 'b2'].map(add))
    for (let count = 1; count <= 3; count += 1) {
      await until(count)
      begun[count - 1]?.end()
    }
    expect(await results).toEqual(['a1', 'a2', 'b1', 'a3', 'b2'])
    expect(itemsOf()).toEqual([['a1', 'b1'], ['a2', 'b2'], ['a3']])
  })

  test('wait for each other in batches side by side as well', async () => {
    const { begun, carryOut, until, itemsOf } = batches<string>()
    const add = groupCommit({ carryOut, maxBatch: 10, lanes: 2, keyOf: (item) => item[0] ?? '' })
    const results = [add('a1')]
    await until(1)
    results.push(add('a2'), add('b1'))
    await until(2)
    expect(itemsOf()).toEqual([['a1'], ['b1']])
    begun[1]?.end()
    await results[2]
    begun[0]?.end()
    await until(3)
    begun[2]?.end()
    expect(await settled(results)).toEqual(['a1', 'a2', 'b1'])
    expect(itemsOf()[2]).toEqual(['a2'])
  })
})

describe('when a batch throws', () => {
  test('all of it is rejected, and the next one is carried out', async () => {
    const { begun, carryOut, until } = batches<number>()
    const add = groupCommit({ carryOut, maxBatch: 2 })
    const results = settled([1, 2, 3].map(add))
    await until(1)
    begun[0]?.fail(new Error('gone'))
    await until(2)
    begun[1]?.end()
    expect(await results).toEqual(['✕ gone', '✕ gone', 3])
  })

  test('at once or in the choice of keys, nothing is stuck afterwards', async () => {
    let isBroken = true
    const add = groupCommit<number, number>({
      maxBatch: 2,
      carryOut: (items) => {
        if (isBroken) throw new Error('at once')
        return Promise.resolve(items)
      },
      keyOf: (item) => {
        if (item < 0) throw new Error('no key')
        return String(item)
      },
    })
    expect(await settled([1, 2].map(add))).toEqual(['✕ at once', '✕ at once'])
    isBroken = false
    expect(await settled([-1, 3].map(add))).toEqual(['✕ no key', 3])
    expect(await add(4)).toBe(4)
  })

  test('too few results are a bug that is told, not an answer', async () => {
    const add = groupCommit<number, number>({ maxBatch: 2, carryOut: async () => [1] })
    expect(await settled([1, 2].map(add))).toEqual([
      '✕ A batch of 2 was answered with 1 results.',
      '✕ A batch of 2 was answered with 1 results.',
    ])
  })
})
