/**
 * The MQTT listener: sessions of MQTT 3.1, 3.1.1 and 5 over TCP and TLS, no broker behind them. Each session is
 * handed to a gate, which lets it in with a visitor of its own or refuses it. Knows bytes and limits; knows
 * nothing of updates.
 */
import { createServer, type Server, type Socket } from 'node:net'
import { Connection } from './mqtt-connection.ts'
import { type KeptLimits, KeptSessions } from './mqtt-kept-sessions.ts'
import { beginsHandshake, type MqttTlsSource, secured } from './mqtt-tls.ts'
import type { MqttGate, MqttHello, MqttLimits, MqttLog } from './mqtt-visitor.ts'

export type { MqttTls, MqttTlsSource } from './mqtt-tls.ts'
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
  readonly tls?: MqttTlsSource
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
  /** All there are. */
  const sockets = new Set<Socket>()
  /** Those that have said nothing yet, since when. */
  const mute = new Map<Socket, number>()
  const connections = new Set<Connection>()
  const allLimits = { ...DEFAULT_LIMITS, ...limits }
  const sessions = new KeptSessions(allLimits)
  const looks = setInterval(() => {
    const nowMs = performance.now()
    for (const connection of connections) connection.look(nowMs)
    for (const [socket, sinceMs] of mute) {
      if (nowMs - sinceMs > allLimits.connectSeconds * 1000) socket.destroy()
    }
    sessions.look(nowMs)
  }, LOOK_EVERY_MS).unref()

  const take = (socket: Socket, certificate: MqttHello['certificate']) => {
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

  const secure =
    tls && secured({ source: tls, timeoutMs: allLimits.connectSeconds * 1000, log, onSecure: take })

  const accept = (socket: Socket, isTlsOnly: boolean) => {
    sockets.add(socket)
    mute.set(socket, performance.now())
    // Networks fail, and that is no news.
    socket.on('error', () => {})
    socket.once('close', () => {
      sockets.delete(socket)
      mute.delete(socket)
    })
    socket.once('data', (first: Buffer) => {
      mute.delete(socket)
      if (secure && (isTlsOnly || beginsHandshake(first))) {
        socket.pause()
        socket.unshift(first)
        void secure(socket)
        return
      }
      take(socket, null)
      socket.unshift(first)
    })
  }

  return {
    listen: ({ host, port, isTlsOnly = false }) =>
      new Promise((resolve, reject) => {
        if (isTlsOnly && !secure) throw new Error('There is no TLS to be spoken.')
        const made = createServer((socket) => accept(socket, isTlsOnly))
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
      for (const socket of mute.keys()) socket.destroy()
      const patience = setTimeout(() => {
        for (const connection of connections) connection.destroy()
        // In a handshake.
        for (const socket of sockets) socket.destroy()
      }, 1000)
      await Promise.all(closed)
      clearTimeout(patience)
    },
  }
}
