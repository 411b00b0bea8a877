/** What the image layer remembers: notes about slots and attempts. Where the boot loader says otherwise, it is right. */
import type { Json } from '@updraft/core'
import type { Disk } from '../../disk.ts'
import { Generations } from '../../generations.ts'
import type { Log } from '../../log.ts'
import type { LayerRelease } from '../layer.ts'
import { NOTHING, type Pointer } from '../pointer.ts'

/** A system that lies whole in a slot. */
export interface SlotContent {
  readonly release: LayerRelease
  /** Of its bytes as they were read back; null where another program wrote them, or nobody knows. */
  readonly sha256: string | null
  readonly bytes: number | null
}

/**
 * How far an attempt has come. `writing`: nothing is to be started. `ready`: the slot is whole, and may be tried from
 * here on. `armed`: the boot loader knows. `trial`: it came up. `confirming` and `reverting`: it is decided.
 */
export type AttemptPhase = 'writing' | 'ready' | 'armed' | 'trial' | 'confirming' | 'reverting'

export interface Attempt {
  readonly kind: 'update' | 'roll-back'
  readonly slot: string
  readonly from: string
  readonly release: LayerRelease
  readonly phase: AttemptPhase
  /** Names the file, to know it again. */
  readonly file: string | null
  /** So much of the image lies in the slot for sure. */
  readonly bytesSynced: number
  /** The boot in which the phase was reached. */
  readonly bootId: string
  /** How often this program was started while the release was on trial. */
  readonly lives: number
  /** How it was before, by name of the check. */
  readonly before: Readonly<Record<string, Json>>
  /** Why it is given up. */
  readonly because: string | null
}

export interface ImageNotes {
  readonly pointer: Pointer
  readonly slots: Readonly<Record<string, SlotContent | null>>
  readonly attempt: Attempt | null
}

export const NO_NOTES: ImageNotes = { pointer: NOTHING, slots: {}, attempt: null }

export const imageMemory = (disk: Disk, folder: string, log: Log): Generations<ImageNotes> =>
  new Generations({
    disk,
    folder,
    log,
    name: 'notes',
    format: 'updraft-image-1',
    empty: NO_NOTES,
  })
