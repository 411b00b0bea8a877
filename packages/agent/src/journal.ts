/**
 * Where the agent was, on disk before each step, so that a kill or a power cut at any point leaves something to
 * go on from. The generation before is one step older, and every step can be taken twice.
 */
import type { Installed, JsonObject } from '@updraft/core'
import type { Disk } from './disk.ts'
import { Generations } from './generations.ts'
import type { Log } from './log.ts'
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

const REMEMBERED_ENDS = 16

export class Journal {
  readonly #kept: Generations<Memory>

  constructor({ disk, folder, log }: { disk: Disk; folder: string; log?: Log }) {
    const format = 'updraft-journal-1'
    this.#kept = new Generations({ disk, folder, log, name: 'journal', format, empty: EMPTY })
  }

  get memory(): Memory {
    return this.#kept.value
  }

  /** Reads the newest whole generation; nothing is remembered when neither is. */
  load(): Promise<Memory> {
    return this.#kept.load()
  }

  /** When this resolves, the change is on the medium. */
  write(change: Partial<Memory>): Promise<void> {
    return this.#kept.write({ ...this.memory, ...change })
  }
}

/** The most recent ends, the newest last, each operation once. */
export const withEnd = (ended: readonly Ended[], end: Omit<Ended, 'failures'>): Ended[] => {
  const earlier = ended.find(({ operation }) => operation === end.operation)
  const failures = (earlier?.failures ?? 0) + (end.state === 'FAILED' ? 1 : 0)
  const others = ended.filter(({ operation }) => operation !== end.operation)
  return [...others, { ...end, failures }].slice(-REMEMBERED_ENDS)
}
