/**
 * The MQTT listener: sessions of MQTT 3.1, 3.1.1 and 5 over TCP and TLS, no broker behind them. Each session is
 * handed to a gate, which lets it in with a visitor of its own or refuses it. Knows bytes and limits; knows
 * nothing of updates.
 */
import { createServer, type Server, type Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { shownCertificates } from './client-certificate.ts'
import { Connection } from './mqtt-connection.ts'
import { type KeptLimits, KeptSessions } from './mqtt-kept-sessions.ts'
import type { MqttGate, MqttLimits, MqttLog } from './mqtt-visitor.ts'
import { type TlsSource, tlsOrPlain } from './tls-or-plain.ts'

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

export interface MqttOptions {
  /** Asked one after the other, until one says whose the client is. */
  readonly gates: readonly MqttGate[]
  readonly log: MqttLog
  readonly newClientId: () => string
  /** Without, all is plain. */
  readonly tls?: TlsSource
  readonly limits?: Partial<MqttLimits & KeptLimits>
}

export interface MqttListener {
  /**
   * May be called once for each address; resolves when it listens. The first byte tells who wants TLS; where that is all
   * there is, others are turned away.
   */
  listen(address: { host: string; port: number; isTlsOnly?: boolean }): Promise<{ port: number }>
  readonly connectionCount: number
  /** Sessions of clients that are away. */
  readonly keptCount: number
  /** Ends every session, and resolves when all are gone. */
  close(): Promise<void>
}

export function mqttListener({ gates, log, newClientId, tls, limits }: MqttOptions): MqttListener {
  const servers: Server[] = []
  const connections = new Set<Connection>()
  const allLimits = { ...DEFAULT_LIMITS, ...limits }
  const sessions = new KeptSessions(allLimits)
  const looks = setInterval(() => {
    const nowMs = performance.now()
    for (const connection of connections) connection.look(nowMs)
    sessions.look(nowMs)
  }, LOOK_EVERY_MS).unref()

  const take = (socket: Socket) => {
    socket.setNoDelay(true)
    const [der] = shownCertificates(socket)
    const isTrusted = socket instanceof TLSSocket && socket.authorized
    connections.add(
      new Connection({
        socket,
        gates,
        sessions,
        limits: allLimits,
        log,
        newClientId,
        certificate: der ? { der, isTrusted } : null,
        onGone: (connection) => connections.delete(connection),
      }),
    )
  }
  const { connectSeconds } = allLimits
  const inlet = tlsOrPlain({
    tls,
    muteSeconds: connectSeconds,
    handshakeSeconds: connectSeconds,
    log,
    take,
  })

  return {
    listen: ({ host, port, isTlsOnly = false }) =>
      new Promise((resolve, reject) => {
        if (isTlsOnly && !tls) throw new Error('There is no TLS to be spoken.')
        const made = createServer((socket) => inlet.accept(socket, isTlsOnly))
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
      inlet.close()
      const patience = setTimeout(() => {
        for (const connection of connections) connection.destroy()
      }, 1000)
      await Promise.all(closed)
      clearTimeout(patience)
    },
  }
}
