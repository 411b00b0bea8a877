/**
 * A value that outlives kills and power cuts. Two generations lie side by side, each with a sequence number and a
 * checksum; the newest whole one counts. Also where a file system cannot replace a file in one go, one is whole.
 */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { type Disk, readIfThere, writeDurably } from './disk.ts'
import { type Log, silentLog } from './log.ts'

export interface GenerationsOptions<T> {
  readonly disk: Disk
  readonly folder: string
  /** The files are called after it: `NAME-0.json` and `NAME-1.json`. */
  readonly name: string
  /** One word; raised when an older program could no longer read the shape. Unknown fields alone are no reason. */
  readonly format: string
  /** What is so when nothing was ever written, and for fields that an older program did not write. */
  readonly empty: T
  readonly log?: Log
}

export class Generations<T extends object> {
  readonly #options: GenerationsOptions<T>
  #sequence = 0
  #value: T

  constructor(options: GenerationsOptions<T>) {
    this.#options = options
    this.#value = options.empty
  }

  get value(): T {
    return this.#value
  }

  /** Reads the newest whole generation; the value is empty when neither is. */
  async load(): Promise<T> {
    const { disk, name, log = silentLog } = this.#options
    for (const slot of [0, 1]) {
      const text = await readIfThere(disk, this.#path(slot))
      if (text === null) continue
      const found = this.#decode(text)
      if (!found) log.warn(`A generation of the ${name} is damaged and passed over.`, { slot })
      else if (found.sequence > this.#sequence) {
        this.#sequence = found.sequence
        this.#value = found.value
      }
    }
    return this.#value
  }

  /** When this resolves, the value is on the medium. When it throws, this life goes on with the one before. */
  async write(value: T): Promise<void> {
    const sequence = this.#sequence + 1
    const text = this.#encode(sequence, value)
    await writeDurably(this.#options.disk, this.#path(sequence % 2), text)
    this.#sequence = sequence
    this.#value = value
  }

  #path(slot: number): string {
    return join(this.#options.folder, `${this.#options.name}-${slot}.json`)
  }

  /** A line of format, sequence and checksum, then the content. The checksum covers the sequence too. */
  #encode(sequence: number, value: T): string {
    const body = JSON.stringify(value)
    return `${this.#options.format} ${sequence} ${checksum(sequence, body)}\n${body}\n`
  }

  #decode(text: string): { sequence: number; value: T } | undefined {
    const [head = '', body = ''] = text.split('\n')
    const [format, sequenceText, sum] = head.split(' ')
    const sequence = Number(sequenceText)
    if (format !== this.#options.format || sum !== checksum(sequence, body)) return undefined
    return { sequence, value: { ...this.#options.empty, ...(JSON.parse(body) as T) } }
  }
}

const checksum = (sequence: number, body: string): string =>
  createHash('sha256').update(`${sequence}\n${body}`).digest('hex')
