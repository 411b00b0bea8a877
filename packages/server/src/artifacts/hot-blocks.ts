/**
 * The blocks of files that were read last, shared by all readers. A fleet fetches one and the same file at about
 * the same time: most of its reads are answered from here, and of many readers that miss the same block at once
 * only the first one goes to the disk. The bound is on all files together, whatever their size.
 *
 * The memory of a block that had to go is used for the next one. Leaving it to the garbage collector would let it
 * run all the time, at a third of the cost of a download.
 */

export interface HotBlocks {
  /** A place for the blocks of one more file. */
  shelf(blockBytes: number): Shelf
  readonly sizeBytes: number
}

/** The blocks of one file, by their number. */
export interface Shelf {
  /** The block if it is here, else undefined. To be given back or kept. */
  peek(index: number): Block | undefined
  /** The block, loaded if it is not here. To be given back or kept. A load that fails is not remembered. */
  borrow(index: number, load: Load): Block | Promise<Block>
  clear(): void
}

/** Fills the memory and answers which part of it holds the block: less than all of it at a file's end. */
export type Load = (memory: Buffer) => Promise<Buffer>

export interface Block {
  /** Where in the file it begins. */
  readonly start: number
  /** Not to be written into. */
  readonly bytes: Buffer
  /** Done with the bytes: from here on they may become others. */
  giveBack(): void
  /** Instead of giving it back: the bytes are left to whoever holds them, for good. */
  keep(): void
}

const MAX_FREE_BYTES = 8 * 1024 * 1024

export function hotBlocks(maxBytes: number): HotBlocks {
  // In order of last use, the longest unused first.
  const inOrder = new Set<HotBlock>()
  const free = new Map<number, Buffer[]>()
  let sizeBytes = 0
  let freeBytes = 0

  function takeMemory(blockBytes: number): Buffer {
    const memory = free.get(blockBytes)?.pop()
    if (!memory) return Buffer.allocUnsafeSlow(blockBytes)
    freeBytes -= memory.length
    return memory
  }

  function recycle(memory: Buffer): void {
    if (freeBytes + memory.length > MAX_FREE_BYTES) return
    const ofThatSize = free.get(memory.length)
    if (ofThatSize) ofThatSize.push(memory)
    else free.set(memory.length, [memory])
    freeBytes += memory.length
  }

  function makeRoom(): void {
    for (const oldest of inOrder) {
      if (sizeBytes <= maxBytes) return
      oldest.drop()
    }
  }

  function shelf(blockBytes: number): Shelf {
    const blocks = new Map<number, HotBlock>()

    function touched(index: number): HotBlock | undefined {
      const block = blocks.get(index)
      if (block) {
        inOrder.delete(block)
        inOrder.add(block)
      }
      return block
    }

    function begin(index: number, load: Load): HotBlock {
      const memory = takeMemory(blockBytes)
      const block = new HotBlock(index * blockBytes, memory, load(memory), {
        arrived() {
          if (inOrder.has(block)) sizeBytes += blockBytes
          makeRoom()
        },
        leave() {
          if (!inOrder.delete(block)) return false
          blocks.delete(index)
          if (block.isLoaded) sizeBytes -= blockBytes
          return true
        },
        recycle,
      })
      blocks.set(index, block)
      inOrder.add(block)
      return block
    }

    return {
      peek(index) {
        const block = touched(index)
        return block?.isLoaded ? block.lend() : undefined
      },
      borrow(index, load) {
        const block = touched(index) ?? begin(index, load)
        block.lend()
        return block.isLoaded ? block : block.loading
      },
      clear() {
        for (const block of blocks.values()) block.drop()
      },
    }
  }

  return {
    shelf,
    get sizeBytes() {
      return sizeBytes
    },
  }
}

interface Home {
  arrived(): void
  /** Takes the block out of the shelf; false if it was not there any more. */
  leave(): boolean
  recycle(memory: Buffer): void
}

class HotBlock implements Block {
  readonly start: number
  bytes: Buffer
  isLoaded = false
  readonly loading: Promise<HotBlock>
  readonly #memory: Buffer
  readonly #home: Home
  /** Who holds the bytes; the load is the first. */
  #holders = 1
  #isDropped = false
  #isKept = false

  constructor(start: number, memory: Buffer, load: Promise<Buffer>, home: Home) {
    this.start = start
    this.bytes = memory
    this.#memory = memory
    this.#home = home
    this.loading = this.#arrive(load)
  }

  async #arrive(load: Promise<Buffer>): Promise<HotBlock> {
    try {
      this.bytes = await load
      this.isLoaded = true
      this.#home.arrived()
      return this
    } catch (error) {
      this.drop()
      throw error
    } finally {
      this.giveBack()
    }
  }

  lend(): this {
    this.#holders += 1
    return this
  }

  giveBack(): void {
    this.#holders -= 1
    this.#recycleIfLast()
  }

  keep(): void {
    this.#isKept = true
    this.giveBack()
  }

  /** Out of the shelf; the memory is free when the last holder has given it back. */
  drop(): void {
    if (!this.#home.leave()) return
    this.#isDropped = true
    this.#recycleIfLast()
  }

  #recycleIfLast(): void {
    if (this.#isDropped && this.#holders === 0 && !this.#isKept) this.#home.recycle(this.#memory)
  }
}
