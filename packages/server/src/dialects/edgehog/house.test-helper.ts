/** Edgehog's gate before a desk in memory: messages in, messages out, without the packets around them. */
import { X509Certificate } from 'node:crypto'
import { certifiedNameOf, type JsonObject } from '@updraft/core'
import { heldAt } from '@updraft/wire/astarte-interface'
import { objectBytes, objectOf, payloadBytes, readPayload } from '@updraft/wire/astarte-values'
import { LEGACY_OTA_RESPONSE, NAMES, OTA_EVENT, OTA_REQUEST } from '@updraft/wire/edgehog'
import {
  ASTARTE_ID,
  BASE,
  type Frame,
  INTROSPECTION,
  REALM,
} from '@updraft/wire/testing/edgehog-frames'
import { vi } from 'vitest'
import { deviceAuthority, newDeviceAuthority } from '../../credentials/device-ca.ts'
import type {
  MqttQuality,
  MqttSent,
  MqttSession,
  MqttVisitor,
  MqttWelcome,
} from '../../transports/mqtt.ts'
import { type MemoryDesk, memoryDesk, NOON } from '../memory-desk.test-helper.ts'
import { edgehogMqtt, type GateNeeds } from './gate.ts'

export const DEVICE = 'D1'
export const ROOT = 'https://updates.example'
export const OTA_REQUESTS = `/${NAMES.otaRequest}/#`
export const CONSUMER_PROPERTIES = '/control/consumer/properties'

export interface Sent {
  readonly suffix: string
  readonly qos: MqttQuality
  readonly payload: Buffer
}

/** One connection, from the device's side. */
export interface Line {
  readonly welcome: MqttWelcome | null
  readonly sent: readonly Sent[]
  /** Why it was closed from here; null while it is open. */
  readonly closed: string | null
  readonly isForgotten: boolean
  /** From now on what is sent does not get through. */
  block(how: MqttSent | null): void
  listen(...filters: string[]): Promise<readonly (MqttQuality | null)[]>
  say(suffix: string, payload: string | Uint8Array): Promise<void>
  frame(frame: Frame): Promise<void>
  property(interfaceName: string, path: string, value: string): Promise<void>
  event(said: JsonObject): Promise<void>
  /** As before there were events. */
  response(said: JsonObject): Promise<void>
  /** What it was asked, as the objects that were sent. */
  readonly asked: readonly JsonObject[]
  /** Waits until it was asked so often, and answers the last. */
  askedTimes(times: number): Promise<JsonObject>
  leave(): void
}

export interface House extends MemoryDesk {
  readonly notes: () => string[]
  readonly bugs: readonly object[]
  connect(how?: {
    isClean?: boolean
    resumed?: ReadonlyMap<string, MqttQuality>
    certificate?: string | null
    address?: string
  }): Promise<Line>
  /** As an SDK begins: it listens, says what it has, and that it knows nothing. */
  contact(how?: Parameters<House['connect']>[0]): Promise<Line>
  certificateFor(commonName: string): Promise<string>
}

const stops: (() => Promise<void>)[] = []
/** For after each test. */
export async function closeHouses(): Promise<void> {
  for (const stop of stops.splice(0)) await stop()
}

let made: Promise<Buffer> | undefined
const authority = deviceAuthority({
  now: () => NOON,
  kept: () => {
    made ??= newDeviceAuthority(NOON)
    return made
  },
})

export async function house(needs: Partial<GateNeeds> = {}): Promise<House> {
  const desk = await memoryDesk()
  const bugs: object[] = []
  const log = {
    debug: () => {},
    info: () => {},
    warn: () => {},
    error: (details: object) => void bugs.push(details),
  }
  const certificateFor = async (commonName: string) =>
    (await authority.issue(commonName)).certificate
  const own = await certificateFor(certifiedNameOf(REALM, ASTARTE_ID))
  desk.addDevice(DEVICE)
  desk.addCredential(DEVICE, { kind: 'x509', certificate: own })
  desk.pair(DEVICE, { astarteId: ASTARTE_ID })
  const gate = edgehogMqtt({
    ...desk.needs,
    log,
    holder: 'run-1',
    now: () => NOON,
    rootFor: async () => ROOT,
    graceMs: 0,
    cancelWaitMs: 600_000,
    ...needs,
  })

  const connect: House['connect'] = async ({
    isClean = true,
    resumed = null,
    certificate = own,
    address = '192.0.2.7',
  } = {}) => {
    const sent: Sent[] = []
    let closed: string | null = null
    let isForgotten = false
    let blocked: MqttSent | null = null
    const session: MqttSession = {
      version: 4,
      clientId: '',
      get isOpen() {
        return closed === null
      },
      publish: async (topic, payload, qos) => {
        if (closed !== null) return 'closed'
        if (blocked) return blocked
        sent.push({ suffix: topic.slice(BASE.length), qos, payload: Buffer.from(payload) })
        return 'sent'
      },
      publishStream: async () => 'closed',
      close: (reason) => {
        closed ??= reason
      },
      forget: () => {
        isForgotten = true
      },
    }
    const der = certificate === null ? null : new X509Certificate(certificate).raw
    const welcome = await gate(
      {
        version: 4,
        clientId: '',
        username: undefined,
        password: undefined,
        isCleanSession: isClean,
        localAddress: '127.0.0.1',
        certificate: der && { der, isTrusted: false },
        address,
      },
      session,
    )
    const visitor: MqttVisitor | null = welcome?.kind === 'accepted' ? welcome.visitor : null
    await visitor?.opened?.(resumed)
    if (visitor) stops.push(async () => visitor.closed())
    const here = (): MqttVisitor => {
      if (visitor) return visitor
      throw new Error('The device was not let in.')
    }
    const say: Line['say'] = async (suffix, payload) => {
      const message = { topic: `${BASE}${suffix}`, payload: Buffer.from(payload), qos: 2 } as const
      const { afterwards } = await here().published(message)
      await afterwards?.()
    }
    const asked = () =>
      sent
        .filter(({ suffix }) => suffix === `/${NAMES.otaRequest}/request`)
        .map(({ payload }) => objectOf(REQUEST_TYPES, readPayload(payload)?.value) ?? {})
    return {
      welcome,
      sent,
      get closed() {
        return closed
      },
      get isForgotten() {
        return isForgotten
      },
      block: (how) => {
        blocked = how
      },
      listen: (...filters) =>
        here().subscribed(filters.map((filter) => ({ filter: `${BASE}${filter}`, qos: 2 }))),
      say,
      frame: ({ suffix, hex }) => say(suffix, Buffer.from(hex, 'hex')),
      property: (name, path, value) => say(`/${name}${path}`, payloadBytes('string', value)),
      event: (said) => say(`/${NAMES.otaEvent}/event`, objectBytes(EVENT_TYPES, said)),
      response: (said) => say(`/${NAMES.otaResponse}/response`, objectBytes(RESPONSE_TYPES, said)),
      get asked() {
        return asked()
      },
      askedTimes: async (times) => {
        await vi.waitFor(() => {
          if (asked().length < times) throw new Error(`It was asked ${asked().length} times.`)
        })
        return asked()[times - 1] ?? {}
      },
      leave: () => {
        closed ??= 'left'
        visitor?.closed()
      },
    }
  }

  const contact: House['contact'] = async (how) => {
    const line = await connect(how)
    await line.listen(CONSUMER_PROPERTIES, OTA_REQUESTS)
    await line.say('', INTROSPECTION)
    await line.say('/control/emptyCache', '1')
    return line
  }

  stops.push(() => desk.close())
  const notes = () =>
    desk.events.map(({ kind, data, reason }) => `${kind}: ${data.what ?? reason?.message ?? ''}`)
  return Object.assign(desk, { bugs, notes, connect, contact, certificateFor })
}

const typesAt = (definition: typeof OTA_EVENT, path: string) => {
  const held = heldAt(definition, path)
  return held?.kind === 'object' ? held.types : {}
}
const REQUEST_TYPES = typesAt(OTA_REQUEST, '/request')
const EVENT_TYPES = typesAt(OTA_EVENT, '/event')
const RESPONSE_TYPES = typesAt(LEGACY_OTA_RESPONSE, '/response')
