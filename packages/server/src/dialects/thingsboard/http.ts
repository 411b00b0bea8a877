/** ThingsBoard's device API over HTTP [HTTP device API]; the token in the path is the only authentication. */
import {
  type ComponentType,
  DomainError,
  ERROR_KINDS,
  type ErrorCode,
  type ErrorKind,
  type JsonObject,
  NO_FACTS,
  type Snapshot,
} from '@updraft/core'
import { refusalOfFault } from '@updraft/wire/problem'
import {
  attributeKeys,
  DEFAULT_LONG_POLL_MS,
  HTTP_PATHS,
  MAX_LONG_POLL_MS,
} from '@updraft/wire/thingsboard'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { replyBytes, replyWithSource } from '../../transports/byte-reply.ts'
import { byteSource } from '../../transports/byte-source.ts'
import { goneSignal, readJsonBodies, requestFault } from '../../transports/http.ts'
import type { Dialect, DialectNeeds } from '../dialect.ts'
import {
  hearAttributes,
  hearClaim,
  hearTelemetry,
  lookAfter,
  NAME,
  nobody,
  wholeNumber,
} from './hear.ts'
import { provision } from './provisioning.ts'
import {
  attributeAnswer,
  attributeChange,
  bringsRelease,
  news,
  shared,
  tellsOfReleases,
  toBeToldAnew,
} from './translate.ts'

/** ThingsBoard takes 50 MiB here; a device's telemetry is far below this. */
const MAX_BODY_BYTES = 1_048_576
const RETRY_AFTER_SECONDS = 5

const STATUS_OF_KIND: Readonly<Record<ErrorKind, number>> = {
  unauthenticated: 401,
  denied: 403,
  unknown: 404,
  conflict: 400,
  malformed: 400,
  invalid: 400,
  outdated: 400,
  'too-large': 413,
  'too-many': 429,
  away: 503,
  full: 500,
}
const STATUS_OF_CODE: Partial<Record<ErrorCode, number>> = { 'device.unknown': 401 }

type WithToken = { Params: { token: string } }
type Values = string | string[] | undefined

export function thingsboard({ desk, liveSessions, pacer }: DialectNeeds): Dialect {
  const identify = async (request: FastifyRequest<WithToken>): Promise<Snapshot> => {
    const device = await desk.identify(request.params.token, NAME)
    request.log = request.log.child({ device: device.device.name })
    return device
  }

  /** What is new when it is the device's turn; null when it is so no more, or was not before the wait was over. */
  const tellInTurn = async (token: string, before: JsonObject, signal: AbortSignal) => {
    const { tenantId } = await desk.identify(token, NAME)
    const told: { change: JsonObject | null } = { change: null }
    await pacer.inTurn(tenantId, signal, async () => {
      const current = await desk.identify(token, NAME)
      const checkedIn = await desk.checkIn(current, NO_FACTS, { tells: true })
      told.change = attributeChange(before, shared(current, checkedIn))
      return told.change !== null
    })
    return told.change
  }

  const http = (app: FastifyInstance): void => {
    readJsonBodies(app, {
      maxBytes: MAX_BODY_BYTES,
      malformed: (message) => new DomainError('request.malformed', message),
    })
    app.setErrorHandler((error, request, reply) => answerError(error, request, reply))

    app.post<WithToken>(HTTP_PATHS.telemetry, async (request, reply) => {
      const device = await identify(request)
      const look = lookAfter(desk, request.params.token, device)
      await hearTelemetry(request.body, { desk, log: request.log, look })
      return reply.status(200).send()
    })

    app.post<WithToken>(HTTP_PATHS.attributes, async (request, reply) => {
      const device = await identify(request)
      const look = lookAfter(desk, request.params.token, device)
      await hearAttributes(request.body, { desk, log: request.log, look })
      return reply.status(200).send()
    })

    app.post<WithToken>(HTTP_PATHS.claim, async (request, reply) => {
      const device = await identify(request)
      await hearClaim(request.body, { desk, look: async () => device })
      return reply.status(200).send()
    })

    app.get<WithToken & { Querystring: { clientKeys?: Values; sharedKeys?: Values } }>(
      HTTP_PATHS.attributes,
      async (request) => {
        const device = await identify(request)
        const clientKeys = attributeKeys(request.query.clientKeys)
        const sharedKeys = attributeKeys(request.query.sharedKeys)
        const tells = tellsOfReleases(clientKeys, sharedKeys)
        const checkedIn = await desk.checkIn(device, NO_FACTS, { tells })
        return attributeAnswer({
          client: device.device.inventory,
          shared: shared(device, checkedIn),
          clientKeys,
          sharedKeys,
        })
      },
    )

    app.get<WithToken & { Querystring: { timeout?: Values } }>(
      HTTP_PATHS.attributeUpdates,
      async (request, reply) => {
        const signal = goneSignal(reply)
        const mark = liveSessions.mark()
        const device = await identify(request)
        const { id, profileId } = device.device
        const listening = liveSessions.listen({ id, profileId }, mark)
        try {
          const deadline = performance.now() + longPollMs(request.query.timeout)
          const first = await desk.checkIn(device, NO_FACTS, { tells: true })
          let before = shared(device, first)
          // A change between two polls is not lost, as it would be with ThingsBoard.
          let change = news(before, first)
          while (!change) {
            const timeoutMs = deadline - performance.now()
            if (timeoutMs <= 0 || !(await listening.next({ timeoutMs, signal }))) break
            const current = await desk.identify(request.params.token, NAME).catch(nobody)
            if (!current) return reply.status(403).type('text/plain').send('Device was deleted!')
            const seen = await desk.checkIn(current, NO_FACTS, { tells: false })
            before = toBeToldAnew(before, seen)
            change = attributeChange(before, shared(current, seen))
            // A release waits for its turn, as long as the device waits; the rest does not.
            if (change && bringsRelease(change)) {
              const patience = Math.max(0, Math.ceil(deadline - performance.now()))
              const waits = AbortSignal.any([signal, AbortSignal.timeout(patience)])
              change = await tellInTurn(request.params.token, before, waits)
            }
          }
          return change ?? reply.status(408).send()
        } finally {
          listening.end()
        }
      },
    )

    // Nothing is ever asked of a device this way; clients that poll for it take an error for the end of all polling.
    app.get<WithToken & { Querystring: { timeout?: string } }>(
      HTTP_PATHS.rpc,
      async (request, reply) => {
        const mark = liveSessions.mark()
        const { id, profileId } = (await identify(request)).device
        const listening = liveSessions.listen({ id, profileId }, mark)
        try {
          const signal = goneSignal(reply)
          const deadline = performance.now() + longPollMs(request.query.timeout)
          for (;;) {
            const timeoutMs = deadline - performance.now()
            if (timeoutMs <= 0 || !(await listening.next({ timeoutMs, signal }))) break
          }
          return reply.status(408).send()
        } finally {
          listening.end()
        }
      },
    )

    const download =
      (type: ComponentType) =>
      async (
        request: FastifyRequest<WithToken & { Querystring: Record<string, Values> }>,
        reply: FastifyReply,
      ) => {
        const { title, version, size, chunk } = request.query
        const device = await identify(request)
        if (!title || !version) {
          throw new DomainError('request.malformed', 'Title and version are required.')
        }
        if (Array.isArray(title) || Array.isArray(version)) {
          throw new DomainError('request.malformed', 'Title and version are given once.')
        }
        const chunkBytes = Math.max(0, wholeNumber('size', size))
        const index = wholeNumber('chunk', chunk)
        if (index < 0) throw new DomainError('request.malformed', 'Chunks are counted from 0.')
        const { release, handle } = await desk.openArtifact(device, { type, title, version })
        const fileName = release.artifact?.fileName ?? release.title
        reply.header('x-filename', headerText(fileName))
        const { contentType } = release.artifact ?? {}
        const source = byteSource(handle, { name: handle.sha256, contentType, fileName })
        // No size: the whole file, whatever the chunk. Past the end: an empty answer, by which clients know it.
        if (chunkBytes === 0) return replyWithSource(request, reply, source)
        const start = Math.min(index * chunkBytes, handle.sizeBytes)
        const end = Math.min(start + chunkBytes, handle.sizeBytes)
        return replyBytes(request, reply, source, { start, end })
      }
    app.get(HTTP_PATHS.firmware, download('firmware'))
    app.get(HTTP_PATHS.software, download('software'))

    // Answers 200 whatever the outcome: clients read the status from the body [Provisioning].
    app.post(HTTP_PATHS.provision, (request) => provision(desk, request.body))
  }

  return { name: NAME, http }
}

/** As it is where a header can hold it. */
const headerText = (text: string): string =>
  /^[\x20-\x7e]*$/.test(text) ? text : encodeURI(text.toWellFormed())

function longPollMs(timeout: Values): number {
  const asked = Number(timeout)
  return Number.isFinite(asked) && asked > 0
    ? Math.min(asked, MAX_LONG_POLL_MS)
    : DEFAULT_LONG_POLL_MS
}

/** Errors are a status; those that a person may read in a log say more in the body. */
function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const fault = requestFault(error)
  const refusal = error instanceof DomainError ? error : fault && refusalOfFault(fault)
  if (!refusal) {
    request.log.error({ err: error }, 'a bug')
    return reply.status(500).send()
  }
  const status = STATUS_OF_CODE[refusal.code] ?? STATUS_OF_KIND[ERROR_KINDS[refusal.code]]
  if (refusal.code === 'store.away') {
    request.log.warn({ err: refusal.cause ?? refusal }, refusal.message)
    reply.header('retry-after', String(RETRY_AFTER_SECONDS))
  } else {
    request.log.info({ code: refusal.code, status }, refusal.message)
  }
  const isEmpty = status === 401 || status === 404 || refusal.code === 'artifact.mismatch'
  return isEmpty
    ? reply.status(status).send()
    : reply.status(status).send({ status, message: refusal.message })
}
