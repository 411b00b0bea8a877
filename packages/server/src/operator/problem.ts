/** Errors → problem documents for operators; the only place. */
import { DomainError } from '@updraft/core'
import {
  internalProblem,
  type ProblemAnswer,
  problemOf,
  refusalOfFault,
  type StatusOfCode,
} from '@updraft/wire/problem'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { requestFault } from '../transports/http.ts'

/** To an operator, a release without content is a request that cannot be done, not a thing that is missing. */
const STATUS_OF_CODE: StatusOfCode = { 'release.no-content': 422 }

/** Answers an error; what is no foreseen refusal is a bug: logged whole, told as nothing but "internal". */
export function answerError(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const refusal = refusalOf(error)
  if (!refusal) {
    request.log.error({ err: error }, 'a bug')
    return send(reply, internalProblem(`Look for request ${request.id} in the server's log.`))
  }
  if (refusal.code === 'store.away') {
    request.log.warn({ err: refusal.cause ?? refusal }, refusal.message)
  }
  return send(reply, problemOf(refusal, STATUS_OF_CODE))
}

/**
 * The refusal an error is: one of ours, shapes that did not fit, or what the listener refused by itself. Null for a
 * bug.
 */
export function refusalOf(error: unknown): DomainError | null {
  if (error instanceof DomainError) return error
  const { validation } = error as {
    validation?: readonly { instancePath?: string; message?: string }[]
  }
  if (!validation) {
    const fault = requestFault(error)
    return fault && refusalOfFault(fault)
  }
  const [issue] = validation
  const where = issue?.instancePath?.replace(/^\//, '').replaceAll('/', '.') || 'the body'
  const message = `${where}: ${issue?.message ?? 'not as documented'}`
  return new DomainError('request.malformed', message.endsWith('.') ? message : `${message}.`, {
    issues: validation.map(({ instancePath, message }) => ({ path: instancePath, message })),
  })
}

const send = (reply: FastifyReply, { status, headers, body }: ProblemAnswer): FastifyReply =>
  reply.status(status).headers(headers).serializer(String).send(body)
