/** An image onto a slot, and what the slot says afterwards. */
import { createHash } from 'node:crypto'
import type { Disk } from '../../disk.ts'
import { UpdateFailed } from '../../trouble.ts'
import type { SlotBytes } from './boot-adapter.ts'
import { type ImageFile, imageBytes } from './image-file.ts'

export interface Written {
  readonly bytes: number
  readonly sha256: string
}

export interface WriteImage {
  readonly disk: Disk
  readonly image: ImageFile
  readonly slot: SlotBytes
  readonly capacity: number
  /** So much of the image lies in the slot already, from an attempt before. */
  readonly reached: number
  readonly syncEveryBytes: number
  /** What is told here is on the medium. */
  readonly onSynced: (bytes: number) => Promise<void>
  /** How far in the file it is, of all its bytes. */
  readonly onBytes: (bytes: number, total: number) => void
  readonly signal: AbortSignal
}

/** Streams it there. What it comes to is counted and hashed on the way, so that it can be asked for afterwards. */
export async function writeImage(job: WriteImage): Promise<Written> {
  const { disk, image, slot, capacity, reached, syncEveryBytes, signal } = job
  const hash = createHash('sha256')
  let bytes = 0
  let synced = reached
  const pieces = imageBytes(disk, image, (read) => job.onBytes(read, image.fileBytes))
  for await (const piece of pieces) {
    signal.throwIfAborted()
    hash.update(piece)
    if (bytes + piece.length > capacity) throw tooSmall(capacity, bytes + piece.length)
    const known = Math.max(0, Math.min(piece.length, reached - bytes))
    if (known < piece.length) await slot.write(piece.subarray(known), bytes + known)
    bytes += piece.length
    if (bytes - synced >= syncEveryBytes) {
      await slot.sync()
      await job.onSynced(bytes)
      synced = bytes
    }
  }
  await slot.sync()
  return { bytes, sha256: hash.digest('hex') }
}

/** Reads so many bytes of a slot and hashes them: what lies on the medium, not what was sent there. */
export async function readBack({
  slot,
  bytes,
  onBytes = () => {},
  signal,
}: {
  slot: SlotBytes
  bytes: number
  onBytes?: (bytes: number, total: number) => void
  signal: AbortSignal
}): Promise<string> {
  const hash = createHash('sha256')
  const buffer = Buffer.alloc(READ_BYTES)
  for (let at = 0; at < bytes; ) {
    signal.throwIfAborted()
    const wanted = buffer.subarray(0, Math.min(buffer.length, bytes - at))
    const read = await slot.read(wanted, at)
    if (read === 0) break
    hash.update(wanted.subarray(0, read))
    at += read
    onBytes(at, bytes)
  }
  return hash.digest('hex')
}

const READ_BYTES = 1_048_576

/** `atLeast`: of a packed image nobody knows it all before the end. */
export const tooSmall = (capacity: number, atLeast: number): UpdateFailed =>
  new UpdateFailed(
    `the slot is too small: it has ${inMiB(capacity)}, and the image is at least ${inMiB(atLeast)}`,
    'storage',
  )

const inMiB = (bytes: number): string => `${(bytes / 1_048_576).toFixed(1)} MiB`
