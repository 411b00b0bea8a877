import { describe, expect, test, vi } from 'vitest'
import { hotBlocks } from './hot-blocks.ts'

const block = (sizeBytes: number) => Buffer.alloc(sizeBytes)
const never = () => Promise.reject(new Error('should not be loaded'))

describe('hot blocks', () => {
  test('load a block once for all who ask, also at the same time', async () => {
    const shelf = hotBlocks(100).shelf()
    const load = vi.fn(async () => block(10))
    const [one, two] = await Promise.all([shelf.get(1, load), shelf.get(1, load)])
    expect(one).toBe(two)
    expect(shelf.get(1, never)).toBe(one)
    expect(shelf.peek(1)).toBe(one)
    expect(load).toHaveBeenCalledTimes(1)
  })

  test('forget what was not used for longest when there are too many bytes, of all files', async () => {
    const blocks = hotBlocks(30)
    const [one, two] = [blocks.shelf(), blocks.shelf()]
    await one.get(1, async () => block(10))
    await two.get(1, async () => block(10))
    await one.get(2, async () => block(10))
    one.peek(1)
    await two.get(2, async () => block(10))
    expect(blocks.sizeBytes).toBe(30)
    expect(two.peek(1)).toBeUndefined()
    expect([one.peek(1), one.peek(2), two.peek(2)].every(Boolean)).toBe(true)
  })

  test('do not remember a failure', async () => {
    const blocks = hotBlocks(30)
    const shelf = blocks.shelf()
    await expect(shelf.get(1, never)).rejects.toThrow()
    expect(await shelf.get(1, async () => block(10))).toHaveLength(10)
    expect(blocks.sizeBytes).toBe(10)
  })

  test('of a cleared file are gone, also those on their way', async () => {
    const blocks = hotBlocks(30)
    const shelf = blocks.shelf()
    await shelf.get(1, async () => block(10))
    const late = shelf.get(2, async () => block(10))
    shelf.clear()
    expect(await late).toHaveLength(10)
    expect(shelf.peek(1)).toBeUndefined()
    expect(shelf.peek(2)).toBeUndefined()
    expect(blocks.sizeBytes).toBe(0)
  })
})
