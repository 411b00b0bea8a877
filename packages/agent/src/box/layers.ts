/** The three layers of a box, as the program knows them. */
import type { JobResult, Layer } from './layer.ts'

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
  /** Somebody asks for it: what failed too often may be tried again. */
  tryAgain(): Promise<void>
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
