/**
 * Devices that speak through a gateway [Gateway API]: they report, are told and fetch files through its session. They are devices of the gateway's tenant; one that is not known is added when
 * the gateway names a profile there is, and is otherwise not heard. The gateway is told of no refusal: its words
 * come in bulk, and one device must not keep the others from being heard.
 */
import { DomainError, type JsonObject, NO_FACTS, type Snapshot } from '@updraft/core'
import {
  type ChunkError,
  type ChunkRequest,
  GATEWAY_TOPICS,
  GatewayAttributeRequest,
  GatewayChunkRequest,
  GatewayConnect,
  GatewayDisconnect,
  type GatewayVerb,
  gatewayErrorTopic,
} from '@updraft/wire/thingsboard-mqtt'
import type { ZodType } from 'zod'
import type { Watching } from '../../app/live-sessions.ts'
import type { MqttTaken } from '../../transports/mqtt.ts'
import { hearAttributes, hearClaim, hearTelemetry, NAME } from './hear.ts'
import { type BytesOut, Chunks } from './mqtt-chunks.ts'
import { objectOf } from './mqtt-json.ts'
import { type Identify, type MqttNeeds, TAKEN } from './mqtt-needs.ts'
import { Pushes } from './pushes.ts'
import { shared, tellsOfReleases } from './translate.ts'

const MAX_CHILDREN = 10_000

interface Child {
  /** Spoken for: it counts as seen. */
  readonly look: Identify
  readonly chunks: Chunks
  readonly pushes: Pushes
  readonly watching: Watching
}

export interface GatewayNeeds extends MqttNeeds {
  readonly gateway: Snapshot
  /** Whether it wants to be told of changes. */
  readonly isListening: () => boolean
  readonly send: (topic: string, words: JsonObject) => Promise<void>
  readonly out: BytesOut
  readonly onError: (error: unknown) => void
}

export class Gateway {
  readonly #needs: GatewayNeeds
  readonly #children = new Map<string, Child>()

  constructor(needs: GatewayNeeds) {
    this.#needs = needs
  }

  async take(verb: GatewayVerb, payload: Buffer): Promise<MqttTaken> {
    const words = objectOf(payload)
    switch (verb) {
      case 'connect': {
        const { device, type } = parse(GatewayConnect, words)
        await this.#forEach({ [device]: null }, () => this.#child(device, type))
        return TAKEN
      }
      case 'disconnect':
        this.#drop(parse(GatewayDisconnect, words).device)
        return TAKEN
      case 'telemetry':
        await this.#forEach(words, async (name, readings) => {
          const { look, pushes } = await this.#child(name)
          const { desk, log } = this.#needs
          pushes.heard(await hearTelemetry(readings, { desk, log, look }))
        })
        return TAKEN
      case 'attributes':
        await this.#forEach(words, async (name, values) => {
          const { look } = await this.#child(name)
          const { desk, log } = this.#needs
          await hearAttributes(plain(values), { desk, log, look })
        })
        return TAKEN
      case 'attributes/request': {
        const request = parse(GatewayAttributeRequest, words)
        return { afterwards: () => this.#answer(request) }
      }
      case 'claim':
        await this.#forEach(words, async (name, said) => {
          const { look } = await this.#child(name)
          await hearClaim(said, { desk: this.#needs.desk, look })
        })
        return TAKEN
      case 'rpc':
        return TAKEN
    }
  }

  /** A part of a file for one of them. The id of the request is the gateway's, one for each download. */
  async chunk(request: ChunkRequest, payload: Buffer): Promise<MqttTaken> {
    const { device: name, size } = parse(GatewayChunkRequest, objectOf(payload))
    const answer = async () => {
      const { chunks } = await this.#child(name)
      await chunks.answer(request, String(size))
    }
    return {
      afterwards: async () => {
        const error = await this.#unlessRefused(name, answer)
        // It waits for an answer, unlike when it tells something.
        if (error) await this.#tellError(name, request, 'NOT_FOUND')
      },
    }
  }

  /** It subscribed to changes: of those that are connected it is told from now on. */
  async listens(): Promise<void> {
    for (const { pushes } of this.#children.values()) if (!pushes.isOn) await pushes.on()
  }

  close(): void {
    for (const name of [...this.#children.keys()]) this.#drop(name)
  }

  async #answer({
    id,
    device,
    client,
    key,
    keys,
  }: ReturnType<typeof GatewayAttributeRequest.parse>): Promise<void> {
    await this.#forEach({ [device]: null }, async () => {
      const { look, pushes } = await this.#child(device)
      const child = await look()
      const wanted = keys ?? (key === undefined ? undefined : [key])
      const tells = client ? false : tellsOfReleases(undefined, wanted)
      const checkedIn = await this.#needs.desk.checkIn(child, NO_FACTS, { tells })
      const all = client ? child.device.inventory : shared(child, checkedIn)
      const values = Object.fromEntries(
        Object.entries(all).filter(([each]) => wanted?.includes(each) ?? true),
      )
      if (!client) pushes.told(values)
      const value = key === undefined ? undefined : values[key]
      const answer: JsonObject = keys || value === undefined ? { values } : { value }
      await this.#needs.send(GATEWAY_TOPICS.attributeResponse, { id, device, ...answer })
    })
  }

  /** Each of the devices named; what one is refused for is noted, and the next is heard. */
  async #forEach(
    words: JsonObject,
    hear: (name: string, said: JsonObject[string]) => Promise<unknown>,
  ): Promise<void> {
    for (const [name, said] of Object.entries(words)) {
      await this.#unlessRefused(name, () => hear(name, said))
    }
  }

  /** Answers the refusal, if it is one that concerns that device alone. */
  async #unlessRefused(
    name: string,
    verb: () => Promise<unknown>,
  ): Promise<DomainError | undefined> {
    try {
      await verb()
      return undefined
    } catch (error) {
      if (!(error instanceof DomainError) || error.code === 'store.away') throw error
      this.#needs.log.info({ device: name, code: error.code }, error.message)
      if (error.code === 'device.unknown') this.#drop(name)
      return error
    }
  }

  #tellError(device: string, { family, requestId, index }: ChunkRequest, error: ChunkError) {
    return this.#needs.send(gatewayErrorTopic(family), {
      device,
      id: requestId,
      chunk: index,
      error,
    })
  }

  async #child(name: string, profile?: string): Promise<Child> {
    const known = this.#children.get(name)
    if (known) return known
    if (this.#children.size >= MAX_CHILDREN) {
      throw new DomainError('device.unknown', `A gateway speaks for ${MAX_CHILDREN} at most.`)
    }
    const { desk, liveSessions, pacer, gateway, isListening, send, out, log } = this.#needs
    const mark = liveSessions.mark()
    const device = await desk.behind(gateway, { name, profile, dialect: NAME })
    const look: Identify = () => desk.behind(gateway, { name, dialect: NAME })
    const pushes = new Pushes({
      tenantId: device.tenantId,
      desk,
      pacer,
      identify: () => desk.behind(gateway, { name, dialect: null }),
      send: async (data) => {
        if (isListening()) await send(GATEWAY_TOPICS.attributes, { device: name, data })
      },
      onError: (error) => {
        const isGone = error instanceof DomainError && error.code === 'device.unknown'
        if (isGone) this.#drop(name)
        else this.#needs.onError(error)
      },
    })
    const watching = liveSessions.watch(device.device, mark, () => pushes.wake())
    const chunks = new Chunks({
      desk,
      log,
      device,
      identify: look,
      out,
      tellError: (request, word) => this.#tellError(name, request, word),
      onFetch: (family, release) => pushes.fetches(family, release),
    })
    const child = { look, chunks, pushes, watching }
    this.#children.set(name, child)
    if (isListening()) await pushes.on()
    return child
  }

  #drop(name: string): void {
    const child = this.#children.get(name)
    child?.watching.end()
    child?.pushes.off()
    child?.chunks.close()
    this.#children.delete(name)
  }
}

function parse<T>(shape: ZodType<T>, words: JsonObject): T {
  const parsed = shape.safeParse(words)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new DomainError('request.malformed', `${issue?.path.join('.')}: ${issue?.message}`)
}

function plain(values: unknown): JsonObject {
  if (typeof values === 'object' && values !== null && !Array.isArray(values)) {
    return values as JsonObject
  }
  throw new DomainError('request.malformed', "A device's attributes are a JSON object.")
}
