/** The three layers of a box, as the program knows them. */
import type { JobResult, Layer, LayerStatus } from './layer.ts'

export interface BoxLayers {
  readonly handlers: HandlersRoom
  readonly code: CodeRoom
  readonly image: ImageRoom
}

interface HandlersRoom extends Layer {
  /** Somebody asks for it: what failed too often may be tried again. */
  tryAgain(): Promise<void>
  /** Somebody asked, and the server had nothing new. */
  nothingNew(): Promise<JobResult>
}

/** The code comes from a repository as well, and follows a series there. */
interface CodeRoom extends Layer {
  update(update: {
    readonly series: string | null
    readonly isAsked: boolean
    readonly signal: AbortSignal
  }): Promise<JobResult>
  /** When it may be tried again of itself; 0: at any time. */
  untilRetryMs(): number
}

interface ImageRoom extends Layer {
  /** Somebody asks for it: what failed too often may be tried again. */
  forgive(): Promise<void>
}

/** In the order in which they are told of: what carries the others comes first. */
export const inOrder = ({ image, code, handlers }: BoxLayers): readonly Layer[] => [
  image,
  code,
  handlers,
]

/** A layer that this machine has not: it says why, and what to do instead. */
export function absentLayer(
  layer: Layer['name'],
  refusal: NonNullable<LayerStatus['refusal']>,
): HandlersRoom & CodeRoom & ImageRoom {
  const result: JobResult = { kind: 'failed', because: refusal.because }
  const nothing = { active: null, previous: null, trial: null, history: [], details: null }
  return {
    name: layer,
    wakeUp: async () => {},
    installed: () => null,
    status: () => ({ layer, ...nothing, refusal }),
    installer: { install: async () => ({ kind: 'failed', error: refusal.because }) },
    rollBack: async () => result,
    update: async () => result,
    untilRetryMs: () => 0,
    tryAgain: async () => {},
    nothingNew: async () => result,
    forgive: async () => {},
  }
}
