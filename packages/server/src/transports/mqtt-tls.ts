/** TLS on connections that were accepted elsewhere, with a certificate that may be another one the next time. */
import type { Socket } from 'node:net'
import { createServer, type TLSSocket } from 'node:tls'
import type { MqttHello, MqttLog } from './mqtt-visitor.ts'

/** The type of a TLS record with which a handshake begins; MQTT begins with the one of a CONNECT. */
const HANDSHAKE = 0x16

/**
 * Handshakes that are begun in one round of the event loop. They are dear, and when all devices come at once nothing else
 * would be heard until all of them were done.
 */
const BEGUN_AT_ONCE = 16

/**
 * PEM texts. Clients are asked for a certificate, and heard without one or with one that nobody vouches for: whose it is
 * says the gate. A CA is named to them, and some show only what that has signed.
 */
export interface MqttTls {
  readonly certificate: string
  readonly key: string
  readonly clientCa: string | undefined
}

/** Asked for every handshake: the same object as before until there is another certificate. */
export type MqttTlsSource = () => Promise<MqttTls>

export const beginsHandshake = (bytes: Buffer): boolean => bytes[0] === HANDSHAKE

/** Answers what secures a connection; those whose handshake fails or takes too long are not heard of again. */
export function secured({
  source,
  timeoutMs,
  log,
  onSecure,
}: {
  source: MqttTlsSource
  timeoutMs: number
  log: MqttLog
  onSecure: (socket: TLSSocket, certificate: MqttHello['certificate']) => void
}): (socket: Socket) => Promise<void> {
  let current: MqttTls | undefined
  // It listens nowhere itself.
  const server = createServer(
    { requestCert: true, rejectUnauthorized: false, handshakeTimeout: timeoutMs },
    (socket: TLSSocket) => {
      const shown = socket.getPeerCertificate()
      onSecure(socket, shown?.raw ? { der: shown.raw, isTrusted: socket.authorized } : null)
    },
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
