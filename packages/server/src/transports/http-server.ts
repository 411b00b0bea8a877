/** Node's HTTP server at a port that takes connections within TLS as well as plain ones. */
import { lookup } from 'node:dns/promises'
import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http'
import { type Server as BareServer, createServer as createBareServer, type Socket } from 'node:net'
import { type TlsLog, type TlsSource, tlsOrPlain } from './tls-or-plain.ts'

const KEEP_ALIVE_MS = 72_000
/** Headers must have come by then; bodies may take as long as they keep coming. */
const HEADERS_TIMEOUT_MS = 60_000
const HANDSHAKE_SECONDS = 30
/** Connections that came while we were busy; what is beyond is reset. Fleets come at midnight, all at once. */
const BACKLOG = 4096
/** As ALPN has them, by which clients choose that speak HTTP/2 as well. */
const PROTOCOLS = ['http/1.1', 'http/1.0']

export interface HttpServer {
  readonly server: Server
  /** Beside the server itself, where the name stands for several addresses. */
  listenToOthers(address: { host: string; port: number }): Promise<void>
  /** Takes no more connections beside, and ends those over which nothing was asked yet. */
  end(): void
}

export const LISTENING = { backlog: BACKLOG } as const

export function httpServer(
  answer: RequestListener,
  {
    tls,
    log,
    muteSeconds = HEADERS_TIMEOUT_MS / 1000,
    handshakeSeconds = HANDSHAKE_SECONDS,
    ...options
  }: {
    /** Without, all is plain. */
    readonly tls: TlsSource | undefined
    readonly log: TlsLog
    readonly muteSeconds?: number
    readonly handshakeSeconds?: number
  } & Pick<ServerOptions, 'shouldUpgradeCallback'>,
): HttpServer {
  const timeouts = {
    keepAliveTimeout: KEEP_ALIVE_MS,
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: 0,
  }
  const server = createServer({ ...options, ...timeouts }, answer)
  const others: BareServer[] = []
  /**
   * Over which nothing was asked yet: browsers open some in reserve, and a stop would wait for their headers until those
   * are late.
   */
  const silent = new Set<Socket>()
  server.on('request', ({ socket }) => silent.delete(socket))

  // What Node does with a new connection is done once its first byte is known.
  const begin = server.listeners('connection') as ((socket: Socket) => void)[]
  server.removeAllListeners('connection')
  const { accept, close } = tlsOrPlain({
    tls,
    muteSeconds,
    handshakeSeconds,
    protocols: PROTOCOLS,
    log,
    take: (socket) => {
      silent.add(socket)
      socket.once('close', () => silent.delete(socket))
      // Whom Node tells what goes wrong with it; within TLS that is another one until now.
      Object.assign(socket, { server })
      for (const each of begin) each.call(server, socket)
    },
  })
  server.on('connection', (socket: Socket) => accept(socket))

  return {
    server,
    listenToOthers: async ({ host, port }) => {
      if (host !== 'localhost') return
      const { address: first } = server.address() as { address: string }
      const all = await lookup(host, { all: true }).catch(() => [])
      for (const { address } of all.filter((each) => each.address !== first)) {
        const other = createBareServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
          accept(socket),
        )
        // That there is no such address on this machine is nothing that anybody would miss.
        const isListening = await new Promise<boolean>((resolve) => {
          other.once('error', () => resolve(false))
          other.listen({ host: address, port, backlog: BACKLOG }, () => resolve(true))
        })
        if (isListening) others.push(other)
      }
    },
    end: () => {
      for (const other of others) other.close()
      close()
      for (const socket of silent) socket.destroy()
    },
  }
}
