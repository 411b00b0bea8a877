/** A tree as a `.zip`. */
import { Readable } from 'node:stream'
import { crc32 } from 'node:zlib'
import { type Entry, fromRandomAccessReader, RandomAccessReader, type ZipFile } from 'yauzl'
import type { Disk } from '../../disk.ts'
import { messageOf, UpdateFailed } from '../../trouble.ts'
import { type CodeTree, MAX_FILES, type TreeFile } from './tree.ts'

interface ZippedFile extends TreeFile {
  readonly entry: Entry
}

const KIND = 0o170000
const LINK = 0o120000
const PLAIN = [0, 0o100000]

/** Throws UpdateFailed when it is damaged, or holds what a tree does not. Whoever opens it closes it. */
export async function zipTree(
  disk: Disk,
  file: string,
): Promise<{ tree: CodeTree<ZippedFile>; close: () => Promise<void> }> {
  const handle = await disk.open(file, 'r')
  try {
    const { size } = await disk.stat(file)
    const zip = await opened(new Reader(handle), size)
    const files = (await entriesOf(zip)).flatMap(fileOf)
    const tree = { files, read: ({ entry }: ZippedFile) => piecesOf(zip, entry) }
    return { tree, close: () => handle.close() }
  } catch (error) {
    await handle.close()
    throw error
  }
}

type Handle = Awaited<ReturnType<Disk['open']>>

class Reader extends RandomAccessReader {
  readonly #handle: Handle

  constructor(handle: Handle) {
    super()
    this.#handle = handle
  }

  override _readStreamForRange(start: number, end: number): Readable {
    return Readable.from(this.#pieces(start, end))
  }

  override close(done: (error: Error | null) => void): void {
    done(null)
  }

  async *#pieces(start: number, end: number): AsyncGenerator<Buffer> {
    for (let at = start; at < end; ) {
      const buffer = Buffer.alloc(Math.min(65_536, end - at))
      const { bytesRead } = await this.#handle.read(buffer, 0, buffer.length, at)
      if (bytesRead === 0) throw new Error('it ends early')
      at += bytesRead
      yield buffer.subarray(0, bytesRead)
    }
  }
}

function fileOf(entry: Entry): ZippedFile[] {
  const { fileName: path, uncompressedSize: sizeBytes } = entry
  if (path.endsWith('/')) return []
  const mode = entry.externalFileAttributes >>> 16
  const isLink = (mode & KIND) === LINK
  if (entry.isEncrypted() || !(isLink || PLAIN.includes(mode & KIND))) {
    throw new UpdateFailed(`the code is refused: ${path} is neither a file nor a folder`, 'image')
  }
  return [{ path, kind: isLink ? 'link' : mode & 0o100 ? 'executable' : 'file', sizeBytes, entry }]
}

async function* piecesOf(zip: ZipFile, entry: Entry): AsyncGenerator<Buffer> {
  let sum = 0
  try {
    const stream = await new Promise<Readable>((resolve, reject) => {
      zip.openReadStream(entry, (error, opened) => (error ? reject(error) : resolve(opened)))
    })
    for await (const piece of stream as AsyncIterable<Buffer>) {
      sum = crc32(piece, sum)
      yield piece
    }
  } catch (error) {
    throw damaged(`${entry.fileName}: ${messageOf(error)}`)
  }
  if (sum !== entry.crc32) throw damaged(`${entry.fileName} has another checksum`)
}

const opened = (reader: RandomAccessReader, size: number): Promise<ZipFile> =>
  new Promise((resolve, reject) => {
    // Without strict names a backslash would be taken for a slash.
    const options = {
      lazyEntries: true,
      decodeStrings: true,
      strictFileNames: true,
      autoClose: false,
    }
    fromRandomAccessReader(reader, size, options, (error, zip) =>
      error ? reject(damaged(error.message)) : resolve(zip),
    )
  })

const entriesOf = (zip: ZipFile): Promise<readonly Entry[]> =>
  new Promise((resolve, reject) => {
    const entries: Entry[] = []
    zip.on('error', (error: Error) => reject(damaged(error.message)))
    zip.on('entry', (entry: Entry) => {
      entries.push(entry)
      if (entries.length > MAX_FILES) reject(damaged(`more than ${MAX_FILES} files`))
      else zip.readEntry()
    })
    zip.on('end', () => resolve(entries))
    zip.readEntry()
  })

const damaged = (what: string) =>
  new UpdateFailed(`the archive of the code cannot be read: ${what}`, 'image')
