/**
 * Archives of handlers: read with suspicion, and packed anew for boxes of one system, the same bytes each time. They are
 * small, and boxes give up after seconds, so what is packed is kept in memory.
 */
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
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
import { ZipFile as Packing } from 'yazl'
import type { ArtifactStore, HandlerArchives, Handlers } from '../app/ports.ts'

/** So much of what is packed is kept; what was asked for longest ago goes. */
const MAX_KEPT_BYTES = 128 * 1024 * 1024
/** What all files are said to be of: the earliest that an archive can say. */
const THEN = new Date(1980, 0, 1)
const PLAIN_FILE = 0o100644

interface File {
  readonly path: string
  readonly bytes: Buffer
}

export function handlerArchives({
  artifacts,
}: {
  artifacts: Pick<ArtifactStore, 'open'>
}): HandlerArchives {
  /** By archive and system: what is packed, or being packed. */
  const kept = new Map<string, Promise<Handlers>>()
  const sizes = new Map<string, number>()

  const filesOf = async (sha256: string): Promise<readonly File[]> => {
    const handle = await artifacts.open(sha256)
    try {
      const { sizeBytes } = handle
      if (sizeBytes > HANDLER_LIMITS.archiveBytes) {
        throw refused(`It has ${sizeBytes} bytes, more than ${HANDLER_LIMITS.archiveBytes}.`)
      }
      // Its own memory: a reader may use a borrowed one again.
      return await unpacked(Buffer.from(await handle.read(0, sizeBytes)))
    } finally {
      handle.release()
    }
  }

  const pack = async (sha256: string, platform: BoxPlatform): Promise<Handlers> => {
    const all = await filesOf(sha256)
    return packed(all.filter(({ path }) => isForPlatform(path, platform)))
  }

  const forget = (key: string) => {
    kept.delete(key)
    sizes.delete(key)
  }

  const keep = (key: string, sizeBytes: number) => {
    if (!kept.has(key)) return
    sizes.set(key, sizeBytes)
    let sum = [...sizes.values()].reduce((total, each) => total + each, 0)
    for (const [oldest, size] of sizes) {
      if (sum <= MAX_KEPT_BYTES) return
      sum -= size
      forget(oldest)
    }
  }

  return {
    check: async (sha256) => {
      await filesOf(sha256)
    },
    of: (sha256, platform) => {
      const key = `${sha256} ${platform}`
      const before = kept.get(key)
      const size = sizes.get(key)
      forget(key)
      const handlers = before ?? pack(sha256, platform)
      kept.set(key, handlers)
      if (size !== undefined) sizes.set(key, size)
      if (!before) {
        handlers.then(
          ({ bytes }) => keep(key, bytes.length),
          () => forget(key),
        )
      }
      return handlers
    },
  }
}

/** All files, each held against the size and the checksum that the archive says. */
async function unpacked(archive: Buffer): Promise<readonly File[]> {
  const zip = await opened(archive)
  try {
    const entries = await entriesOf(zip)
    const listed = entries.map((entry) => ({
      path: entry.fileName,
      sizeBytes: entry.uncompressedSize,
      isEncrypted: entry.isEncrypted(),
      fileType: (entry.externalFileAttributes >>> 16) & 0o170000,
      entry,
    }))
    const files: File[] = []
    const byPath = new Map(listed.map((each) => [each.path, each.entry]))
    for (const { path } of checkedHandlers(listed)) {
      const entry = byPath.get(path)
      if (entry) files.push({ path, bytes: await bytesOf(zip, entry) })
    }
    return files
  } finally {
    zip.close()
  }
}

const opened = (archive: Buffer): Promise<ZipFile> =>
  new Promise((resolve, reject) => {
    // Paths are judged by the rules of the house; the library's own would stop at the first and say less.
    const options = { lazyEntries: true, decodeStrings: true, strictFileNames: true }
    fromBuffer(archive, options, (error, zip) =>
      error ? reject(unreadable(error)) : resolve(zip as ZipFile),
    )
  })

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

/** A stream that grows beyond what was listed is broken off by the library. */
async function bytesOf(zip: ZipFile, entry: Entry): Promise<Buffer> {
  try {
    const stream = await new Promise<Readable>((resolve, reject) => {
      zip.openReadStream(entry, (error, opened) => (error ? reject(error) : resolve(opened)))
    })
    const pieces: Buffer[] = []
    for await (const piece of stream) pieces.push(piece)
    const bytes = Buffer.concat(pieces)
    if (crc32(bytes) !== entry.crc32) throw new Error('its checksum is another')
    return bytes
  } catch (error) {
    throw unreadable(error, entry.fileName)
  }
}

/** In the order of their paths, all of one time and one mode. */
async function packed(files: readonly File[]): Promise<Handlers> {
  const zip = new Packing()
  const digest = createHash('sha256')
  for (const { path, bytes } of files) {
    zip.addBuffer(bytes, path, { mtime: THEN, mode: PLAIN_FILE, forceDosTimestamp: true })
    digest.update(`${path}\0${bytes.length}\0`).update(bytes)
  }
  zip.end()
  const pieces: Buffer[] = []
  for await (const piece of Readable.from(zip.outputStream)) pieces.push(piece)
  return { bytes: Buffer.concat(pieces), digest: digest.digest('hex') }
}

function unreadable(error: unknown, path?: string): DomainError {
  if (error instanceof DomainError) return error
  const message = (error as Error).message.replace(/\.+$/, '')
  return refused(
    path === undefined
      ? `It cannot be read: ${message}.`
      : `${JSON.stringify(path)} cannot be read: ${message}.`,
  )
}
