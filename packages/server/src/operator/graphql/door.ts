/** The operators' second door: GraphQL at /api/graphql, with subscriptions as server-sent events. */
import cookie from '@fastify/cookie'
import { API_PREFIX } from '@updraft/api/routes'
import { DomainError } from '@updraft/core'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { goneSignal, streamBodies } from '../../transports/http.ts'
import { type Asking, asking } from '../asking.ts'
import { type Caller, checkCsrf, identify } from '../auth.ts'
import type { OperatorNeeds } from '../call.ts'
import { targetView } from '../campaign-views.ts'
import { handlers } from '../handlers.ts'
import { type IncomingFile, readMultipart } from '../multipart.ts'
import { answerError } from '../problem.ts'
import { readBytes } from '../request-bytes.ts'
import type { GraphqlContext } from './context.ts'
import { toldError } from './errors.ts'
import { carryOut } from './execution.ts'
import { MAX_BODY_BYTES } from './limits.ts'
import { loaders } from './loaders.ts'
import { paramsIn } from './multipart-params.ts'
import { type GraphqlParams, paramsOf, readJson } from './params.ts'
import { isStream, send, stream } from './reply.ts'
import { schemaText } from './schema.ts'
import { fileOf } from './upload.ts'

/** Nothing further is begun for an answer that takes longer; a subscription, or a file, may take as long as it likes. */
const ANSWER_WITHIN_MS = 30_000
/** Whose line it is is asked anew when it is told something, this often at most. */
const IDENTIFY_EVERY_MS = 30_000

export const graphql =
  (needs: OperatorNeeds) =>
  async (app: FastifyInstance): Promise<void> => {
    app.setErrorHandler((error, request, reply) => answerError(error, request, reply))
    await app.register(cookie)
    streamBodies(app)
    const byName = handlers(needs)
    const callers = new WeakMap<FastifyRequest, Caller>()

    app.get(`${API_PREFIX}/graphql/schema`, async (request, reply) => {
      await identify(needs.accounts, request)
      return reply.type('text/plain; charset=utf-8').send(schemaText())
    })

    app.route({
      method: ['GET', 'POST'],
      url: `${API_PREFIX}/graphql`,
      // Asked before the body is read: a stranger's file is not taken in to be refused at its end.
      onRequest: async (request) => {
        const caller = await identify(needs.accounts, request)
        checkCsrf(caller, request)
        request.log = request.log.child({ operator: caller.actor.name })
        callers.set(request, caller)
      },
      handler: async (request, reply) => {
        const caller = callers.get(request) as Caller
        const { params, file, discard } = await readRequest(request)
        const gone = goneSignal(reply)
        let deadlineMs = file ? Number.POSITIVE_INFINITY : performance.now() + ANSWER_WITHIN_MS
        const checkTime = () => {
          if (performance.now() < deadlineMs && !gone.aborted) return
          throw new DomainError('request.too-large', 'The answer takes too long; ask for less.')
        }
        const served = serve({ needs, byName, caller, request, gone, checkTime, file })
        const tell = (error: unknown) => toldError(error, tellBugOf(request))
        try {
          const answered = await carryOut(params, served, {
            mayChange: request.method === 'POST',
            tell,
          })
          if (!isStream(answered)) return send(reply, answered)
          deadlineMs = Number.POSITIVE_INFINITY
          return stream(reply, answered)
        } finally {
          discard()
        }
      },
    })
  }

const tellBugOf = (request: FastifyRequest) => (error: unknown) => {
  request.log.error({ err: error }, 'a bug')
  return `Look for request ${request.id} in the server's log.`
}

async function readRequest(request: FastifyRequest): Promise<{
  params: GraphqlParams
  file: IncomingFile | null
  discard: () => void
}> {
  const discard = () => {}
  if (request.method === 'GET') {
    return { params: paramsOf(request.query), file: null, discard }
  }
  if (/^multipart\/form-data/i.test(request.headers['content-type'] ?? '')) {
    const { fields, file, discard } = await readMultipart(request.raw, {
      maxFieldBytes: MAX_BODY_BYTES,
    })
    try {
      return { params: paramsIn(fields), file, discard }
    } catch (error) {
      discard()
      throw error
    }
  }
  const text = await readBytes(request, textOf)
  return { params: paramsOf(readJson(text, 'The body')), file: null, discard }
}

async function textOf(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Buffer[] = []
  let size = 0
  for await (const piece of bytes) {
    size += piece.byteLength
    if (size > MAX_BODY_BYTES) {
      const message = `A request without a file has at most ${MAX_BODY_BYTES} bytes.`
      throw new DomainError('request.too-large', message)
    }
    pieces.push(Buffer.from(piece))
  }
  return Buffer.concat(pieces).toString('utf8')
}

/** All that the resolvers of one request are given. */
function serve({
  needs,
  byName,
  caller,
  request,
  gone,
  checkTime,
  file,
}: {
  needs: OperatorNeeds
  byName: ReturnType<typeof handlers>
  caller: Caller
  request: FastifyRequest
  gone: AbortSignal
  checkTime: () => void
  file: IncomingFile | null
}): GraphqlContext {
  const { accounts, audit, campaigns, catalogue, clock, several, tenants, watches } = needs
  const { actor } = caller
  const { log, id: requestId } = request
  let identifiedMs = performance.now()
  const asks: Asking = asking({ audit, handlers: byName, caller, requestId, log, checkTime })
  return {
    asking: asks,
    clock,
    load: loaders({ asking: asks, clock, several }),
    tenant: () => tenants.own(actor),
    store: async (by, upload) => {
      const { bytes, fileName, contentType } = fileOf(upload, file)
      const { sha256 } = await catalogue.upload(by, bytes, {})
      return { sha256, fileName, contentType }
    },
    targetsOf: async (campaignId, deviceIds) => {
      const campaign = await campaigns.show(actor, campaignId)
      const query = { deviceIds, limit: deviceIds.length }
      const { items } = await campaigns.targets(actor, campaignId, query)
      return items.map((target) => targetView(target, campaign, clock.now()))
    },
    listen: (matches) => {
      const words = watches.open(actor, { matches, signal: gone })
      return (async function* () {
        for await (const batch of words) {
          if (performance.now() - identifiedMs > IDENTIFY_EVERY_MS) {
            await identify(accounts, request)
            identifiedMs = performance.now()
          }
          yield batch
        }
      })()
    },
  }
}
