/**
 * The messages one client is sent: each once, none after it said it takes no more. A quality of 1 asks for an
 * acknowledgement; who gives none gets the next ones without.
 */
import { type MqttVersion, publishHeader } from './mqtt-frames.ts'
import type { Outbox } from './mqtt-outbox.ts'
import type { MqttSent, MqttSession } from './mqtt-visitor.ts'

const JOINED_BYTES = 1024
const MAX_PACKET_ID = 65_535

/** What the client said it takes, in its CONNECT. */
export interface Agreed {
  readonly version: MqttVersion
  /** Messages it has not acknowledged yet, at most. */
  readonly maxInFlight: number
  readonly maxPacketBytes: number
}

export class Deliveries {
  readonly #outbox: Outbox
  #agreed: Agreed | null = null
  #lastPacketId = 0
  /** By packet identifier. */
  #unacknowledged: Set<number> | null = null

  constructor(outbox: Outbox) {
    this.#outbox = outbox
  }

  agree(agreed: Agreed): void {
    this.#agreed = agreed
  }

  async publish(topic: string, payload: string | Uint8Array, qos: 0 | 1): Promise<MqttSent> {
    const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload
    const header = this.#header(topic, bytes.length, qos)
    if (!header) return 'too-large'
    const waiting =
      bytes.length <= JOINED_BYTES
        ? this.#outbox.send(Buffer.concat([header, bytes]))
        : this.#outbox.sendAtEndOfTurn(header, bytes)
    if (waiting) await waiting
    return this.#outbox.isClosed ? 'closed' : 'sent'
  }

  /** Rejects when the pieces do, or are not so many bytes: then the packet has no end. */
  async publishStream({
    topic,
    sizeBytes,
    pieces,
    qos,
  }: Parameters<MqttSession['publishStream']>[0]): Promise<MqttSent> {
    const header = this.#header(topic, sizeBytes, qos)
    if (!header) return 'too-large'
    await this.#outbox.sendPieces(header, exactly(sizeBytes, pieces))
    return this.#outbox.isClosed ? 'closed' : 'sent'
  }

  acknowledged(packetId: number): void {
    this.#unacknowledged?.delete(packetId)
  }

  /** All of a message but its payload; null when it is larger than the client takes, or than any can be. */
  #header(topic: string, payloadBytes: number, qos: 0 | 1): Buffer | null {
    if (!this.#agreed) throw new Error('A message before the CONNECT.')
    const { version, maxInFlight, maxPacketBytes } = this.#agreed
    const isTaken = (this.#unacknowledged?.size ?? 0) < maxInFlight
    const sentQos = qos === 1 && isTaken ? 1 : 0
    const packetId = sentQos === 1 ? this.#nextPacketId() : 0
    const header = publishHeader({ topic, qos: sentQos, packetId, payloadBytes, version })
    if (!header || header.length + payloadBytes > maxPacketBytes) return null
    if (sentQos === 1) {
      this.#unacknowledged ??= new Set()
      this.#unacknowledged.add(packetId)
    }
    return header
  }

  #nextPacketId(): number {
    do this.#lastPacketId = (this.#lastPacketId % MAX_PACKET_ID) + 1
    while (this.#unacknowledged?.has(this.#lastPacketId))
    return this.#lastPacketId
  }
}

/** The pieces, so many bytes in all; throws when there are fewer or more. */
async function* exactly(
  sizeBytes: number,
  pieces: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  let left = sizeBytes
  for await (const piece of pieces) {
    left -= piece.length
    if (left < 0) break
    yield piece
  }
  if (left !== 0) throw new Error(`The message is not ${sizeBytes} bytes long.`)
}
