/**
 * One port for plain connections and for TLS: the first byte tells which it is. The certificate may be another one the
 * next time.
 */
import type { Socket } from 'node:net'
import { createServer, type TLSSocket } from 'node:tls'

/** The type of a TLS record with which a handshake begins: no letter, and nothing that MQTT begins with. */
const HANDSHAKE = 0x16

/**
 * Handshakes that are begun in one round of the event loop. They are dear, and when all devices come at once nothing else
 * would be heard until all of them were done.
 */
const BEGUN_AT_ONCE = 16
const LOOK_EVERY_MS = 1000

/**
 * PEM texts. Clients are asked for a certificate, and heard without one or with one that nobody vouches for: whose it is
 * says who listens. A CA is named to them, and some show only what that has signed.
 */
export interface Tls {
  readonly certificate: string
  readonly key: string
  readonly clientCa: string | undefined
}

/** Asked for every handshake: the same object as before until there is another certificate. */
export type TlsSource = () => Promise<Tls>

export interface TlsLog {
  debug(details: object, message: string): void
  error(details: object, message: string): void
}

export interface TlsOrPlainOptions {
  /** Without, all is plain. */
  readonly tls: TlsSource | undefined
  /** Who says nothing for so long is let go. */
  readonly muteSeconds: number
  readonly handshakeSeconds: number
  /** What is spoken within TLS, as ALPN has it; undefined where that is no question. */
  readonly protocols?: readonly string[]
  readonly log: TlsLog
  /** Is handed each connection that has something to say; it is a TLSSocket when that is within TLS. */
  readonly take: (socket: Socket | TLSSocket) => void
}

export interface TlsOrPlain {
  readonly accept: (socket: Socket, isTlsOnly?: boolean) => void
  /** Ends those that were not handed on yet. */
  close(): void
}

export function tlsOrPlain({
  tls,
  muteSeconds,
  handshakeSeconds,
  protocols,
  log,
  take,
}: TlsOrPlainOptions): TlsOrPlain {
  /** Those that have said nothing yet, since when. */
  const mute = new Map<Socket, number>()
  const handshaking = new Map<string, Socket>()
  const looks = setInterval(() => {
    const nowMs = performance.now()
    for (const [socket, sinceMs] of mute) {
      if (nowMs - sinceMs > muteSeconds * 1000) socket.destroy()
    }
  }, LOOK_EVERY_MS).unref()

  const secure =
    tls &&
    secured({
      source: tls,
      timeoutMs: handshakeSeconds * 1000,
      protocols,
      log,
      onSecure: (within) => {
        handshaking.delete(peerOf(within))
        take(within)
      },
    })

  return {
    accept: (socket, isTlsOnly = false) => {
      mute.set(socket, performance.now())
      const leave = () => socket.destroy()
      socket.on('error', nobodyToTell)
      socket.once('end', leave)
      socket.once('close', () => mute.delete(socket))
      socket.once('data', (first: Buffer) => {
        mute.delete(socket)
        socket.off('end', leave)
        if (secure && (isTlsOnly || first[0] === HANDSHAKE)) {
          const peer = peerOf(socket)
          handshaking.set(peer, socket)
          socket.once('close', () => {
            if (handshaking.get(peer) === socket) handshaking.delete(peer)
          })
          socket.pause()
          socket.unshift(first)
          void secure(socket)
          return
        }
        take(socket)
        socket.unshift(first)
      })
    },
    close: () => {
      clearInterval(looks)
      for (const socket of [...mute.keys(), ...handshaking.values()]) socket.destroy()
    },
  }
}

/** Networks fail, and that is no news. */
const nobodyToTell = () => {}

/** By what a connection is known again within TLS. */
const peerOf = ({ remoteAddress, remotePort, localPort }: Socket): string =>
  `${remoteAddress} ${remotePort} ${localPort}`

/** Answers what secures a connection; those whose handshake fails or takes too long are not heard of again. */
function secured({
  source,
  timeoutMs,
  protocols,
  log,
  onSecure,
}: {
  source: TlsSource
  timeoutMs: number
  protocols: readonly string[] | undefined
  log: TlsLog
  onSecure: (socket: TLSSocket) => void
}): (socket: Socket) => Promise<void> {
  let current: Tls | undefined
  // It listens nowhere itself.
  const server = createServer(
    {
      requestCert: true,
      rejectUnauthorized: false,
      handshakeTimeout: timeoutMs,
      ...(protocols && { ALPNProtocols: [...protocols] }),
    },
    onSecure,
  )
  // A handshake that fails concerns nobody else.
  server.on('tlsClientError', (error, socket) => {
    log.debug({ err: error, address: socket.remoteAddress }, 'a TLS handshake failed')
    socket.destroy()
  })

  const waiting: Socket[] = []
  const begin = () => {
    for (const socket of waiting.splice(0, BEGUN_AT_ONCE)) {
      if (!socket.destroyed) server.emit('connection', socket)
    }
    if (waiting.length > 0) setImmediate(begin)
  }

  return async (socket) => {
    try {
      const tls = await source()
      if (tls !== current) {
        const { certificate: cert, key, clientCa: ca } = tls
        server.setSecureContext({ cert, key, ca, minVersion: 'TLSv1.2' })
        current = tls
      }
    } catch (error) {
      log.error({ err: error }, 'there is no certificate for TLS')
      socket.destroy()
      return
    }
    waiting.push(socket)
    if (waiting.length === 1) setImmediate(begin)
  }
}
