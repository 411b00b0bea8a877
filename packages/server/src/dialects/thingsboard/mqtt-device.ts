/** One device's session over MQTT: its topics in, what follows from each, and the answers out. */
import { DomainError, isRefusal, type JsonObject, NO_FACTS, type Snapshot } from '@updraft/core'
import { attributeKeys } from '@updraft/wire/thingsboard'
import {
  type ChunkError,
  type ChunkRequest,
  errorTopic,
  GATEWAY_TOPICS,
  type Inbound,
  inbound,
  RpcRequest,
  SESSION_LIMITS,
} from '@updraft/wire/thingsboard-mqtt'
import type { Recognized } from '../../app/device-desk.ts'
import type { Watching } from '../../app/live-sessions.ts'
import type { MqttMessage, MqttSession, MqttTaken, MqttVisitor } from '../../transports/mqtt.ts'
import { endFailed } from '../mqtt-failed.ts'
import { hearAttributes, hearClaim, hearTelemetry } from './hear.ts'
import { type BytesOut, Chunks } from './mqtt-chunks.ts'
import { Filters } from './mqtt-filters.ts'
import { Gateway } from './mqtt-gateway.ts'
import { jsonOf, objectOf } from './mqtt-json.ts'
import {
  type MqttNeeds,
  NOT_AUTHORIZED,
  PAYLOAD_INVALID,
  SEEN_EVERY_MS,
  TAKEN,
  TOPIC_INVALID,
} from './mqtt-needs.ts'
import { Pushes } from './pushes.ts'
import { attributeAnswer, shared, tellsOfReleases } from './translate.ts'

export class DeviceSession implements MqttVisitor {
  readonly id: string
  readonly #session: MqttSession
  readonly #needs: MqttNeeds
  readonly #known: Recognized
  readonly #pushes: Pushes
  readonly #out: BytesOut
  readonly #chunks: Chunks
  readonly #onClosed: (session: DeviceSession) => void
  readonly #filters = new Filters()
  /** Only of a device whose attribute `gateway` is true, once it speaks for others. */
  #gateway: Gateway | null = null
  #profileId: string
  #watching: Watching
  #seenMs = performance.now()

  constructor({
    session,
    needs,
    known,
    mark,
    onClosed,
  }: {
    session: MqttSession
    needs: MqttNeeds
    known: Recognized
    mark: number
    onClosed: (session: DeviceSession) => void
  }) {
    const { tenantId, device } = known.device
    this.id = device.id
    this.#session = session
    this.#needs = needs
    this.#known = known
    this.#onClosed = onClosed
    this.#profileId = device.profileId
    const identify = () => this.#look()
    this.#pushes = new Pushes({
      tenantId,
      desk: needs.desk,
      pacer: needs.pacer,
      identify,
      send: (change) => this.#push(change),
      onError: (error) => this.#failed(error),
    })
    this.#out = {
      publish: (topic, bytes) => session.publish(topic, bytes, this.#filters.qualityOf(topic)),
      publishStream: (topic, sizeBytes, pieces) => {
        const qos = this.#filters.qualityOf(topic)
        return session.publishStream({ topic, sizeBytes, pieces, qos })
      },
    }
    this.#chunks = new Chunks({
      ...needs,
      device: known.device,
      identify,
      out: this.#out,
      tellError: (request, word) => this.#tellError(request, word),
      onFetch: (family, release) => this.#pushes.fetches(family, release),
    })
    this.#watching = this.#watch(mark)
  }

  /** Another session of the same device has come. */
  takenOver(): void {
    this.#session.close('taken-over')
  }

  async published(message: MqttMessage): Promise<MqttTaken> {
    try {
      const taken = await this.#take(inbound(message.topic), message)
      const { afterwards } = taken
      if (!afterwards) return taken
      return { ...taken, afterwards: () => afterwards().catch((error) => this.#failed(error)) }
    } catch (error) {
      if (!isRefusal(error, 'malformed')) {
        this.#failed(error)
        return TAKEN
      }
      this.#needs.log.info({ device: this.#name, topic: message.topic }, error.message)
      // Only MQTT 5 has words for it.
      if (this.#session.version === 5 && message.qos > 0) return PAYLOAD_INVALID
      this.#session.close('malformed-packet')
      return TAKEN
    }
  }

  async subscribed(
    filters: readonly { readonly filter: string; readonly qos: 0 | 1 | 2 }[],
  ): Promise<(0 | 1 | null)[]> {
    const granted = filters.map(({ filter, qos }) => this.#filters.grant(filter, qos))
    if (this.#filters.pushTopic && !this.#pushes.isOn) {
      await this.#pushes.on().catch((error: unknown) => this.#failed(error))
    }
    if (this.#filters.has(GATEWAY_TOPICS.attributes)) await this.#gateway?.listens()
    return granted
  }

  async unsubscribed(filters: readonly string[]): Promise<boolean[]> {
    const had = filters.map((filter) => this.#filters.drop(filter))
    if (!this.#filters.pushTopic) this.#pushes.off()
    return had
  }

  async pinged(): Promise<void> {
    this.#isSeen()
  }

  closed(): void {
    this.#watching.end()
    this.#pushes.off()
    this.#chunks.close()
    this.#gateway?.close()
    this.#onClosed(this)
  }

  async #take(topic: Inbound, { payload }: MqttMessage): Promise<MqttTaken> {
    const hearing = { desk: this.#needs.desk, log: this.#needs.log, look: () => this.#look() }
    switch (topic.kind) {
      case 'telemetry': {
        this.#pushes.heard(await hearTelemetry(jsonOf(payload), hearing))
        return TAKEN
      }
      case 'attributes':
        await hearAttributes(objectOf(payload), hearing)
        return TAKEN
      case 'attribute-request': {
        const request = objectOf(payload)
        const [clientKeys, sharedKeys] = [keysOf(request.clientKeys), keysOf(request.sharedKeys)]
        const answer = () => this.#answerAttributes(topic.answerTopic, clientKeys, sharedKeys)
        return { afterwards: answer }
      }
      case 'chunk-request':
        return { afterwards: () => this.#chunks.answer(topic, payload.toString('latin1')) }
      case 'rpc-request': {
        const request = RpcRequest.safeParse(jsonOf(payload))
        const answer = answerRpc(request.success ? request.data.method : undefined)
        return { afterwards: () => this.#answer(topic.answerTopic, answer) }
      }
      case 'rpc-response':
        await this.#look()
        return TAKEN
      case 'claim':
        await hearClaim(jsonOf(payload), hearing)
        return TAKEN
      case 'gateway': {
        const gateway = await this.#asGateway()
        return gateway?.take(topic.verb, payload) ?? NOT_AUTHORIZED
      }
      case 'gateway-chunk-request': {
        // One that goes on was let in before, and costs no look.
        const known = topic.index > 0 ? this.#gateway : null
        const gateway = known ?? (await this.#asGateway())
        return gateway?.chunk(topic, payload) ?? NOT_AUTHORIZED
      }
      case 'malformed':
        throw new DomainError('request.malformed', 'The topic holds an id that is no number.')
      case 'provision':
      case 'unknown':
        return TOPIC_INVALID
    }
  }

  /** Null where the operator has not made it one. */
  async #asGateway(): Promise<Gateway | null> {
    const device = await this.#look()
    if (device.device.attributes.gateway !== true) return null
    this.#gateway ??= new Gateway({
      ...this.#needs,
      gateway: device,
      isListening: () => this.#filters.has(GATEWAY_TOPICS.attributes),
      send: (topic, words) => this.#answer(topic, words),
      out: this.#out,
      onError: (error) => this.#failed(error),
    })
    return this.#gateway
  }

  async #answerAttributes(
    topic: string,
    clientKeys: readonly string[] | undefined,
    sharedKeys: readonly string[] | undefined,
  ): Promise<void> {
    const device = await this.#look()
    const tells = tellsOfReleases(clientKeys, sharedKeys)
    const checkedIn = await this.#needs.desk.checkIn(device, NO_FACTS, { tells })
    const answer = attributeAnswer({
      client: device.device.inventory,
      shared: shared(device, checkedIn),
      clientKeys,
      sharedKeys,
    })
    this.#pushes.told((answer.shared ?? {}) as JsonObject)
    await this.#answer(topic, answer)
  }

  async #answer(topic: string, answer: JsonObject): Promise<void> {
    const sent = await this.#session.publish(
      topic,
      JSON.stringify(answer),
      this.#filters.qualityOf(topic),
    )
    if (sent === 'too-large') this.#tooLarge(topic)
  }

  async #push(change: JsonObject): Promise<void> {
    const topic = this.#filters.pushTopic
    if (topic) await this.#answer(topic, change)
  }

  /** On the topic of its own for software only where the device listens there. */
  async #tellError({ family }: ChunkRequest, word: ChunkError): Promise<void> {
    const own = errorTopic(family)
    const topic = this.#filters.has(own) ? own : errorTopic('fw')
    await this.#session.publish(topic, word, this.#filters.qualityOf(topic))
  }

  #tooLarge(topic: string): void {
    this.#needs.log.warn({ device: this.#name, topic }, 'larger than the client takes')
  }

  /** The device as it is now, seen now. */
  async #look(): Promise<Snapshot> {
    this.#seenMs = performance.now()
    const device = await this.#known.identify()
    if (device.device.profileId !== this.#profileId) {
      this.#profileId = device.device.profileId
      this.#watching.end()
      this.#watching = this.#watch(this.#needs.liveSessions.mark())
    }
    return device
  }

  #isSeen(): void {
    if (performance.now() - this.#seenMs < SEEN_EVERY_MS) return
    this.#look().catch((error: unknown) => this.#failed(error))
  }

  #watch(mark: number): Watching {
    const device = { id: this.id, profileId: this.#profileId }
    return this.#needs.liveSessions.watch(device, mark, () => this.#pushes.wake())
  }

  get #name(): string {
    return this.#known.device.device.name
  }

  #failed(error: unknown): void {
    const { log } = this.#needs
    endFailed(error, { session: this.#session, log, device: this.#name })
  }
}

/** A gateway looks for its own; other devices read past it. */
const GATEWAY_LIMITS = { gatewayRateLimits: SESSION_LIMITS.rateLimits }

function keysOf(keys: unknown): string[] | undefined {
  if (keys === undefined || keys === null) return undefined
  if (typeof keys === 'string') return attributeKeys(keys)
  throw new DomainError('request.malformed', 'Keys are one text, with commas.')
}

function answerRpc(method: string | undefined): JsonObject {
  if (method === 'getSessionLimits') return { ...SESSION_LIMITS, ...GATEWAY_LIMITS }
  return {
    error: `Nobody here answers ${method === undefined ? 'that' : `"${method.slice(0, 80)}"`}.`,
  }
}
