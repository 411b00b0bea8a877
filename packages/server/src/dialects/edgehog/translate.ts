/** Edgehog's words in ours: what a device says of an update, and where the facts of its interfaces stand. */
import {
  DomainError,
  type Facts,
  type Json,
  type JsonObject,
  type Release,
  type Report,
} from '@updraft/core'
import type { PropertyName } from '@updraft/wire/astarte'
import { heldAt, type InterfaceDefinition } from '@updraft/wire/astarte-interface'
import { FACTS, NAMES, type OtaEvent, type OtaStatus } from '@updraft/wire/edgehog'

/** What a base image is here. */
export const TYPE = 'firmware'
const BASE_IMAGE_VERSION = '/version'

/** Longer ones do not fit with the rest into what the smallest of the clients take. */
const MAX_URL_LENGTH = 1024

/** Whether a device can be asked for that release: a base image, kept here or at an address it can fetch from. */
export function isSpeakable({ type, externalUrl }: Release): boolean {
  if (type !== TYPE) return false
  return externalUrl === null || isFetchable(externalUrl)
}

/** Whether a device takes that for an address. */
export const isFetchable = (url: string): boolean =>
  /^https?:\/\//i.test(url) && url.length <= MAX_URL_LENGTH

/** The share of the whole way at which a word begins, and how much of it the word's own percentage covers. */
const SHARES: Readonly<
  Record<
    'Acknowledged' | 'Downloading' | 'Deploying' | 'Deployed' | 'Rebooting',
    {
      readonly state: 'DOWNLOADING' | 'UPDATING'
      readonly from: number
      readonly span: number
    }
  >
> = {
  // It has begun: it is not to be asked again. A little less than any download, so that the two are told apart.
  Acknowledged: { state: 'DOWNLOADING', from: 8, span: 0 },
  Downloading: { state: 'DOWNLOADING', from: 10, span: 50 },
  Deploying: { state: 'UPDATING', from: 70, span: 15 },
  Deployed: { state: 'UPDATING', from: 87, span: 0 },
  Rebooting: { state: 'UPDATING', from: 92, span: 0 },
}

export function reportOf({ status, word, progress, code, message }: OtaEvent): Report {
  const words = [...new Set([code, message])].filter((each) => each !== null).join(': ')
  switch (status) {
    case null:
      return { state: null, error: [`"${word}"`, words].filter(Boolean).join(' ') }
    case 'Error':
      return { state: null, error: words }
    case 'Failure':
      return {
        state: 'FAILED',
        error: message ?? code ?? undefined,
        code: code ?? undefined,
        isBusy: code === 'UpdateAlreadyInProgress',
      }
    case 'Success':
      return { state: 'UPDATED' }
    default: {
      const { state, from, span } = SHARES[status]
      return { state, word, progressPercent: from + (span * (progress ?? 0)) / 100 }
    }
  }
}

/** After these a device has nothing more to say of an operation. */
export const isLastWord = (status: OtaStatus | null): boolean =>
  status === 'Success' || status === 'Failure'

/** Interfaces whose facts are kept, and below what; those of the system itself stand at the top. */
export const PLACES: Readonly<Record<string, readonly string[]>> = {
  [NAMES.baseImage]: ['baseImage'],
  [NAMES.systemInfo]: [],
  [NAMES.osInfo]: ['osInfo'],
  [NAMES.hardwareInfo]: ['hardwareInfo'],
  [NAMES.runtimeInfo]: ['runtimeInfo'],
  [NAMES.networkInterfaces]: ['networkInterfaces'],
  // Its only path has its own name.
  [NAMES.systemStatus]: [],
  [NAMES.storageUsage]: ['storageUsage'],
}

const DEFINITIONS: ReadonlyMap<string, InterfaceDefinition> = new Map(
  FACTS.map((definition) => [definition.interface_name, definition]),
)

/** A value that a device has told, or taken back. */
export interface Told extends PropertyName {
  /** Undefined: it is set no more. */
  readonly value: Json | undefined
}

/** What a device says of itself with that; null when it says nothing that is new. */
export function factsOf(inventory: JsonObject, told: Told): Facts | null {
  const { interface: name, path, value } = told
  if (name === NAMES.baseImage && path === BASE_IMAGE_VERSION) {
    if (typeof value !== 'string' || value === '') return null
    return { installed: { [TYPE]: { title: null, version: value } }, namesNoTitles: true }
  }
  const place = placeOf(told)
  return place && { installed: {}, inventory: withValue(inventory, place, value) }
}

/**
 * What is left of what a device has told when it says which of its properties are set: of each interface it has, the
 * others are gone. Null when that changes nothing.
 */
export function purged(
  inventory: JsonObject,
  isDeclared: (interfaceName: string) => boolean,
  set: readonly PropertyName[],
): Facts | null {
  const kept = new Set(set.map((property) => `${property.interface}${property.path}`))
  let left = inventory
  for (const definition of FACTS) {
    const name = definition.interface_name
    if (definition.type !== 'properties' || !isDeclared(name)) continue
    const [below = []] = [PLACES[name]]
    for (const path of pathsIn(valueAt(inventory, below))) {
      const property = { interface: name, path }
      // At the top there is more than what this interface tells.
      if (kept.has(`${name}${path}`) || !heldAt(definition, path)) continue
      left = withValue(left, placeOf(property) ?? [], undefined)
    }
  }
  return left === inventory ? null : { installed: {}, inventory: left }
}

function placeOf({ interface: name, path }: PropertyName): readonly string[] | null {
  const below = PLACES[name]
  return below && DEFINITIONS.has(name) ? [...below, ...path.split('/').slice(1)] : null
}

/** No device has so many disks, interfaces or the like. */
const MAX_KEYS = 256

/** Without a value: without that key, and without what holds nothing any more. Refuses with request.malformed. */
function withValue(
  object: JsonObject,
  [key = '', ...rest]: readonly string[],
  value: Json | undefined,
): JsonObject {
  const before = Object.hasOwn(object, key) ? object[key] : undefined
  const inner = isObject(before) ? before : {}
  const after = rest.length === 0 ? value : withValue(inner, rest, value)
  if (after === undefined || (value === undefined && isObject(after) && isEmpty(after))) {
    if (before === undefined) return object
    return Object.fromEntries(Object.entries(object).filter(([name]) => name !== key))
  }
  if (before === undefined && Object.keys(object).length >= MAX_KEYS) {
    throw new DomainError('request.malformed', `More than ${MAX_KEYS} facts of one kind.`)
  }
  return { ...object, [key]: after }
}

function valueAt(object: JsonObject, place: readonly string[]): Json | undefined {
  let value: Json | undefined = object
  for (const key of place)
    value = isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined
  return value
}

/** All paths to what is no object. */
function pathsIn(value: Json | undefined): string[] {
  if (!isObject(value)) return value === undefined ? [] : ['']
  return Object.entries(value).flatMap(([key, inner]) =>
    pathsIn(inner).map((path) => `/${key}${path}`),
  )
}

const isEmpty = (object: JsonObject): boolean => Object.keys(object).length === 0
const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
