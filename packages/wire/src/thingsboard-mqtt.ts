/**
 * ThingsBoard's MQTT topics, in and out ("MQTT" in docs/dialects/thingsboard.md). Devices do not match filters
 * with topics as a broker would: filters are a list of exact texts, and answers come whether or not one of them
 * fits.
 */
import { z } from 'zod'
import { matches } from './mqtt-filter.ts'
import { FAMILY_PREFIXES, type Family } from './thingsboard.ts'

/** What a device publishes. Topics to answer on are those of the family it asked with ("Short topics"). */
export type Inbound =
  | { readonly kind: 'telemetry' }
  | { readonly kind: 'attributes' }
  | { readonly kind: 'attribute-request'; readonly answerTopic: string }
  | ({ readonly kind: 'chunk-request' } & ChunkRequest)
  | { readonly kind: 'rpc-request'; readonly answerTopic: string }
  /** Said to somebody who asks for it, which nothing here does. */
  | { readonly kind: 'rpc-response' }
  | { readonly kind: 'claim' }
  | { readonly kind: 'gateway'; readonly verb: GatewayVerb }
  | ({ readonly kind: 'gateway-chunk-request' } & ChunkRequest)
  | { readonly kind: 'provision' }
  /** One of the above, with an id that is no number. */
  | { readonly kind: 'malformed' }
  | { readonly kind: 'unknown' }

interface Chunk {
  readonly family: Family
  readonly requestId: number
  readonly index: number
}

export interface ChunkRequest extends Chunk {
  readonly answerTopic: string
}

export const GATEWAY_VERBS = [
  'connect',
  'disconnect',
  'telemetry',
  'attributes',
  'attributes/request',
  'rpc',
  'claim',
] as const
export type GatewayVerb = (typeof GATEWAY_VERBS)[number]

export const PROVISION_TOPICS = {
  request: '/provision/request',
  response: '/provision/response',
} as const

export const GATEWAY_TOPICS = {
  attributes: 'v1/gateway/attributes',
  attributeResponse: 'v1/gateway/attributes/response',
  disconnect: 'v1/gateway/disconnect',
  rpc: 'v1/gateway/rpc',
} as const

const DEVICE = 'v1/devices/me'

/** The topics of one who speaks as a device. Changes of shared attributes come on the topic of the attributes. */
export const DEVICE_TOPICS = {
  telemetry: `${DEVICE}/telemetry`,
  attributes: `${DEVICE}/attributes`,
  attributeRequest: (id: number) => `${DEVICE}/attributes/request/${id}`,
  attributeResponse: (id: number | '+') => `${DEVICE}/attributes/response/${id}`,
} as const

/** Longer than any of the topics, with the longest numbers. */
const MAX_TOPIC_LENGTH = 128
/** Ids and indexes have at most this many digits: more would not be exact. */
const MAX_DIGITS = 15

const PLAIN: Readonly<Record<string, Inbound>> = {
  [DEVICE_TOPICS.telemetry]: { kind: 'telemetry' },
  'v2/t': { kind: 'telemetry' },
  'v2/t/j': { kind: 'telemetry' },
  [DEVICE_TOPICS.attributes]: { kind: 'attributes' },
  'v2/a': { kind: 'attributes' },
  'v2/a/j': { kind: 'attributes' },
  [`${DEVICE}/claim`]: { kind: 'claim' },
  [PROVISION_TOPICS.request]: { kind: 'provision' },
  ...Object.fromEntries(
    GATEWAY_VERBS.map((verb) => [`v1/gateway/${verb}`, { kind: 'gateway', verb } as const]),
  ),
}

/** Topics that end in an id, and where the answer to that id goes. */
const WITH_ID: readonly {
  readonly start: string
  readonly kind: 'attribute-request' | 'rpc-request' | 'rpc-response'
  readonly answer: string
}[] = [
  {
    start: `${DEVICE}/attributes/request/`,
    kind: 'attribute-request',
    answer: `${DEVICE}/attributes/response/`,
  },
  { start: 'v2/a/req/j/', kind: 'attribute-request', answer: 'v2/a/res/j/' },
  { start: 'v2/a/req/', kind: 'attribute-request', answer: 'v2/a/res/' },
  { start: `${DEVICE}/rpc/request/`, kind: 'rpc-request', answer: `${DEVICE}/rpc/response/` },
  { start: 'v2/r/req/j/', kind: 'rpc-request', answer: 'v2/r/res/j/' },
  { start: 'v2/r/req/', kind: 'rpc-request', answer: 'v2/r/res/' },
  { start: `${DEVICE}/rpc/response/`, kind: 'rpc-response', answer: '' },
  { start: 'v2/r/res/j/', kind: 'rpc-response', answer: '' },
  { start: 'v2/r/res/', kind: 'rpc-response', answer: '' },
]

export function inbound(topic: string): Inbound {
  if (topic.length > MAX_TOPIC_LENGTH) return { kind: 'unknown' }
  const plain = Object.hasOwn(PLAIN, topic) ? PLAIN[topic] : undefined
  if (plain) return plain
  const chunk = /^(v2|v1\/gateway)\/(fw|sw)\/request\/([^/]*)\/chunk\/([^/]*)$/.exec(topic)
  if (chunk) {
    const [, start, family, id, at] = chunk
    const [requestId, index] = [unsigned(id), unsigned(at)]
    if (requestId === null || index === null) return { kind: 'malformed' }
    const kind = start === 'v2' ? 'chunk-request' : 'gateway-chunk-request'
    const answerTopic = `${start}/${family}/response/${requestId}/chunk/${index}`
    return { kind, family: family as Family, requestId, index, answerTopic }
  }
  for (const { start, kind, answer } of WITH_ID) {
    if (!topic.startsWith(start)) continue
    const id = topic.slice(start.length)
    // Protobuf forms, which are not spoken here, and ids that are none.
    if (id.startsWith('p/')) return { kind: 'unknown' }
    if (integer(id) === null) return { kind: 'malformed' }
    return kind === 'rpc-response' ? { kind } : { kind, answerTopic: `${answer}${id}` }
  }
  return { kind: 'unknown' }
}

export const chunkRequestTopic = ({ family, requestId, index }: Chunk): string =>
  `v2/${family}/request/${requestId}/chunk/${index}`

export const chunkResponseTopic = ({ family, requestId, index }: Chunk): string =>
  `v2/${family}/response/${requestId}/chunk/${index}`

/** The filter for all answers of downloads, which ThingsBoard grants. */
export const chunkFilter = (family: Family): string => `v2/${family}/response/+/chunk/+`

/** Where errors of a download are told ("Error topic"): both families' on the first one's, unless the device subscribed. */
export const errorTopic = (family: Family): string => `v2/${family}/error`

/** The same for a device behind a gateway, as JSON: topics of ours, as ThingsBoard has none. */
export const gatewayErrorTopic = (family: Family): string => `v1/gateway/${family}/error`

/** What goes wrong with a download, in ThingsBoard's words. */
export type ChunkError = 'NOT_FOUND' | 'FAILURE' | 'PAYLOAD_TOO_LARGE' | 'UNKNOWN'

/** Filters that switch attribute pushes on, which are themselves the topics of the pushes. */
export const PUSH_TOPICS: readonly string[] = [DEVICE_TOPICS.attributes, 'v2/a', 'v2/a/j']

/** The filters a device is granted. `response/+` is what stock clients subscribe to, and ThingsBoard refuses. */
const DEVICE_FILTERS: ReadonlySet<string> = new Set([
  ...PUSH_TOPICS,
  DEVICE_TOPICS.attributeResponse('+'),
  'v2/a/res/+',
  'v2/a/res/j/+',
  `${DEVICE}/rpc/request/+`,
  `${DEVICE}/rpc/response/+`,
  'v2/r/req/+',
  'v2/r/req/j/+',
  'v2/r/res/+',
  'v2/r/res/j/+',
  GATEWAY_TOPICS.attributes,
  GATEWAY_TOPICS.attributeResponse,
  GATEWAY_TOPICS.rpc,
  GATEWAY_TOPICS.disconnect,
  ...FAMILY_PREFIXES.flatMap((family) => [
    chunkFilter(family),
    errorTopic(family),
    `v2/${family}/response/+`,
    `v2/${family}/response/#`,
    `v1/gateway/${family}/response/+/chunk/+`,
    `v1/gateway/${family}/response/#`,
    gatewayErrorTopic(family),
  ]),
])

/** Whether a device may subscribe to that: one of its filters, or one topic of them, as tools do that ask once. */
export const isGranted = (filter: string): boolean =>
  DEVICE_FILTERS.has(filter) ||
  (filter.length <= MAX_TOPIC_LENGTH &&
    !/[+#]/.test(filter) &&
    [...DEVICE_FILTERS].some((each) => matches(each, filter)))

/**
 * The size a chunk request states ("Chunk download"): a number as text, perhaps in quotes. Null when it states
 * none, which empty, zero and negative mean too; undefined when it is no number.
 */
export function chunkBytes(payload: string): number | null | undefined {
  if (payload.length > MAX_SIZE_TEXT) return undefined
  const digits = payload.replace(/["\s]/g, '')
  if (digits === '' || /^-\d+$/.test(digits)) return null
  const size = unsigned(digits)
  return size === null ? undefined : size || null
}
const MAX_SIZE_TEXT = 40

/** A client's own RPC ("RPC needed by SDKs"). */
export const RpcRequest = z.object({ method: z.string(), params: z.unknown() })

/** Generous, and without rates: clients throttle themselves to what they are told here. */
export const SESSION_LIMITS = {
  maxPayloadSize: 65_536,
  maxInflightMessages: 100,
  rateLimits: { messages: null, telemetryMessages: null, telemetryDataPoints: null },
} as const

const name = z.string().min(1).max(255)
/** What a gateway says of the devices behind it ("Gateway API"). */
export const GatewayConnect = z.object({ device: name, type: z.string().max(255).optional() })
export const GatewayDisconnect = z.object({ device: name })
export const GatewayAttributeRequest = z.object({
  id: z.int(),
  device: name,
  client: z.boolean().default(false),
  key: z.string().optional(),
  keys: z.array(z.string()).max(1000).optional(),
})
/** A chunk for one of them; what a device says as the payload is the `size`. */
export const GatewayChunkRequest = z.object({
  device: name,
  size: z.union([z.string(), z.number()]).default(''),
})

function unsigned(text: string | undefined): number | null {
  return text !== undefined && text.length <= MAX_DIGITS && /^\d+$/.test(text) ? Number(text) : null
}

function integer(text: string): number | null {
  return unsigned(text.startsWith('-') ? text.slice(1) : text)
}
