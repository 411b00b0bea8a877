import { Double, Int32, Long, serialize } from 'bson'
import { describe, expect, test } from 'vitest'
import { MAX_MESSAGE_BYTES } from './astarte.ts'
import {
  jsonOf,
  type MappingType,
  objectBytes,
  objectOf,
  payloadBytes,
  readPayload,
  SCALAR_TYPES,
} from './astarte-values.ts'
import { EXAMPLES, FACTS } from './testing/edgehog-frames.ts'

const hex = (text: string) => Buffer.from(text, 'hex')
const valueIn = (bytes: Uint8Array) => readPayload(bytes)?.value
/** The type byte of `v`. */
const typeOf = (bytes: Uint8Array) => bytes[4]

describe('a message of data', () => {
  test.each([
    [EXAMPLES.double, 'double', 25.367812, 1537346756844],
    [EXAMPLES.string, 'string', 'string property value', null],
    [EXAMPLES.integer, 'integer', 10, null],
    [EXAMPLES.boolean, 'boolean', true, null],
  ] as const)('of the page: %s is a %s, %s', (bytes, type, value, at) => {
    const payload = readPayload(hex(bytes))
    expect(payload?.at).toBe(at)
    expect(jsonOf(type, payload?.value)).toBe(value)
  })

  test('holds an object', () => {
    const types = { hum: 'double', temp: 'double' } as const
    expect(objectOf(types, valueIn(hex(EXAMPLES.object)))).toEqual({ hum: 67.112, temp: 25.3123 })
  })

  test('of an SDK mixes widths of integers in one object', () => {
    const frame = FACTS.find(({ suffix }) => suffix.endsWith('/disk0'))
    const types = { totalBytes: 'longinteger', freeBytes: 'longinteger' } as const
    expect(objectOf(types, valueIn(hex(frame?.hex ?? '')))).toEqual({
      totalBytes: 5_000_000_000,
      freeBytes: 12,
    })
  })

  test('of nothing, or of no bytes, unsets', () => {
    expect(readPayload(new Uint8Array())).toEqual({ value: undefined, at: null })
    expect(readPayload(serialize({ v: Buffer.alloc(0) }))).toEqual({ value: undefined, at: null })
  })

  test('without v is an object of the older form', () => {
    const bytes = serialize({ a: new Int32(1), b: 'x' })
    expect(objectOf({ a: 'integer', b: 'string' }, valueIn(bytes))).toEqual({ a: 1, b: 'x' })
  })

  test.each([
    ['no document', hex('31')],
    ['cut off', hex(EXAMPLES.string).subarray(0, -3)],
    ['with something behind it', Buffer.concat([hex(EXAMPLES.string), hex('00')])],
    ['of text that is none', hex('110000000276000500000050ff2d310000')],
    ['of null', serialize({ v: null })],
    ['longer than any', serialize({ v: 'x'.repeat(MAX_MESSAGE_BYTES) })],
    ['nested, and cut off', nested(8_000).subarray(0, -9)],
  ])('that is %s is none', (_, bytes) => {
    expect(readPayload(bytes)).toBeNull()
  })
})

/** Objects within objects. */
function nested(levels: number): Buffer {
  const heads = Array.from({ length: levels }, (_, level) => {
    const head = Buffer.alloc(7)
    head.writeInt32LE(5 + 8 * (levels - level), 0)
    head.set([3, 0x76, 0], 4)
    return head
  })
  return Buffer.concat([...heads, hex('0500000000'), Buffer.alloc(levels)])
}

test('what is nested to the end of a message is of no type', () => {
  const value = valueIn(nested(8_000))
  for (const type of SCALAR_TYPES) expect(jsonOf(type, value) === undefined).toBe(true)
})

describe('a value', () => {
  const big = Long.fromString('9007199254740993')
  test.each<[MappingType, unknown, unknown]>([
    ['longinteger', new Int32(7), 7],
    ['longinteger', Long.fromNumber(7), 7],
    ['longinteger', big, '9007199254740993'],
    ['longinteger', new Double(7), undefined],
    ['integer', new Int32(-7), -7],
    ['integer', Long.fromNumber(2 ** 31 - 1), 2 ** 31 - 1],
    ['integer', Long.fromNumber(-(2 ** 31)), -(2 ** 31)],
    ['integer', Long.fromNumber(2 ** 31), undefined],
    ['integer', new Double(1.5), undefined],
    ['integer', '7', undefined],
    ['double', new Int32(7), 7],
    ['double', new Double(7.5), 7.5],
    ['double', Long.fromNumber(7), 7],
    ['double', new Double(Number.NaN), undefined],
    ['double', new Double(Number.POSITIVE_INFINITY), undefined],
    ['boolean', true, true],
    ['boolean', new Int32(1), undefined],
    ['string', 'x', 'x'],
    ['string', new Int32(1), undefined],
    ['datetime', new Date(0), '1970-01-01T00:00:00.000Z'],
    ['datetime', Long.fromNumber(0), '1970-01-01T00:00:00.000Z'],
    ['datetime', 'today', undefined],
    ['stringarray', ['a', 'b'], ['a', 'b']],
    ['stringarray', ['a', new Int32(1)], undefined],
    ['stringarray', Array(1025).fill('a'), undefined],
    ['longintegerarray', [new Int32(1), big], [1, '9007199254740993']],
    ['stringarray', 'a', undefined],
  ])('said to be %s: %o → %o', (type, value, json) => {
    expect(jsonOf(type, value)).toEqual(json)
  })

  test.each<[MappingType, never, number]>([
    ['double', 1 as never, 0x01],
    ['integer', 1 as never, 0x10],
    ['longinteger', 1 as never, 0x12],
    ['longinteger', '9007199254740993' as never, 0x12],
    ['boolean', true as never, 0x08],
    ['string', 'x' as never, 0x02],
    ['datetime', '2026-03-01T12:00:00.000Z' as never, 0x09],
    ['binaryblob', 'AAEC' as never, 0x05],
    ['longintegerarray', [1, 2] as never, 0x04],
  ])('written as %s: %o has type %i, and is read as it was', (type, json, byte) => {
    const bytes = payloadBytes(type, json)
    expect(typeOf(bytes)).toBe(byte)
    expect(jsonOf(type, valueIn(bytes))).toEqual(json)
  })

  test('that is none is no bytes', () => {
    expect(payloadBytes('string', undefined)).toHaveLength(0)
  })

  test('has a time where the mapping asks for one', () => {
    expect(readPayload(payloadBytes('integer', 1, 5))?.at).toBe(5)
    expect(readPayload(payloadBytes('integer', 1))?.at).toBeNull()
  })
})

describe('an object', () => {
  const types = { a: 'integer', b: 'string' } as const

  test('may lack keys, and has no others', () => {
    expect(objectOf(types, { b: 'x', c: 'y' })).toEqual({ b: 'x' })
  })

  test.each([[{ a: 'x' }], ['x'], [[1]], [new Int32(1)], [undefined]])('is not %o', (value) => {
    expect(objectOf(types, value)).toBeUndefined()
  })

  test('is written in the order of its keys', () => {
    expect(Object.keys(valueIn(objectBytes(types, { b: 'x', a: 1 })) as object)).toEqual(['a', 'b'])
  })
})
