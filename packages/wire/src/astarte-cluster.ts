/**
 * What an Astarte cluster is asked over HTTP, and what it calls us with: AppEngine, realm management, triggers. Facts:
 * docs/dialects/edgehog-cluster.md. Answers are read leniently; versions of Astarte differ in what else they say.
 */
import { z } from 'zod'
import { NAMES } from './edgehog.ts'

/** Below the base URL of the cluster. */
export const appEngine = (realm: string): string => `/appengine/v1/${realm}`
export const realmManagement = (realm: string): string => `/realmmanagement/v1/${realm}`

/** What a realm's key is asked to let us do: patterns of `VERB::path`. */
export const CLAIMS = { a_aea: ['.*::.*'], a_rma: ['.*::.*'] } as const
export const TOKEN_SECONDS = 300

/** `{"errors":{"detail":"…"}}`, or a list for each field. */
export const Errors = z.object({ errors: z.record(z.string(), z.unknown()) })

/** What went wrong, as one sentence; undefined when the body does not say. */
export function errorIn(body: unknown): string | undefined {
  const { errors } = Errors.safeParse(body).data ?? {}
  if (!errors) return undefined
  const { detail, ...fields } = errors
  if (typeof detail === 'string') return detail
  const words = Object.entries(fields).map(([name, said]) => `${name}: ${JSON.stringify(said)}`)
  return words.length > 0 ? words.join(', ') : undefined
}

const Instant = z.iso.datetime({ offset: true }).nullish().catch(null)

/** The introspection as AppEngine tells it. */
const Introspection = z
  .record(z.string(), z.looseObject({ major: z.int(), minor: z.int() }))
  .catch({})

export const DeviceStatus = z.looseObject({
  id: z.string(),
  connected: z.boolean().catch(false),
  last_connection: Instant,
  last_disconnection: Instant,
  last_seen_ip: z.string().nullish().catch(null),
  introspection: Introspection.default({}),
})
export type DeviceStatus = z.infer<typeof DeviceStatus>

export const DeviceStatusAnswer = z.object({ data: DeviceStatus })

/** A page of devices; `links.next` is a path of which only the token counts. */
export const DevicePage = z.object({
  data: z.array(z.unknown()),
  links: z.looseObject({ next: z.string().nullish() }).nullish(),
})

/** The token of the next page; undefined at the end. */
export function nextToken({ links }: z.infer<typeof DevicePage>): string | undefined {
  const next = links?.next
  if (!next) return undefined
  return new URL(next, 'http://cluster.invalid').searchParams.get('from_token') ?? undefined
}

/** Properties, nested by path. */
export const PropertiesAnswer = z.object({ data: z.record(z.string(), z.unknown()).catch({}) })

/** `"1.2.0"`, or the same in `data`. */
export const VersionAnswer = z.union([
  z.string(),
  z.object({ data: z.string() }).transform(({ data }) => data),
])

export const InterfaceAnswer = z.object({
  data: z.looseObject({ version_major: z.int(), version_minor: z.int() }),
})
export const NamesAnswer = z.object({ data: z.array(z.string()) })
export const AnyAnswer = z.object({ data: z.unknown() })

/** From which version of Astarte on there is such a thing. */
export const SINCE = { policies: '1.1.1', registrationTriggers: '1.3.0-rc.0' } as const

/** Ours have names of their own, so that what others made in the realm is left alone. */
export const OURS = { prefix: 'updraft-', policy: 'updraft-retry-on-server-error' } as const

/** The static header by which a call is known to come from a trigger of ours. */
export const SECRET_HEADER = 'updraft-webhook-secret'
export const REALM_HEADER = 'astarte-realm'

/**
 * What Astarte does with an event that could not be delivered: kept for an hour while we answer with an error of ours,
 * dropped when it was the event's own.
 */
export const POLICY = {
  name: OURS.policy,
  error_handlers: [
    { on: 'server_error', strategy: 'retry' },
    { on: 'client_error', strategy: 'discard' },
  ],
  maximum_capacity: 10_000,
  retry_times: 100,
  event_ttl: 3600,
} as const

type Condition =
  | { readonly type: 'device_trigger'; readonly on: string }
  | {
      readonly type: 'data_trigger'
      readonly on: 'incoming_data'
      readonly interface_name: string
      readonly interface_major: number
      readonly match_path: '/*'
      readonly value_match_operator: '*'
    }

export interface TriggerDefinition {
  readonly name: string
  readonly action: {
    readonly http_url: string
    readonly http_method: 'post'
    readonly http_static_headers: Readonly<Record<string, string>>
    readonly ignore_ssl_errors: false
  }
  readonly policy?: string
  readonly simple_triggers: readonly [Condition]
}

const onDevice = (on: string): Condition => ({ type: 'device_trigger', on })
const onData = (name: string, major = 0): Condition => ({
  type: 'data_trigger',
  on: 'incoming_data',
  interface_name: name,
  interface_major: major,
  match_path: '/*',
  value_match_operator: '*',
})

/** Which events we are told of, by the trigger's name without the prefix. */
const CONDITIONS = {
  connection: onDevice('device_connected'),
  disconnection: onDevice('device_disconnected'),
  'ota-event': onData(NAMES.otaEvent),
  'system-info': onData(NAMES.systemInfo),
  'base-image': onData(NAMES.baseImage),
} as const
const SINCE_REGISTRATIONS = {
  registration: onDevice('device_registered'),
  'deletion-finished': onDevice('device_deletion_finished'),
} as const
/** Only where devices of before 2023 are left: a trigger needs its interface. */
const LEGACY = { 'ota-response': onData(NAMES.otaResponse) } as const

/** The triggers a realm is to have. */
export function triggersFor({
  url,
  secret,
  has,
}: {
  readonly url: string
  readonly secret: string
  readonly has: {
    readonly policies: boolean
    readonly registrationTriggers: boolean
    readonly legacyResponse: boolean
  }
}): readonly TriggerDefinition[] {
  const conditions = {
    ...CONDITIONS,
    ...(has.registrationTriggers && SINCE_REGISTRATIONS),
    ...(has.legacyResponse && LEGACY),
  }
  return Object.entries(conditions).map(([name, condition]) => ({
    name: OURS.prefix + name,
    action: {
      http_url: url,
      http_method: 'post',
      http_static_headers: { [SECRET_HEADER]: secret },
      ignore_ssl_errors: false,
    },
    ...(has.policies && { policy: OURS.policy }),
    simple_triggers: [condition],
  }))
}

/** What a trigger calls us with. `trigger_name` is absent before 1.2, and more keys may come. */
const Delivery = z.looseObject({
  timestamp: Instant,
  device_id: z.string(),
  event: z.looseObject({ type: z.string() }),
})
const IncomingData = z.looseObject({
  interface: z.string(),
  path: z.string(),
  value: z.unknown(),
})

export type ClusterEvent =
  | { readonly kind: 'connected'; readonly address: string | null }
  | { readonly kind: 'disconnected' }
  | {
      readonly kind: 'data'
      readonly interface: string
      readonly path: string
      readonly value: unknown
    }
  | { readonly kind: 'deleted' }
  /** Whatever it is, the device is there. */
  | { readonly kind: 'other'; readonly type: string }

export interface TriggerDelivery {
  readonly deviceId: string
  /** When it happened, by the cluster's clock; null when it does not say. */
  readonly at: Date | null
  readonly event: ClusterEvent
}

/** Undefined when it is no delivery. */
export function triggerDelivery(body: unknown): TriggerDelivery | undefined {
  const { data } = Delivery.safeParse(body)
  if (!data) return undefined
  const event = clusterEvent(data.event)
  const at = data.timestamp ? new Date(data.timestamp) : null
  return event && { deviceId: data.device_id, at, event }
}

function clusterEvent(event: { type: string; [key: string]: unknown }): ClusterEvent | undefined {
  const { type } = event
  if (type === 'device_connected') {
    const address = event.device_ip_address
    return { kind: 'connected', address: typeof address === 'string' ? address : null }
  }
  if (type === 'device_disconnected') return { kind: 'disconnected' }
  if (type === 'device_deletion_started' || type === 'device_deletion_finished') {
    return { kind: 'deleted' }
  }
  if (type !== 'incoming_data') return { kind: 'other', type }
  const { data } = IncomingData.safeParse(event)
  return data && { kind: 'data', interface: data.interface, path: data.path, value: data.value }
}
