/** How an open artifact is read: small ranges at once, large ones as pieces that suit the reader's pace. */
import type { ArtifactHandle } from '../app/ports.ts'
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

/** Large pieces that may be in readers' hands at once; who comes later gets small ones: 32 MiB in all. */
const MAX_LARGE_PIECES = 64

export interface Pace {
  largePieces: number
}

export function artifactHandle(sha256: string, file: OpenFile, pace: Pace): ArtifactHandle {
  const { sizeBytes } = file

  function within(start: number, end: number): void {
    if (start >= 0 && start <= end && end <= sizeBytes) return
    throw new RangeError(`Bytes ${start} to ${end} are not within ${sizeBytes}.`)
  }

  return {
    sha256,
    sizeBytes,

    async read(start, end) {
      within(start, end)
      const length = end - start
      if (length === 0) return Buffer.alloc(0)
      if (length > SMALL_BLOCK_BYTES) return file.peek(start, end) ?? file.readAt(start, end)
      const isNext = file.follows(start, end)
      const bytes = file.peek(start, end)
      if (bytes) return bytes
      return isNext ? readBlocks(file, start, end) : file.readAt(start, end)
    },

    async *stream(start, end) {
      within(start, end)
      let pieceBytes = FIRST_PIECE_BYTES
      for (let at = start; at < end; ) {
        const isLarge = pieceBytes === LARGE_BLOCK_BYTES && isWorthABlock(at, end, pace)
        if (isLarge) pace.largePieces += 1
        try {
          const piece = isLarge
            ? await restOfBlock(file, at, end)
            : await file.readAt(at, Math.min(at + Math.min(pieceBytes, SMALL_PIECE_BYTES), end))
          const handedAtMs = performance.now()
          yield piece
          const keptMs = performance.now() - handedAtMs
          if (keptMs < QUICK_MS) pieceBytes = largerThan(pieceBytes)
          if (keptMs > SLOW_MS) pieceBytes = smallerThan(pieceBytes)
          at += piece.length
        } finally {
          if (isLarge) pace.largePieces -= 1
        }
      }
    },

    release: () => file.release(),
  }
}

/** Whether there is room for one more large piece, and its block holds more of the range than a small piece. */
function isWorthABlock(at: number, end: number, pace: Pace): boolean {
  const left = Math.min(LARGE_BLOCK_BYTES - (at % LARGE_BLOCK_BYTES), end - at)
  return left > SMALL_PIECE_BYTES && pace.largePieces < MAX_LARGE_PIECES
}

/** Through the shared blocks: who reads on from where a read ended will soon want what comes after, too. */
async function readBlocks(file: OpenFile, start: number, end: number): Promise<Buffer> {
  const index = Math.floor(start / SMALL_BLOCK_BYTES)
  const offset = start - index * SMALL_BLOCK_BYTES
  const first = await file.smallBlock(index)
  if (offset + end - start <= SMALL_BLOCK_BYTES) {
    return first.subarray(offset, offset + end - start)
  }
  const second = await file.smallBlock(index + 1)
  return Buffer.concat([
    first.subarray(offset),
    second.subarray(0, end - (index + 1) * SMALL_BLOCK_BYTES),
  ])
}

/** From `at` to the end of its large block, while the next block is already being fetched. */
async function restOfBlock(file: OpenFile, at: number, end: number): Promise<Buffer> {
  const index = Math.floor(at / LARGE_BLOCK_BYTES)
  const blockStart = index * LARGE_BLOCK_BYTES
  const block = await file.largeBlock(index)
  if (blockStart + LARGE_BLOCK_BYTES < end) {
    const ahead = file.largeBlock(index + 1)
    // Its failure is told to whoever asks for that block.
    if (ahead instanceof Promise) ahead.catch(() => {})
  }
  return block.subarray(at - blockStart, end - blockStart)
}
