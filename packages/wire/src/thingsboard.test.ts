import { describe, expect, test } from 'vitest'
import {
  attributeKeys,
  deletedKeys,
  familyTelemetry,
  ProvisionRequest,
  type Reading,
  readings,
  sharedAttributes,
} from './thingsboard.ts'

const file = {
  title: 'F',
  version: '1.0',
  tag: null,
  sizeBytes: 10_000,
  checksumAlgorithm: 'SHA256',
  checksum: 'ab'.repeat(32),
  url: null,
}

describe('shared attributes', () => {
  test('of a file: size a number, all else text, also where it looks like a number', () => {
    expect(JSON.stringify(sharedAttributes('fw', file))).toBe(
      `{"fw_title":"F","fw_version":"1.0","fw_size":10000,"fw_checksum_algorithm":"SHA256","fw_checksum":"${'ab'.repeat(32)}"}`,
    )
  })

  test('of software have its own prefix', () => {
    expect(Object.keys(sharedAttributes('sw', { ...file, tag: 'F 1.0' }))).toEqual([
      'sw_title',
      'sw_version',
      'sw_tag',
      'sw_size',
      'sw_checksum_algorithm',
      'sw_checksum',
    ])
  })

  test('of a URL about which nothing else is known', () => {
    const elsewhere = { ...file, sizeBytes: null, checksumAlgorithm: null, checksum: null }
    expect(sharedAttributes('fw', { ...elsewhere, url: 'https://files.example/f' })).toEqual({
      fw_title: 'F',
      fw_version: '1.0',
      fw_url: 'https://files.example/f',
    })
  })

  test('of an empty file still tell its size', () => {
    expect(sharedAttributes('fw', { ...file, sizeBytes: 0 })).toMatchObject({ fw_size: 0 })
  })

  test('that are no more are all listed', () => {
    expect(deletedKeys('sw').sort()).toEqual(
      [
        'sw_title',
        'sw_version',
        'sw_ts',
        'sw_state',
        'sw_size',
        'sw_checksum',
        'sw_checksum_algorithm',
        'sw_url',
        'sw_tag',
      ].sort(),
    )
  })
})

describe('telemetry has three shapes', () => {
  test.each<[string, unknown]>([
    ['{"a":1}', [{ a: 1 }]],
    ['{}', [{}]],
    ['[]', []],
    ['{"ts":5,"values":{"a":1}}', [{ a: 1 }]],
    ['{"ts":5,"values":{"a":1},"metadata":{}}', [{ a: 1 }]],
    ['{"ts":5,"values":{}}', [{}]],
    ['{"ts":5}', [{ ts: 5 }]],
    ['{"values":{"a":1}}', [{ values: { a: 1 } }]],
    ['{"a":null}', [{ a: null }]],
    ['[{"a":1},{"ts":5,"values":{"b":2}},{"c":3}]', [{ a: 1 }, { b: 2 }, { c: 3 }]],
    ['null', undefined],
    ['1', undefined],
    ['"a"', undefined],
    ['true', undefined],
    ['[1]', undefined],
    ['[{"a":1},null]', undefined],
    ['[[{"a":1}]]', undefined],
    ['{"ts":5,"values":null}', undefined],
    ['{"ts":5,"values":[1]}', undefined],
  ])('%s', (body, read) => {
    expect(readings(JSON.parse(body))).toEqual(read)
  })
})

describe('what a reading says of the firmware', () => {
  test.each<[string, Reading, object]>([
    [
      'Python SDK 1.13 at its start: IDLE, and an empty error is none',
      {
        current_fw_title: 'Initial',
        current_fw_version: 'v0',
        fw_state: 'IDLE',
        fw_error: '',
      },
      { title: 'Initial', version: 'v0', state: 'IDLE' },
    ],
    ['Python HTTP at its start: nulls', { current_fw_title: null, current_fw_version: null }, {}],
    ['a null state', { fw_state: null, fw_error: null }, {}],
    ['an old Arduino SDK', { current_fw_state: 'UPDATED' }, { state: 'UPDATED' }],
    ['both words', { current_fw_state: 'IDLE', fw_state: 'FAILED' }, { state: 'FAILED' }],
    ['a failure', { fw_state: 'FAILED', fw_error: 'bad' }, { state: 'FAILED', error: 'bad' }],
    ['a number for a version', { current_fw_version: 13 }, { version: '13' }],
    ['a version that looks like a number', { current_fw_version: '1.10' }, { version: '1.10' }],
    ['objects and flags', { current_fw_title: { a: 1 }, current_fw_version: true }, {}],
    ['only the version', { current_fw_version: '2' }, { version: '2' }],
    ['software', { current_sw_title: 'S', sw_state: 'UPDATED', sw_error: 'x' }, {}],
    ['temperature', { temperature: 21.5 }, {}],
  ])('%s', (_, reading, said) => {
    expect(definedOf(familyTelemetry('fw', reading))).toEqual(said)
  })

  test('software is heard with its own prefix', () => {
    const reading = { current_sw_title: 'S', current_sw_version: '1', sw_state: 'UPDATING' }
    expect(definedOf(familyTelemetry('sw', reading))).toEqual({
      title: 'S',
      version: '1',
      state: 'UPDATING',
    })
  })
})

describe('the keys of an attribute request', () => {
  test.each<[string | string[] | undefined, string[] | undefined]>([
    [undefined, undefined],
    ['', undefined],
    [',', undefined],
    [[], undefined],
    ['a', ['a']],
    ['a,b', ['a', 'b']],
    ['fw_title,fw_version,', ['fw_title', 'fw_version']],
    [' a , b ', ['a', 'b']],
    [
      ['a', 'b,c', ''],
      ['a', 'b', 'c'],
    ],
  ])('%o', (parameter, keys) => {
    expect(attributeKeys(parameter)).toEqual(keys)
  })
})

test.each([
  [{ provisionDeviceKey: 'k', provisionDeviceSecret: 's' }, true],
  [{ provisionDeviceKey: 'k', provisionDeviceSecret: 's', deviceName: 'D1', newer: 1 }, true],
  [{ provisionDeviceKey: 'k' }, false],
  [{ provisionDeviceSecret: 's' }, false],
  [{ provisionDeviceKey: 1, provisionDeviceSecret: 's' }, false],
])('a provisioning request needs key and secret: %o', (body, isOne) => {
  expect(ProvisionRequest.safeParse(body).success).toBe(isOne)
})

const definedOf = (said: object) =>
  Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined))
