import { describe, expect, test, vi } from 'vitest'
import { hotBlocks, type Load, type Shelf } from './hot-blocks.ts'

const SIZE = 10
const filled = (value: number) => async (memory: Buffer) => memory.fill(value)
const never = () => Promise.reject(new Error('should not be loaded'))

/** Borrows and gives back at once. */
async function visit(shelf: Shelf, index: number, load: Load = filled(index)): Promise<void> {
  const block = await shelf.borrow(index, load)
  block.giveBack()
}

function holds(shelf: Shelf, index: number): boolean {
  const block = shelf.peek(index)
  block?.giveBack()
  return block !== undefined
}

describe('hot blocks', () => {
  test('load a block once for all who ask, also at the same time', async () => {
    const shelf = hotBlocks(100).shelf(SIZE)
    const load = vi.fn(filled(7))
    const [one, two] = await Promise.all([shelf.borrow(1, load), shelf.borrow(1, load)])
    expect(one.bytes).toEqual(Buffer.alloc(SIZE, 7))
    expect(two.bytes).toBe(one.bytes)
    expect(await shelf.borrow(1, never)).toBe(one)
    expect(shelf.peek(1)).toBe(one)
    expect(load).toHaveBeenCalledTimes(1)
  })

  test('forget what was not used for longest when there are too many bytes, of all files', async () => {
    const blocks = hotBlocks(30)
    const [one, two] = [blocks.shelf(SIZE), blocks.shelf(SIZE)]
    await visit(one, 1)
    await visit(two, 1)
    await visit(one, 2)
    await visit(one, 1)
    await visit(two, 2)
    expect(blocks.sizeBytes).toBe(30)
    expect(holds(two, 1)).toBe(false)
    expect([holds(one, 1), holds(one, 2), holds(two, 2)]).toEqual([true, true, true])
  })

  test('do not remember a failure', async () => {
    const blocks = hotBlocks(30)
    const shelf = blocks.shelf(SIZE)
    await expect(visit(shelf, 1, never)).rejects.toThrow()
    await visit(shelf, 1)
    expect(blocks.sizeBytes).toBe(10)
  })

  test('of a cleared file are gone, also those on their way', async () => {
    const blocks = hotBlocks(30)
    const shelf = blocks.shelf(SIZE)
    await visit(shelf, 1)
    const late = visit(shelf, 2)
    shelf.clear()
    await late
    expect([holds(shelf, 1), holds(shelf, 2)]).toEqual([false, false])
    expect(blocks.sizeBytes).toBe(0)
  })

  test('use the memory of a block again when it is gone and nobody holds it', async () => {
    const shelf = hotBlocks(10).shelf(SIZE)
    const first = await shelf.borrow(1, filled(1))
    await visit(shelf, 2)
    await visit(shelf, 3)
    expect(holds(shelf, 1)).toBe(false)
    expect(first.bytes).toEqual(Buffer.alloc(SIZE, 1))
    first.giveBack()
    const next = await shelf.borrow(4, filled(4))
    await visit(shelf, 5)
    const after = await shelf.borrow(6, filled(6))
    expect([next.bytes.buffer, after.bytes.buffer]).toContain(first.bytes.buffer)
  })

  test('never use the memory of a block again that somebody keeps', async () => {
    const shelf = hotBlocks(10).shelf(SIZE)
    const kept = await shelf.borrow(1, filled(1))
    const { bytes } = kept
    kept.keep()
    for (let index = 2; index < 20; index++) await visit(shelf, index)
    expect(bytes).toEqual(Buffer.alloc(SIZE, 1))
  })

  test('hold less at the end of a file', async () => {
    const shelf = hotBlocks(10).shelf(SIZE)
    const block = await shelf.borrow(1, async (memory) => memory.fill(3).subarray(0, 4))
    expect(block.bytes).toEqual(Buffer.alloc(4, 3))
  })
})
