import { deflateSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import {
  inbound,
  introspectionText,
  isGranted,
  MAX_INFLATED_BYTES,
  propertyListBytes,
  readIntrospection,
  readName,
  readPropertyList,
} from './astarte.ts'
import { heldAt, versionOf } from './astarte-interface.ts'
import { INTERFACES, NAMES } from './edgehog.ts'
import {
  ASTARTE_ID,
  BASE,
  EXAMPLE_PROPERTIES,
  EXAMPLES,
  INTROSPECTION,
  NO_PROPERTIES,
  PROPERTIES,
  REALM,
} from './testing/edgehog-frames.ts'

const NAME = { realm: REALM, astarteId: ASTARTE_ID }
const hex = (text: string) => Buffer.from(text, 'hex')

describe('the name in a certificate', () => {
  test('is realm and id', () => {
    expect(readName(BASE)).toEqual(NAME)
  })

  test.each([
    '',
    'meter-7',
    ASTARTE_ID,
    `Test/${ASTARTE_ID}`,
    `test/${ASTARTE_ID}/x`,
    `test/${ASTARTE_ID}A`,
    `test/${ASTARTE_ID.slice(0, -1)}`,
    // The same 128 bits, spelled otherwise than we do.
    `test/${ASTARTE_ID.slice(0, -1)}x`,
  ])('is not "%s"', (text) => {
    expect(readName(text)).toBeNull()
  })
})

describe('a topic', () => {
  test.each([
    ['', { kind: 'introspection' }],
    ['/control/emptyCache', { kind: 'empty-cache' }],
    ['/control/producer/properties', { kind: 'producer-properties' }],
    ['/control/keyAgreement/a/b', { kind: 'key-agreement' }],
    ['/control/consumer/properties', { kind: 'unknown-control' }],
    ['/control/whatever', { kind: 'unknown-control' }],
    ['/capabilities', { kind: 'capabilities' }],
    ['/a.b.C/x/y', { kind: 'data', interface: 'a.b.C', path: '/x/y' }],
    ['/a.b.C', { kind: 'data', interface: 'a.b.C', path: '/' }],
    ['/a b/x', { kind: 'foreign' }],
    ['x/y', { kind: 'foreign' }],
    [`/${'x'.repeat(3000)}/y`, { kind: 'foreign' }],
  ])('below the name: "%s"', (suffix, said) => {
    expect(inbound(NAME, `${BASE}${suffix}`)).toEqual(said)
  })

  test.each(['other/x', `test/${'A'.repeat(22)}`, `${BASE}x/control/emptyCache`, 'v1/devices/me'])(
    'of somebody else: %s',
    (topic) => {
      expect(inbound(NAME, topic)).toEqual({ kind: 'foreign' })
    },
  )
})

test.each([
  [BASE, true],
  [`${BASE}/control/consumer/properties`, true],
  [`${BASE}/${NAMES.otaRequest}/#`, true],
  [`${BASE}/#`, true],
  ['#', false],
  ['+/+/#', false],
  [`${REALM}/+/x`, false],
  [`${BASE}x/#`, false],
])('a filter %s is granted: %s', (filter, is) => {
  expect(isGranted(NAME, filter)).toBe(is)
})

describe('introspection', () => {
  test('of an SDK is read, and written as it was', () => {
    const interfaces = readIntrospection(INTROSPECTION)
    expect(interfaces?.[0]).toEqual({ name: NAMES.otaRequest, major: 1, minor: 0 })
    expect(introspectionText(interfaces ?? [])).toBe(INTROSPECTION)
  })

  test.each([
    ['', []],
    ['a.B:0:1;', [{ name: 'a.B', major: 0, minor: 1 }]],
    ['a.B:0:1;a.B:1:0', [{ name: 'a.B', major: 1, minor: 0 }]],
  ])('"%s" is %o', (text, interfaces) => {
    expect(readIntrospection(text)).toEqual(interfaces)
  })

  test.each(['a.B', 'a.B:0', 'a.B:0:x', 'a.B:0:1:2', 'a.B:-1:0', 'a.B:0:1e9', '1:2:3', 'a b:0:1'])(
    '"%s" is none',
    (text) => {
      expect(readIntrospection(text)).toBeNull()
    },
  )
})

describe('a list of properties', () => {
  const told = (list: ReturnType<typeof readPropertyList>) =>
    list?.map((each) => `${each.interface}${each.path}`).join(';')

  test.each([
    ['of the page, big-endian', EXAMPLES.properties, EXAMPLE_PROPERTIES],
    ['of nothing, in four bytes', EXAMPLES.noProperties, ''],
    ['of nothing, deflated', NO_PROPERTIES.hex, ''],
  ])('%s', (_, bytes, text) => {
    expect(told(readPropertyList(hex(bytes)))).toBe(text)
  })

  test('whose length is in the wrong order of bytes is read as well', () => {
    expect(told(readPropertyList(hex(PROPERTIES.hex)))).toContain(`;${NAMES.baseImage}/version;`)
  })

  test('that is not deflated is read as well', () => {
    expect(told(readPropertyList(Buffer.from('a.B/c;a.B/d')))).toBe('a.B/c;a.B/d')
  })

  test('is written with its length first', () => {
    expect(propertyListBytes([])).toEqual(hex('00000000789c030000000001'))
    const bytes = propertyListBytes([{ interface: 'a.B', path: '/c/d' }])
    expect(bytes.slice(0, 4)).toEqual(hex('00000007'))
    expect(told(readPropertyList(bytes))).toBe('a.B/c/d')
  })

  test('that would be too large is not inflated to its end', () => {
    const bomb = deflateSync(Buffer.alloc(MAX_INFLATED_BYTES + 1, 'a'))
    expect(readPropertyList(Buffer.concat([Buffer.alloc(4), bomb]))).toBeNull()
  })

  test.each([
    ['too short', '0000'],
    ['no zlib', '00000005ffffffffff'],
    ['cut off', EXAMPLES.properties.slice(0, -20)],
    ['no name of a property', Buffer.from('nothing').toString('hex')],
    ['no text', 'c3c3c3c3c3'],
  ])('is refused: %s', (_, bytes) => {
    expect(readPropertyList(hex(bytes))).toBeNull()
  })
})

describe('an interface', () => {
  const held = (name: string, path: string) => {
    const definition = INTERFACES.find(({ interface_name }) => interface_name === name)
    return definition && heldAt(definition, path)
  }

  test.each([
    [NAMES.baseImage, '/version', { kind: 'value', type: 'string' }],
    [NAMES.hardwareInfo, '/mem/totalBytes', { kind: 'value', type: 'longinteger' }],
    [NAMES.networkInterfaces, '/eth0/macAddress', { kind: 'value', type: 'string' }],
    [NAMES.networkInterfaces, '/eth0/x', null],
    [NAMES.networkInterfaces, '//macAddress', null],
    [NAMES.baseImage, '/version/x', null],
    [NAMES.baseImage, '/', null],
    [NAMES.otaEvent, '/x', null],
  ])('%s has at %s: %o', (name, path, value) => {
    expect(held(name, path)).toEqual(value)
  })

  test('of objects holds all keys below a path', () => {
    expect(held(NAMES.storageUsage, '/disk0')).toEqual({
      kind: 'object',
      types: { totalBytes: 'longinteger', freeBytes: 'longinteger' },
    })
  })

  test('is named as in an introspection', () => {
    const [request] = INTERFACES
    expect(request && versionOf(request)).toEqual({ name: NAMES.otaRequest, major: 1, minor: 0 })
  })
})
