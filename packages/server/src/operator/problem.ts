/** Error code → HTTP status and problem document (RFC 9457), for operators; the only place. */
import { DomainError, ERROR_KINDS, type ErrorCode, type ErrorKind } from '@updraft/core'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { requestFault } from '../transports/http.ts'

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
/** Where a code differs from its kind, seen from here. */
const STATUS_OF_CODE: Partial<Record<ErrorCode, number>> = { 'release.no-content': 422 }

const TITLES: Readonly<Record<number, string>> = {
  400: 'The request is not as documented',
  401: 'Sign in first',
  403: 'Not allowed',
  404: 'Not there',
  409: 'In conflict with what is there',
  412: 'Changed meanwhile',
  413: 'Too large',
  422: 'Not possible like this',
  429: 'Too many attempts',
  500: 'Something went wrong here',
  503: 'Not available at the moment',
  507: 'No space left',
}

/** Answers an error; what is no foreseen refusal is a bug: logged whole, told as nothing but "internal". */
export function answerError(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const refusal = error instanceof DomainError ? error : refusalOf(error)
  if (!refusal) {
    request.log.error({ err: error }, 'a bug')
    return problem(reply, 500, 'internal', `Look for request ${request.id} in the server's log.`)
  }
  const status = STATUS_OF_CODE[refusal.code] ?? STATUS_OF_KIND[ERROR_KINDS[refusal.code]]
  if (status === 503) {
    request.log.warn({ err: refusal.cause ?? refusal }, refusal.message)
    reply.header('retry-after', String(RETRY_AFTER_SECONDS))
  }
  if (refusal.details.retryAfterSeconds) {
    reply.header('retry-after', String(refusal.details.retryAfterSeconds))
  }
  if (status === 401) reply.header('www-authenticate', 'Bearer')
  return problem(reply, status, refusal.code, refusal.message, refusal.details)
}

/** Shapes that did not fit, and what the listener refused by itself. */
function refusalOf(error: unknown): DomainError | null {
  const { validation } = error as {
    validation?: readonly { instancePath?: string; message?: string }[]
  }
  if (validation) {
    const [issue] = validation
    const where = issue?.instancePath?.replace(/^\//, '').replaceAll('/', '.') || 'the body'
    return new DomainError(
      'request.malformed',
      sentence(`${where}: ${issue?.message ?? 'not as documented'}`),
      {
        issues: validation.map(({ instancePath, message }) => ({ path: instancePath, message })),
      },
    )
  }
  const fault = requestFault(error)
  return (
    fault &&
    new DomainError(
      fault.isTooLarge ? 'request.too-large' : 'request.malformed',
      sentence(fault.message),
    )
  )
}

const sentence = (text: string): string => (text.endsWith('.') ? text : `${text}.`)

function problem(
  reply: FastifyReply,
  status: number,
  code: ErrorCode | 'internal',
  detail: string,
  details: Readonly<Record<string, unknown>> = {},
): FastifyReply {
  const title = TITLES[status] ?? 'Refused'
  return reply
    .status(status)
    .type('application/problem+json')
    .serializer(JSON.stringify)
    .send({ ...details, type: 'about:blank', title, status, detail, code })
}
