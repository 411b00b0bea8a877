/**
 * The MQTT listener: sessions of MQTT 3.1, 3.1.1 and 5 over TCP and TLS, no broker behind them. Each session is
 * handed to a gate, which lets it in with a visitor of its own or refuses it. Knows bytes and limits; knows
 * nothing of updates.
 */
import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { Connection } from './mqtt-connection.ts'
import { type KeptLimits, KeptSessions } from './mqtt-kept-sessions.ts'
import type { MqttGate, MqttLimits, MqttLog } from './mqtt-visitor.ts'

export type {
  MqttGate,
  MqttHello,
  MqttKeeping,
  MqttLimits,
  MqttLog,
  MqttMessage,
  MqttQuality,
  MqttRefusal,
  MqttSent,
  MqttSession,
  MqttTaken,
  MqttVisitor,
  MqttWelcome,
} from './mqtt-visitor.ts'

const DEFAULT_LIMITS: MqttLimits & KeptLimits = {
  // 64 KiB, and the head of a message.
  maxPacketBytes: 66_048,
  connectSeconds: 10,
  idleSeconds: 600,
  maxKept: 50_000,
  maxKeptBytes: 67_108_864,
  maxKeptSeconds: 86_400,
}
const LOOK_EVERY_MS = 1000
const BACKLOG = 4096

/**
 * PEM texts. Clients are asked for a certificate, and heard without one or with one that nobody vouches for: whose it is
 * says the gate. A CA is named to them, and some show only what that has signed.
 */
export interface MqttTls {
  readonly certificate: string
  readonly key: string
  readonly clientCa: string | undefined
}

export interface MqttOptions {
  /** Asked one after the other, until one says whose the client is. */
  readonly gates: readonly MqttGate[]
  readonly log: MqttLog
  readonly newClientId: () => string
  readonly limits?: Partial<MqttLimits & KeptLimits>
}

export interface MqttListener {
  /** May be called once for each address; resolves when it listens. */
  listen(address: { host: string; port: number; tls?: MqttTls }): Promise<{ port: number }>
  readonly connectionCount: number
  /** Sessions of clients that are away. */
  readonly keptCount: number
  /** Ends every session, and resolves when all are gone. */
  close(): Promise<void>
}

export function mqttListener({ gates, log, newClientId, limits }: MqttOptions): MqttListener {
  const servers: Server[] = []
  const connections = new Set<Connection>()
  const allLimits = { ...DEFAULT_LIMITS, ...limits }
  const sessions = new KeptSessions(allLimits)
  const looks = setInterval(() => {
    const nowMs = performance.now()
    for (const connection of connections) connection.look(nowMs)
    sessions.look(nowMs)
  }, LOOK_EVERY_MS).unref()

  const take = (socket: Socket, certificate: { der: Buffer; isTrusted: boolean } | null) => {
    socket.setNoDelay(true)
    connections.add(
      new Connection({
        socket,
        gates,
        sessions,
        limits: allLimits,
        log,
        newClientId,
        certificate,
        onGone: (connection) => connections.delete(connection),
      }),
    )
  }

  const server = (tls: MqttTls | undefined): Server => {
    if (!tls) return createServer((socket) => take(socket, null))
    const secure = createTlsServer(
      {
        cert: tls.certificate,
        key: tls.key,
        ca: tls.clientCa,
        requestCert: true,
        rejectUnauthorized: false,
        handshakeTimeout: allLimits.connectSeconds * 1000,
      },
      (socket: TLSSocket) => {
        const shown = socket.getPeerCertificate()
        take(socket, shown?.raw ? { der: shown.raw, isTrusted: socket.authorized } : null)
      },
    )
    // A handshake that fails concerns nobody else.
    secure.on('tlsClientError', (error, socket) => {
      log.debug({ err: error, address: socket.remoteAddress }, 'a TLS handshake failed')
      socket.destroy()
    })
    return secure
  }

  return {
    listen: ({ host, port, tls }) =>
      new Promise((resolve, reject) => {
        const made = server(tls)
        made.once('error', reject)
        made.listen({ host, port, backlog: BACKLOG }, () => {
          made.off('error', reject)
          // Such as no more file descriptors: those that are connected stay so.
          made.on('error', (error) => log.error({ err: error }, 'a connection was not accepted'))
          servers.push(made)
          const address = made.address()
          resolve({ port: typeof address === 'object' && address ? address.port : port })
        })
      }),
    get connectionCount() {
      return connections.size
    },
    get keptCount() {
      return sessions.keptCount
    },
    close: async () => {
      clearInterval(looks)
      const closed = servers.map((each) => new Promise((resolve) => each.close(resolve)))
      for (const connection of connections) connection.close('server-shutting-down')
      const patience = setTimeout(() => {
        for (const connection of connections) connection.destroy()
      }, 1000)
      await Promise.all(closed)
      clearTimeout(patience)
    },
  }
}
