/**
 * The messages one client is sent: none larger than it said it takes. A quality above 0 asks for acknowledgements, and
 * for 2 there is a release between two of them [4.3 Quality of Service levels]. Who acknowledges nothing gets the next
 * ones without; those of a session that may be kept wait instead, and are sent again on its next connection.
 */
import { type MqttVersion, publishHeader, REASONS, writePacket } from './mqtt-frames.ts'
import type { Outbox } from './mqtt-outbox.ts'
import { SessionState, type Unfinished } from './mqtt-session-state.ts'
import type { MqttQuality, MqttSent, MqttSession } from './mqtt-visitor.ts'

const JOINED_BYTES = 1024
/** From here on a reason is a no. */
const REFUSED = 0x80

/** What the client said it takes, in its CONNECT. */
export interface Agreed {
  readonly version: MqttVersion
  /** Messages it has not acknowledged yet, at most. */
  readonly maxInFlight: number
  readonly maxPacketBytes: number
}

/** An answer to a message, or to its release. */
export interface Acknowledgement {
  readonly cmd: 'puback' | 'pubrec' | 'pubcomp'
  readonly packetId: number
  /** Zero before version 5. */
  readonly reason: number
}

export class Deliveries {
  readonly #outbox: Outbox
  #agreed: Agreed | null = null
  #state = new SessionState()
  #isKeyed = false
  /** Sent on this connection and not finished. */
  #inFlight = 0

  constructor(outbox: Outbox) {
    this.#outbox = outbox
  }

  agree(agreed: Agreed): void {
    this.#agreed = agreed
  }

  /** In a session with a key, from now on; what was on its way there is sent once more. */
  goOn(state: SessionState): Promise<void> | undefined {
    this.#state = state
    this.#isKeyed = true
    return this.#sendWaiting()
  }

  async publish(topic: string, payload: string | Uint8Array, qos: MqttQuality): Promise<MqttSent> {
    const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload
    if (qos > 0 && this.#isKeyed) return this.#owe(topic, bytes, qos === 2 ? 2 : 1)
    const header = this.#header(topic, bytes.length, qos)
    if (!header) return 'too-large'
    const waiting = this.#send(header, bytes)
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

  /** Undefined when what follows has gone at once, or nothing follows. */
  acknowledged({ cmd, packetId, reason }: Acknowledgement): Promise<void> | undefined {
    const unfinished = this.#state.unfinished(packetId)
    if (cmd === 'pubrec' && reason < REFUSED) {
      return this.#release(packetId, unfinished?.qos === 2 ? unfinished : null)
    }
    if (!unfinished || !ends(cmd, unfinished)) return undefined
    this.#state.finish(packetId)
    if (unfinished.isOut) this.#inFlight -= 1
    return this.#sendWaiting()
  }

  /** The client has it: of what nobody knows it is told so, and can forget it as well. */
  #release(packetId: number, unfinished: Unfinished | null): Promise<void> | undefined {
    if (unfinished && !unfinished.isReceived) this.#state.received(unfinished)
    if (unfinished && !unfinished.isOut) this.#goesOut(unfinished)
    return this.#sendRelease(packetId, unfinished ? 0 : REASONS['packet-id-not-found'])
  }

  #sendRelease(messageId: number, reasonCode: number): Promise<void> | undefined {
    const { version } = this.#here
    return this.#outbox.send(writePacket({ cmd: 'pubrel', messageId, reasonCode }, version))
  }

  async #owe(topic: string, bytes: Uint8Array, qos: 1 | 2): Promise<MqttSent> {
    const { maxInFlight, maxPacketBytes, version } = this.#here
    const payloadBytes = bytes.length
    const header = publishHeader({ topic, qos, packetId: 1, payloadBytes, version })
    if (!header || header.length + payloadBytes > maxPacketBytes) return 'too-large'
    if (!this.#state.hasRoomFor(payloadBytes)) return 'full'
    // A copy of its own: as part of something larger it would hold on to all of that.
    const payload = Buffer.allocUnsafeSlow(payloadBytes)
    payload.set(bytes)
    const message = { topic, payload }
    const unfinished = { qos, message, isReceived: false, wasSent: false, isOut: false }
    const packetId = this.#state.begin(unfinished)
    if (this.#inFlight < maxInFlight) await this.#sendUnfinished(packetId, unfinished)
    return 'sent'
  }

  /** As much of what waits as the client takes at once. */
  #sendWaiting(): Promise<void> | undefined {
    if (!this.#isKeyed) return undefined
    const { maxInFlight } = this.#here
    let last: Promise<void> | undefined
    for (const [packetId, unfinished] of this.#state.allUnfinished()) {
      if (this.#inFlight >= maxInFlight) break
      if (!unfinished.isOut) last = this.#sendUnfinished(packetId, unfinished) ?? last
    }
    return last
  }

  #sendUnfinished(packetId: number, unfinished: Unfinished): Promise<void> | undefined {
    const { version, maxPacketBytes } = this.#here
    const { message, qos, wasSent } = unfinished
    if (!message) {
      this.#goesOut(unfinished)
      return this.#sendRelease(packetId, 0)
    }
    const { topic, payload } = message
    const payloadBytes = payload.length
    const header = publishHeader({ topic, qos, packetId, payloadBytes, version, isAgain: wasSent })
    if (!header || header.length + payloadBytes > maxPacketBytes) {
      // The client takes less than on the connection before: it counts as sent [3.1.2.11.4].
      this.#state.finish(packetId)
      return undefined
    }
    this.#goesOut(unfinished)
    return this.#send(header, payload)
  }

  #goesOut(unfinished: Unfinished): void {
    unfinished.isOut = true
    unfinished.wasSent = true
    this.#inFlight += 1
  }

  #send(header: Buffer, payload: Uint8Array): Promise<void> | undefined {
    return payload.length <= JOINED_BYTES
      ? this.#outbox.send(Buffer.concat([header, payload]))
      : this.#outbox.sendAtEndOfTurn(header, payload)
  }

  /**
   * All of a message that is not kept but its payload; null when it is larger than the client takes, or than any can
   * be.
   */
  #header(topic: string, payloadBytes: number, qos: MqttQuality): Buffer | null {
    const { version, maxInFlight, maxPacketBytes } = this.#here
    const sentQos = this.#inFlight < maxInFlight ? qos : 0
    const sent = { message: null, isReceived: false, wasSent: true, isOut: true }
    const packetId = sentQos === 0 ? 0 : this.#state.begin({ ...sent, qos: sentQos })
    const header = publishHeader({ topic, qos: sentQos, packetId, payloadBytes, version })
    if (!header || header.length + payloadBytes > maxPacketBytes) {
      this.#state.finish(packetId)
      return null
    }
    if (sentQos > 0) this.#inFlight += 1
    return header
  }

  get #here(): Agreed {
    if (!this.#agreed) throw new Error('A message before the CONNECT.')
    return this.#agreed
  }
}

const ends = (cmd: Acknowledgement['cmd'], { qos, isReceived }: Unfinished): boolean =>
  cmd === 'puback' ? qos === 1 : qos === 2 && (cmd === 'pubrec' || isReceived)

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
