/**
 * MQTT as a device in the field needs it: one connection to one server, a limit on every wait, and each kind of
 * trouble told apart. It is not mended when it breaks: whoever needs another one asks for it, at its own pace.
 * Headings in brackets are those of the MQTT 5 and 3.1.1 specifications; packets are mqtt-packet's to read and write.
 */
import { isIP, connect as overTcp, type Socket } from 'node:net'
import { connect as overTls } from 'node:tls'
import {
  generate,
  type IConnackPacket,
  type IPublishPacket,
  type Packet,
  parser,
} from 'mqtt-packet'
import { believed, type Trust } from './http.ts'
import { Away, type AwayKind, messageOf } from './trouble.ts'
import type { Clock } from './waits.ts'

export const MQTT_VERSIONS = ['3.1.1', '5'] as const
export type MqttVersion = (typeof MQTT_VERSIONS)[number]

export interface MqttOptions {
  /** mqtt://host:port or mqtts://host:port. */
  readonly server: URL
  readonly version: MqttVersion
  /** Until the server has answered, each time it owes an answer. */
  readonly timeoutMs: number
  readonly clock: Clock
  /** For mqtts: whom it believes, and what we show. */
  readonly tls?: MqttTls
  /** Hears what nobody has asked for, once even if it comes twice at quality 2. */
  readonly onMessage: (topic: string, payload: Buffer) => void
}

export interface MqttTls extends Trust {
  /** By which the server knows us, in PEM. */
  readonly certificate?: string
  readonly key?: string
}

export type Quality = 0 | 1 | 2

export interface Limits {
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

const PORTS: Readonly<Record<string, number>> = { 'mqtt:': 1883, 'mqtts:': 8883 }
const LEVELS = { '3.1.1': 4, '5': 5 } as const
const KEEP_ALIVE_SECONDS = 60
const MAX_PACKET_ID = 65_535
const FIRST_REFUSAL = 0x80

/** What an acknowledgement that goes by the packet's number is to be kept under. */
const ACKNOWLEDGEMENTS = ['puback', 'pubrec', 'pubcomp', 'suback'] as const

export class MqttConnection {
  readonly #options: MqttOptions
  readonly #socket: Socket
  readonly #closed = new AbortController()
  /** What the server owes us, by what it answers with. */
  readonly #owed = new Map<string, (packet: Packet) => void>()
  /** Numbers of messages at quality 2 that have come, and whose sender has not let go of them yet. */
  readonly #received = new Set<number>()
  #lastId = 0
  #isSilent = false

  /** Begins to connect. */
  constructor(options: MqttOptions) {
    this.#options = options
    this.#socket = socketTo(options)
    this.#read()
    this.#socket.on('error', (error) =>
      this.#end(`${this.#host} cannot be reached: ${messageOf(error)}.`, 'network', error),
    )
    this.#socket.on('close', () => this.#end(`${this.#host} ended the connection.`, 'network'))
  }

  /** Aborts when the connection has ended; the reason is the Away that says why. */
  get closed(): AbortSignal {
    return this.#closed.signal
  }

  /** Says who we are, and resolves when we are let in. Throws Away. */
  async open({ username, clientId = '' }: { username?: string; clientId?: string }): Promise<void> {
    const connack = this.#answer('connack')
    // Written as soon as the socket is open.
    this.#send({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: this.#level,
      clean: true,
      clientId,
      keepalive: KEEP_ALIVE_SECONDS,
      ...(username === undefined ? {} : { username }),
    })
    const answer = (await connack) as IConnackPacket
    const refusal = refusalIn(answer)
    if (refusal) throw refusal
    void this.#stayAlive(answer.properties?.serverKeepAlive ?? KEEP_ALIVE_SECONDS)
  }

  /** Resolves when the server has taken the message; at quality 0, when it is on its way. Throws Away. */
  async publish(
    topic: string,
    payload: string | Buffer,
    { quality = 1, ...limits }: Limits & { quality?: Quality } = {},
  ): Promise<void> {
    const message = { cmd: 'publish', topic, payload, dup: false, retain: false } as const
    if (quality === 0) {
      if (this.closed.aborted) throw this.closed.reason
      return this.#send({ ...message, qos: 0 })
    }
    const messageId = this.#nextId()
    const taken = this.#answer(`${quality === 1 ? 'puback' : 'pubrec'} ${messageId}`, limits)
    this.#send({ ...message, qos: quality, messageId })
    const { reasonCode = 0 } = (await taken) as { reasonCode?: number }
    if (reasonCode >= FIRST_REFUSAL) {
      throw new Away(`The server refuses a message to ${topic} (MQTT ${hex(reasonCode)}).`, {
        kind: 'refused',
      })
    }
    if (quality === 2) await this.#letGo(messageId, limits)
  }

  /** The second half of quality 2 [4.3.3]. */
  async #letGo(messageId: number, limits: Limits): Promise<void> {
    const done = this.#answer(`pubcomp ${messageId}`, limits)
    this.#send({ cmd: 'pubrel', messageId })
    await done
  }

  /** Publishes and resolves to the first message on that topic afterwards. Throws Away, or the signal's reason. */
  async ask(
    topic: string,
    payload: string,
    { answerTopic, ...limits }: Limits & { answerTopic: string },
  ): Promise<Buffer> {
    const answer = this.#answer(`message ${answerTopic}`, limits)
    this.#send({ cmd: 'publish', topic, payload, qos: 0, dup: false, retain: false })
    return ((await answer) as { payload: Buffer }).payload
  }

  /** Resolves when the server has heard it, whatever it grants. Throws Away. */
  async subscribe(filters: readonly { topic: string; qos: Quality }[]): Promise<void> {
    const messageId = this.#nextId()
    const heard = this.#answer(`suback ${messageId}`)
    this.#send({ cmd: 'subscribe', messageId, subscriptions: [...filters] })
    await heard
  }

  hangUp(): void {
    if (this.closed.aborted) return
    this.#send({ cmd: 'disconnect' })
    this.#end('The connection was hung up.', 'network')
  }

  #read(): void {
    const reader = parser({ protocolVersion: this.#level })
    const broken = (error: unknown) =>
      this.#end(`${this.#host} does not speak MQTT: ${messageOf(error)}.`, 'busy', error)
    reader.on('packet', (packet) => this.#hear(packet))
    reader.on('error', broken)
    this.#socket.on('data', (bytes) => {
      try {
        reader.parse(bytes)
      } catch (error) {
        broken(error)
      }
    })
  }

  #hear(packet: Packet): void {
    this.#isSilent = false
    switch (packet.cmd) {
      case 'publish':
        this.#take(packet)
        return
      case 'pubrel':
        this.#received.delete(packet.messageId ?? 0)
        this.#send({ cmd: 'pubcomp', messageId: packet.messageId })
        return
      case 'disconnect':
        this.#end(whyEnded(packet.reasonCode ?? 0), 'busy')
        return
      case 'connack':
        this.#settle('connack', packet)
        return
      case 'puback':
      case 'pubrec':
      case 'pubcomp':
      case 'suback':
        this.#settle(`${packet.cmd} ${packet.messageId}`, packet)
        return
      default:
        return
    }
  }

  #take(packet: IPublishPacket): void {
    const { topic, payload, qos, messageId = 0 } = packet
    if (qos === 1) this.#send({ cmd: 'puback', messageId })
    if (qos === 2) {
      this.#send({ cmd: 'pubrec', messageId })
      if (this.#received.has(messageId)) return
      this.#received.add(messageId)
    }
    const isOwed = this.#settle(`message ${topic}`, packet)
    if (!isOwed) this.#options.onMessage(topic, payload as Buffer)
  }

  #settle(key: string, packet: Packet): boolean {
    const settle = this.#owed.get(key)
    settle?.(packet)
    return settle !== undefined
  }

  /** A server that does not answer in time is as good as gone, and what it says later would be misunderstood. */
  async #answer(key: string, { timeoutMs, signal }: Limits = {}): Promise<Packet> {
    const { clock, timeoutMs: usualMs } = this.#options
    const waitMs = timeoutMs ?? usualMs
    const answered = new AbortController()
    const answer: { packet?: Packet } = {}
    this.#owed.set(key, (packet) => {
      answer.packet = packet
      answered.abort()
    })
    const ends = [this.closed, answered.signal, ...(signal ? [signal] : [])]
    await clock.wait(waitMs, AbortSignal.any(ends))
    this.#owed.delete(key)
    if (answer.packet) return answer.packet
    signal?.throwIfAborted()
    this.#end(`${this.#host} gives no answer for ${waitMs / 1000} seconds.`, 'network')
    throw this.closed.reason
  }

  /** Says something now and then, and notices when nothing comes back [3.1.2.10 Keep Alive]. */
  async #stayAlive(keepAliveSeconds: number): Promise<void> {
    for (;;) {
      await this.#options.clock.wait((keepAliveSeconds * 1000) / 2, this.closed)
      if (this.closed.aborted) return
      if (this.#isSilent) {
        return this.#end(`${this.#host} says nothing any more.`, 'network')
      }
      this.#isSilent = true
      this.#send({ cmd: 'pingreq' })
    }
  }

  #send(packet: Packet): void {
    if (this.closed.aborted) return
    this.#socket.write(generate(packet, { protocolVersion: this.#level }))
  }

  #end(message: string, kind: AwayKind, cause?: unknown): void {
    if (this.closed.aborted) return
    this.#closed.abort(new Away(message, { kind, cause }))
    if (this.#socket.connecting) this.#socket.destroy()
    else this.#socket.destroySoon()
  }

  #nextId(): number {
    do this.#lastId = (this.#lastId % MAX_PACKET_ID) + 1
    while (ACKNOWLEDGEMENTS.some((kind) => this.#owed.has(`${kind} ${this.#lastId}`)))
    return this.#lastId
  }

  get #level(): 4 | 5 {
    return LEVELS[this.#options.version]
  }

  get #host(): string {
    return this.#options.server.host
  }
}

function socketTo({ server: { protocol, hostname, port }, tls = {} }: MqttOptions): Socket {
  const host = hostname.replace(/^\[|\]$/g, '')
  const to = { host, port: Number(port || PORTS[protocol]) }
  if (protocol !== 'mqtts:') return overTcp(to).setNoDelay(true)
  const { authorities, isUnverified = false, certificate, key } = tls
  const shown = { cert: certificate, key, ca: believed(authorities) }
  const about = { ...to, ...shown, rejectUnauthorized: !isUnverified }
  // Certificates name hosts; an address is not asked for by name (RFC 6066, section 3).
  return overTls(isIP(host) ? about : { ...about, servername: host }).setNoDelay(true)
}

/** Why we are not let in: return codes of 3.1.1, reason codes of 5 [3.2.2 CONNACK]. */
const REFUSALS: Readonly<Record<number, readonly [AwayKind, string]>> = {
  1: ['refused', 'it does not speak this version of MQTT'],
  2: ['unauthorised', 'it does not know this client'],
  3: ['busy', 'it cannot serve us now'],
  4: ['unauthorised', 'it does not know this token'],
  5: ['unauthorised', 'it does not know this token'],
  132: ['refused', 'it does not speak this version of MQTT'],
  133: ['unauthorised', 'it does not know this client'],
  134: ['unauthorised', 'it does not know this token'],
  135: ['unauthorised', 'it does not know this token'],
  136: ['busy', 'it cannot serve us now'],
  137: ['busy', 'it is busy'],
  138: ['unauthorised', 'it has banned this device'],
  151: ['busy', 'a quota is used up'],
  159: ['busy', 'too many connect at once'],
}

function refusalIn({ reasonCode, returnCode }: IConnackPacket): Away | null {
  const code = reasonCode ?? returnCode ?? 0
  if (code === 0) return null
  const [kind, why] = REFUSALS[code] ?? ['refused', 'for a reason of its own']
  return new Away(`The server does not let us in: ${why} (MQTT ${hex(code)}).`, { kind })
}

/** [3.14.2.1 Disconnect Reason Code] */
function whyEnded(code: number): string {
  const why: Readonly<Record<number, string>> = {
    135: 'it does not know this token any more',
    139: 'it shuts down',
    141: 'it has not heard from us',
    142: 'somebody else has connected with the same token',
    149: 'a message is too large',
  }
  return `The server ended the connection: ${why[code] ?? 'for a reason of its own'} (MQTT ${hex(code)}).`
}

const hex = (code: number): string => `0x${code.toString(16).padStart(2, '0')}`
