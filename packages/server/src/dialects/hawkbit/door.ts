/**
 * How hawkBit's language is answered over HTTP: in what type, by what tag an answer is known, and what whoever asks for
 * something else hears, always in the shape of hawkBit's errors.
 */
import { DomainError, type ErrorCode } from '@updraft/core'
import { answerType, errorBody, LIMITS, spell } from '@updraft/wire/hawkbit'
import { refusalOfFault } from '@updraft/wire/problem'
import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify'
import { etagOfBody, isKnown } from '../../transports/etag.ts'
import { readByteBodies, requestFault, type Unreadable } from '../../transports/http.ts'
import { Refused, type Request } from './refused.ts'

export const BASE = '/:tenant/controller/v1/:controllerId'
const IS_HERE = /^\/[^/?]+\/controller\/v1(?:\/|$)/
const METHODS: readonly HTTPMethods[] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']
const RETRY_AFTER_SECONDS = 5

type Work = (request: Request, reply: FastifyReply) => Promise<object> | Promise<void>

export interface HawkbitDoor {
  /** What is done at an address below that of a device, by method; others are refused. */
  serve(path: string, methods: Partial<Record<'GET' | 'POST' | 'PUT', Work>>): void
  /** The same for an address that has routes of its own. */
  refuseOthers(path: string, allowed: readonly string[]): void
}

/** `enter` comes first, whatever is asked, so that a stranger learns nothing. */
export function hawkbitDoor(
  app: FastifyInstance,
  enter: (request: Request) => Promise<unknown>,
): HawkbitDoor {
  readByteBodies(app, LIMITS.bodyBytes)
  app.setErrorHandler((error, request, reply) => answerError(error, request, reply))

  const answering = (work: Work) => async (request: FastifyRequest, reply: FastifyReply) => {
    const type = answerType(request.headers.accept)
    if (type === null) {
      await enter(request as Request)
      throw new Refused(406, 'notAcceptable', 'Answers are JSON or CBOR.')
    }
    const answer = await work(request as Request, reply)
    if (!answer) return reply.header('content-length', '0').send()
    const { contentType, body } = spell(answer, type)
    if (request.method === 'GET') {
      const etag = etagOfBody(body)
      reply.header('etag', etag).header('vary', 'accept')
      if (isKnown(request.headers['if-none-match'], etag)) return reply.status(304).send()
    }
    return reply.type(contentType).send(Buffer.from(body))
  }

  const refuse = async (request: FastifyRequest, refusal: Refused): Promise<never> => {
    await enter(request as Request)
    throw refusal
  }

  const refuseOthers: HawkbitDoor['refuseOthers'] = (path, allowed) => {
    app.route({
      method: METHODS.filter((method) => !allowed.includes(method)),
      url: `${BASE}${path}`,
      exposeHeadRoute: false,
      handler: (request, reply) => {
        reply.header('allow', allowed.join(', '))
        const message = `${request.method} is not for this address.`
        return refuse(request, new Refused(405, 'method', message))
      },
    })
  }

  app.route({
    method: [...METHODS],
    url: `${BASE}/*`,
    handler: (request) => refuse(request, new Refused(404, 'notFound', 'There is nothing.')),
  })

  return {
    serve: (path, methods) => {
      for (const [method, work] of Object.entries(methods)) {
        app.route({ method, url: `${BASE}${path}`, handler: answering(work) })
      }
      refuseOthers(path, Object.keys(methods))
    },
    refuseOthers,
  }
}

/** An address of ours that cannot be decoded leads nowhere, whoever asks. */
export const unreadableHere: Unreadable = (request, reply) => {
  if (!IS_HERE.test(request.raw.url ?? '')) return false
  answerError(new Refused(400, 'invalid', 'The address cannot be read.'), request, reply)
  return true
}

const STRANGERS: readonly ErrorCode[] = ['device.unknown', 'provisioning.refused']

/** A stranger hears nothing but that it is one. */
function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (error instanceof DomainError && STRANGERS.includes(error.code)) {
    request.log.info({ code: error.code }, error.message)
    return reply.removeHeader('allow').status(401).header('content-length', '0').send()
  }
  const refused = error instanceof Refused ? error : refusedOf(error)
  if (!refused) {
    request.log.error({ err: error }, 'a bug')
    const body = errorBody('away', 'Internal error.')
    return reply.status(500).send(body)
  }
  const { status, says, message } = refused
  if (status === 503) {
    request.log.warn({ err: error }, message)
    reply.header('retry-after', String(RETRY_AFTER_SECONDS))
  } else {
    request.log.info({ status }, message)
  }
  const { contentType, body } = spell(
    errorBody(says, message),
    answerType(request.headers.accept) ?? 'application/json',
  )
  return reply.status(status).type(contentType).send(Buffer.from(body))
}

function refusedOf(error: unknown): Refused | null {
  const fault = requestFault(error)
  const refusal = error instanceof DomainError ? error : fault && refusalOfFault(fault)
  if (!refusal) return null
  const { code, message } = refusal
  if (code === 'store.away' || code === 'store.full') return new Refused(503, 'away', message)
  if (code === 'request.too-large') return new Refused(413, 'tooLarge', message)
  if (code.endsWith('.unknown')) return new Refused(404, 'notFound', message)
  return new Refused(400, 'invalid', message)
}
