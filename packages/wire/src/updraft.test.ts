import { describe, expect, test } from 'vitest'
import {
  artifactPath,
  CheckInRequest,
  CheckInResponse,
  Problem,
  ReportRequest,
  reportPath,
} from './updraft.ts'

describe('a check-in', () => {
  test.each([
    ['{}', { installed: {} }],
    ['{"installed":{}}', { installed: {} }],
    [
      '{"installed":{"firmware":{"title":"F","version":"1.0.0"}},"facts":{"os":{"name":"Linux"}}}',
      {
        installed: { firmware: { title: 'F', version: '1.0.0' } },
        facts: { os: { name: 'Linux' } },
      },
    ],
    [
      '{"installed":{"firmware":{"title":null},"software":{}}}',
      { installed: { firmware: { title: null }, software: {} } },
    ],
    [
      '{"facts":{"a":[1,null,{"b":true}]}}',
      { installed: {}, facts: { a: [1, null, { b: true }] } },
    ],
    ['{"newer":1,"installed":{"firmware":{"newer":2}}}', { installed: { firmware: {} } }],
  ])('%s is read', (body, request) => {
    expect(CheckInRequest.parse(JSON.parse(body))).toEqual(request)
  })

  test.each([
    'null',
    '[]',
    '"hello"',
    '{"installed":[]}',
    '{"installed":null}',
    '{"installed":{"firmware":"1.0.0"}}',
    '{"installed":{"firmware":{"version":1}}}',
    `{"installed":{"firmware":{"title":"${'x'.repeat(256)}"}}}`,
    '{"facts":[]}',
    '{"facts":"old"}',
  ])('%s is not', (body) => {
    expect(CheckInRequest.safeParse(JSON.parse(body)).success).toBe(false)
  })

  test('facts are read in one step, however deep or long they are', () => {
    const deep = JSON.parse(`{"facts":{"a":${'['.repeat(1e5)}${']'.repeat(1e5)}}}`)
    expect(CheckInRequest.safeParse(deep).success).toBe(true)
  })

  test('a key named like a prototype stays out', () => {
    const { facts } = CheckInRequest.parse(JSON.parse('{"facts":{"__proto__":{"a":1},"b":2}}'))
    expect(Object.keys(facts ?? {})).toEqual(['b'])
    expect(Object.getPrototypeOf(facts)).toBe(Object.prototype)
  })
})

test('an answer need not tell what nobody knows', () => {
  const offer = {
    operation: 'op1',
    type: 'firmware',
    title: 'F',
    version: '2.0.0',
    artifact: 'https://updates.example/device/v1/artifacts/t/f.bin',
  }
  const answer = { offers: [offer], nextCheckInSeconds: 900 }
  expect(CheckInResponse.parse({ ...answer, newer: true })).toEqual(answer)
})

describe('a report', () => {
  test.each([
    '{"state":"DOWNLOADING"}',
    '{"state":"DOWNLOADING","progress":0}',
    '{"state":"DOWNLOADING","progress":99.5}',
    '{"state":"FAILED","error":"No space left."}',
    '{"state":"UPDATED","installed":{"title":"F","version":"2.0.0"}}',
    '{"state":"a word of a newer device"}',
  ])('%s is read', (body) => {
    expect(ReportRequest.parse(JSON.parse(body))).toEqual(JSON.parse(body))
  })

  test.each([
    '{}',
    '{"state":null}',
    '{"state":"DOWNLOADING","progress":101}',
    '{"state":"DOWNLOADING","progress":-1}',
    '{"state":"DOWNLOADING","progress":"50"}',
    '{"state":"UPDATED","installed":"2.0.0"}',
  ])('%s is not', (body) => {
    expect(ReportRequest.safeParse(JSON.parse(body)).success).toBe(false)
  })
})

test('a problem is read with or without a detail', () => {
  const problem = { type: 'about:blank', title: 'Unknown', status: 401, code: 'device.unknown' }
  expect(Problem.parse(problem)).toEqual(problem)
})

test.each([
  ['{"facts":null}', CheckInRequest],
  ['{"installed":{"firmware":{"title":null,"version":null}}}', CheckInRequest],
  ['{"state":"UPDATED","progress":null,"error":null,"installed":null}', ReportRequest],
])('%s says nothing by its nulls', (text, shape) => {
  expect(shape.safeParse(JSON.parse(text)).success).toBe(true)
})

test('paths carry names as they are, made safe', () => {
  expect(reportPath('a/b')).toBe('/device/v1/operations/a%2Fb/report')
  expect(artifactPath('ticket', 'image 1/2?.bin')).toBe(
    '/device/v1/artifacts/ticket/image%201_2%3F.bin',
  )
  expect(artifactPath('ticket', 'Gerät.bin')).toBe('/device/v1/artifacts/ticket/Ger%C3%A4t.bin')
  expect(artifactPath('ticket', '..')).toBe('/device/v1/artifacts/ticket/_')
  expect(artifactPath('ticket', 'a\n\ud800')).toBe('/device/v1/artifacts/ticket/a_%EF%BF%BD')
})
