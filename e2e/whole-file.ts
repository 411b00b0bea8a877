/** A device that asks over MQTT for a whole file in one message, and reads it bit by bit or not at all. */
import { createHash } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { generate } from 'mqtt-packet'

const CONNACK_BYTES = 4
/** More than the head of a message to such a topic has. */
const HEAD_BYTES = 64

export interface WholeFile {
  /** Of what has come. */
  readonly receivedBytes: number
  /** From here on it reads. */
  read(): void
  /** Resolves with the SHA-256 of so many bytes, when they have come; rejects when the connection ends before. */
  readonly sha256: Promise<string>
}

/** Asks at once; reads nothing until it is told to. */
export function wholeFile(
  at: { readonly host: string; readonly port: number },
  token: string,
  sizeBytes: number,
): WholeFile {
  const socket: Socket = connect(at)
  const hash = createHash('sha256')
  let receivedBytes = 0
  let head = Buffer.alloc(0)
  socket.pause()
  socket.write(
    generate({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 4,
      clean: true,
      clientId: '',
      keepalive: 0,
      username: token,
    }),
  )
  const topic = 'v2/fw/request/1/chunk/0'
  socket.write(generate({ cmd: 'publish', topic, payload: '', qos: 0, dup: false, retain: false }))
  const sha256 = new Promise<string>((resolve, reject) => {
    const take = (bytes: Buffer) => {
      receivedBytes += bytes.length
      hash.update(bytes)
      if (receivedBytes < sizeBytes) return
      resolve(hash.digest('hex'))
      socket.destroy()
    }
    socket.on('data', (bytes: Buffer) => {
      if (receivedBytes > 0) return take(bytes)
      head = Buffer.concat([head, bytes])
      if (head.length < CONNACK_BYTES + HEAD_BYTES) return
      take(head.subarray(CONNACK_BYTES + headBytes(head.subarray(CONNACK_BYTES))))
    })
    socket.once('error', reject)
    socket.once('close', () => reject(new Error(`It ended after ${receivedBytes} bytes.`)))
  })
  sha256.catch(() => {})
  return {
    get receivedBytes() {
      return receivedBytes
    },
    read: () => void socket.resume(),
    sha256,
  }
}

/** How much of a PUBLISH comes before its payload. */
function headBytes(packet: Buffer): number {
  let at = 1
  while ((packet[at] ?? 0) >= 0x80) at += 1
  const topicBytes = packet.readUInt16BE(at + 1)
  const isAcknowledged = ((packet[0] ?? 0) & 0x06) > 0
  return at + 1 + 2 + topicBytes + (isAcknowledged ? 2 : 0)
}
