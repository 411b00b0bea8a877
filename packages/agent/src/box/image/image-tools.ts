/** What the parts of the image layer are handed. */
import type { Installed } from '@updraft/core'
import type { Disk } from '../../disk.ts'
import type { Generations } from '../../generations.ts'
import type { Log } from '../../log.ts'
import type { BackOff, Clock } from '../../waits.ts'
import type { LayerProgress } from '../layer.ts'
import { type Pointer, recorded } from '../pointer.ts'
import type { BootAdapter } from './boot-adapter.ts'
import type { HealthCheck, HealthTiming } from './health.ts'
import type { Attempt, ImageNotes } from './image-memory.ts'

export interface ImageTools {
  readonly adapter: BootAdapter
  readonly disk: Disk
  readonly clock: Clock
  readonly log: Log
  /** The box's own clock, which may be wrong. */
  readonly wallMs: () => number
  readonly bootId: string
  readonly memory: Generations<ImageNotes>
  /** Belongs to the box; has to be the same whichever slot runs, or be carried over. */
  readonly dataFolder: string
  readonly carryOver: readonly string[]
  readonly checks: readonly HealthCheck[]
  readonly timing: HealthTiming
  readonly watchdogPath: string | null
  readonly syncEveryBytes: number
  readonly maxStarts: number
  readonly backOff: BackOff
  /** What the running image says of itself. */
  readonly runningVersion: () => Promise<Installed | null>
  /** Restarts the machine the plain way; resolves when it has taken the wish. */
  readonly restart: () => Promise<void>
  readonly onProgress: (progress: LayerProgress) => void
}

export const nowText = ({ wallMs }: Pick<ImageTools, 'wallMs'>): string =>
  new Date(wallMs()).toISOString()

/** Changes the notes; when it resolves they are on the medium. */
export async function note(
  { memory }: Pick<ImageTools, 'memory'>,
  change: Partial<ImageNotes>,
): Promise<void> {
  await memory.write({ ...memory.value, ...change })
}

export async function noteAttempt(
  tools: Pick<ImageTools, 'memory' | 'bootId'>,
  attempt: Attempt,
  change: Partial<Attempt>,
  besides: Partial<ImageNotes> = {},
): Promise<Attempt> {
  const next = { ...attempt, bootId: tools.bootId, ...change }
  await note(tools, { ...besides, attempt: next })
  return next
}

export const withResult = (
  tools: Pick<ImageTools, 'wallMs'>,
  pointer: Pointer,
  result: Omit<Parameters<typeof recorded>[1], 'at'>,
): Pointer => recorded(pointer, { ...result, at: nowText(tools) })
