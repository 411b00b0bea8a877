/** An MQTT client for tests: packets in, packets out, on a bare socket, so that it can also do what no client should. */
import { connect, type Socket } from 'node:net'
import {
  generate,
  type IConnackPacket,
  type IConnectPacket,
  type Packet,
  parser,
} from 'mqtt-packet'

export type Version = 3 | 4 | 5

export interface Received {
  readonly topic: string
  readonly payload: Buffer
  readonly qos: number
}

export interface TestClient {
  readonly socket: Socket
  readonly version: Version
  /** Resolves with the reason of a DISCONNECT, or null when the connection just ended. */
  readonly closed: Promise<number | null>
  send(packet: Packet): void
  /** The next packet of that kind, of those not asked for yet. Rejects when the connection ends before. */
  next(cmd: Packet['cmd']): Promise<Packet>
  /** The next message, on that topic if one is given. */
  message(topic?: string): Promise<Received>
  /** With a quality of 1 resolves with the reason of the acknowledgement. */
  publish(topic: string, payload: string | Buffer, qos?: 0 | 1): Promise<number>
  /** Resolves with the granted codes. */
  subscribe(...filters: string[]): Promise<number[]>
  /** What came, kind by kind, in order. */
  readonly order: readonly Packet['cmd'][]
  /** All messages so far that nobody asked for. */
  unread(): readonly Received[]
  end(): void
}

export interface Options extends Partial<Omit<IConnectPacket, 'cmd'>> {
  readonly port: number
  readonly host?: string
  readonly version?: Version
  readonly socket?: Socket
  /** Whether messages of quality 1 are acknowledged; they are. */
  readonly acknowledges?: boolean
}

/** Resolves when the socket is closed, whatever for. */
export const gone = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    socket.on('error', () => {})
    socket.once('close', () => resolve())
  })

/** Connects the socket and sends the CONNECT; the answer is the first packet to ask for. */
export function mqttClient(options: Options): TestClient {
  const { port, host = '127.0.0.1', version = 4, acknowledges = true, ...words } = options
  const socket = options.socket ?? connect({ port, host })
  // Else an acknowledgement and what follows it wait for each other.
  socket.setNoDelay(true)
  const packets: Packet[] = []
  const order: Packet['cmd'][] = []
  const waits = new Set<() => void>()
  let lastId = 0
  let isClosed = false
  let reason: number | null = null
  const reader = parser({ protocolVersion: version } as object)
  const send = (packet: Packet) => void socket.write(generate(packet, { protocolVersion: version }))
  reader.on('packet', (packet) => {
    if (packet.cmd === 'disconnect') reason = packet.reasonCode ?? null
    if (packet.cmd === 'publish' && packet.qos === 1 && acknowledges) {
      send({ cmd: 'puback', messageId: packet.messageId, reasonCode: 0 })
    }
    order.push(packet.cmd)
    packets.push(packet)
    for (const wait of [...waits]) wait()
  })
  socket.on('data', (bytes: Buffer) => reader.parse(bytes))
  const closed = gone(socket).then(() => {
    isClosed = true
    for (const wait of [...waits]) wait()
    return reason
  })

  const take = <T>(pick: (packet: Packet) => T | undefined): Promise<T> =>
    new Promise((resolve, reject) => {
      const look = () => {
        for (const [index, packet] of packets.entries()) {
          const picked = pick(packet)
          if (picked === undefined) continue
          packets.splice(index, 1)
          waits.delete(look)
          resolve(picked)
          return
        }
        if (isClosed) {
          waits.delete(look)
          reject(new Error(`The connection ended (${reason}).`))
        }
      }
      waits.add(look)
      look()
    })
  const received = (packet: Packet): Received | undefined =>
    packet.cmd === 'publish'
      ? { topic: packet.topic, payload: packet.payload as Buffer, qos: packet.qos }
      : undefined
  const nextId = () => {
    lastId += 1
    return lastId
  }

  send({
    cmd: 'connect',
    protocolId: version === 3 ? 'MQIsdp' : 'MQTT',
    protocolVersion: version,
    clean: true,
    // Only the oldest version does not do without.
    clientId: version === 3 ? 'named' : '',
    keepalive: 0,
    ...words,
  } as IConnectPacket)

  return {
    socket,
    version,
    order,
    closed,
    send,
    next: (cmd) => take((packet) => (packet.cmd === cmd ? packet : undefined)),
    message: (topic) =>
      take((packet) => {
        const message = received(packet)
        return message && (topic === undefined || message.topic === topic) ? message : undefined
      }),
    publish: async (topic, payload, qos = 0) => {
      const messageId = qos > 0 ? nextId() : undefined
      send({ cmd: 'publish', topic, payload, qos, messageId, dup: false, retain: false })
      if (qos === 0) return 0
      return take((packet) =>
        packet.cmd === 'puback' && packet.messageId === messageId
          ? (packet.reasonCode ?? 0)
          : undefined,
      )
    },
    subscribe: async (...filters) => {
      const messageId = nextId()
      const subscriptions = filters.map((topic) => ({ topic, qos: 1 as const }))
      send({ cmd: 'subscribe', messageId, subscriptions })
      return take((packet) =>
        packet.cmd === 'suback' && packet.messageId === messageId
          ? (packet.granted as number[])
          : undefined,
      )
    },
    unread: () => packets.flatMap((packet) => received(packet) ?? []),
    end: () => socket.destroy(),
  }
}

export interface Welcomed extends TestClient {
  /** Its session was there before. */
  readonly isPresent: boolean
  /** What the server of version 5 said besides. */
  readonly offered: IConnackPacket['properties']
}

/** Connected and welcomed; rejects when it is refused. */
export async function welcomed(options: Options): Promise<Welcomed> {
  const client = mqttClient(options)
  const connack = await client.next('connack')
  const { reasonCode, returnCode, sessionPresent, properties } = connack as IConnackPacket
  const code = reasonCode ?? returnCode
  if (code !== 0) throw new Error(`Refused with ${code}.`)
  return { ...client, isPresent: sessionPresent, offered: properties }
}
