import { describe, expect, test } from 'vitest'
import {
  CheckRequest,
  claimedText,
  isPlain,
  offerText,
  propertiesOf,
  ReportRequest,
  readBody,
  tokenOf,
} from './ioto.ts'

describe('a body', () => {
  test.each([
    ['{"id":"D","version":"1.0.0"}', { id: 'D', version: '1.0.0' }],
    // the Updater in C without properties: 1.0.0 to 1.1.0, and 1.1.1
    ['{"id":"D","version":"1.0.0",(null)}', { id: 'D', version: '1.0.0' }],
    ['{"id":"D","version":"1.0.0",}', { id: 'D', version: '1.0.0' }],
    // as a hand writes it
    ["{ id: 'D', /* ours */ ports: 0x10, tags: ['a',], }", { id: 'D', ports: 16, tags: ['a'] }],
    ['{"load":Infinity}', { load: null }],
    ['{"a":{"b":[1,true,null]}}', { a: { b: [1, true, null] } }],
    ['{"name":"a,(null) b"}', { name: 'a,(null) b' }],
  ])('%s is read', (text, body) => {
    expect(readBody(text)).toEqual(body)
  })

  test.each(['', 'null', '[]', '"D"', '{', '(null)', '{"id":"D"', '{"id":}', 'undefined'])(
    '%s is none',
    (text) => {
      expect(readBody(text)).toBeUndefined()
    },
  )

  test('a key named like a prototype changes none', () => {
    const body = readBody("{ '__proto__': { a: 1 }, b: 2 }")
    expect(Object.getPrototypeOf(body)).toBe(Object.prototype)
  })
})

test.each([
  [{ authorization: 'bearer T' }, 'T'],
  [{ authorization: 'Bearer T' }, 'T'],
  [{ authorization: 'BEARER  T ' }, 'T'],
  [{ authorization: 'T' }, 'T'],
  [{ 'x-token': 'T' }, 'T'],
  [{ authorization: 'bearer' }, undefined],
  [{ authorization: '' }, undefined],
  [{ authorization: '', 'x-token': 'X' }, 'X'],
  [{ authorization: 'Basic dTpw', 'x-token': 'X' }, 'X'],
  [{ authorization: 'Basic dTpw' }, undefined],
  [{}, undefined],
])('of %j the token is %j', (headers, token) => {
  expect(tokenOf(headers)).toBe(token)
})

test('a check tells who asks, and the rest is what the device says of itself', () => {
  const body = readBody(
    '{"id":"D","product":"P","memory":256,"loc":{"room":"x"},"created":"1970-01-01T00:00:00.000Z","version":"1.0.0","iotoVersion":"3.0.0"}',
  )
  expect(CheckRequest.parse(body)).toMatchObject({ id: 'D', product: 'P', version: '1.0.0' })
  expect(propertiesOf(body ?? {})).toEqual({
    memory: 256,
    loc: { room: 'x' },
    iotoVersion: '3.0.0',
  })
})

test.each([
  ['{}', {}],
  ['{"id":null,"product":""}', {}],
  ['{"id":7,"version":1.5}', { id: '7', version: '1.5' }],
])('a check may leave out what it likes: %s', (text, read) => {
  expect(JSON.parse(JSON.stringify(CheckRequest.parse(readBody(text))))).toEqual(read)
})

test.each([
  ['{"success":true,"id":"D","update":"U"}', true],
  ['{"success":"true","id":"D","update":"U"}', true],
  ['{"success":"false"}', false],
  ['{"success":false,"id":"D"}', false],
])('the outcome %s is %j', (text, success) => {
  expect(ReportRequest.parse(readBody(text)).success).toBe(success)
})

test.each(['{}', '{"success":1}', '{"success":"yes"}', '{"success":null}'])(
  '%s tells no outcome',
  (text) => {
    expect(ReportRequest.safeParse(readBody(text)).success).toBe(false)
  },
)

test('answers are written to the letter', () => {
  expect(
    offerText({
      version: '2.0.0',
      update: 'U',
      checksum: 'ab'.repeat(32),
      url: 'https://updates.example/a?b=c&d=e',
    }),
  ).toBe(
    `{"url":"https://updates.example/a?b=c&d=e","checksum":"${'ab'.repeat(32)}","update":"U","version":"2.0.0"}`,
  )
  const cloud = { cloudType: 'dedicated', cloudName: 'eu', cloudRegion: 'eu-central' }
  expect(claimedText({ id: 'D', api: 'https://updates.example/ioto', token: 'T', ...cloud })).toBe(
    '{"registered":true,"api":"https://updates.example/ioto","token":"T","cloudType":"dedicated","cloudName":"eu","cloudRegion":"eu-central","id":"D"}',
  )
})

test('what would need an escape is not plain', () => {
  expect(['1.0.0+b', 'https://a/b?c=%22', 'ä'].map(isPlain)).toEqual([true, true, true])
  expect(['a"b', 'a\\b', 'a\nb'].map(isPlain)).toEqual([false, false, false])
})
