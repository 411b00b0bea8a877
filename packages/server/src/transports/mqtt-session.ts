/**
 * One MQTT connection, from its CONNECT to its end: packets are taken in the order they came, one after the
 * other, and what was received before the client went away is still heard. Nothing is kept beyond the connection
 * and nothing is sent twice within it.
 */
import type { Socket } from 'node:net'
import type {
  IConnectPacket,
  IPublishPacket,
  ISubscribePacket,
  IUnsubscribePacket,
} from 'mqtt-packet'
import {
  FrameReader,
  isText,
  MqttFault,
  type MqttVersion,
  publishHeader,
  REASONS,
  type Reason,
  readPacket,
  writePacket,
} from './mqtt-frames.ts'
import { Outbox } from './mqtt-outbox.ts'
import type {
  MqttGate,
  MqttHello,
  MqttLimits,
  MqttLog,
  MqttRefusal,
  MqttSent,
  MqttSession,
  MqttVisitor,
} from './mqtt-visitor.ts'

/** Unacknowledged messages at most, either way. */
const MAX_IN_FLIGHT = 100
/** Pieces that may wait unread; then the client is not read from until its packets were taken. */
const MAX_WAITING_PIECES = 16
/** A client gets this long to take the last words. */
const FAREWELL_MS = 5_000
const JOINED_BYTES = 1024
/** One and a half times what the client promised [3.1.2.10 Keep Alive]. */
const KEEP_ALIVE_MARGIN = 1.5

export class Connection implements MqttSession {
  readonly #socket: Socket
  readonly #outbox: Outbox
  readonly #reader: FrameReader
  readonly #gate: MqttGate
  readonly #limits: MqttLimits
  readonly #log: MqttLog
  readonly #newClientId: () => string
  readonly #certificate: MqttHello['certificate']
  readonly #openedMs = performance.now()
  #version: MqttVersion | null = null
  #clientId = ''
  #visitor: MqttVisitor | null = null
  #keepAliveMs: number
  #heardMs = performance.now()
  #isBusy = false
  #isPaused = false
  /** Nothing more is read or said; what was read before is still taken. */
  #isOver = false
  #isGone = false
  #farewellMs: number | null = null
  #lastPacketId = 0
  #maxInFlight = MAX_IN_FLIGHT
  #maxOutBytes = Number.POSITIVE_INFINITY
  #unacknowledged: Set<number> | null = null
  /** Packet identifiers of messages of quality 2 that were taken and not yet released. */
  #taken: Set<number> | null = null

  constructor({
    socket,
    gate,
    limits,
    log,
    newClientId,
    certificate,
    onGone,
  }: {
    socket: Socket
    gate: MqttGate
    limits: MqttLimits
    log: MqttLog
    newClientId: () => string
    certificate: MqttHello['certificate']
    onGone: (connection: Connection) => void
  }) {
    this.#socket = socket
    this.#outbox = new Outbox(socket)
    this.#reader = new FrameReader(limits.maxPacketBytes)
    this.#gate = gate
    this.#limits = limits
    this.#log = log
    this.#newClientId = newClientId
    this.#certificate = certificate
    this.#keepAliveMs = limits.idleSeconds * 1000
    socket.on('data', (chunk: Buffer) => {
      this.#heardMs = performance.now()
      if (this.#isOver) return
      this.#reader.push(chunk)
      if (this.#isBusy && this.#reader.waiting >= MAX_WAITING_PIECES) this.#pause()
      this.#work()
    })
    // What it was is told by `close`; networks fail, and that is no news.
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#isGone = true
      this.#outbox.closed()
      onGone(this)
      if (!this.#isBusy) this.#finish()
    })
  }

  get version(): MqttVersion {
    return this.#version ?? 4
  }

  get clientId(): string {
    return this.#clientId
  }

  get isOpen(): boolean {
    return !this.#isOver && !this.#isGone
  }

  async publish(topic: string, payload: string | Uint8Array, qos: 0 | 1): Promise<MqttSent> {
    const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload
    const header = this.#header(topic, bytes.length, qos)
    if (typeof header === 'string') return header
    const waiting =
      bytes.length <= JOINED_BYTES
        ? this.#outbox.send(Buffer.concat([header, bytes]))
        : this.#outbox.send(header, bytes)
    if (waiting) await waiting
    return this.#isGone ? 'closed' : 'sent'
  }

  async publishStream({
    topic,
    sizeBytes,
    pieces,
    qos,
  }: Parameters<MqttSession['publishStream']>[0]): Promise<MqttSent> {
    const header = this.#header(topic, sizeBytes, qos)
    if (typeof header === 'string') return header
    try {
      await this.#outbox.sendPieces(header, exactly(sizeBytes, pieces))
    } catch (error) {
      // The packet has a length, and cannot be ended before it.
      this.#log.warn({ err: error, topic }, 'a message broke off; its connection is closed')
      this.#isOver = true
      this.#socket.destroy()
    }
    return this.#isGone || this.#socket.destroyed ? 'closed' : 'sent'
  }

  close(reason: Reason): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#farewell(REASONS[reason])
  }

  /** Called now and then: ends what is silent, stuck, or never said who it is. */
  look(nowMs: number): void {
    const { connectSeconds, idleSeconds } = this.#limits
    const stuckMs = this.#outbox.stuckSinceMs === null ? 0 : nowMs - this.#outbox.stuckSinceMs
    const isStuck = stuckMs > idleSeconds * 1000
    const isMute = this.#version === null && nowMs - this.#openedMs > connectSeconds * 1000
    const isSlowToGo = this.#farewellMs !== null && nowMs - this.#farewellMs > FAREWELL_MS
    if (isStuck || isMute || isSlowToGo) this.#socket.destroy()
    // Who is not read from cannot be heard.
    else if (!this.#isPaused && nowMs - this.#heardMs > this.#keepAliveMs) {
      this.close('keep-alive-timeout')
    }
  }

  /** Ends it without a word. */
  destroy(): void {
    this.#isOver = true
    this.#socket.destroy()
  }

  #work(): void {
    if (this.#isBusy) return
    for (;;) {
      let pending: Promise<void> | undefined
      try {
        const frame = this.#reader.next()
        if (!frame) break
        pending = this.#take(frame)
      } catch (error) {
        this.#fail(error)
        break
      }
      if (pending) {
        this.#isBusy = true
        void pending
          .catch((error: unknown) => this.#fail(error))
          .then(() => {
            this.#isBusy = false
            this.#work()
          })
        return
      }
    }
    if (this.#isPaused && !this.#isGone) {
      this.#isPaused = false
      this.#heardMs = performance.now()
      this.#socket.resume()
    }
    if (this.#isGone) this.#finish()
  }

  #pause(): void {
    this.#isPaused = true
    this.#socket.pause()
  }

  /** Undefined when nothing is waited for, so that pings and acknowledgements cost no promise. */
  #take(frame: Buffer): Promise<void> | undefined {
    const packet = readPacket(frame, this.#version)
    switch (packet.cmd) {
      case 'connect':
        return this.#connect(packet)
      case 'publish':
        return this.#publish(packet)
      case 'subscribe':
        return this.#subscribe(packet)
      case 'unsubscribe':
        return this.#unsubscribe(packet)
      case 'pingreq':
        return this.#ping()
      case 'puback':
        this.#unacknowledged?.delete(packet.messageId ?? 0)
        return undefined
      case 'pubrel': {
        const isKnown = this.#taken?.delete(packet.messageId ?? 0) ?? false
        const reasonCode = isKnown ? 0 : NO_SUCH_PACKET
        return this.#send({ cmd: 'pubcomp', messageId: packet.messageId, reasonCode })
      }
      case 'disconnect':
        this.#isOver = true
        this.#reader.clear()
        this.#socket.end()
        return undefined
      case 'auth':
        throw new MqttFault('bad-authentication-method', 'No authentication was begun.')
      default:
        throw new MqttFault('protocol-error', `A client does not send ${packet.cmd}.`)
    }
  }

  async #connect(packet: IConnectPacket): Promise<void> {
    const version = packet.protocolVersion ?? 4
    this.#version = version
    const { properties, username, password, keepalive = 0 } = packet
    if (!isText(packet.clientId) || (username !== undefined && !isText(username))) {
      throw new MqttFault('malformed-packet', 'The client identifier or user name is no text.')
    }
    if (properties?.authenticationMethod !== undefined) {
      return this.#refuse({ reason: REASONS['bad-authentication-method'], returnCode: 5 })
    }
    this.#maxInFlight = limit(properties?.receiveMaximum, MAX_IN_FLIGHT)
    this.#maxOutBytes = limit(properties?.maximumPacketSize, Number.POSITIVE_INFINITY)
    const isNamed = packet.clientId !== ''
    this.#clientId = isNamed ? packet.clientId : this.#newClientId()
    const hello: MqttHello = {
      version,
      clientId: packet.clientId,
      username,
      password,
      certificate: this.#certificate,
      address: this.#socket.remoteAddress ?? '',
    }
    const welcome = await this.#gate(hello, this)
    if (welcome.kind === 'refused') return this.#refuse(welcome.refusal)
    this.#visitor = welcome.visitor
    if (keepalive > 0) this.#keepAliveMs = keepalive * 1000 * KEEP_ALIVE_MARGIN
    await this.#send({
      cmd: 'connack',
      sessionPresent: false,
      ...(version === 5
        ? {
            reasonCode: 0,
            properties: {
              receiveMaximum: MAX_IN_FLIGHT,
              maximumPacketSize: this.#limits.maxPacketBytes,
              topicAliasMaximum: 0,
              subscriptionIdentifiersAvailable: false,
              sharedSubscriptionAvailable: false,
              ...(isNamed ? {} : { assignedClientIdentifier: this.#clientId }),
            },
          }
        : { returnCode: 0 }),
    })
  }

  #refuse({ reason, returnCode }: MqttRefusal): void {
    void this.#send({
      cmd: 'connack',
      sessionPresent: false,
      ...(this.#version === 5 ? { reasonCode: reason } : { returnCode }),
    })
    this.#isOver = true
    this.#farewell(null)
  }

  async #publish(packet: IPublishPacket): Promise<void> {
    const { topic, qos, messageId = 0, properties } = packet
    if (properties?.topicAlias !== undefined) {
      throw new MqttFault('topic-alias-invalid', 'No topic aliases were agreed on.')
    }
    if (!isText(topic) || topic === '' || /[+#]/.test(topic)) {
      throw new MqttFault('malformed-packet', 'The topic is no topic name.')
    }
    if (qos === 2 && this.#taken?.has(messageId)) {
      // The same once more: it was taken already [4.3.3 QoS 2].
      return this.#send({ cmd: 'pubrec', messageId, reasonCode: 0 })
    }
    if (qos === 2 && (this.#taken?.size ?? 0) >= MAX_IN_FLIGHT) {
      throw new MqttFault('receive-maximum-exceeded', 'Too many messages await their release.')
    }
    const payload = packet.payload as Buffer
    const { reason = 0, afterwards } = await this.#here.published({ topic, payload, qos })
    if (qos === 1) await this.#send({ cmd: 'puback', messageId, reasonCode: reason })
    if (qos === 2) {
      if (reason < REFUSED) {
        this.#taken ??= new Set()
        this.#taken.add(messageId)
      }
      await this.#send({ cmd: 'pubrec', messageId, reasonCode: reason })
    }
    await afterwards?.()
  }

  async #subscribe(packet: ISubscribePacket): Promise<void> {
    const { subscriptions, messageId } = packet
    if (subscriptions.length === 0 || !subscriptions.every(({ topic }) => isFilter(topic))) {
      throw new MqttFault('malformed-packet', 'The packet subscribes to nothing that is a filter.')
    }
    const asked = subscriptions.map(({ topic, qos }) => ({ filter: topic, qos }))
    const granted = await this.#here.subscribed(asked)
    const refused = this.#version === 5 ? FILTER_INVALID : FAILURE
    await this.#send({ cmd: 'suback', messageId, granted: granted.map((each) => each ?? refused) })
  }

  async #unsubscribe(packet: IUnsubscribePacket): Promise<void> {
    const { unsubscriptions, messageId } = packet
    if (unsubscriptions.length === 0 || !unsubscriptions.every(isFilter)) {
      throw new MqttFault('malformed-packet', 'The packet unsubscribes from nothing.')
    }
    const had = await this.#here.unsubscribed(unsubscriptions)
    const granted = had.map((each) => (each ? 0 : NO_SUBSCRIPTION))
    await this.#send({ cmd: 'unsuback', messageId, granted })
  }

  #ping(): Promise<void> | undefined {
    const pinged = this.#here.pinged?.()
    const sent = this.#send({ cmd: 'pingresp' })
    return pinged ? pinged.then(() => sent) : sent
  }

  get #here(): MqttVisitor {
    if (!this.#visitor) throw new MqttFault('protocol-error', 'A packet before the welcome.')
    return this.#visitor
  }

  #send(packet: Parameters<typeof writePacket>[0]): Promise<void> | undefined {
    return this.#outbox.send(writePacket(packet, this.version))
  }

  /** The head of a publish, or why there is none. */
  #header(topic: string, payloadBytes: number, qos: 0 | 1): Buffer | MqttSent {
    if (!this.isOpen) return 'closed'
    const isAcknowledged = (this.#unacknowledged?.size ?? 0) < this.#maxInFlight
    const sentQos = qos === 1 && isAcknowledged ? 1 : 0
    const packetId = sentQos === 1 ? this.#nextPacketId() : 0
    const { version } = this
    const header = publishHeader({ topic, qos: sentQos, packetId, payloadBytes, version })
    if (!header || header.length + payloadBytes > this.#maxOutBytes) return 'too-large'
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

  /** Nothing that came behind it is taken. */
  #fail(error: unknown): void {
    this.#reader.clear()
    if (this.#isOver) return
    if (error instanceof MqttFault) {
      const { reason, message } = error
      this.#log.info({ reason, address: this.#socket.remoteAddress }, message)
      if (this.#version === null) this.#turnAway(error)
      else this.close(reason)
      return
    }
    this.#log.error({ err: error }, 'a bug')
    this.close('implementation-error')
  }

  /** Before the welcome there is no version to speak: who asks for another gets the answer all of them know. */
  #turnAway({ message }: MqttFault): void {
    this.#isOver = true
    if (message === 'Invalid protocol version') {
      const connack = { cmd: 'connack', sessionPresent: false, returnCode: 1 } as const
      void this.#outbox.send(writePacket(connack, 4))
      this.#farewell(null)
    } else this.#socket.destroy()
  }

  /** Last words, if the version has any and nothing is half said, and the end. */
  #farewell(reasonCode: number | null): void {
    this.#farewellMs = performance.now()
    if (!this.#outbox.isIdle) {
      this.#socket.destroy()
      return
    }
    if (this.#version === 5 && reasonCode !== null && this.#visitor) {
      void this.#send({ cmd: 'disconnect', reasonCode })
    }
    this.#socket.resume()
    this.#socket.destroySoon()
  }

  #finish(): void {
    if (!this.#visitor) return
    const visitor = this.#visitor
    this.#visitor = null
    visitor.closed()
  }
}

const REFUSED = 0x80
const NO_SUCH_PACKET = 0x92
const NO_SUBSCRIPTION = 0x11
const FILTER_INVALID = 0x8f
const FAILURE = 0x80
const MAX_PACKET_ID = 65_535

const isFilter = (filter: unknown): boolean => isText(filter) && filter !== ''

/** A limit the client set; sent twice, or as nothing, it breaks the protocol. */
function limit(value: unknown, otherwise: number): number {
  if (value === undefined) return otherwise
  if (typeof value !== 'number' || value < 1) {
    throw new MqttFault('protocol-error', 'A limit is not a number of at least one.')
  }
  return Math.min(value, otherwise)
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
