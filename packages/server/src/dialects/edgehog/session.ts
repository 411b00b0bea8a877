/**
 * One device's session over MQTT, as Astarte holds it: it says which interfaces it has, what it knows nothing of, which
 * properties are set, and then values, one a message. Each fact with its source in docs/dialects/edgehog.md.
 */
import { DomainError, isRefusal, NO_FACTS, type Snapshot } from '@updraft/core'
import {
  type AstarteName,
  dataTopic,
  type Inbound,
  type InterfaceVersion,
  inbound,
  isGranted,
  nameText,
  propertyListBytes,
  readIntrospection,
  readPropertyList,
  TOPICS,
  utf8,
} from '@updraft/wire/astarte'
import { heldAt, type InterfaceDefinition } from '@updraft/wire/astarte-interface'
import { jsonOf, objectBytes, objectOf, readPayload } from '@updraft/wire/astarte-values'
import {
  INTERFACES,
  LEGACY_OTA_REQUEST,
  LEGACY_OTA_RESPONSE,
  legacyRequestObject,
  NAMES,
  OTA_REQUEST,
  type OtaEvent,
  type OtaGeneration,
  type OtaRequest,
  REQUEST_PATH,
  readOtaEvent,
  readOtaResponse,
  requestObject,
} from '@updraft/wire/edgehog'
import { matches } from '@updraft/wire/mqtt-filter'
import type { DeviceDesk, Introspection, Pairing, Recognized } from '../../app/device-desk.ts'
import type { LiveSessions, Watching } from '../../app/live-sessions.ts'
import type { Pacer } from '../../app/pacer.ts'
import type {
  MqttLog,
  MqttMessage,
  MqttQuality,
  MqttSession,
  MqttTaken,
  MqttVisitor,
} from '../../transports/mqtt.ts'
import { endFailed } from '../mqtt-failed.ts'
import { hearEvent } from './hear.ts'
import { Requests, type Sent } from './requests.ts'
import { factsOf, purged } from './translate.ts'

export interface SessionNeeds {
  readonly desk: DeviceDesk
  readonly liveSessions: Pick<LiveSessions, 'mark' | 'watch'>
  readonly pacer: Pick<Pacer, 'inTurn'>
  readonly log: MqttLog
  readonly now: () => Date
  /** The address of this server as that device reaches it, which came in at that address of ours. */
  readonly rootFor: (device: Snapshot, localAddress: string) => Promise<string>
  /** A device that comes anew says first what it runs; it is asked after that. */
  readonly graceMs?: number
  readonly cancelWaitMs?: number
  readonly backOffMs?: number
}

const GRACE_MS = 1_500
const SEEN_EVERY_MS = 30_000
const TAKEN: MqttTaken = {}
const MAX_TEXT_LENGTH = 300

/** What of ours we know to read or to write, by name; those of before have names that are used no more. */
const KNOWN: ReadonlyMap<string, readonly InterfaceDefinition[]> = Map.groupBy(
  [...INTERFACES, LEGACY_OTA_REQUEST, LEGACY_OTA_RESPONSE],
  ({ interface_name }) => interface_name,
)

export class EdgehogSession implements MqttVisitor {
  readonly #session: MqttSession
  readonly #needs: SessionNeeds
  readonly #known: Recognized
  readonly #name: AstarteName
  readonly #generation: number
  /** Whether a session that cannot be read may be ended: not all the time. */
  readonly #mayEnd: () => boolean
  readonly #requests: Requests
  readonly #filters = new Map<string, MqttQuality>()
  #introspection: Introspection
  #awaitsModel: boolean
  /** It said that it knows nothing, and does not listen yet for what it is to know. */
  #owesProperties = false
  #profileId: string
  #watching: Watching
  #seenMs = performance.now()

  constructor({
    session,
    needs,
    known,
    localAddress,
    pairing,
    name,
    generation,
    mark,
    mayEnd,
  }: {
    session: MqttSession
    needs: SessionNeeds
    known: Recognized
    localAddress: string
    pairing: Pairing
    name: AstarteName
    /** Of the session, among all that this device had. */
    generation: number
    mark: number
    mayEnd: () => boolean
  }) {
    const { tenantId, device } = known.device
    this.#session = session
    this.#needs = needs
    this.#known = known
    this.#name = name
    this.#generation = generation
    this.#mayEnd = mayEnd
    this.#introspection = pairing.introspection
    this.#awaitsModel = pairing.awaitsModel
    this.#profileId = device.profileId
    const generationNow = () => this.#otaGeneration()
    this.#requests = new Requests({
      ...needs,
      tenantId,
      carrier: {
        get generation() {
          return generationNow()
        },
        send: (request, generation) => this.#send(request, generation),
      },
      identify: () => this.#look(),
      rootFor: (device) => needs.rootFor(device, localAddress),
      onError: (error) => this.#failed(error),
    })
    this.#watching = this.#watch(mark)
  }

  async opened(resumed: ReadonlyMap<string, MqttQuality> | null): Promise<void> {
    for (const [filter, qos] of resumed ?? []) this.#filters.set(filter, qos)
    // Who goes on has nothing to say first.
    if (resumed) this.#requests.wake()
    else this.#requests.wakeIn(this.#needs.graceMs ?? GRACE_MS)
  }

  async published(message: MqttMessage): Promise<MqttTaken> {
    try {
      return await this.#take(inbound(this.#name, message.topic), message)
    } catch (error) {
      if (isRefusal(error, 'malformed')) {
        await this.#refuse(message, error.message)
        return TAKEN
      }
      // It is not acknowledged: a client that keeps its session says it again.
      this.#failed(error)
      throw error
    }
  }

  async subscribed(
    filters: readonly { readonly filter: string; readonly qos: MqttQuality }[],
  ): Promise<readonly (MqttQuality | null)[]> {
    const granted = filters.map(({ filter, qos }) => {
      if (!isGranted(this.#name, filter)) return null
      this.#filters.set(filter, qos)
      return qos
    })
    if (this.#owesProperties) setImmediate(() => void this.#tellProperties())
    this.#requests.wakeIn(this.#needs.graceMs ?? GRACE_MS)
    return granted
  }

  async unsubscribed(filters: readonly string[]): Promise<readonly boolean[]> {
    return filters.map((filter) => this.#filters.delete(filter))
  }

  async pinged(): Promise<void> {
    await this.#isSeen().catch((error: unknown) => this.#failed(error))
  }

  closed(): void {
    this.#watching.end()
    this.#requests.close()
    const session = { generation: this.#generation, at: this.#needs.now() }
    this.#needs.desk.pairings
      .disconnected(this.#known.device.device.id, session)
      .catch((error: unknown) =>
        this.#needs.log.warn({ device: this.#deviceName, err: error }, 'its end was not noted'),
      )
  }

  async #take(said: Inbound, message: MqttMessage): Promise<MqttTaken> {
    const { payload } = message
    switch (said.kind) {
      case 'introspection':
        await this.#introspected(message)
        return TAKEN
      case 'empty-cache':
        await this.#look()
        this.#owesProperties = true
        return { afterwards: () => this.#tellProperties() }
      case 'producer-properties': {
        const set = readPropertyList(payload)
        if (!set) throw malformed('That is no list of properties.')
        const device = await this.#look()
        const facts = purged(device.device.inventory, (name) => this.#has(name), set)
        if (facts) await this.#needs.desk.checkIn(device, facts, { tells: false })
        return TAKEN
      }
      case 'capabilities': {
        const document = readPayload(payload)
        const told =
          document && objectOf({ purge_properties_compression_format: 'string' }, document.value)
        if (!told) throw malformed('Those are no capabilities.')
        const device = await this.#look()
        const capabilities = Object.fromEntries(
          Object.entries(told).map(([key, value]) => [key, String(value)]),
        )
        await this.#needs.desk.pairings.setCapabilities(device.device.id, capabilities)
        return TAKEN
      }
      case 'key-agreement':
        await this.#isSeen()
        return TAKEN
      case 'data':
        await this.#hear(said, message)
        return TAKEN
      case 'unknown-control':
        throw malformed('Nobody knows that control topic.')
      case 'foreign':
        throw malformed(`A device publishes below ${nameText(this.#name)} only.`)
    }
  }

  async #introspected(message: MqttMessage): Promise<void> {
    const text = utf8(message.payload)
    const interfaces = text === null ? null : readIntrospection(text)
    if (!interfaces) return this.#unreadable(message, 'The introspection cannot be read.')
    const device = await this.#look()
    const introspection = Object.fromEntries(
      interfaces.map(({ name, major, minor }) => [name, { major, minor }]),
    )
    if (!isSame(introspection, this.#introspection)) {
      await this.#needs.desk.pairings.setIntrospection(device.device.id, introspection)
    }
    this.#introspection = introspection
    this.#requests.wakeIn(this.#needs.graceMs ?? GRACE_MS)
  }

  /** A value, or the end of one. Of interfaces nobody here knows anything of, nothing is made. */
  async #hear(
    { interface: name, path }: Extract<Inbound, { kind: 'data' }>,
    message: MqttMessage,
  ): Promise<void> {
    const known = KNOWN.get(name)
    // Such as measurements, every second: a sign of life, and no more than that.
    if (!known) return this.#isSeen()
    const declared = this.#version(name)
    if (!declared) throw malformed(`${name} is not in the introspection.`)
    const definition = known.find(({ version_major }) => version_major === declared.major)
    if (!definition) throw malformed(`${name} ${declared.major} is not known here.`)
    if (definition.ownership === 'server') throw malformed(`${name} is the server's to write.`)
    const held = heldAt(definition, path)
    if (!held) throw malformed(`${name} has no ${path}.`)
    const payload = readPayload(message.payload)
    if (!payload) return this.#unreadable(message, 'The document cannot be read.')
    const value =
      held.kind === 'value' ? jsonOf(held.type, payload.value) : objectOf(held.types, payload.value)
    if (payload.value !== undefined && value === undefined) {
      throw malformed(`What was said of ${name}${path} is of another type.`)
    }
    const event = eventIn(name, value)
    if (event === null) throw malformed('The event says not which update it is of, or not what.')
    const device = await this.#look()
    if (event) await this.#heard(device, event)
    else await this.#learn(device, { interface: name, path, value })
  }

  async #learn(device: Snapshot, told: Parameters<typeof factsOf>[1]): Promise<void> {
    const { desk } = this.#needs
    const facts = factsOf(device.device.inventory, told)
    await desk.checkIn(device, facts ?? NO_FACTS, { tells: false })
    const isPartNumber = told.interface === NAMES.systemInfo && told.path === '/partNumber'
    if (this.#awaitsModel && isPartNumber) this.#awaitsModel = !(await desk.followModel(device))
  }

  async #heard(device: Snapshot, event: OtaEvent): Promise<void> {
    const { desk, log } = this.#needs
    if (await hearEvent(device, event, { desk, log })) this.#requests.wake()
  }

  /** It is told what the server has set for it, which is nothing, when it listens. */
  async #tellProperties(): Promise<void> {
    const topic = `${nameText(this.#name)}${TOPICS.consumerProperties}`
    const qos = this.#qualityOf(topic)
    if (!this.#owesProperties || qos === null) return
    this.#owesProperties = false
    await this.#session.publish(topic, propertyListBytes([]), qos)
  }

  /** The quality is the interface's, and at most what the device asked for. */
  async #send(request: OtaRequest, generation: OtaGeneration): Promise<Sent> {
    const topic = dataTopic(this.#name, NAMES.otaRequest, REQUEST_PATH)
    const isLegacy = generation === 'legacy'
    const definition = isLegacy ? LEGACY_OTA_REQUEST : OTA_REQUEST
    const held = heldAt(definition, REQUEST_PATH)
    const types = held?.kind === 'object' ? held.types : {}
    const object = isLegacy ? legacyRequestObject(request) : requestObject(request)
    const granted = this.#qualityOf(topic)
    if (granted === null) return 'later'
    const sent = await this.#session.publish(
      topic,
      objectBytes(types, object),
      isLegacy ? granted : 0,
    )
    const { operation, uuid } = request
    this.#needs.log.info({ device: this.#deviceName, operation: uuid, sent }, `asked: ${operation}`)
    return sent === 'sent' ? 'sent' : 'later'
  }

  #otaGeneration(): OtaGeneration | null {
    if (!this.#session.isOpen) return null
    if (this.#qualityOf(dataTopic(this.#name, NAMES.otaRequest, REQUEST_PATH)) === null) return null
    const major = this.#version(NAMES.otaRequest)?.major
    if (major === 1) return 'current'
    return major === 0 && this.#has(NAMES.otaResponse) ? 'legacy' : null
  }

  #qualityOf(topic: string): MqttQuality | null {
    let best: MqttQuality | null = null
    for (const [filter, qos] of this.#filters) {
      if ((best === null || qos > best) && matches(filter, topic)) best = qos
    }
    return best
  }

  #version(name: string): Pick<InterfaceVersion, 'major' | 'minor'> | undefined {
    return Object.hasOwn(this.#introspection, name) ? this.#introspection[name] : undefined
  }

  #has(name: string): boolean {
    return this.#version(name) !== undefined
  }

  /** What cannot be read at all may mean that both sides know different things: it is to begin anew. */
  async #unreadable(message: MqttMessage, what: string): Promise<void> {
    await this.#refuse(message, what)
    if (!this.#mayEnd()) return
    this.#session.forget()
    this.#session.close('malformed-packet')
  }

  /** Discarded, and noted for operators. The device is not told: it would take an error for one of the line. */
  async #refuse({ topic }: MqttMessage, what: string): Promise<void> {
    const said = topic.slice(0, MAX_TEXT_LENGTH)
    this.#needs.log.info({ device: this.#deviceName, topic: said }, what)
    const data = { topic: said, what: what.slice(0, MAX_TEXT_LENGTH) }
    await this.#needs.desk
      .notice(this.#known.device, { kind: 'message.refused', data })
      .catch((error: unknown) => this.#failed(error))
  }

  /** The device as it is now, seen now. Refuses with device.unknown also when an operator keeps it outside. */
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

  async #isSeen(): Promise<void> {
    if (performance.now() - this.#seenMs >= SEEN_EVERY_MS) await this.#look()
  }

  #watch(mark: number): Watching {
    const device = { id: this.#known.device.device.id, profileId: this.#profileId }
    return this.#needs.liveSessions.watch(device, mark, () => {
      this.#stillLetIn().catch((error: unknown) => this.#failed(error))
      this.#requests.wake()
    })
  }

  async #stillLetIn(): Promise<void> {
    const pairing = await this.#needs.desk.pairingOf(await this.#look())
    if (pairing && pairing.status !== 'inhibited') return
    throw new DomainError('device.unknown', 'An operator keeps this device outside.')
  }

  get #deviceName(): string {
    return this.#known.device.device.name
  }

  #failed(error: unknown): void {
    const { log } = this.#needs
    endFailed(error, { session: this.#session, log, device: this.#deviceName })
  }
}

/** Undefined for what is no event, null for one that says too little. */
function eventIn(name: string, value: ReturnType<typeof jsonOf>): OtaEvent | null | undefined {
  const isEvent = name === NAMES.otaEvent || name === NAMES.otaResponse
  if (!isEvent) return undefined
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
  return name === NAMES.otaEvent ? readOtaEvent(value as never) : readOtaResponse(value as never)
}

function isSame(one: Introspection, other: Introspection): boolean {
  const names = Object.keys(one)
  return (
    names.length === Object.keys(other).length &&
    names.every((name) => {
      const [a, b] = [one[name], Object.hasOwn(other, name) ? other[name] : undefined]
      return a?.major === b?.major && a?.minor === b?.minor
    })
  )
}

const malformed = (what: string) => new DomainError('request.malformed', what)
