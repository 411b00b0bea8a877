/**
 * An archive of handlers, read with suspicion. What it lists is judged before anything is written, what it holds while it
 * is: it says of itself how large it is, and need not tell the truth.
 */
import type { FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { crc32 } from 'node:zlib'
import {
  type BoxPlatform,
  checkedHandlers,
  DomainError,
  HANDLER_LIMITS,
  isForPlatform,
  refused,
} from '@updraft/core'
import { type Entry, fromBuffer, type ZipFile } from 'yauzl'
import type { Disk } from '../../disk.ts'
import { isHandler, mayBeRun } from './handler-file.ts'

export interface HandlerArchive {
  /** What it unpacks to on this system, by its own account. */
  readonly bytes: number
  /** Writes its files for this system into that folder, which is empty. Throws DomainError for what it should not hold. */
  unpack(disk: Disk, folder: string, onBytes?: (bytes: number) => void): Promise<void>
  close(): void
}

/** Throws DomainError with handlers.invalid when it is none that a box should unpack. */
export async function openArchive(archive: Buffer, platform: BoxPlatform): Promise<HandlerArchive> {
  const zip = await opened(archive)
  try {
    const entries = checked(await entriesOf(zip), platform)
    return {
      bytes: entries.reduce((sum, { uncompressedSize }) => sum + uncompressedSize, 0),
      unpack: (disk, folder, onBytes) => unpack({ zip, entries, disk, folder, onBytes }),
      close: () => zip.close(),
    }
  } catch (error) {
    zip.close()
    throw error
  }
}

/** Those that are meant for this system, in the order of their paths. */
function checked(entries: readonly Entry[], platform: BoxPlatform): readonly Entry[] {
  const listed = entries.map((entry) => ({
    path: entry.fileName,
    sizeBytes: entry.uncompressedSize,
    isEncrypted: entry.isEncrypted(),
    fileType: (entry.externalFileAttributes >>> 16) & 0o170000,
    entry,
  }))
  const byPath = new Map(listed.map((each) => [each.path, each.entry]))
  const files = checkedHandlers(listed)
  refuseFilesAsFolders(files.map(({ path }) => path))
  const ours = files.filter(({ path }) => isForPlatform(path, platform))
  if (!ours.some(({ path }) => isHandler(path))) {
    const system = platform === 'L' ? 'Linux' : 'Windows'
    throw refused(`There is no handler for ${system} in it.`)
  }
  return ours.flatMap(({ path }) => byPath.get(path) ?? [])
}

/** `a` and `a/b` cannot both be files, and on Windows not `A` and `a/b` either. */
function refuseFilesAsFolders(paths: readonly string[]): void {
  const files = new Set(paths.map((path) => path.toLowerCase()))
  for (const path of paths) {
    const parts = path.toLowerCase().split('/')
    for (let length = 1; length < parts.length; length++) {
      const folder = parts.slice(0, length).join('/')
      if (files.has(folder)) throw refused(`"${folder}" is both a file and a folder in it.`)
    }
  }
}

interface Unpacking {
  readonly zip: ZipFile
  readonly entries: readonly Entry[]
  readonly disk: Disk
  readonly folder: string
  readonly onBytes?: ((bytes: number) => void) | undefined
}

async function unpack({ zip, entries, disk, folder, onBytes }: Unpacking): Promise<void> {
  let bytes = 0
  const count = (more: number) => {
    bytes += more
    if (bytes > HANDLER_LIMITS.unpackedBytes) {
      throw refused(`Unpacked it has more than ${HANDLER_LIMITS.unpackedBytes} bytes.`)
    }
    onBytes?.(bytes)
  }
  for (const entry of entries) {
    const path = join(folder, entry.fileName)
    await disk.mkdir(dirname(path), { recursive: true })
    const mode = mayBeRun(entry.fileName) ? 0o755 : 0o644
    const file = await disk.open(path, 'wx', mode)
    try {
      await write(zip, entry, file, count)
    } finally {
      await file.close()
    }
  }
}

async function write(
  zip: ZipFile,
  entry: Entry,
  file: FileHandle,
  count: (bytes: number) => void,
): Promise<void> {
  let [at, sum] = [0, 0]
  for await (const piece of piecesOf(zip, entry)) {
    count(piece.length)
    sum = crc32(piece, sum)
    for (let done = 0; done < piece.length; ) {
      const { bytesWritten } = await file.write(piece, done, piece.length - done, at + done)
      done += bytesWritten
    }
    at += piece.length
  }
  if (sum !== entry.crc32) throw unreadable(new Error('its checksum is another'), entry.fileName)
}

/** A stream that grows beyond what was listed is broken off by the library. */
async function* piecesOf(zip: ZipFile, entry: Entry): AsyncGenerator<Buffer> {
  let stream: Readable | undefined
  try {
    stream = await new Promise<Readable>((resolve, reject) => {
      zip.openReadStream(entry, (error, opened) => (error ? reject(error) : resolve(opened)))
    })
    for await (const piece of stream) yield piece
  } catch (error) {
    throw unreadable(error, entry.fileName)
  } finally {
    stream?.destroy()
  }
}

const opened = (archive: Buffer): Promise<ZipFile> =>
  new Promise((resolve, reject) => {
    // Without strict names a backslash would be taken for a slash.
    const options = { lazyEntries: true, decodeStrings: true, strictFileNames: true }
    fromBuffer(archive, options, (error, zip) => {
      if (!error) resolve(zip)
      else reject(isWebPage(archive) ? refused('It is a web page.') : unreadable(error))
    })
  })

/** What stands before an archive when something on the way answered in the server's place. */
const isWebPage = (archive: Buffer): boolean =>
  /^\s*<(!doctype|html|\?xml)/i.test(archive.subarray(0, 256).toString('latin1'))

const entriesOf = (zip: ZipFile): Promise<readonly Entry[]> =>
  new Promise((resolve, reject) => {
    const entries: Entry[] = []
    zip.on('error', (error) => reject(unreadable(error)))
    zip.on('entry', (entry: Entry) => {
      entries.push(entry)
      if (entries.length > HANDLER_LIMITS.entries) {
        reject(refused(`It holds more than ${HANDLER_LIMITS.entries} files.`))
      } else zip.readEntry()
    })
    zip.on('end', () => resolve(entries))
    zip.readEntry()
  })

function unreadable(error: unknown, path?: string): DomainError {
  if (error instanceof DomainError) return error
  const what = path === undefined ? 'It' : JSON.stringify(path)
  return refused(`${what} cannot be read: ${(error as Error).message}.`)
}
