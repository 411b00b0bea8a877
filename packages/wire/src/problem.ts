/**
 * Problem documents (RFC 9457): how refusals are told over HTTP to whoever reads JSON, our own devices and
 * operators alike. Dialects of others have words of their own.
 */
import { DomainError, ERROR_KINDS, type ErrorCode, type ErrorKind } from '@updraft/core'

export const PROBLEM_TYPE = 'application/problem+json'

const RETRY_AFTER_SECONDS = 5

const STATUS_OF_KIND: Readonly<Record<ErrorKind, number>> = {
  unauthenticated: 401,
  denied: 403,
  unknown: 404,
  conflict: 409,
  malformed: 400,
  invalid: 422,
  outdated: 412,
  'too-large': 413,
  'too-many': 429,
  away: 503,
  full: 507,
}

const TITLES: Readonly<Record<number, string>> = {
  400: 'The request is not as documented',
  401: 'Sign in first',
  403: 'Not allowed',
  404: 'Not there',
  409: 'In conflict with what is there',
  412: 'Changed meanwhile',
  413: 'Too large',
  416: 'Beyond the end',
  422: 'Not possible like this',
  429: 'Too many attempts',
  500: 'Something went wrong here',
  503: 'Not available at the moment',
  507: 'No space left',
}

export interface ProblemAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** JSON. */
  readonly body: string
}

/** Statuses where a door differs from the rule, by code. */
export type StatusOfCode = Readonly<Partial<Record<ErrorCode, number>>>

/** The answer to a refusal; its details become members of the document. */
export function problemOf(refusal: DomainError, statusOfCode: StatusOfCode = {}): ProblemAnswer {
  const { code, message, details } = refusal
  const status = statusOfCode[code] ?? STATUS_OF_KIND[ERROR_KINDS[code]]
  const headers: Record<string, string> = { 'content-type': PROBLEM_TYPE }
  const retryAfter = details.retryAfterSeconds ?? (status === 503 ? RETRY_AFTER_SECONDS : undefined)
  if (retryAfter !== undefined) headers['retry-after'] = String(retryAfter)
  if (status === 401) headers['www-authenticate'] = 'Bearer'
  return { status, headers, body: problemText(status, code, message, details) }
}

/** The document alone. */
export const problemText = (
  status: number,
  code: ErrorCode | 'internal',
  detail: string,
  details: Readonly<Record<string, unknown>> = {},
): string =>
  JSON.stringify({
    ...details,
    type: 'about:blank',
    title: TITLES[status] ?? 'Refused',
    status,
    detail,
    code,
  })

/** The answer to what was not foreseen: a bug, whose story is in the log and nowhere else. */
export const internalProblem = (detail: string): ProblemAnswer => ({
  status: 500,
  headers: { 'content-type': PROBLEM_TYPE },
  body: problemText(500, 'internal', detail),
})

/** What the listener refused by itself, as a refusal of ours. */
export const refusalOfFault = ({
  isTooLarge,
  message,
}: {
  isTooLarge: boolean
  message: string
}): DomainError =>
  new DomainError(
    isTooLarge ? 'request.too-large' : 'request.malformed',
    message.endsWith('.') ? message : `${message}.`,
  )
