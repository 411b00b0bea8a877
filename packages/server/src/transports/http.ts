/**
 * The HTTP listener: limits, request ids, logging, and a scope for each dialect and for operators, each with
 * answers of its own for what goes wrong. Knows bytes and headers; knows nothing of updates.
 */
import type { IncomingMessage } from 'node:http'
import { TLSSocket } from 'node:tls'
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify'
import { type HttpServer, httpServer, LISTENING } from './http-server.ts'
import type { TlsSource } from './tls-or-plain.ts'
import type { Websockets } from './websocket.ts'

/** What stands in the URL besides path and query is never this long in earnest. */
const MAX_PARAMETER_LENGTH = 1024
const BODY_SECONDS = 120
/** Of a body that is taken in as it comes, the next bytes. */
const PIECE_SECONDS = 120
/** Levels at which every answered request is a line. */
const VERBOSE_LEVELS = new Set(['debug', 'trace'])

/** One audience of the listener. `register` hangs its routes on an instance of its own. */
export interface HttpScope {
  readonly name: string
  register(app: FastifyInstance): void | Promise<void>
  /** An address that cannot be decoded belongs to no route; answers true when the scope has answered it. */
  readonly unreadable?: Unreadable
}
export type Unreadable = (request: FastifyRequest, reply: FastifyReply) => boolean

export interface HttpOptions {
  readonly log: FastifyBaseLogger
  readonly scopes: readonly HttpScope[]
  /** How many proxies in front have their X-Forwarded-* believed. */
  readonly trustedProxies: number
  readonly newRequestId: () => string
  readonly onAnswered: (request: FastifyRequest, reply: FastifyReply) => void
  readonly websockets?: Websockets
  /** By which the same port takes TLS; without, all is plain. */
  readonly tls?: TlsSource
  /** What comes neither within TLS nor through a proxy that had it so is not answered. */
  readonly isTlsOnly?: boolean
}

export interface HttpListener {
  readonly app: FastifyInstance
  listen(address: { host: string; port: number }): Promise<{ port: number }>
  /** Takes no more requests, finishes those at hand, then resolves. */
  close(): Promise<void>
}

export async function httpListener({
  log,
  scopes,
  trustedProxies,
  newRequestId,
  onAnswered,
  websockets,
  tls,
  isTlsOnly = false,
}: HttpOptions): Promise<HttpListener> {
  let made: HttpServer | undefined
  /** To us, or to the proxy that is trusted. */
  const cameWithinTls = ({ socket, headers }: IncomingMessage): boolean => {
    const said = trustedProxies > 0 ? headers['x-forwarded-proto'] : undefined
    if (said === undefined) return socket instanceof TLSSocket
    return String(said).split(',').at(-1)?.trim() === 'https'
  }
  const app = Fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: newRequestId,
    // One proxy's word counts and no more: what stands before it in the header, a client may have written.
    trustProxy: (_address: string, hop: number) => hop < trustedProxies,
    serverFactory: (answer) => {
      made = httpServer(answer, {
        tls,
        log,
        // All others are requests like any: some clients ask for HTTP/2 along the way.
        shouldUpgradeCallback: (request) =>
          (!isTlsOnly || cameWithinTls(request)) && (websockets?.isWanted(request) ?? false),
      })
      return made.server
    },
    frameworkErrors: (error, request, reply) => {
      if (!scopes.some(({ unreadable }) => unreadable?.(request, reply))) reply.send(error as never)
    },
    routerOptions: { maxParamLength: MAX_PARAMETER_LENGTH },
    // Idle keep-alive connections must not hold up a stop.
    forceCloseConnections: 'idle',
  })
  websockets?.attach(app.server)
  if (isTlsOnly) refusePlain(app, cameWithinTls)
  app.addHook('onResponse', async (request, reply) => {
    onAnswered(request, reply)
    const isFault = reply.statusCode >= 500
    if (!isFault && !VERBOSE_LEVELS.has(request.log.level)) return
    const { method, url, id, ip } = request
    const details = {
      method,
      url: withoutToken(url),
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime),
      request: id,
      ip,
    }
    if (isFault) request.log.error(details, 'answered')
    else request.log.debug(details, 'answered')
  })
  for (const scope of scopes) {
    await app.register(async (instance) => {
      await scope.register(instance)
    })
  }
  return {
    app,
    listen: async ({ host, port }) => {
      await app.listen({ ...LISTENING, host, port })
      const address = app.server.address()
      const bound = typeof address === 'object' && address ? address.port : port
      await made?.listenToOthers({ host, port: bound })
      return { port: bound }
    },
    close: () => {
      websockets?.close()
      made?.end()
      return app.close()
    },
  }
}

/** People are sent to where they are answered; programs hear no, as they would show their secrets again. */
function refusePlain(
  app: FastifyInstance,
  cameWithinTls: (request: IncomingMessage) => boolean,
): void {
  app.addHook('onRequest', async (request, reply) => {
    if (cameWithinTls(request.raw)) return
    const isPage = request.method === 'GET' && /\btext\/html\b/.test(request.headers.accept ?? '')
    if (isPage) return reply.redirect(`https://${request.host}${request.url}`, 307)
    reply.header('connection', 'close')
    return reply.code(403).type('text/plain').send('This server is spoken to within TLS only.\n')
  })
}

/** Some dialects carry the device's secret in the path; logs must not. */
export const withoutToken = (url: string): string =>
  url
    .replace(/^(\/api\/v1\/)(?!provision(?:[/?]|$))[^/?]+/, '$1…')
    .replace(/^(\/device\/v1\/artifacts\/|\/ioto\/image\/)[^/?]+/, '$1…')

/** A fault of the request that was found before any route saw it, or null if the error is none. */
export function requestFault(error: unknown): { isTooLarge: boolean; message: string } | null {
  const { statusCode, code, message } = error as {
    statusCode?: number
    code?: string
    message?: string
  }
  if (statusCode === undefined || statusCode < 400 || statusCode >= 500) return null
  return {
    isTooLarge: statusCode === 413 || code === 'FST_ERR_CTP_BODY_TOO_LARGE',
    message: message ?? 'The request cannot be read.',
  }
}

/** When a body that is read whole is given up. */
const deadlines = new WeakMap<FastifyRequest, NodeJS.Timeout>()

/**
 * Has the scope leave bodies as they come, whatever type they claim, for handlers that take them in piece by piece.
 * They may take as long as they like, but not be silent for so long: the connection is given up then.
 */
export function streamBodies(app: FastifyInstance, silentSeconds = PIECE_SECONDS): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (request, payload, done) => {
    clearTimeout(deadlines.get(request))
    const { socket } = request.raw
    const giveUp = () => socket.destroy()
    socket.setTimeout(silentSeconds * 1000, giveUp)
    payload.once('end', () => socket.setTimeout(0, giveUp))
    done(null, payload)
  })
}

/** Has the scope give every body to its handlers as bytes; what type they claim to be is asked with `claimedType`. */
export const readByteBodies = (app: FastifyInstance, maxBytes: number): void =>
  readBodies(app, { maxBytes, withinSeconds: BODY_SECONDS, read: (body) => body })

/** What type a body that was read whole claims to be; undefined for none. */
export const claimedType = (request: FastifyRequest): string | undefined =>
  claimedTypes.get(request)
const claimedTypes = new WeakMap<FastifyRequest, string | undefined>()

/** Has the scope give every body to its handlers as text, whatever type it claims. */
export const readTextBodies = (app: FastifyInstance, maxBytes: number): void =>
  readBodies(app, { maxBytes, withinSeconds: BODY_SECONDS, read: (body) => body.toString('utf8') })

/**
 * Has the scope read every body as JSON whatever type it claims, as devices claim all sorts; an empty body is
 * undefined. What is no JSON is refused through `malformed`. A body that has not come to its end in time is given
 * up with its connection: the device has lost its power, or means ill.
 */
export function readJsonBodies(
  app: FastifyInstance,
  {
    maxBytes,
    malformed,
    withinSeconds = BODY_SECONDS,
  }: { maxBytes: number; malformed: (message: string) => Error; withinSeconds?: number },
): void {
  readBodies(app, {
    maxBytes,
    withinSeconds,
    read: (body) => {
      try {
        return JSON.parse(body.toString('utf8'))
      } catch (error) {
        throw malformed(`The body is not JSON: ${(error as Error).message}.`)
      }
    },
  })
}

function readBodies(
  app: FastifyInstance,
  {
    maxBytes,
    withinSeconds,
    read,
  }: { maxBytes: number; withinSeconds: number; read: (body: Buffer) => unknown },
): void {
  app.addHook('onRequest', (request, _reply, next) => {
    const { headers, raw } = request
    // Read is also what claims to be no type at all, which would be refused before any parser saw it.
    claimedTypes.set(request, headers['content-type'])
    headers['content-type'] = undefined
    if ((headers['content-length'] ?? '0') !== '0' || headers['transfer-encoding']) {
      const giveUp = () => {
        if (!raw.complete) raw.destroy()
      }
      deadlines.set(request, setTimeout(giveUp, withinSeconds * 1000).unref())
    }
    next()
  })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    '*',
    { parseAs: 'buffer', bodyLimit: maxBytes },
    (
      request: FastifyRequest,
      body: Buffer,
      done: (error: Error | null, body?: unknown) => void,
    ) => {
      clearTimeout(deadlines.get(request))
      if (body.length === 0) return done(null, undefined)
      try {
        done(null, read(body))
      } catch (error) {
        done(error as Error)
      }
    },
  )
}

/** Why a signal was aborted; made once, as an error with its stack is dear where thousands come and go. */
const GONE = new Error('The client has gone away.')

/** Aborted when the client goes away before its answer, at once if it has gone already. */
export function goneSignal(reply: FastifyReply): AbortSignal {
  if (reply.raw.destroyed) return AbortSignal.abort(GONE)
  const controller = new AbortController()
  reply.raw.once('close', () => controller.abort(GONE))
  return controller.signal
}
