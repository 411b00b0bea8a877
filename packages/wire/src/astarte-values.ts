/**
 * Values on Astarte's wire: documents of BSON, whose `v` is a scalar, a list of them, or an object of both
 * ("Data payload" in docs/dialects/edgehog.md). What a value is, its mapping says and not the wire: an SDK may write
 * a small longinteger with 32 bits, and a double of 1 must not become an integer. Within the house values are JSON:
 * integers beyond what is exact are texts, as are times (ISO 8601) and bytes (base64).
 */
import type { Json, JsonObject } from '@updraft/core'
import { Binary, Double, deserialize, Int32, Long, serialize } from 'bson'
import { MAX_MESSAGE_BYTES } from './astarte.ts'

export const SCALAR_TYPES = [
  'double',
  'integer',
  'longinteger',
  'boolean',
  'string',
  'datetime',
  'binaryblob',
] as const
export type ScalarType = (typeof SCALAR_TYPES)[number]
/** The type of a mapping. */
export type MappingType = ScalarType | `${ScalarType}array`

/** What a message of data holds. */
export interface Payload {
  /** Undefined when nothing is set any more; else a value as BSON has it, which `jsonOf` or `objectOf` reads. */
  readonly value: unknown
  /** When the device says it was, in milliseconds since 1970; null when it says nothing. Its clock may be wrong. */
  readonly at: number | null
}

/** Longer ones are no Astarte's. */
export const MAX_STRING_BYTES = 65_536
export const MAX_ITEMS = 1_024

const UNSET: Payload = { value: undefined, at: null }

/**
 * A message of data; null when it is none. Nothing at all, and a value of no bytes, unset what was there. A
 * document without `v` is an older form of an object: the whole of it is the value.
 */
export function readPayload(bytes: Uint8Array): Payload | null {
  if (bytes.length === 0) return UNSET
  if (bytes.length > MAX_MESSAGE_BYTES) return null
  const document = documentOf(bytes)
  if (!document) return null
  if (!Object.hasOwn(document, 'v')) return { value: document, at: null }
  const { v, t } = document
  if (v === undefined || v === null) return null
  if (v instanceof Binary && v.length() === 0) return UNSET
  return { value: v, at: t instanceof Date ? t.getTime() : t instanceof Long ? t.toNumber() : null }
}

function documentOf(bytes: Uint8Array): Readonly<Record<string, unknown>> | null {
  try {
    // Also refuses text that is no UTF-8, sizes that do not add up, and what is nested without end.
    return deserialize(bytes, { promoteValues: false })
  } catch {
    return null
  }
}

/** The value as JSON when it is of that type; undefined when it is not. */
export function jsonOf(type: MappingType, value: unknown): Json | undefined {
  const scalar = scalarOf(type)
  if (scalar === type) return READERS[scalar](value)
  if (!Array.isArray(value) || value.length > MAX_ITEMS) return undefined
  const items = value.map((item) => READERS[scalar](item))
  return items.every((item) => item !== undefined) ? items : undefined
}

/**
 * An object whose keys have those types. Keys may be missing; others than these are left out. Undefined when it is
 * no object, or one of the keys is of another type.
 */
export function objectOf(
  types: Readonly<Record<string, MappingType>>,
  value: unknown,
): JsonObject | undefined {
  if (!isPlainObject(value)) return undefined
  const found: Record<string, Json> = {}
  for (const [key, type] of Object.entries(types)) {
    if (!Object.hasOwn(value, key)) continue
    const read = jsonOf(type, value[key])
    if (read === undefined) return undefined
    found[key] = read
  }
  return found
}

const READERS: Readonly<Record<ScalarType, (value: unknown) => Json | undefined>> = {
  double: (value) => {
    const number = value instanceof Long ? value.toNumber() : numberOf(value)
    return number !== undefined && Number.isFinite(number) ? number : undefined
  },
  integer: (value) => {
    const number = value instanceof Long ? value.toNumber() : int32Of(value)
    return number !== undefined && Math.abs(number + 0.5) <= 2 ** 31 ? number : undefined
  },
  longinteger: (value) => (value instanceof Long ? exactly(value.toBigInt()) : int32Of(value)),
  boolean: (value) => (typeof value === 'boolean' ? value : undefined),
  string: (value) =>
    typeof value === 'string' && Buffer.byteLength(value) <= MAX_STRING_BYTES ? value : undefined,
  datetime: (value) => {
    const time =
      value instanceof Date ? value : new Date(value instanceof Long ? Number(value) : Number.NaN)
    return Number.isNaN(time.getTime()) ? undefined : time.toISOString()
  },
  binaryblob: (value) =>
    value instanceof Binary && value.length() < MAX_STRING_BYTES
      ? value.toString('base64')
      : undefined,
}

const int32Of = (value: unknown) => (value instanceof Int32 ? value.value : undefined)
const numberOf = (value: unknown) => (value instanceof Double ? value.value : int32Of(value))

const exactly = (value: bigint): number | string =>
  Number.isSafeInteger(Number(value)) ? Number(value) : `${value}`

/** A message of data with one value, or of nothing, which unsets. `at` where the mapping asks for a time. */
export function payloadBytes(type: MappingType, value: Json | undefined, at?: number): Uint8Array {
  return value === undefined ? new Uint8Array() : written(bsonOf(type, value), at)
}

/** A message of data with an object. */
export function objectBytes(
  types: Readonly<Record<string, MappingType>>,
  values: JsonObject,
  at?: number,
): Uint8Array {
  const entries = Object.entries(types).flatMap(([key, type]) => {
    const value = values[key]
    return value === undefined ? [] : [[key, bsonOf(type, value)] as const]
  })
  return written(Object.fromEntries(entries), at)
}

const written = (v: unknown, at: number | undefined): Uint8Array =>
  serialize(at === undefined ? { v } : { v, t: new Date(at) })

function bsonOf(type: MappingType, value: Json): unknown {
  const scalar = scalarOf(type)
  if (scalar === type) return WRITERS[scalar](value)
  return Array.isArray(value) ? value.map(WRITERS[scalar]) : []
}

const WRITERS: Readonly<Record<ScalarType, (value: Json) => unknown>> = {
  double: (value) => new Double(Number(value)),
  integer: (value) => new Int32(Number(value)),
  longinteger: (value) => Long.fromString(String(value)),
  boolean: (value) => value === true,
  string: (value) => String(value),
  datetime: (value) => new Date(typeof value === 'number' ? value : String(value)),
  binaryblob: (value) => Binary.createFromBase64(String(value)),
}

const scalarOf = (type: MappingType): ScalarType => type.replace(/array$/, '') as ScalarType

const isPlainObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' &&
  value !== null &&
  [Object.prototype, null].includes(Object.getPrototypeOf(value))
