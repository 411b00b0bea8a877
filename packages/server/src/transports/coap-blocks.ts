/**
 * Bodies larger than a datagram (RFC 7959). What is read in blocks is held open between two of them, so that a
 * block costs a read and nothing else; what is sent in blocks is put together within bounds.
 */

import {
  type Block,
  blockBytes,
  type CoapCode,
  MAX_SZX,
  NO_BYTES,
} from '@updraft/wire/coap-message'
import { type CoapClock, ShortMemory } from './coap-clock.ts'

/** Bytes that can be read by position. Whoever answers with them is told once that they are done with. */
export interface CoapBytes {
  readonly sizeBytes: number
  /** Bytes from `start` up to, not including, `end`. */
  read(start: number, end: number): Promise<Buffer>
  release(): void
}

export const FIRST_BLOCK: Block = { num: 0, isMore: false, szx: MAX_SZX }

/** A body as it was when its first block was asked for, with what goes out with each of its blocks. */
export class Reading {
  readonly code: CoapCode
  readonly contentFormat: number | undefined
  /** Equal for equal bytes, another for others: with it a client does not mix the blocks of two files. */
  readonly etag: Buffer
  readonly sizeBytes: number
  readonly openedAt: number
  readonly #bytes: CoapBytes
  #readers = 0
  #isDone = false
  #isReleased = false

  constructor(
    about: Pick<Reading, 'code' | 'contentFormat' | 'etag' | 'openedAt'>,
    bytes: CoapBytes,
  ) {
    this.code = about.code
    this.contentFormat = about.contentFormat
    this.etag = about.etag
    this.openedAt = about.openedAt
    this.sizeBytes = bytes.sizeBytes
    this.#bytes = bytes
  }

  async read(start: number, end: number): Promise<Buffer> {
    if (this.#isReleased) throw new Error('The bytes were given back already.')
    if (start === end) return NO_BYTES
    this.#readers += 1
    try {
      return await this.#bytes.read(start, end)
    } finally {
      this.#readers -= 1
      this.#releaseIfIdle()
    }
  }

  /** Nobody will ask for more; reads under way still end well. */
  done(): void {
    this.#isDone = true
    this.#releaseIfIdle()
  }

  #releaseIfIdle(): void {
    if (!this.#isDone || this.#readers > 0 || this.#isReleased) return
    this.#isReleased = true
    this.#bytes.release()
  }
}

/** Long enough for a device that loses a datagram or two, short enough that a withdrawn file is soon withdrawn. */
const HOLD_IDLE_MS = 30_000
const HOLD_AT_MOST_MS = 120_000
const MAX_HELD = 4096

export interface Readings {
  hold(key: string, reading: Reading): void
  /** What is held, unless its time is over: then it is to be opened anew. */
  held(key: string): Reading | undefined
  close(): void
  readonly count: number
}

export function readings(clock: CoapClock): Readings {
  const all = new ShortMemory<Reading>({
    clock,
    max: MAX_HELD,
    lifetimeMs: HOLD_IDLE_MS,
    forgotten: (reading) => reading.done(),
  })
  return {
    hold: (key, reading) => all.put(key, reading),
    held: (key) => {
      const reading = all.touch(key)
      if (!reading || clock.now() - reading.openedAt < HOLD_AT_MOST_MS) return reading
      all.drop(key)
      return undefined
    },
    close: () => all.clear(),
    get count() {
      return all.size
    },
  }
}

export const MAX_UPLOAD_BYTES = 64 * 1024
const UPLOAD_IDLE_MS = 60_000
const MAX_UPLOADS = 256

export type Uploaded =
  | { readonly kind: 'whole'; readonly payload: Buffer }
  | { readonly kind: 'not-yet'; readonly code: CoapCode }

export interface Uploads {
  take(key: string, block: Block, payload: Buffer, announcedBytes: number | undefined): Uploaded
  close(): void
  readonly count: number
}

export function uploads(clock: CoapClock): Uploads {
  const all = new ShortMemory<{ pieces: Buffer[]; sizeBytes: number }>({
    clock,
    max: MAX_UPLOADS,
    lifetimeMs: UPLOAD_IDLE_MS,
  })
  const notYet = (code: CoapCode): Uploaded => ({ kind: 'not-yet', code })
  return {
    take: (key, block, payload, announcedBytes = 0) => {
      if (block.isMore && payload.length !== blockBytes(block)) return notYet('4.00')
      if (block.num === 0) all.put(key, { pieces: [], sizeBytes: 0 })
      const upload = all.touch(key)
      // Blocks come one after the other (section 2.5); a client that lost its place starts again.
      if (!upload || block.num * blockBytes(block) !== upload.sizeBytes) return notYet('4.08')
      upload.sizeBytes += payload.length
      if (Math.max(upload.sizeBytes, announcedBytes) > MAX_UPLOAD_BYTES) {
        all.drop(key)
        return notYet('4.13')
      }
      // A copy: the piece must not keep the datagram's memory.
      upload.pieces.push(Buffer.from(payload))
      if (block.isMore) return notYet('2.31')
      all.drop(key)
      return { kind: 'whole', payload: Buffer.concat(upload.pieces) }
    },
    close: () => all.clear(),
    get count() {
      return all.size
    },
  }
}
