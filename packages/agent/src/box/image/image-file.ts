/** The file that an image comes as: bytes of a slot as they are, or packed by gzip or zstd. */
import { Readable } from 'node:stream'
import * as zlib from 'node:zlib'
import type { Disk } from '../../disk.ts'
import { messageOf, UpdateFailed } from '../../trouble.ts'

export type ImageFormat = 'raw' | 'gzip' | 'zstd'

export interface ImageFile {
  readonly path: string
  readonly format: ImageFormat
  /** Of the file as it lies there. */
  readonly fileBytes: number
  /** Of the image: exact for one that is not packed; of a packed one at least so many, or null. */
  readonly imageBytes: number | null
}

/** By how the files begin, whatever they are called. */
const BEGINNINGS: readonly { bytes: string; format?: ImageFormat; refusal?: string }[] = [
  { bytes: '1f8b', format: 'gzip' },
  { bytes: '28b52ffd', format: 'zstd' },
  { bytes: 'fd377a585a00', refusal: 'it is packed by xz, which cannot be unpacked here' },
  { bytes: '425a68', refusal: 'it is packed by bzip2, which cannot be unpacked here' },
  { bytes: '504b0304', refusal: 'it is a zip archive, which cannot be unpacked here' },
  { bytes: '30373037303', refusal: 'it is a file for SWUpdate, and there is none here' },
]
const INSTEAD = 'send the image as it is, or packed by gzip or zstd'
const READ_BYTES = 262_144
const BEST_OF_GZIP = 1_040

/** Looks at its first and last bytes. Refuses in words what no slot can be made of. */
export async function lookAtImage(disk: Disk, path: string): Promise<ImageFile> {
  const { size: fileBytes } = await disk.stat(path)
  const file = await disk.open(path, 'r')
  try {
    const head = Buffer.alloc(Math.min(8, fileBytes))
    await file.read(head, 0, head.length, 0)
    const start = head.toString('hex')
    const found = BEGINNINGS.find(({ bytes }) => start.startsWith(bytes))
    if (found?.refusal) throw new UpdateFailed(`${found.refusal}: ${INSTEAD}`, 'image')
    const format = found?.format ?? 'raw'
    if (fileBytes === 0) throw new UpdateFailed('the image is empty', 'image')
    if (format === 'zstd' && !('createZstdDecompress' in zlib)) {
      throw new UpdateFailed('this version of Node.js cannot unpack zstd: send it by gzip', 'image')
    }
    if (format !== 'gzip') {
      return { path, format, fileBytes, imageBytes: format === 'raw' ? fileBytes : null }
    }
    // The length of what is packed, as far as 32 bits hold it (RFC 1952, 2.3.1).
    const tail = Buffer.alloc(4)
    await file.read(tail, 0, 4, Math.max(0, fileBytes - 4))
    const told = tail.readUInt32LE(0)
    // It packs nothing better than that: who tells more has lost its end.
    const imageBytes = told > fileBytes * BEST_OF_GZIP ? null : told
    return { path, format, fileBytes, imageBytes }
  } finally {
    await file.close()
  }
}

/** The bytes of the image, in pieces. `onRead` hears how far in the file it is. Throws UpdateFailed where it is broken. */
export async function* imageBytes(
  disk: Disk,
  { path, format, fileBytes }: ImageFile,
  onRead: (bytes: number) => void = () => {},
): AsyncGenerator<Buffer> {
  const pieces = fileBytesOf(disk, path, onRead)
  if (format === 'raw') return yield* pieces
  const unpack = format === 'gzip' ? zlib.createGunzip() : zlib.createZstdDecompress()
  const source = Readable.from(pieces)
  source.on('error', (error) => unpack.destroy(error))
  try {
    for await (const piece of source.pipe(unpack)) yield piece as Buffer
    if (source.readableEnded === false) throw new Error(`it ends before byte ${fileBytes}`)
  } catch (error) {
    if (isOfUnpacking(error)) {
      throw new UpdateFailed(`the image cannot be unpacked: ${messageOf(error)}`, 'image')
    }
    throw error
  } finally {
    source.destroy()
    unpack.destroy()
  }
}

const isOfUnpacking = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && /^(Z_|ZSTD_)/.test(String(error.code))

async function* fileBytesOf(
  disk: Disk,
  path: string,
  onRead: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  const file = await disk.open(path, 'r')
  try {
    for (let at = 0; ; ) {
      const buffer = Buffer.alloc(READ_BYTES)
      const { bytesRead } = await file.read(buffer, 0, buffer.length, at)
      if (bytesRead === 0) return
      at += bytesRead
      onRead(at)
      yield buffer.subarray(0, bytesRead)
    }
  } finally {
    await file.close()
  }
}
