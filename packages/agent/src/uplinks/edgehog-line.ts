/**
 * The connection to an Astarte (docs/dialects/edgehog.md, "Topics"): what is said first, properties as they change, and
 * events. Sessions are always begun anew, so what was said on the connection before is said again.
 */
import {
  type AstarteName,
  dataTopic,
  EMPTY_CACHE,
  introspectionText,
  nameText,
  propertyListBytes,
  TOPICS,
} from '@updraft/wire/astarte'
import { heldAt } from '@updraft/wire/astarte-interface'
import { objectBytes, objectOf, payloadBytes, readPayload } from '@updraft/wire/astarte-values'
import {
  EVENT_PATH,
  NAMES,
  OTA_EVENT,
  OTA_REQUEST,
  type OtaRequest,
  OtaRequestObject,
  REQUEST_PATH,
} from '@updraft/wire/edgehog'
import type { Trust } from '../http.ts'
import { MqttConnection } from '../mqtt.ts'
import type { Clock, Random } from '../waits.ts'
import type { Pairing } from './edgehog-pairing.ts'
import { type Event, INTRODUCED, type Property } from './edgehog-words.ts'
import { KeptLine } from './kept-line.ts'

export interface EdgehogLineOptions {
  readonly pairing: Pairing
  readonly trust: Trust
  readonly answerTimeoutMs: number
  readonly clock: Clock
  readonly wallMs: () => number
  readonly random: Random
  readonly onRequest: (request: OtaRequest) => void
}

const EVENT_TYPES = typesAt(OTA_EVENT, EVENT_PATH)
const REQUEST_TYPES = typesAt(OTA_REQUEST, REQUEST_PATH)

export class EdgehogLine {
  readonly #options: EdgehogLineOptions
  readonly #line: KeptLine
  #name: AstarteName | null = null
  /** What was said on this connection, by where it stands. */
  #told = new Map<string, Property>()
  /** The list of all properties, as it was said on this connection. */
  #listed: string | null = null

  constructor(options: EdgehogLineOptions) {
    const { clock, random } = options
    this.#options = options
    this.#line = new KeptLine({ open: (begun) => this.#open(begun), clock, random })
  }

  get news(): KeptLine['news'] {
    return this.#line.news
  }

  /** Opened if need be; whether it had to be. Throws Away. */
  async connect(signal: AbortSignal): Promise<{ isFresh: boolean }> {
    const isFresh = this.#line.open === null
    await this.#line.connected(signal)
    return { isFresh }
  }

  /** Says those that are new or others than before. */
  async tell(properties: readonly Property[], signal: AbortSignal): Promise<void> {
    const { connection, name } = await this.#connected(signal)
    for (const property of properties) {
      const key = keyOf(property)
      if (this.#told.get(key)?.value === property.value) continue
      const topic = dataTopic(name, property.interface, property.path)
      const bytes = payloadBytes(property.type, property.value)
      await connection.publish(topic, Buffer.from(bytes), { quality: 2, signal })
      this.#told.set(key, property)
    }
  }

  /** Says those, and that there are no others. */
  async tellAll(properties: readonly Property[], signal: AbortSignal): Promise<void> {
    await this.tell(properties, signal)
    const list = properties.map(keyOf).join(';')
    if (this.#listed === list) return
    const { connection, name } = await this.#connected(signal)
    const topic = nameText(name) + TOPICS.producerProperties
    await connection.publish(topic, Buffer.from(propertyListBytes(properties)), {
      quality: 2,
      signal,
    })
    this.#listed = list
  }

  async event(uuid: string, event: Event, signal: AbortSignal): Promise<void> {
    await this.#connected(signal)
    await this.#send(uuid, event, signal)
  }

  /** Said if there is a connection right now, and else never. */
  async remark(uuid: string, event: Event): Promise<void> {
    await this.#send(uuid, event).catch(() => {})
  }

  /** As Uplink.news. */
  awaitNews(signal: AbortSignal): Promise<void> {
    return this.#line.awaitNews(signal)
  }

  hangUp(): void {
    this.#line.hangUp()
  }

  async #send(uuid: string, event: Event, signal?: AbortSignal): Promise<void> {
    const connection = this.#line.open
    if (!connection || !this.#name) return
    const { status, progress = 0, code = '', message = '' } = event
    const object = {
      requestUUID: uuid,
      status,
      statusProgress: progress,
      statusCode: code,
      message,
    }
    const topic = dataTopic(this.#name, NAMES.otaEvent, EVENT_PATH)
    const bytes = objectBytes(EVENT_TYPES, object, this.#options.wallMs())
    await connection.publish(topic, Buffer.from(bytes), { quality: 2, signal })
  }

  async #connected(
    signal: AbortSignal,
  ): Promise<{ connection: MqttConnection; name: AstarteName }> {
    const connection = await this.#line.connected(signal)
    if (!this.#name) throw new Error('connected without a name')
    return { connection, name: this.#name }
  }

  /** In the order in which Astarte's own devices do it. */
  async #open(begun: (connection: MqttConnection) => void): Promise<void> {
    const { pairing, trust, answerTimeoutMs, clock } = this.#options
    const { name, broker, key, certificate } = await pairing.paired()
    const connection = new MqttConnection({
      server: broker,
      version: '3.1.1',
      timeoutMs: answerTimeoutMs,
      clock,
      tls: { ...trust, key, certificate },
      onMessage: (topic, payload) => this.#hear(name, topic, payload),
    })
    begun(connection)
    this.#name = name
    this.#told = new Map()
    this.#listed = null
    const base = nameText(name)
    await connection.open({ clientId: base })
    await connection.subscribe([
      { topic: base + TOPICS.consumerProperties, qos: 2 },
      { topic: `${base}/${NAMES.otaRequest}/#`, qos: 2 },
    ])
    const introspection = introspectionText(INTRODUCED)
    await connection.publish(base + TOPICS.introspection, introspection, { quality: 2 })
    await connection.publish(base + TOPICS.emptyCache, EMPTY_CACHE, { quality: 2 })
  }

  /** The server has no properties for us; what else it may say is not ours to heed. */
  #hear(name: AstarteName, topic: string, payload: Buffer): void {
    if (topic !== dataTopic(name, NAMES.otaRequest, REQUEST_PATH)) return
    const object = objectOf(REQUEST_TYPES, readPayload(payload)?.value)
    const request = OtaRequestObject.safeParse(object)
    if (request.success) this.#options.onRequest(request.data)
  }
}

const keyOf = ({ interface: name, path }: Property): string => `${name}${path}`

function typesAt(definition: Parameters<typeof heldAt>[0], path: string) {
  const held = heldAt(definition, path)
  return held?.kind === 'object' ? held.types : {}
}
