/** A tree as a `.tar.gz`, such as `git archive` makes. It is read twice, forwards: for the list, and for the files. */
import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import type { Disk } from '../../disk.ts'
import { UpdateFailed } from '../../trouble.ts'
import { type CodeTree, MAX_FILES, type TreeFile } from './tree.ts'

const BLOCK = 512
/** Unpacked; a bomb is no tree. */
const MAX_BYTES = 8 * 1_073_741_824
const MAX_EXTRA = 1_048_576

interface TarFile extends TreeFile {
  /** Where its bytes begin in the unpacked stream. */
  readonly at: number
  /** Of a link. */
  readonly target: string
}

/** Throws UpdateFailed when it is damaged, or holds what a tree does not. */
export async function tarTree(
  disk: Disk,
  file: string,
): Promise<{ tree: CodeTree<TarFile>; commit: string | null }> {
  const stream = new Unpacked(disk, file)
  try {
    const { files, commit } = await list(stream)
    // Read to its end, so that the checksum of the whole was looked at.
    await stream.skip(Number.POSITIVE_INFINITY)
    return { tree: new TarTree(disk, file, files), commit }
  } finally {
    stream.close()
  }
}

class TarTree implements CodeTree<TarFile> {
  readonly files: readonly TarFile[]
  readonly #disk: Disk
  readonly #file: string
  #stream: Unpacked | null = null

  constructor(disk: Disk, file: string, files: readonly TarFile[]) {
    this.#disk = disk
    this.#file = file
    this.files = files
  }

  async *read({ kind, at, target, sizeBytes }: TarFile): AsyncGenerator<Buffer> {
    if (kind === 'link') {
      yield Buffer.from(target)
      return
    }
    if (!this.#stream || this.#stream.at > at) {
      this.#stream?.close()
      this.#stream = new Unpacked(this.#disk, this.#file)
    }
    const stream = this.#stream
    await stream.skip(at - stream.at)
    yield* stream.take(sizeBytes)
  }

  close(): void {
    this.#stream?.close()
  }
}

async function list(stream: Unpacked): Promise<{ files: TarFile[]; commit: string | null }> {
  const files: TarFile[] = []
  let commit: string | null = null
  let next: { path?: string; linkpath?: string; size?: string } = {}
  for (;;) {
    const header = await stream.whole(BLOCK)
    if (header.every((byte) => byte === 0)) return { files, commit }
    const { type, size, path, target, mode } = parseHeader(header, next)
    if (type === 'x' || type === 'g' || type === 'L' || type === 'K') {
      if (size > MAX_EXTRA) throw damaged('a heading without end')
      const extra = await stream.whole(size)
      await stream.skip(padding(size))
      if (type === 'g') commit = commitOf(extra) ?? commit
      else if (type === 'x') next = { ...next, ...recordsOf(extra) }
      else next = { ...next, [type === 'L' ? 'path' : 'linkpath']: textOf(extra) }
      continue
    }
    next = {}
    if (type === 'file') {
      const kind = mode & 0o100 ? 'executable' : 'file'
      files.push({ path, kind, sizeBytes: size, at: stream.at, target })
    } else if (type === 'link') {
      files.push({ path, kind: 'link', sizeBytes: Buffer.byteLength(target), at: 0, target })
    } else if (type !== 'folder') {
      throw new UpdateFailed(`the code is refused: ${path} is neither a file nor a folder`, 'image')
    }
    if (files.length > MAX_FILES) throw damaged(`more than ${MAX_FILES} files`)
    await stream.skip(size + padding(size))
  }
}

function parseHeader(header: Buffer, said: { path?: string; linkpath?: string; size?: string }) {
  let sum = 0
  for (const [at, byte] of header.entries()) sum += at >= 148 && at < 156 ? 0x20 : byte
  if (sum !== numberOf(header.subarray(148, 156))) throw damaged('a heading with another checksum')
  const prefix =
    header.subarray(257, 262).toString('latin1') === 'ustar'
      ? textOf(header.subarray(345, 500))
      : ''
  const name = textOf(header.subarray(0, 100))
  const size = said.size === undefined ? numberOf(header.subarray(124, 136)) : Number(said.size)
  if (!Number.isSafeInteger(size) || size < 0) throw damaged('a file without a size')
  const type = TYPES[String.fromCharCode(header[156] ?? 0)] ?? 'other'
  return {
    type,
    // What is no file has no bytes, whatever it says of itself.
    size: ['link', 'folder'].includes(type) ? 0 : size,
    path: (said.path ?? (prefix ? `${prefix}/${name}` : name)).replace(/^(\.\/)+/, ''),
    target: said.linkpath ?? textOf(header.subarray(157, 257)),
    mode: numberOf(header.subarray(100, 108)),
  }
}

const TYPES: Readonly<Record<string, 'file' | 'link' | 'folder' | 'x' | 'g' | 'L' | 'K'>> = {
  '\0': 'file',
  '0': 'file',
  '2': 'link',
  '5': 'folder',
  ...{ x: 'x', g: 'g', L: 'L', K: 'K' },
}

const padding = (size: number): number => (BLOCK - (size % BLOCK)) % BLOCK

const textOf = (bytes: Buffer): string => {
  const end = bytes.indexOf(0)
  return bytes.subarray(0, end < 0 ? bytes.length : end).toString('utf8')
}

/** Octal, or with the first bit set as GNU writes large ones. */
function numberOf(bytes: Buffer): number {
  if (((bytes[0] ?? 0) & 0x80) !== 0) {
    return bytes.subarray(1).reduce((sum, byte) => sum * 256 + byte, (bytes[0] ?? 0) & 0x7f)
  }
  const text = bytes.toString('latin1').replace(/[\0 ]/g, '')
  return text === '' ? 0 : /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : Number.NaN
}

/** `LENGTH NAME=VALUE\n`, again and again. */
function recordsOf(bytes: Buffer): Record<string, string> {
  const records: Record<string, string> = {}
  for (let at = 0; at < bytes.length; ) {
    const blank = bytes.indexOf(0x20, at)
    const length = Number(bytes.subarray(at, blank).toString('latin1'))
    if (blank < 0 || !Number.isInteger(length) || length <= blank - at) throw damaged('a heading')
    const record = bytes.subarray(blank + 1, at + length - 1).toString('utf8')
    const equals = record.indexOf('=')
    records[record.slice(0, equals)] = record.slice(equals + 1)
    at += length
  }
  return records
}

/** `git archive` notes the commit. */
const commitOf = (bytes: Buffer): string | null => {
  const { comment = '' } = recordsOf(bytes)
  return /^[0-9a-f]{40,64}$/.test(comment) ? comment : null
}

/** The unpacked bytes, forwards. */
class Unpacked {
  at = 0
  readonly #stream: Readable
  readonly #pieces: AsyncIterator<Buffer>
  #rest: Buffer = Buffer.alloc(0)

  constructor(disk: Disk, file: string) {
    const packed = Readable.from(bytesOf(disk, file))
    const unpacked = createGunzip()
    packed.on('error', (error) => unpacked.destroy(error))
    this.#stream = packed.pipe(unpacked)
    this.#stream.on('close', () => packed.destroy())
    // Who reads on hears of it.
    this.#stream.on('error', () => {})
    this.#pieces = this.#stream[Symbol.asyncIterator]()
  }

  close(): void {
    this.#stream.destroy()
  }

  async whole(length: number): Promise<Buffer> {
    const pieces: Buffer[] = []
    for await (const piece of this.take(length)) pieces.push(piece)
    return Buffer.concat(pieces)
  }

  async *take(length: number): AsyncGenerator<Buffer> {
    for (let left = length; left > 0; ) {
      const piece = (await this.#some())?.subarray(0, left)
      if (!piece) throw damaged('it ends early')
      this.#rest = this.#rest.subarray(piece.length)
      this.at += piece.length
      left -= piece.length
      yield piece
    }
  }

  /** At most to the end. */
  async skip(length: number): Promise<void> {
    for (let left = length; left > 0; ) {
      const some = await this.#some()
      if (!some) return
      const passed = Math.min(left, some.length)
      this.#rest = this.#rest.subarray(passed)
      this.at += passed
      left -= passed
    }
  }

  async #some(): Promise<Buffer | null> {
    while (this.#rest.length === 0) {
      const { value, done } = await this.#pieces.next().catch((error: Error) => {
        throw damaged(error.message)
      })
      if (done) return null
      this.#rest = value
      if (this.at + value.length > MAX_BYTES) throw damaged('it has no end')
    }
    return this.#rest
  }
}

async function* bytesOf(disk: Disk, file: string): AsyncGenerator<Buffer> {
  const handle = await disk.open(file, 'r')
  try {
    for (let at = 0; ; ) {
      const buffer = Buffer.alloc(65_536)
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, at)
      if (bytesRead === 0) return
      at += bytesRead
      yield buffer.subarray(0, bytesRead)
    }
  } finally {
    await handle.close()
  }
}

const damaged = (what: string) =>
  new UpdateFailed(`the archive of the code cannot be read: ${what}`, 'image')
