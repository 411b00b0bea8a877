/**
 * One open file per artifact, shared by all who read it. It stays open for a while after the last reader has
 * gone, because the next device of the fleet is on its way; the number of files kept open that way is bounded.
 */
import { read, readSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import type { Block, HotBlocks, Shelf } from './hot-blocks.ts'
import { type Trust, trust, type WarmPages, warmPages } from './warm-pages.ts'

/** Blocks for readers who take a lot at once, and for those who take a little. */
export const LARGE_BLOCK_BYTES = 512 * 1024
export const SMALL_BLOCK_BYTES = 64 * 1024

export interface OpenFiles {
  /** The file of that name, to be released once. Rejects with the system's error when there is no such file. */
  acquire(name: string): OpenFile | Promise<OpenFile>
  /** The file was removed: closed as soon as nobody reads it, and opened anew if asked for again. */
  forget(name: string): void
  /** Closes what nobody reads; what is still read is closed when it is released. */
  close(): Promise<void>
}

export function openFiles(settings: {
  readonly pathOf: (name: string) => string
  readonly blocks: HotBlocks
  readonly maxIdle: number
  readonly idleSeconds: number
}): OpenFiles {
  const { pathOf, blocks, maxIdle, idleSeconds } = settings
  const disk = trust()
  const held = new Map<string, Held>()
  // In order of release, the longest idle first.
  const idle = new Set<Held>()
  const closing = new Set<Promise<void>>()
  let isClosed = false
  let sweeper: NodeJS.Timeout | undefined

  /** A file and those who use it: readers, and reads on their way. */
  class Held {
    readonly name: string
    readonly opening: Promise<OpenFile>
    file: OpenFile | undefined
    users = 0
    isForgotten = false
    idleSinceMs = 0

    constructor(name: string) {
      this.name = name
      this.opening = this.#open()
    }

    async #open(): Promise<OpenFile> {
      const handle = await open(pathOf(this.name), 'r')
      try {
        const { size } = await handle.stat()
        this.file = new OpenFile(handle, size, { blocks, disk, users: this })
        return this.file
      } catch (error) {
        await handle.close()
        throw error
      }
    }

    enter(): void {
      this.users += 1
      if (this.users === 1) idle.delete(this)
    }

    leave(): void {
      this.users -= 1
      if (this.users > 0) return
      if (this.isForgotten || isClosed) {
        discard(this)
        return
      }
      this.idleSinceMs = performance.now()
      idle.add(this)
      sweeper ??= setInterval(closeLongIdle, idleSeconds * 1000).unref()
      for (const longest of idle) {
        if (idle.size <= maxIdle) break
        discard(longest)
      }
    }
  }

  async function closeFile(file: Held): Promise<void> {
    idle.delete(file)
    if (held.get(file.name) === file) held.delete(file.name)
    await (await file.opening).close()
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

  async function untilOpen(file: Held): Promise<OpenFile> {
    try {
      return await file.opening
    } catch (error) {
      file.isForgotten = true
      file.leave()
      throw error
    }
  }

  return {
    acquire(name) {
      let file = held.get(name)
      if (!file) {
        file = new Held(name)
        held.set(name, file)
      }
      // Counted before it is open, so that nobody closes it meanwhile.
      file.enter()
      return file.file ?? untilOpen(file)
    },
    forget(name) {
      const file = held.get(name)
      if (!file) return
      held.delete(name)
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

interface Surroundings {
  readonly blocks: HotBlocks
  readonly disk: Trust
  readonly users: { enter(): void; leave(): void }
}

export class OpenFile {
  readonly sizeBytes: number
  readonly #handle: FileHandle
  readonly #disk: Trust
  readonly #users: Surroundings['users']
  readonly #warm: WarmPages
  readonly #largeBlocks: Shelf
  readonly #smallBlocks: Shelf

  constructor(handle: FileHandle, sizeBytes: number, { blocks, disk, users }: Surroundings) {
    this.sizeBytes = sizeBytes
    this.#handle = handle
    this.#disk = disk
    this.#users = users
    this.#warm = warmPages(sizeBytes)
    this.#largeBlocks = blocks.shelf(LARGE_BLOCK_BYTES)
    this.#smallBlocks = blocks.shelf(SMALL_BLOCK_BYTES)
  }

  /** Exactly these bytes, put into `into`, which must be large enough, or into memory of their own. */
  async readAt(start: number, end: number, into?: Buffer): Promise<Buffer> {
    const bytes = memoryFor(end - start, into)
    // The read counts as a user: a descriptor must not be closed, and given to another file, under it.
    this.#users.enter()
    try {
      await readFully(this.#handle.fd, bytes, start)
      this.#warm.wereRead(start, end)
      return bytes
    } finally {
      this.#users.leave()
    }
  }

  /** Whether the system surely has the range in memory. */
  isWarm(start: number, end: number): boolean {
    return this.#warm.areWarm(start, end)
  }

  /** As `readAt`, but at once and without another thread, for a small range that is warm; undefined if not advisable. */
  readNow(start: number, end: number, into?: Buffer): Buffer | undefined {
    if (!this.#disk.isGiven()) return undefined
    const bytes = memoryFor(end - start, into)
    const beganMs = performance.now()
    const count = readSync(this.#handle.fd, bytes, 0, bytes.length, start)
    this.#disk.took(performance.now() - beganMs)
    this.#warm.wereRead(start, end)
    return count === bytes.length ? bytes : undefined
  }

  largeBlock(index: number): Block | Promise<Block> {
    return this.#blockOf(this.#largeBlocks, LARGE_BLOCK_BYTES, index)
  }

  smallBlock(index: number): Block | Promise<Block> {
    return this.#blockOf(this.#smallBlocks, SMALL_BLOCK_BYTES, index)
  }

  #blockOf(shelf: Shelf, blockBytes: number, index: number): Block | Promise<Block> {
    return shelf.borrow(index, (memory) => {
      const start = index * blockBytes
      return this.readAt(start, Math.min(start + blockBytes, this.sizeBytes), memory)
    })
  }

  /** The block that holds the whole range, if it happens to be in memory. */
  peek(start: number, end: number): Block | undefined {
    return (
      peekInto(this.#largeBlocks, LARGE_BLOCK_BYTES, start, end) ??
      peekInto(this.#smallBlocks, SMALL_BLOCK_BYTES, start, end)
    )
  }

  release(): void {
    this.#users.leave()
  }

  async close(): Promise<void> {
    this.#largeBlocks.clear()
    this.#smallBlocks.clear()
    await this.#handle.close()
  }
}

function peekInto(shelf: Shelf, blockBytes: number, start: number, end: number) {
  const index = Math.floor(start / blockBytes)
  return end <= (index + 1) * blockBytes ? shelf.peek(index) : undefined
}

const memoryFor = (length: number, into: Buffer | undefined): Buffer =>
  into ? into.subarray(0, length) : Buffer.allocUnsafeSlow(length)

/** By fs.read with a callback: a FileHandle's promises cost as much again. */
function readFully(descriptor: number, bytes: Buffer, start: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const readOn = (filled: number) => {
      read(descriptor, bytes, filled, bytes.length - filled, start + filled, (error, count) => {
        if (error) return reject(error)
        if (count === 0) return reject(new Error('The stored file is shorter than it was.'))
        if (filled + count === bytes.length) return resolve()
        readOn(filled + count)
      })
    }
    if (bytes.length === 0) resolve()
    else readOn(0)
  })
}
