/**
 * ThingsBoard's device vocabulary: attribute and telemetry keys, and the HTTP paths. Each fact with its source
 * in docs/dialects/thingsboard.md, named by its heading there.
 */
import type { Json, JsonObject, Release } from '@updraft/core'
import { z } from 'zod'

/** HTTP paths ("HTTP device API"). The token is the only authentication. */
export const HTTP_PATHS = {
  telemetry: '/api/v1/:token/telemetry',
  attributes: '/api/v1/:token/attributes',
  attributeUpdates: '/api/v1/:token/attributes/updates',
  firmware: '/api/v1/:token/firmware',
  software: '/api/v1/:token/software',
  claim: '/api/v1/:token/claim',
  rpc: '/api/v1/:token/rpc',
  provision: '/api/v1/provision',
} as const

/** CoAP's ("CoAP"): downloads have paths of their own; ThingsBoard's documents name others, which it refuses. */
export const COAP_PATHS = {
  telemetry: '/api/v1/:token/telemetry',
  attributes: '/api/v1/:token/attributes',
  firmware: '/fw/:token',
  software: '/sw/:token',
  provision: '/api/v1/provision',
} as const

/** ThingsBoard knows two component types, each with a prefix for its keys ("Names"). */
export const FAMILIES = { fw: 'firmware', sw: 'software' } as const
export type Family = keyof typeof FAMILIES
export const FAMILY_PREFIXES = Object.keys(FAMILIES) as readonly Family[]

export const DEFAULT_LONG_POLL_MS = 60_000
export const MAX_LONG_POLL_MS = 300_000

/** What the shared attributes tell of a release ("Shared attributes"). */
export interface SharedRelease {
  readonly title: string
  readonly version: string
  readonly tag: string | null
  readonly sizeBytes: number | null
  readonly checksumAlgorithm: string | null
  readonly checksum: string | null
  readonly url: string | null
}

/**
 * The shared attributes for one family, in the order clients print them. Text values stay text even where
 * they look like numbers, and the size is a number: clients compare and calculate with them as they are.
 */
export function sharedAttributes(family: Family, release: SharedRelease): JsonObject {
  const values: Record<string, Json> = {
    [`${family}_title`]: release.title,
    [`${family}_version`]: release.version,
  }
  if (release.tag) values[`${family}_tag`] = release.tag
  if (release.sizeBytes !== null) values[`${family}_size`] = release.sizeBytes
  if (release.checksumAlgorithm) values[`${family}_checksum_algorithm`] = release.checksumAlgorithm
  if (release.checksum) values[`${family}_checksum`] = release.checksum
  if (release.url) values[`${family}_url`] = release.url
  return values
}

/** The same for a release of ours. */
export const attributesOfRelease = (family: Family, release: Release): JsonObject =>
  sharedAttributes(family, {
    title: release.title,
    version: release.version,
    tag: release.tag,
    sizeBytes: release.sizeBytes,
    checksumAlgorithm: release.checksumAlgorithm,
    checksum: release.checksum,
    url: release.externalUrl,
  })

/** The keys a device asks for to learn of a release. */
export const sharedAttributeKeys = (family: Family): string[] =>
  ['title', 'version', 'tag', 'size', 'checksum_algorithm', 'checksum', 'url'].map(
    (key) => `${family}_${key}`,
  )

/** The release that shared attributes name, or null when they name none: the way back of sharedAttributes. */
export function sharedReleaseOf(family: Family, attributes: JsonObject): SharedRelease | null {
  const text = (key: string): string | null => {
    const value = attributes[`${family}_${key}`]
    // A genuine server may have made a number of a text that looks like one.
    return (typeof value === 'string' && value !== '') || typeof value === 'number'
      ? String(value)
      : null
  }
  const [title, version, size] = [text('title'), text('version'), text('size')]
  if (title === null || version === null) return null
  return {
    title,
    version,
    tag: text('tag'),
    sizeBytes: size !== null && /^\d+$/.test(size) ? Number(size) : null,
    checksumAlgorithm: text('checksum_algorithm'),
    checksum: text('checksum'),
    url: text('url'),
  }
}

/** The keys listed as deleted when nothing is assigned any more ("What is pushed at INITIATED"). */
export const deletedKeys = (family: Family): string[] =>
  ['title', 'version', 'ts', 'state', 'size', 'checksum', 'checksum_algorithm', 'url', 'tag'].map(
    (key) => `${family}_${key}`,
  )

/** What one telemetry message says of one family, reading by reading in the order sent. */
export interface FamilyTelemetry {
  readonly title?: string
  readonly version?: string
  readonly state?: string
  readonly error?: string
}

/** One reading: the values that were sent together. Device timestamps are wrong too often to be used. */
export type Reading = JsonObject

/**
 * The readings of a telemetry body, in any of its shapes: `{"k":v}`, `{"ts":n,"values":{…}}`, or an array of
 * them mixed ("Publish: telemetry and client attributes"). Undefined when it has none of these shapes.
 */
export function readings(body: unknown): Reading[] | undefined {
  const items = Array.isArray(body) ? body : [body]
  const found: Reading[] = []
  for (const item of items) {
    if (!isObject(item)) return undefined
    const isWrapped = 'ts' in item && 'values' in item
    const values = isWrapped ? item.values : item
    if (!isObject(values)) return undefined
    found.push(values)
  }
  return found
}

/**
 * The family's keys of one reading. Null values count as absent; `current_fw_state` is what very old Arduino
 * SDKs say for `fw_state`. Texts are never cast to numbers, and a number is taken as its text.
 */
export function familyTelemetry(family: Family, reading: Reading): FamilyTelemetry {
  const text = (key: string): string | undefined => {
    const value = reading[key]
    return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined
  }
  return {
    title: text(`current_${family}_title`),
    version: text(`current_${family}_version`),
    state: text(`${family}_state`) ?? text(`current_${family}_state`),
    error: text(`${family}_error`) || undefined,
  }
}

/** Keys of an attribute request: comma-joined, possibly repeated, with empty items tolerated ("Attribute request"). */
export function attributeKeys(
  parameter: string | readonly string[] | undefined,
): string[] | undefined {
  if (parameter === undefined) return undefined
  const keys = [parameter]
    .flat()
    .flatMap((part) => part.split(','))
    .map((key) => key.trim())
    .filter((key) => key !== '')
  return keys.length > 0 ? keys : undefined
}

/** What a device may ask to be known by ("Provisioning"); of a certificate `hash` holds all of it. */
export const CREDENTIALS_TYPES = ['ACCESS_TOKEN', 'MQTT_BASIC', 'X509_CERTIFICATE'] as const
export type CredentialsType = (typeof CREDENTIALS_TYPES)[number]

export const ProvisionRequest = z.object({
  provisionDeviceKey: z.string(),
  provisionDeviceSecret: z.string(),
  deviceName: z.string().nullish(),
  credentialsType: z.string().nullish(),
  token: z.string().nullish(),
  username: z.string().nullish(),
  password: z.string().nullish(),
  clientId: z.string().nullish(),
  hash: z.string().nullish(),
  gateway: z.boolean().nullish(),
})
export type ProvisionRequest = z.infer<typeof ProvisionRequest>

/** Both may be left out, and so may the whole of it [Claiming]. */
export const ClaimRequest = z.object({
  secretKey: z.string().max(1024).nullish(),
  durationMs: z.number().int().nullish(),
})

export type ProvisionResponse =
  | { status: 'SUCCESS'; credentialsType: string; credentialsValue: Json }
  | { status: 'NOT_FOUND' | 'FAILURE'; errorMsg: string }

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
