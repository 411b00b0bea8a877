/**
 * One MQTT connection, from its CONNECT to its end: how it is closed, and when. What was received before the
 * client went away is still heard; nothing is sent twice.
 */
import type { Socket } from 'node:net'
import type { Packet } from 'mqtt-packet'
import { Conversation, type Line } from './mqtt-conversation.ts'
import { type Acknowledgement, type Agreed, Deliveries } from './mqtt-deliveries.ts'
import { MqttFault, type MqttVersion, REASONS, type Reason, writePacket } from './mqtt-frames.ts'
import { Inlet } from './mqtt-inlet.ts'
import type { KeptSessions } from './mqtt-kept-sessions.ts'
import { Outbox } from './mqtt-outbox.ts'
import type { SessionState } from './mqtt-session-state.ts'
import type {
  MqttGate,
  MqttHello,
  MqttLimits,
  MqttLog,
  MqttQuality,
  MqttSent,
  MqttSession,
} from './mqtt-visitor.ts'

/** A client gets this long to take the last words. */
const FAREWELL_MS = 5_000
/** One and a half times what the client promised [3.1.2.10 Keep Alive]. */
const KEEP_ALIVE_MARGIN = 1.5

export interface ConnectionNeeds {
  readonly socket: Socket
  readonly gates: readonly MqttGate[]
  readonly sessions: KeptSessions
  readonly limits: MqttLimits
  readonly log: MqttLog
  readonly newClientId: () => string
  readonly certificate: MqttHello['certificate']
  readonly onGone: (connection: Connection) => void
}

export class Connection implements Line {
  readonly certificate: MqttHello['certificate']
  readonly #socket: Socket
  readonly #limits: MqttLimits
  readonly #log: MqttLog
  readonly #inlet: Inlet
  readonly #outbox: Outbox
  readonly #conversation: Conversation
  readonly #deliveries: Deliveries
  readonly #openedMs = performance.now()
  #keepAliveMs: number
  #heardMs = performance.now()
  /** Nothing more is read or said; what was read before is still taken. */
  #isOver = false
  #isGone = false
  /** Another connection takes its session over. */
  #handedOver: PromiseWithResolvers<void> | null = null
  #farewellMs: number | null = null

  constructor({
    socket,
    gates,
    sessions,
    limits,
    log,
    newClientId,
    certificate,
    onGone,
  }: ConnectionNeeds) {
    const { maxPacketBytes } = limits
    this.certificate = certificate
    this.#socket = socket
    this.#limits = limits
    this.#log = log
    this.#keepAliveMs = limits.idleSeconds * 1000
    this.#outbox = new Outbox(socket)
    this.#deliveries = new Deliveries(this.#outbox)
    this.#conversation = new Conversation({
      line: this,
      gates,
      sessions,
      maxPacketBytes,
      newClientId,
    })
    this.#inlet = new Inlet({
      socket,
      maxPacketBytes,
      take: (frame) => this.#conversation.take(frame),
      onError: (error) => this.#fail(error),
      onTaken: () => {
        this.#heardMs = performance.now()
        if (this.#isGone || this.#handedOver) this.#end()
      },
    })
    socket.on('data', (chunk: Buffer) => {
      this.#heardMs = performance.now()
      if (!this.#isOver) this.#inlet.push(chunk)
    })
    // What it was is told by `close`; networks fail, and that is no news.
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#isGone = true
      this.#outbox.closed()
      onGone(this)
      if (!this.#inlet.isBusy) this.#end()
    })
  }

  get version(): MqttVersion {
    return this.#conversation.version ?? 4
  }

  get clientId(): string {
    return this.#conversation.clientId
  }

  get localAddress(): string {
    return this.#socket.localAddress ?? ''
  }

  get address(): string {
    return this.#socket.remoteAddress ?? ''
  }

  get isOpen(): boolean {
    return !this.#isOver && !this.#isGone
  }

  async publish(topic: string, payload: string | Uint8Array, qos: MqttQuality): Promise<MqttSent> {
    if (!this.isOpen) return 'closed'
    return this.#deliveries.publish(topic, payload, qos)
  }

  async publishStream(message: Parameters<MqttSession['publishStream']>[0]): Promise<MqttSent> {
    if (!this.isOpen) return 'closed'
    try {
      return await this.#deliveries.publishStream(message)
    } catch (error) {
      // The packet has a length, and cannot be ended before it.
      const { topic } = message
      this.#log.warn({ err: error, topic }, 'a message broke off; its connection is closed')
      this.destroy()
      return 'closed'
    }
  }

  send(packet: Packet): Promise<void> | undefined {
    return this.#outbox.send(writePacket(packet, this.version))
  }

  agree(agreed: Agreed): void {
    this.#deliveries.agree(agreed)
  }

  goOn(state: SessionState): Promise<void> | undefined {
    return this.#deliveries.goOn(state)
  }

  acknowledged(acknowledgement: Acknowledgement): Promise<void> | undefined {
    return this.#deliveries.acknowledged(acknowledgement)
  }

  handOver(): Promise<void> {
    this.#handedOver ??= Promise.withResolvers()
    this.close('taken-over')
    if (!this.#inlet.isBusy) this.#end()
    return this.#handedOver.promise
  }

  forget(): void {
    this.#conversation.forget()
  }

  keepAlive(seconds: number): void {
    this.#keepAliveMs = seconds * 1000 * KEEP_ALIVE_MARGIN
  }

  turnAway(): void {
    this.#isOver = true
    this.#farewell(null)
  }

  letGo(): void {
    this.#isOver = true
    this.#inlet.drop()
    this.#socket.end()
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
    const isNameless = this.#conversation.version === null
    const isMute = isNameless && nowMs - this.#openedMs > connectSeconds * 1000
    const isSlowToGo = this.#farewellMs !== null && nowMs - this.#farewellMs > FAREWELL_MS
    if (isStuck || isMute || isSlowToGo) this.#socket.destroy()
    // Who is not read from cannot be heard.
    else if (!this.#inlet.isPaused && nowMs - this.#heardMs > this.#keepAliveMs) {
      this.close('keep-alive-timeout')
    }
  }

  /** Ends it without a word. */
  destroy(): void {
    this.#isOver = true
    this.#socket.destroy()
  }

  #end(): void {
    this.#conversation.end()
    this.#handedOver?.resolve()
  }

  /** Nothing that came behind it is taken. */
  #fail(error: unknown): void {
    this.#inlet.drop()
    if (this.#isOver) return
    if (!(error instanceof MqttFault)) {
      this.#log.error({ err: error }, 'a bug')
      this.close('implementation-error')
      return
    }
    const { reason, message } = error
    this.#log.info({ reason, address: this.#socket.remoteAddress }, message)
    if (this.#conversation.version !== null) this.close(reason)
    else if (message === 'Invalid protocol version') this.#refuseVersion()
    else this.destroy()
  }

  /** There is no version to speak: who asks for another gets the answer all of them know. */
  #refuseVersion(): void {
    void this.send({ cmd: 'connack', sessionPresent: false, returnCode: 1 })
    this.turnAway()
  }

  /** Last words, if the version has any and nothing is half said, and the end. */
  #farewell(reasonCode: number | null): void {
    this.#farewellMs = performance.now()
    if (!this.#outbox.isIdle) {
      this.#socket.destroy()
      return
    }
    const { version, isWelcome } = this.#conversation
    if (version === 5 && reasonCode !== null && isWelcome) {
      void this.send({ cmd: 'disconnect', reasonCode })
    }
    this.#socket.resume()
    this.#socket.destroySoon()
  }
}
