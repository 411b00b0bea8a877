/**
 * What the box says of itself, kept where a power cut leaves it: a few small files, written one after the other, of
 * which the oldest goes. A record has its length and a checksum before it; a tail that was torn is passed over, and
 * nothing is ever written behind one. Lines have numbers, so that a server and a page know which they have.
 */
import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { type Disk, readIfThere, syncFolder, writeDurably } from '../disk.ts'
import type { Log, LogLevel } from '../log.ts'

export interface LogLine {
  /** Grows by one with each line the box ever wrote. */
  readonly sequence: number
  /** ISO 8601. */
  readonly at: string
  readonly level: LogLevel
  readonly message: string
}

/** As it is kept: with what it takes to mend its time once the date is known. */
interface Kept extends LogLine {
  readonly boot: string
  /** Seconds since the machine started. */
  readonly up: number
}

/** What tells the time; the date of a machine may be wrong until it has asked the network. */
export interface LogTime {
  readonly bootId: string
  wallMs(): number
  upSeconds(): number
}

export interface RingLimits {
  readonly segmentBytes: number
  readonly segments: number
}

const LIMITS: RingLimits = { segmentBytes: 65_536, segments: 8 }
const MAX_MESSAGE_LENGTH = 4_096
/** 2024-01-01: an earlier date was never told to this machine, it is where its clock began. */
const EARLIEST_MS = 1_704_067_200_000

export class LogRing {
  readonly #disk: Disk
  readonly #folder: string
  readonly #time: LogTime
  readonly #limits: RingLimits
  #lines: Kept[] = []
  /** First sequences of the files there are, oldest first. */
  #segments: number[] = []
  #next = 1
  /** The last one that is on the medium. */
  #lasting = 0
  #taken = 0
  /** Where the newest file ends; null when the next line begins another. */
  #end: { readonly path: string; readonly bytes: number } | null = null
  #waiting: Kept[] = []
  #writing: Promise<void> | null = null
  /** Nothing is written before it is known what is there already. */
  #isLoaded = false
  readonly #listeners = new Set<(line: LogLine) => void>()

  constructor(about: { disk: Disk; folder: string; time: LogTime; limits?: RingLimits }) {
    this.#disk = about.disk
    this.#folder = about.folder
    this.#time = about.time
    this.#limits = about.limits ?? LIMITS
  }

  /** Reads what earlier lives wrote; what came meanwhile is numbered after it. */
  async load(): Promise<void> {
    await this.#disk.mkdir(this.#folder, { recursive: true, mode: 0o700 })
    const names = (await this.#disk.readdir(this.#folder)).filter((name) => SEGMENT.test(name))
    const early = this.#lines
    this.#lines = []
    this.#waiting = []
    for (const name of names.toSorted()) {
      const path = join(this.#folder, name)
      const content = await this.#disk.readFile(path)
      const { lines, bytes } = decode(content)
      const last = this.#lines.at(-1)?.sequence ?? 0
      this.#lines.push(...lines.filter(({ sequence }) => sequence > last))
      this.#segments.push(Number.parseInt(name, 10))
      const isWhole = bytes === content.length && bytes < this.#limits.segmentBytes
      this.#end = isWhole ? { path, bytes } : null
    }
    this.#lasting = this.#lines.at(-1)?.sequence ?? 0
    this.#taken = takenIn(await readIfThere(this.#disk, this.#takenPath))
    this.#next = Math.max(this.#lasting, this.#taken) + 1
    this.#isLoaded = true
    for (const line of early) this.#add({ ...line, sequence: this.#next })
  }

  append(level: LogLevel, message: string): void {
    const line: Kept = {
      sequence: this.#next,
      at: new Date(this.#time.wallMs()).toISOString(),
      level,
      message: message.slice(0, MAX_MESSAGE_LENGTH),
      boot: this.#time.bootId,
      up: Math.round(this.#time.upSeconds() * 1000) / 1000,
    }
    this.#add(line)
  }

  /** Lines after that one, oldest first. */
  since(sequence: number, most = Number.POSITIVE_INFINITY): LogLine[] {
    const lines = this.#lines.filter((line) => line.sequence > sequence)
    return (lines.length > most ? lines.slice(-most) : lines).map((line) => this.#told(line))
  }

  /** Lines that are on the medium and that the server does not have, oldest first. */
  untold(most: number): LogLine[] {
    return this.#lines
      .filter(({ sequence }) => sequence > this.#taken && sequence <= this.#lasting)
      .slice(0, most)
      .map((line) => this.#told(line))
  }

  /** The server has all up to that line. If it knows later ones, this disk was another's: ours are numbered anew. */
  async acknowledge(taken: number): Promise<void> {
    const isAhead = taken >= this.#next
    const lost = isAhead ? this.#lines.filter(({ sequence }) => sequence > this.#taken) : []
    this.#taken = Math.max(this.#taken, taken)
    await writeDurably(this.#disk, this.#takenPath, `${JSON.stringify({ taken: this.#taken })}\n`)
    if (!isAhead) return
    this.#next = taken + 1
    for (const line of lost) this.#add({ ...line, sequence: this.#next })
    await this.flush()
  }

  /** Resolves when all that was said is on the medium, or cannot be brought there. */
  async flush(): Promise<void> {
    while (this.#writing) await this.#writing
  }

  onLine(listener: (line: LogLine) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #add(line: Kept): void {
    this.#next = line.sequence + 1
    this.#lines.push(line)
    this.#waiting.push(line)
    for (const listener of this.#listeners) listener(this.#told(line))
    if (this.#isLoaded) this.#writeOn()
  }

  #writeOn(): void {
    this.#writing ??= this.#write().finally(() => {
      this.#writing = null
    })
  }

  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0)
      try {
        await this.#store(batch)
        this.#lasting = batch.at(-1)?.sequence ?? this.#lasting
      } catch {
        // A disk that is full or worn out must not end what the log tells of; the lines stay in memory.
        this.#end = null
      }
    }
  }

  async #store(batch: readonly Kept[]): Promise<void> {
    const bytes = Buffer.concat(batch.map(encode))
    const first = batch[0]?.sequence ?? 0
    const end = this.#end ?? (await this.#begin(first))
    const file = await this.#disk.open(end.path, 'r+', 0o600)
    try {
      await writeAll(file, bytes, end.bytes)
      await file.sync()
    } finally {
      await file.close()
    }
    const size = end.bytes + bytes.length
    this.#end = size < this.#limits.segmentBytes ? { path: end.path, bytes: size } : null
  }

  async #begin(first: number): Promise<{ path: string; bytes: number }> {
    const path = join(this.#folder, `${String(first).padStart(12, '0')}.log`)
    const file = await this.#disk.open(path, 'w', 0o600)
    await file.close()
    await syncFolder(this.#disk, this.#folder)
    this.#segments = [...this.#segments.filter((each) => each !== first), first]
    while (this.#segments.length > this.#limits.segments) {
      const oldest = this.#segments.shift() ?? 0
      const name = `${String(oldest).padStart(12, '0')}.log`
      await this.#disk.rm(join(this.#folder, name), { force: true })
      const kept = this.#segments[0] ?? 0
      this.#lines = this.#lines.filter(({ sequence }) => sequence >= kept)
    }
    return { path, bytes: 0 }
  }

  /** Of this start the time can be mended: it is so long ago as the machine has run since. */
  #told({ sequence, at, level, message, boot, up }: Kept): LogLine {
    const now = this.#time.wallMs()
    const isWrong = Date.parse(at) < EARLIEST_MS && now >= EARLIEST_MS
    const mended = now - (this.#time.upSeconds() - up) * 1000
    const isOurs = boot === this.#time.bootId
    return {
      sequence,
      at: isWrong && isOurs ? new Date(mended).toISOString() : at,
      level,
      message,
    }
  }

  get #takenPath(): string {
    return join(this.#folder, 'taken.json')
  }
}

/** All that is worth more than a look goes into the ring as well. */
export function ringLog(ring: LogRing, inner: Log): Log {
  const both =
    (level: LogLevel) =>
    (message: string, fields: Readonly<Record<string, unknown>> = {}) => {
      inner[level](message, fields)
      if (level !== 'debug') ring.append(level, `${message}${asText(fields)}`)
    }
  return { debug: both('debug'), info: both('info'), warn: both('warn'), error: both('error') }
}

const asText = (fields: Readonly<Record<string, unknown>>): string =>
  Object.entries(fields)
    .filter(([, value]) => value !== undefined && value !== null)
    .map(([key, value]) => ` ${key}=${textOf(value)}`)
    .join('')

const textOf = (value: unknown): string => {
  if (value instanceof Error) return value.message
  return typeof value === 'string' ? value : JSON.stringify(value)
}

const SEGMENT = /^\d{12}\.log$/
const HEAD = /^(\d{1,7}) ([0-9a-f]{8}) $/
const HEAD_BYTES = 17

/** Length and checksum, then the line as JSON, then a line's end. */
function encode(line: Kept): Buffer {
  const body = Buffer.from(JSON.stringify(line))
  return Buffer.concat([
    Buffer.from(`${String(body.length).padStart(7, '0')} ${checksum(body)} `),
    body,
    Buffer.from('\n'),
  ])
}

/** The whole records from the start, and where they end. */
function decode(content: Buffer): { lines: Kept[]; bytes: number } {
  const lines: Kept[] = []
  let at = 0
  for (;;) {
    const head = HEAD.exec(content.toString('latin1', at, at + HEAD_BYTES))
    const length = Number(head?.[1])
    const body = content.subarray(at + HEAD_BYTES, at + HEAD_BYTES + length)
    const isWhole = head && body.length === length && checksum(body) === head[2]
    if (!isWhole || content[at + HEAD_BYTES + length] !== 0x0a) return { lines, bytes: at }
    lines.push(JSON.parse(body.toString('utf8')) as Kept)
    at += HEAD_BYTES + length + 1
  }
}

const checksum = (body: Buffer): string =>
  createHash('sha256').update(body).digest('hex').slice(0, 8)

async function writeAll(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  let done = 0
  while (done < bytes.length) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done)
    if (bytesWritten === 0) throw Object.assign(new Error('nothing is written'), { code: 'EIO' })
    done += bytesWritten
  }
}

function takenIn(text: string | null): number {
  try {
    const { taken } = JSON.parse(text ?? '{}') as { taken?: unknown }
    return typeof taken === 'number' && Number.isInteger(taken) ? taken : 0
  } catch {
    return 0
  }
}
