/** What S3 answers when it does not do what it is asked, in the domain's words and for whoever set it up. */
import { DomainError, type ErrorCode } from '@updraft/core'

interface S3Error {
  readonly name?: string
  readonly code?: string
  readonly message?: string
  readonly $metadata?: { readonly httpStatusCode?: number }
}

/** Of a store, and where it lies, as people call it. */
export interface Place {
  readonly store: string
  readonly bucket: string
  readonly endpoint: string | undefined
}

const DENIED = new Set([
  'AccessDenied',
  'CredentialsProviderError',
  'ExpiredToken',
  'InvalidAccessKeyId',
  'InvalidToken',
  'SignatureDoesNotMatch',
])

export const statusOf = (error: unknown): number | undefined =>
  (error as S3Error).$metadata?.httpStatusCode

export const isMissing = (error: unknown): boolean =>
  ['NoSuchKey', 'NotFound'].includes((error as S3Error).name ?? '') && !isBucketMissing(error)

export const isBucketMissing = (error: unknown): boolean =>
  (error as S3Error).name === 'NoSuchBucket'

/** That the parts of an upload were completed or forgotten by somebody else. */
export const isUploadGone = (error: unknown): boolean => (error as S3Error).name === 'NoSuchUpload'

/** The refusal that an error of the SDK is; what is none of those foreseen stays the bug it is. */
export function refusalOf(error: unknown, place: Place): unknown {
  if (error instanceof DomainError) return error
  const { name = '', code = '', message = '' } = error as S3Error
  const status = statusOf(error)
  const at = `${place.endpoint ?? 'Amazon S3'} (artifact store "${place.store}")`
  const say = (which: ErrorCode, sentence: string) =>
    new DomainError(which, sentence, { name, status }, error)
  if (isBucketMissing(error)) {
    return say('artifact-store.no-bucket', `There is no bucket "${place.bucket}" at ${at}.`)
  }
  if (DENIED.has(name) || status === 401 || status === 403) {
    return say(
      'artifact-store.denied',
      `The key is refused, or may not do this, with bucket "${place.bucket}" at ${at}${saidBy(error as S3Error)}.`,
    )
  }
  if (status === undefined || status >= 500 || status === 429 || name === 'SlowDown') {
    const isOfNetwork = status !== undefined || /^E[A-Z_]+$/.test(code) || isTimeOut(name, message)
    if (!isOfNetwork) return error
    return say(
      'artifact-store.away',
      `${at} does not answer at the moment: ${message || code || name}`,
    )
  }
  return error
}

/** What S3 said of it; to a HEAD it says nothing, and the SDK makes a word of that. */
const saidBy = ({ name = '', message = '' }: S3Error): string =>
  [name, message].includes('UnknownError') ? '' : `: ${(message || name).replace(/\.$/, '')}`

const isTimeOut = (name: string, message: string): boolean =>
  /timeout|abort|socket|closed|reset/i.test(`${name} ${message}`)
