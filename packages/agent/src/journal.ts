/**
 * Where the agent was, on disk before each step, so that a kill or a power cut at any point leaves something to
 * go on from. Two generations lie side by side, each with a sequence number and a checksum; the newest whole one
 * counts. The one before is one step older, and every step can be taken twice.
 */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { Installed, JsonObject } from '@updraft/core'
import { type Disk, readIfThere, writeDurably } from './disk.ts'
import { type Log, silentLog } from './log.ts'
import type { FailureKind } from './trouble.ts'
import type { Offer } from './uplink.ts'

/** How far an operation has come. The step that follows is the one the phase is named after. */
export type Phase =
  | { readonly at: 'offered' }
  /** `bytesSynced` never claims more than is on the medium. */
  | { readonly at: 'downloading'; readonly bytesSynced: number; readonly etag: string | null }
  | { readonly at: 'downloaded' }
  | { readonly at: 'verified' }
  /** `mark` is what the installer needs to find again what it had started. */
  | { readonly at: 'installing'; readonly mark: JsonObject | null }
  /** `asked` counts how often the restart was asked for, `bootId` tells whether it has happened. */
  | {
      readonly at: 'awaiting-restart'
      readonly how: 'exit' | 'restart'
      readonly asked: number
      readonly bootId: string
    }
  /** The end, told until the server acknowledges it. */
  | {
      readonly at: 'reporting'
      readonly state: 'UPDATED' | 'FAILED'
      readonly error: string | null
      readonly failure?: FailureKind
    }

export interface Entry {
  readonly offer: Offer
  readonly phase: Phase
  /** What ran before the update. */
  readonly before: Installed | null
  /** How often the install was begun. */
  readonly attempts: number
  /** How often the download was thrown away for being wrong. */
  readonly startedOver: number
}

/** Nothing on this device is another yet. */
export const isBeforeInstall = ({ phase }: Entry): boolean =>
  ['offered', 'downloading', 'downloaded', 'verified'].includes(phase.at)

/** How an operation ended, kept for when the server asks for it once more. */
export interface Ended {
  readonly operation: string
  readonly state: 'UPDATED' | 'FAILED'
  readonly error: string | null
  readonly failure?: FailureKind
  /** How often this very operation failed; more than once only for standing offers. */
  readonly failures: number
}

export interface Memory {
  readonly entry: Entry | null
  /** The latest ends, newest last. */
  readonly ended: readonly Ended[]
  /** What the settings said was installed, at the last start. */
  readonly given: Readonly<Record<string, Installed>>
}

const EMPTY: Memory = { entry: null, ended: [], given: {} }

/** Raised when an older agent could no longer read the shape; unknown fields alone are no reason. */
const FORMAT = 'updraft-journal-1'
const REMEMBERED_ENDS = 16

export class Journal {
  readonly #disk: Disk
  readonly #folder: string
  readonly #log: Log
  #sequence = 0
  #memory: Memory = EMPTY

  constructor({ disk, folder, log = silentLog }: { disk: Disk; folder: string; log?: Log }) {
    this.#disk = disk
    this.#folder = folder
    this.#log = log
  }

  get memory(): Memory {
    return this.#memory
  }

  /** Reads the newest whole generation; nothing is remembered when neither is. */
  async load(): Promise<Memory> {
    for (const slot of [0, 1]) {
      const text = await readIfThere(this.#disk, this.#path(slot))
      if (text === null) continue
      const found = decode(text)
      if (!found)
        this.#log.warn('A generation of the journal is damaged and passed over.', { slot })
      else if (found.sequence > this.#sequence) {
        this.#sequence = found.sequence
        this.#memory = found.memory
      }
    }
    return this.#memory
  }

  /** When this resolves, the change is on the medium. */
  async write(change: Partial<Memory>): Promise<void> {
    const memory = { ...this.#memory, ...change }
    const sequence = this.#sequence + 1
    await writeDurably(this.#disk, this.#path(sequence % 2), encode(sequence, memory))
    this.#sequence = sequence
    this.#memory = memory
  }

  #path(slot: number): string {
    return join(this.#folder, `journal-${slot}.json`)
  }
}

/** A line of format, sequence and checksum, then the content. The checksum covers the sequence too. */
function encode(sequence: number, memory: Memory): string {
  const body = JSON.stringify(memory)
  return `${FORMAT} ${sequence} ${checksum(sequence, body)}\n${body}\n`
}

function decode(text: string): { sequence: number; memory: Memory } | undefined {
  const [head = '', body = ''] = text.split('\n')
  const [format, sequenceText, sum] = head.split(' ')
  const sequence = Number(sequenceText)
  if (format !== FORMAT || sum !== checksum(sequence, body)) return undefined
  return { sequence, memory: { ...EMPTY, ...(JSON.parse(body) as Memory) } }
}

const checksum = (sequence: number, body: string): string =>
  createHash('sha256').update(`${sequence}\n${body}`).digest('hex')

/** The most recent ends, the newest last, each operation once. */
export const withEnd = (ended: readonly Ended[], end: Omit<Ended, 'failures'>): Ended[] => {
  const earlier = ended.find(({ operation }) => operation === end.operation)
  const failures = (earlier?.failures ?? 0) + (end.state === 'FAILED' ? 1 : 0)
  const others = ended.filter(({ operation }) => operation !== end.operation)
  return [...others, { ...end, failures }].slice(-REMEMBERED_ENDS)
}
