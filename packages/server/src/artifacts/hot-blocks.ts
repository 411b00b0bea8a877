/**
 * The blocks of files that were read last, shared by all readers. A fleet fetches one and the same file at about
 * the same time: most of its reads are answered from here, and of many readers that miss the same block at once
 * only the first one goes to the disk. The bound is on all files together, whatever their size.
 */

export interface HotBlocks {
  /** A place for the blocks of one more file. */
  shelf(): Shelf
  readonly sizeBytes: number
}

/** The blocks of one file, by a number of the file's choice. Whoever gets one must not write into it. */
export interface Shelf {
  /** The block if it is here, else undefined. */
  peek(key: number): Buffer | undefined
  /** The block, loaded if it is not here. A load that fails is not remembered. */
  get(key: number, load: () => Promise<Buffer>): Buffer | Promise<Buffer>
  clear(): void
}

interface Block {
  bytes: Buffer | undefined
  readonly loading: Promise<Buffer>
  drop(): void
}

export function hotBlocks(maxBytes: number): HotBlocks {
  // In order of last use, the longest unused first.
  const inOrder = new Set<Block>()
  let sizeBytes = 0

  function keep(block: Block, bytes: Buffer): void {
    sizeBytes += bytes.length
    block.bytes = bytes
    for (const oldest of inOrder) {
      if (sizeBytes <= maxBytes) break
      oldest.drop()
    }
  }

  function shelf(): Shelf {
    const blocks = new Map<number, Block>()

    function touched(key: number): Block | undefined {
      const block = blocks.get(key)
      if (block) {
        inOrder.delete(block)
        inOrder.add(block)
      }
      return block
    }

    function begin(key: number, loading: Promise<Buffer>): Block {
      const block: Block = {
        bytes: undefined,
        loading,
        drop() {
          if (!inOrder.delete(block)) return
          blocks.delete(key)
          sizeBytes -= block.bytes?.length ?? 0
        },
      }
      blocks.set(key, block)
      inOrder.add(block)
      loading.then(
        (bytes) => {
          if (inOrder.has(block)) keep(block, bytes)
        },
        () => block.drop(),
      )
      return block
    }

    return {
      peek: (key) => touched(key)?.bytes,
      get(key, load) {
        const block = touched(key) ?? begin(key, load())
        return block.bytes ?? block.loading
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
