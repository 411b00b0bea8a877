/** How an open artifact is read: small ranges at once, large ones as pieces that suit the reader's pace. */
import type { ArtifactHandle } from '../app/ports.ts'
import type { Block } from './hot-blocks.ts'
import { LARGE_BLOCK_BYTES, type OpenFile, SMALL_BLOCK_BYTES } from './open-files.ts'

/**
 * A reader starts with a small piece of its own. One that comes back at once gets larger ones, up to whole shared
 * blocks; one that takes its time falls back. So thousands of slow devices hold a few KiB each, and the fast ones
 * move half a MiB at a time.
 */
const FIRST_PIECE_BYTES = 16 * 1024
const SMALL_PIECE_BYTES = 64 * 1024
const largerThan = (bytes: number) =>
  bytes === FIRST_PIECE_BYTES ? SMALL_PIECE_BYTES : LARGE_BLOCK_BYTES
const smallerThan = (bytes: number) =>
  bytes === LARGE_BLOCK_BYTES ? SMALL_PIECE_BYTES : FIRST_PIECE_BYTES
const QUICK_MS = 10
const SLOW_MS = 100

/** Large pieces that may be in readers' hands at once, 32 MiB in all; who comes later gets small ones. */
const MAX_LARGE_PIECES = 64

/** With more readers than that at once, pieces of their own stay at the smallest size. */
const MANY_STREAMS = 512

/** What all streams of a store hold together. */
export interface Pace {
  streams: number
  largePieces: number
}

/**
 * An artifact's handle which, to those who ask for it, gives memory that is used again: garbage of that size would
 * cost more than the reading.
 */
export interface SharingHandle extends ArtifactHandle {
  /** Bytes from `start` up to `end`; at the beginning of `into`, when that is given and large enough. */
  read(start: number, end: number, into?: Buffer): Promise<Buffer>
}

export function artifactHandle(sha256: string, open: OpenFile, pace: Pace): SharingHandle {
  const { sizeBytes } = open
  let isReleased = false

  /** The file, if the range lies within it and the handle was not given back. */
  function fileFor(start: number, end: number): OpenFile {
    if (isReleased) throw new Error('The artifact is read after its release.')
    if (start >= 0 && start <= end && end <= sizeBytes) return open
    throw new RangeError(`Bytes ${start} to ${end} are not within ${sizeBytes}.`)
  }

  return {
    sha256,
    sizeBytes,

    async read(start, end, memory) {
      const file = fileFor(start, end)
      const length = end - start
      const into = memory && memory.length >= length ? memory : undefined
      const block = file.peek(start, end)
      if (block) return partOf(block, start, length, into)
      if (length > SMALL_BLOCK_BYTES || length === 0) return file.readAt(start, end, into)
      if (!file.isWarm(start, end)) return readBlocks(file, start, end, into)
      return file.readNow(start, end, into) ?? file.readAt(start, end, into)
    },

    async *stream(start, end, isBorrowed = false) {
      fileFor(start, end)
      pace.streams += 1
      try {
        yield* pieces(fileFor, pace, start, end, isBorrowed)
      } finally {
        pace.streams -= 1
      }
    },

    release() {
      if (isReleased) return
      isReleased = true
      open.release()
    },
  }
}

async function* pieces(
  fileFor: (start: number, end: number) => OpenFile,
  pace: Pace,
  start: number,
  end: number,
  isBorrowed: boolean,
): AsyncIterable<Buffer> {
  let pieceBytes = FIRST_PIECE_BYTES
  let own: Buffer | undefined
  for (let at = start; at < end; ) {
    const file = fileFor(at, end)
    const isLarge = pieceBytes === LARGE_BLOCK_BYTES && isWorthABlock(at, end, pace)
    const block = isLarge ? await blockFor(file, at, end, pace) : undefined
    try {
      const most = pace.streams > MANY_STREAMS ? FIRST_PIECE_BYTES : SMALL_PIECE_BYTES
      const ownBytes = Math.min(pieceBytes, most)
      if (block) own = undefined
      else if (isBorrowed && own?.length !== ownBytes) own = Buffer.allocUnsafeSlow(ownBytes)
      const piece = block
        ? block.bytes.subarray(at - block.start, end - block.start)
        : await file.readAt(at, Math.min(at + ownBytes, end), own)
      const handedAtMs = performance.now()
      yield piece
      const keptMs = performance.now() - handedAtMs
      if (keptMs < QUICK_MS) pieceBytes = largerThan(pieceBytes)
      if (keptMs > SLOW_MS) pieceBytes = smallerThan(pieceBytes)
      at += piece.length
    } finally {
      if (block) pace.largePieces -= 1
      if (isBorrowed) block?.giveBack()
      else block?.keep()
    }
  }
}

/** Whether there is room for one more large piece, and its block holds more of the range than a small piece. */
function isWorthABlock(at: number, end: number, pace: Pace): boolean {
  const left = Math.min(LARGE_BLOCK_BYTES - (at % LARGE_BLOCK_BYTES), end - at)
  return left > SMALL_PIECE_BYTES && pace.largePieces < MAX_LARGE_PIECES
}

/** The large block that `at` lies in, while the next one is already being fetched. */
async function blockFor(file: OpenFile, at: number, end: number, pace: Pace): Promise<Block> {
  pace.largePieces += 1
  try {
    const index = Math.floor(at / LARGE_BLOCK_BYTES)
    const block = await file.largeBlock(index)
    if ((index + 1) * LARGE_BLOCK_BYTES < end) fetchAhead(file.largeBlock(index + 1))
    return block
  } catch (error) {
    pace.largePieces -= 1
    throw error
  }
}

function fetchAhead(block: Block | Promise<Block>): void {
  if (!(block instanceof Promise)) block.giveBack()
  // A failure is told to whoever asks for that block in earnest.
  else block.then((loaded) => loaded.giveBack()).catch(() => {})
}

/** Through the shared blocks: who reads a little will soon want what comes after it, too. */
async function readBlocks(
  file: OpenFile,
  start: number,
  end: number,
  into: Buffer | undefined,
): Promise<Buffer> {
  const index = Math.floor(start / SMALL_BLOCK_BYTES)
  const length = end - start
  const firstLength = Math.min(length, (index + 1) * SMALL_BLOCK_BYTES - start)
  const first = await file.smallBlock(index)
  if (firstLength === length) return partOf(first, start, length, into)
  const bytes = into?.subarray(0, length) ?? Buffer.allocUnsafeSlow(length)
  partOf(first, start, firstLength, bytes)
  const second = await file.smallBlock(index + 1)
  partOf(second, second.start, length - firstLength, bytes.subarray(firstLength))
  return bytes
}

/** A part of a block: copied, and the block given back, or else a view of it, and the block kept for good. */
function partOf(block: Block, start: number, length: number, into: Buffer | undefined): Buffer {
  const part = block.bytes.subarray(start - block.start, start - block.start + length)
  if (!into) {
    block.keep()
    return part
  }
  part.copy(into)
  block.giveBack()
  return into.subarray(0, length)
}
