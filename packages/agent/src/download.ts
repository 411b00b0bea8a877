/**
 * Brings an artifact onto the disk and resumes where it was cut off. It judges lengths only; whether the bytes
 * are the right ones is looked at afterwards, on what the disk gives back (verify.ts).
 */
import type { FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import {
  type Disk,
  freeBytes,
  outOfSpace,
  refuseWithoutSpace,
  sizeIfThere,
  syncFolder,
} from './disk.ts'
import { codeOf, WrongBytes } from './trouble.ts'
import type { Offer, Uplink } from './uplink.ts'
import type { Throttle } from './waits.ts'

export interface DownloadLimits {
  readonly stallMs: number
  /** Kept free on the disk beside the file. */
  readonly reserveBytes: number
  /** The file is synced, and the journal written, each time this much has come. */
  readonly syncEveryBytes: number
}

/** How far a download is known to be on the medium, and which version of the file it is of. */
export interface Reached {
  readonly bytesSynced: number
  readonly etag: string | null
}

export interface Download extends DownloadLimits {
  readonly offer: Offer
  readonly path: string
  readonly reached: Reached
  readonly disk: Disk
  readonly uplink: Uplink
  readonly throttle: Throttle
  readonly signal: AbortSignal
  /** Told after each sync, and awaited: the journal never claims more than is on the medium. */
  readonly onSynced: (reached: Reached) => Promise<void>
  readonly onBytes: (bytes: number, totalBytes: number | null) => void
}

/**
 * Resolves when the whole file is there and synced. Throws Away when it was cut off (what came is kept),
 * UpdateFailed when the disk is too small, WrongBytes when the length is not the announced one.
 */
export async function download(wanted: Download): Promise<void> {
  const { disk, path, offer } = wanted
  const onDisk = await sizeIfThere(disk, path)
  let start = Math.min(wanted.reached.bytesSynced, onDisk ?? 0)
  if (offer.sizeBytes !== null && start > offer.sizeBytes) start = 0
  await checkSpace(wanted, start)
  const file = await disk.open(path, onDisk === null ? 'w' : 'r+', 0o600)
  try {
    // The name must last as well as the bytes.
    if (onDisk === null) await syncFolder(disk, dirname(path))
    await file.truncate(start)
    if (offer.sizeBytes === null || start < offer.sizeBytes) await fill(wanted, file, start)
    else await file.sync()
  } catch (error) {
    if (codeOf(error) !== 'ENOSPC') throw error
    throw outOfSpace(offer.sizeBytes ?? 0, await freeBytes(disk, dirname(path)))
  } finally {
    await file.close()
  }
}

async function fill(wanted: Download, file: FileHandle, start: number): Promise<void> {
  const { offer, uplink, stallMs, signal } = wanted
  const etag = start === 0 ? null : wanted.reached.etag
  const fetched = await uplink.fetch(offer, { byte: start, etag }, { stallMs, signal })
  const total = offer.sizeBytes ?? fetched.totalBytes
  if (fetched.totalBytes !== null && fetched.totalBytes !== total) {
    throw new WrongBytes(
      `wrong length: the server sends ${fetched.totalBytes} bytes, ${total} were announced`,
    )
  }
  if (fetched.from !== start) await file.truncate(fetched.from)
  let here = fetched.from
  let synced = here
  const sync = async () => {
    await file.sync()
    synced = here
    await wanted.onSynced({ bytesSynced: here, etag: fetched.etag })
  }
  await sync()
  try {
    for await (const piece of fetched.pieces) {
      if (total !== null && here + piece.length > total) {
        throw new WrongBytes(`wrong length: more than the announced ${total} bytes came`)
      }
      await wanted.throttle.pass(piece.length, signal)
      await writeAll(file, piece, here)
      here += piece.length
      wanted.onBytes(here, total)
      if (here - synced >= wanted.syncEveryBytes) {
        await sync()
        if (total === null) await checkSpace(wanted, here)
      }
      signal.throwIfAborted()
    }
  } finally {
    if (here > synced) await sync()
  }
  if (total !== null && here < total) {
    throw new WrongBytes(`wrong length: ${here} bytes came, ${total} were announced`)
  }
}

/** Throws UpdateFailed when what is still to come, with the reserve, does not fit beside what is there. */
async function checkSpace(wanted: Download, start: number): Promise<void> {
  const { disk, path, reserveBytes } = wanted
  const bytes = Math.max(0, (wanted.offer.sizeBytes ?? 0) - start)
  await refuseWithoutSpace(disk, dirname(path), { bytes, reserveBytes })
}

async function writeAll(file: FileHandle, piece: Buffer, position: number): Promise<void> {
  let done = 0
  while (done < piece.length) {
    const { bytesWritten } = await file.write(piece, done, piece.length - done, position + done)
    done += bytesWritten
  }
}
