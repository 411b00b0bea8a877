/** Lines over WebSocket: bytes, limits, and whether somebody is still there. Other paths are answered as ever. */
import type { IncomingMessage, Server } from 'node:http'
import { type WebSocket, WebSocketServer } from 'ws'

const MAX_MESSAGE_BYTES = 262_144
/** Who has not answered the one before when the next one is due is gone. */
const PING_MS = 30_000
const GOING_AWAY = 1001

export interface WebsocketLine {
  send(text: string): void
  close(): void
  onText(hear: (text: string) => void): void
  onClose(hear: () => void): void
}

/** Who takes the lines that are opened at a path. */
export interface WebsocketScope {
  readonly path: string
  open(line: WebsocketLine): void
}

export interface Websockets {
  /** Whether the request asks for a line that somebody takes. */
  readonly isWanted: (request: IncomingMessage) => boolean
  attach(server: Server): void
  /** Closes all lines; for a stopping server. */
  close(): void
}

export function websockets(scopes: readonly WebsocketScope[]): Websockets {
  const listener = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
  })
  const scopeOf = ({ url = '' }: IncomingMessage) =>
    scopes.find(({ path }) => path === url.split('?')[0])
  const awaited = new WeakSet<WebSocket>()

  const pinging = setInterval(() => {
    for (const socket of listener.clients) {
      if (awaited.has(socket)) socket.terminate()
      else {
        awaited.add(socket)
        socket.ping()
      }
    }
  }, PING_MS).unref()

  const lineOf = (socket: WebSocket): WebsocketLine => ({
    send: (text) => socket.send(text),
    close: () => socket.close(),
    onText: (hear) => {
      socket.on('message', (data, isBinary) => {
        if (!isBinary) hear(data.toString())
      })
    },
    onClose: (hear) => {
      socket.on('close', hear)
    },
  })

  return {
    isWanted: (request) =>
      request.headers.upgrade?.toLowerCase() === 'websocket' && scopeOf(request) !== undefined,
    attach: (server) => {
      server.on('upgrade', (request, stream, head) => {
        listener.handleUpgrade(request, stream, head, (socket) => {
          // What it does wrong ends the line; there is nobody to tell.
          socket.on('error', () => {})
          socket.on('pong', () => awaited.delete(socket))
          scopeOf(request)?.open(lineOf(socket))
        })
      })
    },
    close: () => {
      clearInterval(pinging)
      for (const socket of listener.clients) socket.close(GOING_AWAY)
      listener.close()
    },
  }
}
