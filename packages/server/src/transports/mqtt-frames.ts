/**
 * MQTT packets on the wire. Bytes are cut into whole packets here, with the length checked before a body is
 * gathered; what is in a packet is mqtt-packet's to read and to write. Headings in brackets are those of the
 * MQTT 5 and 3.1.1 specifications.
 */
import { generate, type Packet, parser } from 'mqtt-packet'

export type MqttVersion = 3 | 4 | 5

/** Reason codes of MQTT 5 [2.4 Reason Code]. Before 5 a connection just ends. */
export const REASONS = {
  'malformed-packet': 0x81,
  'protocol-error': 0x82,
  'implementation-error': 0x83,
  'bad-authentication-method': 0x8c,
  'server-shutting-down': 0x8b,
  'keep-alive-timeout': 0x8d,
  'taken-over': 0x8e,
  'not-authorized': 0x87,
  'packet-id-not-found': 0x92,
  'receive-maximum-exceeded': 0x93,
  'topic-alias-invalid': 0x94,
  'packet-too-large': 0x95,
  'quota-exceeded': 0x97,
  'administrative-action': 0x98,
} as const
export type Reason = keyof typeof REASONS

/** Why a connection cannot go on: its client broke the protocol. */
export class MqttFault extends Error {
  readonly reason: Reason

  constructor(reason: Reason, message: string) {
    super(message)
    this.name = 'MqttFault'
    this.reason = reason
  }
}

/** The greatest length a packet can state for what follows its header [2.1.4 Remaining Length]. */
export const MAX_REMAINING_BYTES = 268_435_455

/** Bytes come in as the network cuts them, packets go out whole. Holds no more than one packet and what was pushed. */
export class FrameReader {
  readonly #maxBytes: number
  #bytes: Buffer | null = null
  #at = 0
  #more: Buffer[] = []
  /** A packet whose end has not come yet. */
  #frame: Buffer | null = null
  #filled = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  push(chunk: Buffer): void {
    if (this.#bytes) this.#more.push(chunk)
    else this.#bytes = chunk
  }

  /** How many pieces wait unread. */
  get waiting(): number {
    return this.#more.length + (this.#bytes ? 1 : 0)
  }

  clear(): void {
    this.#bytes = null
    this.#at = 0
    this.#more = []
    this.#frame = null
  }

  /** The next whole packet, or null until more is pushed. Throws MqttFault. */
  next(): Buffer | null {
    for (;;) {
      const bytes = this.#bytes
      if (!bytes) return null
      if (this.#frame) {
        const copied = bytes.copy(this.#frame, this.#filled, this.#at)
        this.#filled += copied
        this.#advance(copied)
        if (this.#filled < this.#frame.length) continue
        const frame = this.#frame
        this.#frame = null
        return frame
      }
      const length = frameLength(bytes, this.#at)
      if (length === null) {
        const next = this.#more.shift()
        const begun = bytes.subarray(this.#at)
        // A copy, so that five bytes do not hold on to all that came with them.
        this.#bytes = Buffer.concat(next ? [begun, next] : [begun])
        this.#at = 0
        if (next) continue
        return null
      }
      if (length > this.#maxBytes) {
        throw new MqttFault('packet-too-large', `A packet of ${length} bytes is too large.`)
      }
      if (this.#at + length <= bytes.length) {
        const frame = bytes.subarray(this.#at, this.#at + length)
        this.#advance(length)
        return frame
      }
      this.#frame = Buffer.allocUnsafeSlow(length)
      this.#filled = 0
    }
  }

  #advance(by: number): void {
    this.#at += by
    if (this.#bytes && this.#at >= this.#bytes.length) {
      this.#bytes = this.#more.shift() ?? null
      this.#at = 0
    }
  }
}

/** Length of the packet that begins at `at`, its header included; null while that cannot be told yet. */
function frameLength(bytes: Buffer, at: number): number | null {
  let length = 0
  for (let index = 0; index < 4; index++) {
    const byte = bytes[at + 1 + index]
    if (byte === undefined) return null
    length += (byte & 0x7f) * 128 ** index
    if (byte < 0x80) return 2 + index + length
  }
  throw new MqttFault('malformed-packet', 'The length of a packet takes more than four bytes.')
}

interface PacketParser {
  parse(bytes: Buffer): number
  on(event: 'packet', listener: (packet: Packet) => void): this
  on(event: 'error', listener: (error: Error) => void): this
}

/** A reader of whole packets: given exactly one it cannot take another's bytes for that one's. */
function packetReader(settings: object): (frame: Buffer) => Packet {
  let read: { packet: Packet | null; error: Error | null } = { packet: null, error: null }
  const fresh = (): PacketParser => {
    const made: PacketParser = parser(settings)
    made.on('packet', (packet) => {
      read.packet = packet
    })
    made.on('error', (error) => {
      read.error = error
    })
    return made
  }
  let parsing = fresh()
  return (frame) => {
    read = { packet: null, error: null }
    let left = 0
    try {
      left = parsing.parse(frame)
    } catch (error) {
      read.error = error as Error
    }
    const { packet, error } = read
    if (packet && !error && left === 0) return packet
    parsing = fresh()
    throw new MqttFault('malformed-packet', error?.message ?? 'The packet cannot be read.')
  }
}

const readAs = {
  connect: packetReader({}),
  3: packetReader({ protocolVersion: 3 }),
  4: packetReader({ protocolVersion: 4 }),
  5: packetReader({ protocolVersion: 5 }),
} as const

const CONNECT = 1
const [PUBACK, PUBREC, PUBREL, PUBCOMP, PINGREQ, DISCONNECT] = [4, 5, 6, 7, 12, 14]
/** What follows the header of these has one length only, before version 5; a ping's always has. */
const LENGTHS: Readonly<Record<number, number>> = {
  [PUBACK]: 2,
  [PUBREC]: 2,
  [PUBREL]: 2,
  [PUBCOMP]: 2,
  [PINGREQ]: 0,
  [DISCONNECT]: 0,
}

/** Reads one whole packet; `version` is null before the CONNECT. Throws MqttFault. */
export function readPacket(frame: Buffer, version: MqttVersion | null): Packet {
  const type = (frame[0] ?? 0) >> 4
  if (version === null) {
    if (type !== CONNECT) {
      throw new MqttFault('protocol-error', 'The first packet is no CONNECT.')
    }
    return readAs.connect(frame)
  }
  if (type === CONNECT) throw new MqttFault('protocol-error', 'A second CONNECT.')
  const only = LENGTHS[type]
  if (only !== undefined && (version < 5 || type === PINGREQ) && frame.length !== 2 + only) {
    throw new MqttFault('malformed-packet', 'The packet has a length it cannot have.')
  }
  const packet = readAs[version](frame)
  checkPacketId(packet)
  return packet
}

function checkPacketId(packet: Packet): void {
  const needsId =
    packet.cmd === 'publish'
      ? packet.qos > 0
      : !['connect', 'pingreq', 'disconnect', 'auth'].includes(packet.cmd)
  if (needsId && !(packet.messageId !== undefined && packet.messageId > 0)) {
    throw new MqttFault('malformed-packet', 'The packet has no packet identifier.')
  }
}

/** A name as a text of MQTT may be [1.5.4 UTF-8 Encoded String]; half or broken characters are read as U+FFFD. */
export const isText = (text: unknown): text is string =>
  typeof text === 'string' && !/[\0\ufffd]/.test(text)

export const writePacket = (packet: Packet, version: MqttVersion): Buffer =>
  generate(packet, { protocolVersion: version })

/** All of a PUBLISH but its payload, which may be too large to be held; null when no packet can be that long. */
export function publishHeader({
  topic,
  qos,
  packetId,
  payloadBytes,
  version,
  isAgain = false,
}: {
  topic: string
  qos: 0 | 1 | 2
  packetId: number
  payloadBytes: number
  version: MqttVersion
  isAgain?: boolean
}): Buffer | null {
  const topicBytes = Buffer.byteLength(topic)
  const remaining = 2 + topicBytes + (qos > 0 ? 2 : 0) + (version === 5 ? 1 : 0) + payloadBytes
  if (remaining > MAX_REMAINING_BYTES) return null
  const lengthBytes = remaining < 0x80 ? 1 : remaining < 0x4000 ? 2 : remaining < 0x200000 ? 3 : 4
  const header = Buffer.allocUnsafe(1 + lengthBytes + remaining - payloadBytes)
  header[0] = 0x30 | (qos << 1) | (isAgain ? 0x08 : 0)
  let rest = remaining
  for (let index = 1; index <= lengthBytes; index++) {
    header[index] = (rest & 0x7f) | (index < lengthBytes ? 0x80 : 0)
    rest >>>= 7
  }
  let at = header.writeUInt16BE(topicBytes, 1 + lengthBytes)
  at += header.write(topic, at)
  if (qos > 0) at = header.writeUInt16BE(packetId, at)
  if (version === 5) header[at] = 0
  return header
}
