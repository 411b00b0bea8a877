/**
 * What a client says, packet by packet, and what it is answered: first who it is, then messages and filters.
 * Nothing is kept beyond the connection.
 */
import type {
  IConnectPacket,
  IPublishPacket,
  ISubscribePacket,
  IUnsubscribePacket,
  Packet,
} from 'mqtt-packet'
import type { Agreed } from './mqtt-deliveries.ts'
import { isText, MqttFault, type MqttVersion, REASONS, readPacket } from './mqtt-frames.ts'
import type {
  MqttGate,
  MqttHello,
  MqttRefusal,
  MqttSession,
  MqttVisitor,
  MqttWelcome,
} from './mqtt-visitor.ts'

/** Messages in flight at most, either way. */
const MAX_IN_FLIGHT = 100
const REFUSED = 0x80
const NO_SUCH_PACKET = 0x92
const NO_SUBSCRIPTION = 0x11
const FILTER_INVALID = 0x8f
const FAILURE = 0x80
/** No gate says that the client is one of its own. */
const STRANGER: MqttRefusal = { reason: REASONS['not-authorized'], returnCode: 5 }

/** The connection a conversation is held on. */
export interface Line extends MqttSession {
  readonly address: string
  readonly certificate: MqttHello['certificate']
  /** Undefined when it has gone at once. */
  send(packet: Packet): Promise<void> | undefined
  agree(agreed: Agreed): void
  acknowledged(packetId: number): void
  keepAlive(seconds: number): void
  /** It was refused, and told so. */
  turnAway(): void
  /** It said good-bye. */
  letGo(): void
}

export interface ConversationNeeds {
  readonly line: Line
  readonly gates: readonly MqttGate[]
  readonly maxPacketBytes: number
  readonly newClientId: () => string
}

export class Conversation {
  readonly #needs: ConversationNeeds
  #version: MqttVersion | null = null
  #clientId = ''
  #visitor: MqttVisitor | null = null
  /** Packet identifiers of messages of quality 2 that were taken and not yet released. */
  #unreleased: Set<number> | null = null

  constructor(needs: ConversationNeeds) {
    this.#needs = needs
  }

  /** Null before the CONNECT. */
  get version(): MqttVersion | null {
    return this.#version
  }

  get clientId(): string {
    return this.#clientId
  }

  get isWelcome(): boolean {
    return this.#visitor !== null
  }

  /** Undefined when nothing is waited for. Throws MqttFault, or rejects with it, when the client breaks the protocol. */
  take(frame: Buffer): Promise<void> | undefined {
    const packet = readPacket(frame, this.#version)
    const { line } = this.#needs
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
        line.acknowledged(packet.messageId ?? 0)
        return undefined
      case 'pubrel': {
        const { messageId = 0 } = packet
        const isKnown = this.#unreleased?.delete(messageId) ?? false
        return line.send({ cmd: 'pubcomp', messageId, reasonCode: isKnown ? 0 : NO_SUCH_PACKET })
      }
      case 'disconnect':
        line.letGo()
        return undefined
      case 'auth':
        throw new MqttFault('bad-authentication-method', 'No authentication was begun.')
      default:
        throw new MqttFault('protocol-error', `A client does not send ${packet.cmd}.`)
    }
  }

  /** The last there is to say to the visitor. */
  end(): void {
    const visitor = this.#visitor
    this.#visitor = null
    visitor?.closed()
  }

  async #connect(packet: IConnectPacket): Promise<void> {
    const { line } = this.#needs
    const version = packet.protocolVersion ?? 4
    this.#version = version
    const { properties, clientId, username, password, clean, keepalive = 0 } = packet
    if (!isText(clientId) || (username !== undefined && !isText(username))) {
      throw new MqttFault('malformed-packet', 'The client identifier or user name is no text.')
    }
    if (properties?.authenticationMethod !== undefined) {
      return this.#refuse({ reason: REASONS['bad-authentication-method'], returnCode: 5 })
    }
    line.agree({
      version,
      maxInFlight: limit(properties?.receiveMaximum, MAX_IN_FLIGHT),
      maxPacketBytes: limit(properties?.maximumPacketSize, Number.POSITIVE_INFINITY),
    })
    this.#clientId = clientId === '' ? this.#needs.newClientId() : clientId
    const { address, certificate } = line
    const isCleanSession = clean !== false
    const words = { version, clientId, username, password, isCleanSession }
    const welcome = await this.#ask({ ...words, certificate, address })
    if (welcome.kind === 'refused') return this.#refuse(welcome.refusal)
    this.#visitor = welcome.visitor
    if (keepalive > 0) line.keepAlive(keepalive)
    await line.send({
      cmd: 'connack',
      sessionPresent: false,
      ...(version === 5
        ? { reasonCode: 0, properties: this.#offer(clientId !== '') }
        : { returnCode: 0 }),
    })
    await welcome.visitor.opened?.(null)
  }

  async #ask(hello: MqttHello): Promise<MqttWelcome> {
    for (const gate of this.#needs.gates) {
      const welcome = await gate(hello, this.#needs.line)
      if (welcome) return welcome
    }
    return { kind: 'refused', refusal: STRANGER }
  }

  /** What a client of version 5 is told to expect. */
  #offer(isNamed: boolean): object {
    return {
      receiveMaximum: MAX_IN_FLIGHT,
      maximumPacketSize: this.#needs.maxPacketBytes,
      topicAliasMaximum: 0,
      subscriptionIdentifiersAvailable: false,
      sharedSubscriptionAvailable: false,
      ...(isNamed ? {} : { assignedClientIdentifier: this.#clientId }),
    }
  }

  #refuse({ reason, returnCode }: MqttRefusal): void {
    const { line } = this.#needs
    const code = this.#version === 5 ? { reasonCode: reason } : { returnCode }
    void line.send({ cmd: 'connack', sessionPresent: false, ...code })
    line.turnAway()
  }

  async #publish(packet: IPublishPacket): Promise<void> {
    const { line } = this.#needs
    const { topic, qos, messageId = 0, properties } = packet
    if (properties?.topicAlias !== undefined) {
      throw new MqttFault('topic-alias-invalid', 'No topic aliases were agreed on.')
    }
    if (!isText(topic) || topic === '' || /[+#]/.test(topic)) {
      throw new MqttFault('malformed-packet', 'The topic is no topic name.')
    }
    if (qos === 2 && this.#unreleased?.has(messageId)) {
      // The same once more: it was taken already [4.3.3 QoS 2].
      return line.send({ cmd: 'pubrec', messageId, reasonCode: 0 })
    }
    if (qos === 2 && (this.#unreleased?.size ?? 0) >= MAX_IN_FLIGHT) {
      throw new MqttFault('receive-maximum-exceeded', 'Too many messages await their release.')
    }
    const payload = packet.payload as Buffer
    const { reason = 0, afterwards } = await this.#here.published({ topic, payload, qos })
    if (qos === 1) await line.send({ cmd: 'puback', messageId, reasonCode: reason })
    if (qos === 2) {
      if (reason < REFUSED) {
        this.#unreleased ??= new Set()
        this.#unreleased.add(messageId)
      }
      await line.send({ cmd: 'pubrec', messageId, reasonCode: reason })
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
    await this.#needs.line.send({
      cmd: 'suback',
      messageId,
      granted: granted.map((each) => each ?? refused),
    })
  }

  async #unsubscribe(packet: IUnsubscribePacket): Promise<void> {
    const { unsubscriptions, messageId } = packet
    if (unsubscriptions.length === 0 || !unsubscriptions.every(isFilter)) {
      throw new MqttFault('malformed-packet', 'The packet unsubscribes from nothing.')
    }
    const had = await this.#here.unsubscribed(unsubscriptions)
    const granted = had.map((each) => (each ? 0 : NO_SUBSCRIPTION))
    await this.#needs.line.send({ cmd: 'unsuback', messageId, granted })
  }

  #ping(): Promise<void> | undefined {
    const pinged = this.#here.pinged?.()
    const sent = this.#needs.line.send({ cmd: 'pingresp' })
    return pinged ? pinged.then(() => sent) : sent
  }

  get #here(): MqttVisitor {
    if (!this.#visitor) throw new MqttFault('protocol-error', 'A packet before the welcome.')
    return this.#visitor
  }
}

const isFilter = (filter: unknown): boolean => isText(filter) && filter !== ''

/** A limit the client set; sent twice, or as nothing, it breaks the protocol. */
function limit(value: unknown, otherwise: number): number {
  if (value === undefined) return otherwise
  if (typeof value !== 'number' || value < 1) {
    throw new MqttFault('protocol-error', 'A limit is not a number of at least one.')
  }
  return Math.min(value, otherwise)
}
