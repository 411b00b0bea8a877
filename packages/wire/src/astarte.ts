/**
 * Astarte MQTT v1: names, topics, introspection and lists of properties, in both directions. Each fact with its
 * source in docs/dialects/edgehog.md. Values are in astarte-values.ts, pairing over HTTP in astarte-pairing.ts.
 */
import { deflateSync, inflateSync } from 'node:zlib'
import { astarteIdOf as canonicalDeviceId, certifiedNameOf, isRealm } from '@updraft/core'

export { canonicalDeviceId, isRealm }

/** Larger messages are not taken ("Topics"). */
export const MAX_MESSAGE_BYTES = 65_535
/** What a list of properties may become when inflated, whatever it says of itself. */
export const MAX_INFLATED_BYTES = 10 * 1024 * 1024

/** Who a device is to Astarte: what its certificate is made out to, and what its topics stand below. */
export interface AstarteName {
  readonly realm: string
  /** Canonical. */
  readonly astarteId: string
}

export const nameText = ({ realm, astarteId }: AstarteName): string =>
  certifiedNameOf(realm, astarteId)

/** The name a certificate is made out to; null when it is none, or not in the form in which we make them out. */
export function readName(commonName: string): AstarteName | null {
  const [realm = '', astarteId = '', ...rest] = commonName.split('/')
  return rest.length === 0 && isRealm(realm) && canonicalDeviceId(astarteId) === astarteId
    ? { realm, astarteId }
    : null
}

/** Below the name of the device. */
export const TOPICS = {
  introspection: '',
  emptyCache: '/control/emptyCache',
  /** The properties that the device has set. */
  producerProperties: '/control/producer/properties',
  /** The properties that the server has set for the device. */
  consumerProperties: '/control/consumer/properties',
  capabilities: '/capabilities',
} as const

/** What a device says when it knows nothing. */
export const EMPTY_CACHE = '1'

/** What a device publishes. */
export type Inbound =
  | { readonly kind: 'introspection' }
  | { readonly kind: 'empty-cache' }
  | { readonly kind: 'producer-properties' }
  | { readonly kind: 'capabilities' }
  /** Encrypted interfaces, in release candidates of Astarte 1.4 only. */
  | { readonly kind: 'key-agreement' }
  | { readonly kind: 'data'; readonly interface: string; readonly path: string }
  | { readonly kind: 'unknown-control' }
  /** Not below the device's own name, or nothing that could be an interface. */
  | { readonly kind: 'foreign' }

const MAX_TOPIC_LENGTH = 2048

const PLAIN: ReadonlyMap<string, Inbound> = new Map([
  [TOPICS.introspection, { kind: 'introspection' }],
  [TOPICS.emptyCache, { kind: 'empty-cache' }],
  [TOPICS.producerProperties, { kind: 'producer-properties' }],
  [TOPICS.capabilities, { kind: 'capabilities' }],
])

export function inbound(name: AstarteName, topic: string): Inbound {
  const base = nameText(name)
  if (topic.length > MAX_TOPIC_LENGTH || !isBelow(base, topic)) return { kind: 'foreign' }
  const suffix = topic.slice(base.length)
  const plain = PLAIN.get(suffix)
  if (plain) return plain
  if (suffix.startsWith('/control/keyAgreement/')) return { kind: 'key-agreement' }
  if (suffix.startsWith('/control/')) return { kind: 'unknown-control' }
  const [, interfaceName = '', path = '/'] = /^\/([^/]+)(\/.*)?$/.exec(suffix) ?? []
  return isInterfaceName(interfaceName)
    ? { kind: 'data', interface: interfaceName, path }
    : { kind: 'foreign' }
}

/** A device may subscribe to its own name and all below it, and to nothing else. */
export function isGranted(name: AstarteName, filter: string): boolean {
  return filter.length <= MAX_TOPIC_LENGTH && isBelow(nameText(name), filter)
}

const isBelow = (base: string, topic: string): boolean =>
  topic === base || topic.startsWith(`${base}/`)

export const dataTopic = (name: AstarteName, interfaceName: string, path: string): string =>
  `${nameText(name)}/${interfaceName}${path}`

/** An interface that a device has, or that somebody defined. */
export interface InterfaceVersion {
  readonly name: string
  readonly major: number
  readonly minor: number
}

const INTERFACE_NAME =
  /^([a-zA-Z][a-zA-Z0-9]*\.([a-zA-Z0-9][a-zA-Z0-9-]*\.)*)?[a-zA-Z][a-zA-Z0-9]*$/
const MAX_INTERFACE_NAME_LENGTH = 128
const isInterfaceName = (text: string): boolean =>
  text.length <= MAX_INTERFACE_NAME_LENGTH && INTERFACE_NAME.test(text)

/**
 * The interfaces a device says it has: `name:major:minor;…`, perhaps none. Null when the text is nothing of the
 * kind. Of an interface named twice the last counts, as nobody can have two.
 */
export function readIntrospection(text: string): readonly InterfaceVersion[] | null {
  const found = new Map<string, InterfaceVersion>()
  for (const token of text.split(';')) {
    if (token === '') continue
    const [name = '', major = '', minor = '', ...rest] = token.split(':')
    if (rest.length > 0 || !isInterfaceName(name)) return null
    if (!isVersionNumber(major) || !isVersionNumber(minor)) return null
    found.set(name, { name, major: Number(major), minor: Number(minor) })
  }
  return [...found.values()]
}

const isVersionNumber = (text: string): boolean => /^\d{1,9}$/.test(text)

export const introspectionText = (interfaces: readonly InterfaceVersion[]): string =>
  interfaces.map(({ name, major, minor }) => `${name}:${major}:${minor}`).join(';')

/** A property, by where it stands. */
export interface PropertyName {
  readonly interface: string
  /** With its slash. */
  readonly path: string
}

const LENGTH_BYTES = 4

/**
 * The properties that are set, as one of both sides lists them. Null when it is no such list. The length that
 * stands before it is not believed: the Python SDK writes it in the wrong order of bytes. Astarte 1.4 has a form
 * that is not deflated; it is told by its start, where a length has a zero and a text has none.
 */
export function readPropertyList(bytes: Uint8Array): readonly PropertyName[] | null {
  const text = listText(bytes)
  if (text === null) return null
  const names: PropertyName[] = []
  for (const token of text.split(';')) {
    if (token === '') continue
    const slash = token.indexOf('/')
    if (slash === -1 || !isInterfaceName(token.slice(0, slash))) return null
    names.push({ interface: token.slice(0, slash), path: token.slice(slash) })
  }
  return names
}

function listText(bytes: Uint8Array): string | null {
  if (!bytes.subarray(0, LENGTH_BYTES).includes(0)) return utf8(bytes)
  if (bytes.length < LENGTH_BYTES) return null
  // Four zeros and no more is the short form of the empty list.
  if (bytes.length === LENGTH_BYTES) return bytes.every((byte) => byte === 0) ? '' : null
  try {
    return utf8(inflateSync(bytes.subarray(LENGTH_BYTES), { maxOutputLength: MAX_INFLATED_BYTES }))
  } catch {
    return null
  }
}

/** Null when the bytes are no text. */
export function utf8(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return null
  }
}

/** The form that all SDKs read, of the empty list too. */
export function propertyListBytes(names: readonly PropertyName[]): Uint8Array {
  const text = Buffer.from(names.map((name) => `${name.interface}${name.path}`).join(';'))
  const length = Buffer.alloc(LENGTH_BYTES)
  length.writeUInt32BE(text.length)
  return Buffer.concat([length, deflateSync(text)])
}
