/**
 * MQTT 3.1.1 as a small device speaks it: one buffer for a packet, and a packet that does not fit is passed over
 * as if it had never come.
 */
import { once } from 'node:events'
import { connect } from 'node:net'

export interface SmallMessage {
  readonly topic: string
  readonly payload: Buffer
  /** Of the whole packet, header and topic included. */
  readonly packetBytes: number
}

export interface SmallMqtt {
  /** What fits from now on. */
  buffer(sizeBytes: number): void
  publish(topic: string, payload: string): void
  subscribe(filter: string): void
  /** The next message; undefined when none has come within that time, if one is given. */
  message(timeoutMs?: number): Promise<SmallMessage | undefined>
  /** Goes without a word, as when the power is cut. */
  end(): void
}

const CONNACK = 2
const PUBLISH = 3

/** Connects with the token as user name; rejects when it is refused. */
export async function smallMqtt({
  host,
  port,
  token,
}: {
  host: string
  port: number
  token: string
}): Promise<SmallMqtt> {
  const socket = connect({ host, port, noDelay: true })
  await once(socket, 'connect')
  const messages: SmallMessage[] = []
  let bufferBytes = 1024
  let lastId = 0
  let received = Buffer.alloc(0)
  let arrived = () => {}
  let welcome: (code: number) => void = () => {}
  const welcomed = new Promise<number>((resolve) => {
    welcome = resolve
  })
  socket.on('error', () => {})
  socket.on('data', (piece: Buffer) => {
    received = Buffer.concat([received, piece])
    for (let packet = firstOf(received); packet; packet = firstOf(received)) {
      received = received.subarray(packet.bytes.length)
      if (packet.kind === CONNACK) welcome(packet.body[1] ?? -1)
      if (packet.kind !== PUBLISH || packet.bytes.length > bufferBytes) continue
      const topicBytes = packet.body.readUInt16BE()
      const isAcknowledged = ((packet.bytes[0] ?? 0) & 0b110) !== 0
      const idAt = 2 + topicBytes
      if (isAcknowledged) {
        socket.write(Buffer.concat([Buffer.of(0x40, 2), packet.body.subarray(idAt, idAt + 2)]))
      }
      messages.push({
        topic: packet.body.toString('utf8', 2, idAt),
        payload: Buffer.from(packet.body.subarray(isAcknowledged ? idAt + 2 : idAt)),
        packetBytes: packet.bytes.length,
      })
      arrived()
    }
  })
  const send = (first: number, ...parts: Buffer[]) => {
    const body = Buffer.concat(parts)
    socket.write(Buffer.concat([Buffer.of(first), lengthOf(body.length), body]))
  }
  const cleanWithName = 0b1000_0010
  send(0x10, text('MQTT'), Buffer.of(4, cleanWithName, 0, 0), text('esp'), text(token))
  const code = await welcomed
  if (code !== 0) throw new Error(`Refused with ${code}.`)
  return {
    buffer: (sizeBytes) => {
      bufferBytes = sizeBytes
    },
    publish: (topic, payload) => send(0x30, text(topic), Buffer.from(payload)),
    subscribe: (filter) => {
      lastId += 1
      send(0x82, Buffer.of(0, lastId), text(filter), Buffer.of(0))
    },
    message: async (timeoutMs) => {
      if (messages.length === 0) {
        await new Promise<void>((resolve) => {
          const timer = timeoutMs === undefined ? undefined : setTimeout(resolve, timeoutMs)
          arrived = () => {
            clearTimeout(timer)
            resolve()
          }
        })
        arrived = () => {}
      }
      return messages.shift()
    },
    end: () => void socket.destroy(),
  }
}

function text(words: string): Buffer {
  const bytes = Buffer.from(words)
  return Buffer.concat([Buffer.of(bytes.length >> 8, bytes.length & 0xff), bytes])
}

function lengthOf(size: number): Buffer {
  const bytes: number[] = []
  for (let rest = size; bytes.length === 0 || rest > 0; rest >>>= 7) {
    bytes.push(rest > 0x7f ? (rest & 0x7f) | 0x80 : rest)
  }
  return Buffer.from(bytes)
}

/** The first packet, once all of it is there. */
function firstOf(received: Buffer): { kind: number; bytes: Buffer; body: Buffer } | undefined {
  let size = 0
  for (let index = 1; index < received.length; index++) {
    const byte = received[index] ?? 0
    size += (byte & 0x7f) << (7 * (index - 1))
    if (byte > 0x7f) continue
    const end = index + 1 + size
    if (received.length < end) return undefined
    const bytes = received.subarray(0, end)
    return { kind: (bytes[0] ?? 0) >> 4, bytes, body: bytes.subarray(index + 1) }
  }
  return undefined
}
