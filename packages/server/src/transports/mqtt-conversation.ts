/**
 * What a client says, packet by packet, and what it is answered: first who it is, then messages and filters. What is
 * kept beyond the connection is in the state of its session.
 */
import type {
  IConnectPacket,
  IDisconnectPacket,
  IPublishPacket,
  ISubscribePacket,
  IUnsubscribePacket,
  Packet,
} from 'mqtt-packet'
import type { Acknowledgement, Agreed } from './mqtt-deliveries.ts'
import { isText, MqttFault, type MqttVersion, REASONS, readPacket } from './mqtt-frames.ts'
import type { Holder, KeptSessions } from './mqtt-kept-sessions.ts'
import { SessionState } from './mqtt-session-state.ts'
import type {
  MqttGate,
  MqttHello,
  MqttKeeping,
  MqttQuality,
  MqttRefusal,
  MqttSession,
  MqttVisitor,
  MqttWelcome,
} from './mqtt-visitor.ts'

/** Messages in flight at most, either way. */
const MAX_IN_FLIGHT = 100
const REFUSED = 0x80
const NO_SUBSCRIPTION = 0x11
const FILTER_INVALID = 0x8f
const FAILURE = 0x80
/** A session expiry that never comes. */
const NEVER = 0xffffffff
/** No gate says that the client is one of its own. */
const STRANGER: MqttRefusal = { reason: REASONS['not-authorized'], returnCode: 5 }

/** The connection a conversation is held on. */
export interface Line extends MqttSession, Holder {
  readonly address: string
  readonly localAddress: string
  readonly certificate: MqttHello['certificate']
  /** Undefined when it has gone at once. */
  send(packet: Packet): Promise<void> | undefined
  agree(agreed: Agreed): void
  /** In a session with a key, from now on; what was on its way there is sent once more. */
  goOn(state: SessionState): Promise<void> | undefined
  acknowledged(acknowledgement: Acknowledgement): Promise<void> | undefined
  keepAlive(seconds: number): void
  /** It was refused, and told so. */
  turnAway(): void
  /** It said good-bye. */
  letGo(): void
}

export interface ConversationNeeds {
  readonly line: Line
  readonly gates: readonly MqttGate[]
  readonly sessions: KeptSessions
  readonly maxPacketBytes: number
  readonly newClientId: () => string
}

export class Conversation {
  readonly #needs: ConversationNeeds
  #version: MqttVersion | null = null
  #clientId = ''
  #visitor: MqttVisitor | null = null
  #state = new SessionState()
  /** Null in a session that ends with its connection. */
  #key: string | null = null
  /** How long it is kept when the connection has ended. */
  #keepMs = 0
  #isForgotten = false

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
      case 'pubrec':
      case 'pubcomp': {
        const { cmd, messageId: packetId = 0, reasonCode: reason = 0 } = packet
        return line.acknowledged({ cmd, packetId, reason })
      }
      case 'pubrel': {
        const { messageId = 0 } = packet
        const isKnown = this.#state.released(messageId)
        const reasonCode = isKnown ? 0 : REASONS['packet-id-not-found']
        return line.send({ cmd: 'pubcomp', messageId, reasonCode })
      }
      case 'disconnect':
        this.#disconnect(packet)
        return undefined
      case 'auth':
        throw new MqttFault('bad-authentication-method', 'No authentication was begun.')
      default:
        throw new MqttFault('protocol-error', `A client does not send ${packet.cmd}.`)
    }
  }

  /** The last there is to say to the visitor. */
  end(): void {
    const [visitor, key] = [this.#visitor, this.#key]
    this.#visitor = null
    this.#key = null
    if (key !== null) {
      const { sessions, line } = this.#needs
      sessions.leave(key, line, this.#state, this.#isForgotten ? 0 : this.#keepMs)
    }
    visitor?.closed()
  }

  /** Nothing of the session is kept. */
  forget(): void {
    this.#isForgotten = true
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
    const { address, localAddress, certificate } = line
    const isCleanSession = clean !== false
    const words = { version, clientId, username, password, isCleanSession }
    const welcome = await this.#ask({ ...words, certificate, address, localAddress })
    if (welcome.kind === 'refused') return this.#refuse(welcome.refusal)
    const { visitor, session } = welcome
    const askedMs = keepFor(packet)
    const opened = session && (await this.#open(session, isCleanSession, askedMs))
    if (opened === null) {
      visitor.closed()
      return
    }
    this.#visitor = visitor
    const isResumed = opened?.isResumed ?? false
    if (keepalive > 0) line.keepAlive(keepalive)
    await line.send({
      cmd: 'connack',
      // The oldest version has no word for it.
      sessionPresent: isResumed && version > 3,
      ...(version === 5
        ? { reasonCode: 0, properties: this.#offer(clientId !== '', askedMs) }
        : { returnCode: 0 }),
    })
    if (opened) await line.goOn(opened.state)
    await visitor.opened?.(isResumed ? this.#state.filters : null)
  }

  /** Null when another connection has come for the same session meanwhile. */
  async #open({ key, isResumable }: MqttKeeping, isClean: boolean, askedMs: number) {
    const { sessions, line } = this.#needs
    const opened = await sessions.open(key, line, isResumable && !isClean)
    if (!opened) return null
    this.#key = key
    this.#state = opened.state
    this.#keepMs = Math.min(askedMs, sessions.maxKeptMs)
    return opened
  }

  #disconnect({ properties }: IDisconnectPacket): void {
    const seconds = properties?.sessionExpiryInterval
    if (seconds !== undefined && this.#key !== null) {
      if (this.#keepMs === 0 && seconds > 0) {
        throw new MqttFault('protocol-error', 'A session that was not to be kept is to be.')
      }
      this.#keepMs = seconds * 1000
    }
    this.#needs.line.letGo()
  }

  async #ask(hello: MqttHello): Promise<MqttWelcome> {
    for (const gate of this.#needs.gates) {
      const welcome = await gate(hello, this.#needs.line)
      if (welcome) return welcome
    }
    return { kind: 'refused', refusal: STRANGER }
  }

  /** What a client of version 5 is told to expect. */
  #offer(isNamed: boolean, askedMs: number): object {
    const isKeptAsAsked = this.#keepMs === askedMs
    return {
      receiveMaximum: MAX_IN_FLIGHT,
      maximumPacketSize: this.#needs.maxPacketBytes,
      topicAliasMaximum: 0,
      subscriptionIdentifiersAvailable: false,
      sharedSubscriptionAvailable: false,
      ...(isKeptAsAsked ? {} : { sessionExpiryInterval: Math.floor(this.#keepMs / 1000) }),
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
    if (qos === 2 && this.#state.isUnreleased(messageId)) {
      // The same once more: it was taken already [4.3.3 QoS 2].
      return line.send({ cmd: 'pubrec', messageId, reasonCode: 0 })
    }
    if (qos === 2 && this.#state.unreleasedCount >= MAX_IN_FLIGHT) {
      throw new MqttFault('receive-maximum-exceeded', 'Too many messages await their release.')
    }
    const payload = packet.payload as Buffer
    const { reason = 0, afterwards } = await this.#here.published({ topic, payload, qos })
    if (qos === 1) await line.send({ cmd: 'puback', messageId, reasonCode: reason })
    if (qos === 2) {
      if (reason < REFUSED) this.#state.taken(messageId)
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
    if (this.#key !== null) this.#grant(asked, granted)
    const refused = this.#version === 5 ? FILTER_INVALID : FAILURE
    await this.#needs.line.send({
      cmd: 'suback',
      messageId,
      granted: granted.map((each) => each ?? refused),
    })
  }

  #grant(
    asked: readonly { readonly filter: string }[],
    granted: readonly (MqttQuality | null)[],
  ): void {
    for (const [index, { filter }] of asked.entries()) {
      const qos = granted[index] ?? null
      if (qos !== null && !this.#state.grant(filter, qos)) {
        throw new MqttFault('quota-exceeded', 'The session has too many filters to be kept.')
      }
    }
  }

  async #unsubscribe(packet: IUnsubscribePacket): Promise<void> {
    const { unsubscriptions, messageId } = packet
    if (unsubscriptions.length === 0 || !unsubscriptions.every(isFilter)) {
      throw new MqttFault('malformed-packet', 'The packet unsubscribes from nothing.')
    }
    const had = await this.#here.unsubscribed(unsubscriptions)
    for (const filter of unsubscriptions) this.#state.drop(filter)
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

/** For how long a client asks to have its session kept: before version 5 it does not say how long. */
function keepFor({ clean, protocolVersion, properties }: IConnectPacket): number {
  if (protocolVersion !== 5) return clean === false ? Number.POSITIVE_INFINITY : 0
  const { sessionExpiryInterval = 0 } = properties ?? {}
  return sessionExpiryInterval === NEVER ? Number.POSITIVE_INFINITY : sessionExpiryInterval * 1000
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
