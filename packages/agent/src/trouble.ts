/** The two ways an update can meet trouble: not now, or not at all. Anything else thrown is a bug. */

/** Why the far side could not be had. `refused` is an answer that will not change by asking again soon. */
export type AwayKind = 'network' | 'busy' | 'unauthorised' | 'refused'

/** Not now: try again later. */
export class Away extends Error {
  readonly kind: AwayKind
  readonly status: number | null
  /** The far side's own wish, from Retry-After. */
  readonly retryAfterMs: number | null

  constructor(
    message: string,
    more: { kind: AwayKind; status?: number; retryAfterMs?: number | null; cause?: unknown },
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause })
    this.name = 'Away'
    this.kind = more.kind
    this.status = more.status ?? null
    this.retryAfterMs = more.retryAfterMs ?? null
  }
}

/** What kind of failure it was, for languages that have a word for each. */
export type FailureKind =
  /** What is asked for cannot be done here at all. */
  | 'request'
  | 'network'
  /** The disk is too small. */
  | 'storage'
  /** What came is not what was announced. */
  | 'image'
  | 'install'
  /** The old version came back. */
  | 'rolled-back'
  /** The server took it back, and heard so. */
  | 'canceled'

/** Not at all: the operation ends FAILED with this sentence, which operators read. */
export class UpdateFailed extends Error {
  override readonly name = 'UpdateFailed'
  readonly kind: FailureKind

  constructor(message: string, kind: FailureKind = 'request') {
    super(message)
    this.kind = kind
  }
}

/** What came is not what was announced: worth one new start, then it is a failure. */
export class WrongBytes extends Error {
  override readonly name = 'WrongBytes'
}

export function messageOf(error: unknown): string {
  // A host with several addresses, each of which was tried: it has no message of its own.
  if (error instanceof AggregateError && error.message === '') {
    return error.errors.map(messageOf).join('; ')
  }
  return error instanceof Error ? error.message : String(error)
}

export const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined
