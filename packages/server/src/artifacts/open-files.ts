/**
 * One open file per artifact, shared by all who read it. It stays open for a while after the last reader has
 * gone, because the next device of the fleet is on its way; the number of files kept open that way is bounded.
 */
import { read } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import type { HotBlocks, Shelf } from './hot-blocks.ts'

/** Blocks for readers who take a lot at once, and for those who take a little. */
export const LARGE_BLOCK_BYTES = 512 * 1024
export const SMALL_BLOCK_BYTES = 64 * 1024

/** So many places of a file are known as ends of recent small reads. */
const MAX_KNOWN_ENDS = 2000

export interface OpenFile {
  readonly sizeBytes: number
  /** Exactly these bytes, read into memory of their own. */
  readAt(start: number, end: number): Promise<Buffer>
  largeBlock(index: number): Buffer | Promise<Buffer>
  smallBlock(index: number): Buffer | Promise<Buffer>
  /** These bytes if a block that holds them happens to be in memory. */
  peek(start: number, end: number): Buffer | undefined
  /** Whether some small read ended where this one starts; where this one ends is remembered. */
  follows(start: number, end: number): boolean
  /** To be called once by each who acquired it. */
  release(): void
}

export interface OpenFiles {
  /** Rejects with the system's error when there is no such file. */
  acquire(path: string): Promise<OpenFile>
  /** The file was removed: closed as soon as nobody reads it, and opened anew if asked for again. */
  forget(path: string): void
  /** Closes what nobody reads; what is still read is closed when it is released. */
  close(): Promise<void>
}

interface Held {
  readonly path: string
  readonly opening: Promise<{ handle: FileHandle; sizeBytes: number }>
  readonly largeBlocks: Shelf
  readonly smallBlocks: Shelf
  /** Where small reads have ended, the oldest first. */
  readonly ends: Set<number>
  /** Readers, and reads on their way. */
  users: number
  isForgotten: boolean
  idleSinceMs: number
}

export function openFiles(settings: {
  readonly blocks: HotBlocks
  readonly maxIdle: number
  readonly idleSeconds: number
}): OpenFiles {
  const { blocks, maxIdle, idleSeconds } = settings
  const held = new Map<string, Held>()
  // In order of release, the longest idle first.
  const idle = new Set<Held>()
  const closing = new Set<Promise<void>>()
  let isClosed = false
  let sweeper: NodeJS.Timeout | undefined

  async function openAt(path: string) {
    const handle = await open(path, 'r')
    try {
      return { handle, sizeBytes: (await handle.stat()).size }
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  async function closeFile(file: Held): Promise<void> {
    idle.delete(file)
    if (held.get(file.path) === file) held.delete(file.path)
    file.largeBlocks.clear()
    file.smallBlocks.clear()
    const { handle } = await file.opening
    await handle.close()
  }

  function discard(file: Held): void {
    // That it could not be opened was told to its readers; that it could not be closed changes nothing for anyone.
    const end = closeFile(file).catch(() => {})
    closing.add(end)
    void end.finally(() => closing.delete(end))
  }

  function closeLongIdle(): void {
    for (const file of idle) {
      if (performance.now() - file.idleSinceMs < idleSeconds * 1000) break
      discard(file)
    }
    if (idle.size === 0) {
      clearInterval(sweeper)
      sweeper = undefined
    }
  }

  function leave(file: Held): void {
    file.users -= 1
    if (file.users > 0) return
    if (file.isForgotten || isClosed) {
      discard(file)
      return
    }
    file.idleSinceMs = performance.now()
    idle.add(file)
    sweeper ??= setInterval(closeLongIdle, idleSeconds * 1000).unref()
    for (const longest of idle) {
      if (idle.size <= maxIdle) break
      discard(longest)
    }
  }

  async function acquire(path: string): Promise<OpenFile> {
    let file = held.get(path)
    if (!file) {
      file = {
        path,
        opening: openAt(path),
        largeBlocks: blocks.shelf(),
        smallBlocks: blocks.shelf(),
        ends: new Set(),
        users: 0,
        isForgotten: false,
        idleSinceMs: 0,
      }
      held.set(path, file)
    }
    // Counted before it is open, so that nobody closes it meanwhile.
    file.users += 1
    idle.delete(file)
    try {
      const { handle, sizeBytes } = await file.opening
      return openFile(file, handle.fd, sizeBytes)
    } catch (error) {
      file.isForgotten = true
      leave(file)
      throw error
    }
  }

  function openFile(file: Held, descriptor: number, sizeBytes: number): OpenFile {
    let isReleased = false

    async function readAt(start: number, end: number): Promise<Buffer> {
      if (isReleased) throw new Error('The artifact is read after its release.')
      // The read counts as a user: a descriptor must not be closed, and given to another file, under it.
      file.users += 1
      try {
        return await readFully(descriptor, start, end)
      } finally {
        leave(file)
      }
    }

    const blockAt = (index: number, blockBytes: number) =>
      readAt(index * blockBytes, Math.min((index + 1) * blockBytes, sizeBytes))

    return {
      sizeBytes,
      readAt,
      largeBlock: (index) => file.largeBlocks.get(index, () => blockAt(index, LARGE_BLOCK_BYTES)),
      smallBlock: (index) => file.smallBlocks.get(index, () => blockAt(index, SMALL_BLOCK_BYTES)),
      peek: (start, end) =>
        peekInto(file.largeBlocks, LARGE_BLOCK_BYTES, start, end) ??
        peekInto(file.smallBlocks, SMALL_BLOCK_BYTES, start, end),
      follows(start, end) {
        const { ends } = file
        // Each end is good for one successor, so that reads at random places do not all look like successors.
        const isNext = ends.delete(start) || start === 0
        ends.add(end)
        if (ends.size > MAX_KNOWN_ENDS) {
          const [oldest] = ends
          if (oldest !== undefined) ends.delete(oldest)
        }
        return isNext
      },
      release() {
        if (isReleased) return
        isReleased = true
        leave(file)
      },
    }
  }

  return {
    acquire,
    forget(path) {
      const file = held.get(path)
      if (!file) return
      held.delete(path)
      file.isForgotten = true
      if (file.users === 0) discard(file)
    },
    async close() {
      isClosed = true
      clearInterval(sweeper)
      for (const file of idle) discard(file)
      await Promise.all(closing)
    },
  }
}

function peekInto(blocks: Shelf, blockBytes: number, start: number, end: number) {
  const index = Math.floor(start / blockBytes)
  const blockStart = index * blockBytes
  if (end > blockStart + blockBytes) return undefined
  return blocks.peek(index)?.subarray(start - blockStart, end - blockStart)
}

/** fs.read with a callback: at small reads it takes half the time of a FileHandle's promise. */
function readFully(descriptor: number, start: number, end: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const bytes = Buffer.allocUnsafeSlow(end - start)
    const readOn = (filled: number) => {
      read(descriptor, bytes, filled, bytes.length - filled, start + filled, (error, count) => {
        if (error) return reject(error)
        if (count === 0) return reject(new Error('The stored file is shorter than it was.'))
        if (filled + count === bytes.length) return resolve(bytes)
        readOn(filled + count)
      })
    }
    if (bytes.length === 0) resolve(bytes)
    else readOn(0)
  })
}
