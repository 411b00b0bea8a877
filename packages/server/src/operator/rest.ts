/** Hangs every row of the table of routes on its use case. */
import cookie from '@fastify/cookie'
import swagger from '@fastify/swagger'
import scalar from '@scalar/fastify-api-reference'
import { API_PREFIX, ROUTES, type Route, type RouteName } from '@updraft/api/routes'
import { Problem } from '@updraft/api/shapes'
import { DomainError, type JsonObject } from '@updraft/core'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import {
  jsonSchemaTransform,
  jsonSchemaTransformObject,
  serializerCompiler,
  validatorCompiler,
} from 'fastify-type-provider-zod'
import { readJsonBodies, streamBodies } from '../transports/http.ts'
import { authorise, type Caller, checkCsrf, identify } from './auth.ts'
import type { Exchange, OperatorNeeds } from './call.ts'
import { handlers } from './handlers.ts'
import { completeDescription } from './openapi.ts'
import { answerError } from './problem.ts'
import { noteRefusal } from './refused.ts'
import { etagOf, revisionOf } from './revision.ts'
import { tellAbilities } from './tus.ts'

/** JSON bodies of operators; files have a door of their own. */
const MAX_BODY_BYTES = 4_194_304

/** The operators' REST API, its description at /api/openapi.json and a page to read it at /api/docs. */
export const rest =
  (needs: OperatorNeeds) =>
  async (app: FastifyInstance): Promise<void> => {
    app.setValidatorCompiler(validatorCompiler)
    app.setSerializerCompiler(serializerCompiler)
    app.setErrorHandler((error, request, reply) => answerError(error, request, reply))
    // As curl sends it without a thought: JSON under any type, or under none.
    readJsonBodies(app, {
      maxBytes: MAX_BODY_BYTES,
      malformed: (message) => new DomainError('request.malformed', message),
    })
    await app.register(cookie)
    await describe(app, needs.version)
    app.addHook('onSend', async (_request, reply) => {
      reply.header('cache-control', reply.getHeader('cache-control') ?? 'no-store')
    })

    const byName = handlers(needs)
    for (const name of Object.keys(ROUTES) as RouteName[]) {
      const handler = byName[name] as (call: Exchange<RouteName>) => Promise<unknown>
      const takesBytes = (ROUTES[name] as Route).body === 'bytes'
      await app.register(async (scope) => {
        if (takesBytes) streamBodies(scope)
        hang(scope, name, handler, needs)
      })
    }

    let description: object | undefined
    app.get(`${API_PREFIX}/openapi.json`, { schema: { hide: true } }, async () => {
      description ??= completeDescription(app.swagger())
      return description
    })
    // Asked by clients of tus before they know anything, and without a token.
    for (const path of [ROUTES.beginUpload.path, ROUTES.showUpload.path]) {
      app.options(`${API_PREFIX}${path}`, { schema: { hide: true } }, (_request, reply) => {
        tellAbilities(reply)
        return reply.status(204).send()
      })
    }
    app.all(`${API_PREFIX}/*`, { schema: { hide: true } }, (request) => {
      throw new DomainError(
        'route.unknown',
        `There is nothing at ${request.method} ${request.url}.`,
      )
    })
  }

function hang(
  app: FastifyInstance,
  name: RouteName,
  handler: (call: Exchange<RouteName>) => Promise<unknown>,
  needs: OperatorNeeds,
): void {
  const route: Route = ROUTES[name]
  app.route({
    method: route.method,
    url: `${API_PREFIX}${route.path}`,
    bodyLimit: MAX_BODY_BYTES,
    schema: schemaOf(route),
    // Asked before the body is read: a stranger's upload is not taken in to be refused at its end.
    onRequest: async (request) => {
      if (route.permission === 'anyone') return
      const caller = await identify(needs.accounts, request)
      request.log = request.log.child({ operator: caller.actor.name })
      callers.set(request, caller)
      checkCsrf(caller, request)
      authorise(caller, route.permission)
    },
    errorHandler: async (error, request, reply) => {
      const caller = callers.get(request)
      if (caller) {
        const { id } = request.params as { id?: string }
        const { log, id: requestId } = request
        await noteRefusal(needs.audit, { name, caller, id, error, requestId, log })
      }
      return answerError(error, request, reply)
    },
    handler: async (request, reply) => {
      const { params, query, body } = request
      const input = { params, query, body } as unknown as Exchange<RouteName>['input']
      // Routes for anyone never look at their caller.
      const caller = callers.get(request) as Caller
      const work = () =>
        handler({
          input,
          caller,
          request,
          reply,
          get revision() {
            return revisionOf(request)
          },
          shows: (thing) => void reply.header('etag', etagOf(thing)),
        })
      // The same file uploaded twice is stored once anyway; a key could only tell that by reading it through.
      const isRepeatable = caller && route.method === 'POST' && route.body !== 'bytes'
      const answer = await (isRepeatable
        ? once(needs, route, caller, request, reply, work)
        : work())
      if (reply.sent || answer === reply) return reply
      const status = route.status ?? (route.response === 'nothing' ? 204 : 200)
      return reply.status(status).send(answer)
    },
  })
}

/** Who asks, from the moment they were let in until their request is answered. */
const callers = new WeakMap<FastifyRequest, Caller>()

function schemaOf(route: Route): Record<string, unknown> {
  const { body, response } = route
  const success = route.status ?? (response === 'nothing' ? 204 : 200)
  const responses: Record<number | string, unknown> = {}
  if (typeof response !== 'string') responses[success] = response
  return {
    summary: route.summary,
    tags: [route.tag],
    ...(route.params && { params: route.params }),
    ...(route.query && { querystring: route.query }),
    ...(body && body !== 'bytes' && { body }),
    ...(route.permission === 'anyone' ? { security: [] } : {}),
    response: { ...responses, default: Problem },
  }
}

/**
 * Gives a repeated request with the same Idempotency-Key the answer of the first. Answers with secrets are not
 * kept; a repetition of those is refused.
 */
async function once(
  { idempotentRequests, clock, fingerprint }: OperatorNeeds,
  route: Route,
  { actor }: Caller,
  request: FastifyRequest,
  reply: FastifyReply,
  work: () => Promise<unknown>,
): Promise<unknown> {
  const key = [request.headers['idempotency-key'] ?? []].flat()[0]
  if (!key) return work()
  if (key.length > 255)
    throw new DomainError('request.malformed', 'The Idempotency-Key is too long.')
  const asked = JSON.stringify(request.body)
  const sameness = fingerprint(`${actor.id} ${request.method} ${request.url}\n${asked}`)
  const { tenantId } = actor
  const begun = await idempotentRequests.begin(tenantId, key, sameness, clock.now())
  switch (begun.kind) {
    case 'other':
      throw new DomainError(
        'request.idempotency-reused',
        'This Idempotency-Key came with another request.',
      )
    case 'at-work':
      throw new DomainError(
        'request.idempotency-reused',
        'The first request with this key is still at work.',
        {
          retryAfterSeconds: 1,
        },
      )
    case 'answered':
      if (begun.answer.isSecret) {
        throw new DomainError(
          'request.idempotency-reused',
          'This was done; its answer held a secret that is shown only once.',
        )
      }
      reply.header('idempotency-replayed', 'true')
      return begun.answer.body
    case 'begun':
      break
  }
  const body = await work().catch(async (error) => {
    // Refused or failed: nothing was done, so the same key may be tried again.
    await idempotentRequests.forget(tenantId, key).catch(() => {})
    throw error
  })
  const answer = route.isSecret ? { isSecret: true } : ({ body } as JsonObject)
  await idempotentRequests.answer(tenantId, key, answer).catch((error) => {
    // It was done, and that is the answer; a repetition finds it at work for a while.
    request.log.warn({ err: error }, 'the answer to an Idempotency-Key could not be kept')
  })
  return body
}

async function describe(app: FastifyInstance, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Updraft',
        version,
        description:
          'What operators may ask. Lists answer `{"items":[…],"nextCursor":…}`; errors are problem documents.',
      },
      components: {
        securitySchemes: {
          token: { type: 'http', scheme: 'bearer', description: 'an API token' },
          session: { type: 'apiKey', in: 'cookie', name: 'updraft_session' },
        },
      },
      security: [{ token: [] }, { session: [] }],
    },
    transform: jsonSchemaTransform,
    transformObject: jsonSchemaTransformObject,
  })
  await app.register(scalar, {
    routePrefix: `${API_PREFIX}/docs`,
    configuration: {
      url: `${API_PREFIX}/openapi.json`,
      title: 'Updraft API',
      withDefaultFonts: false,
      // The page tells nobody else that it is read.
      telemetry: false,
    },
  })
}
