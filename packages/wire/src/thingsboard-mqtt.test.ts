import { expect, test } from 'vitest'
import { matches } from './mqtt-filter.ts'
import {
  chunkBytes,
  chunkFilter,
  chunkRequestTopic,
  chunkResponseTopic,
  DEVICE_TOPICS,
  inbound,
} from './thingsboard-mqtt.ts'

test.each([
  ['v1/devices/me/telemetry', { kind: 'telemetry' }],
  ['v2/t', { kind: 'telemetry' }],
  ['v2/t/j', { kind: 'telemetry' }],
  ['v2/t/p', { kind: 'unknown' }],
  ['v2/a/j', { kind: 'attributes' }],
  [
    'v1/devices/me/attributes/request/7',
    { kind: 'attribute-request', answerTopic: 'v1/devices/me/attributes/response/7' },
  ],
  ['v2/a/req/7', { kind: 'attribute-request', answerTopic: 'v2/a/res/7' }],
  ['v2/a/req/j/7', { kind: 'attribute-request', answerTopic: 'v2/a/res/j/7' }],
  ['v2/a/req/p/7', { kind: 'unknown' }],
  ['v1/devices/me/attributes/request/seven', { kind: 'malformed' }],
  ['v1/devices/me/attributes/request/', { kind: 'malformed' }],
  ['v1/devices/me/attributes/request/-1', expect.objectContaining({ kind: 'attribute-request' })],
  [
    'v2/fw/request/3/chunk/0',
    {
      kind: 'chunk-request',
      family: 'fw',
      requestId: 3,
      index: 0,
      answerTopic: 'v2/fw/response/3/chunk/0',
    },
  ],
  [
    'v2/sw/request/0/chunk/4294967295',
    {
      kind: 'chunk-request',
      family: 'sw',
      requestId: 0,
      index: 4294967295,
      answerTopic: 'v2/sw/response/0/chunk/4294967295',
    },
  ],
  [
    'v1/gateway/fw/request/3/chunk/7',
    {
      kind: 'gateway-chunk-request',
      family: 'fw',
      requestId: 3,
      index: 7,
      answerTopic: 'v1/gateway/fw/response/3/chunk/7',
    },
  ],
  ['v1/gateway/fw/request/x/chunk/7', { kind: 'malformed' }],
  ['v2/fw/request/3/chunk/-1', { kind: 'malformed' }],
  ['v2/fw/request/3/chunk/1e3', { kind: 'malformed' }],
  ['v2/fw/request/9999999999999999/chunk/0', { kind: 'malformed' }],
  ['v2/xx/request/3/chunk/0', { kind: 'unknown' }],
  ['v1/gateway/attributes/request', { kind: 'gateway', verb: 'attributes/request' }],
  ['/provision/request', { kind: 'provision' }],
  ['provision/request', { kind: 'unknown' }],
  ['constructor', { kind: 'unknown' }],
  [`v2/fw/request/${'1'.repeat(500)}/chunk/0`, { kind: 'unknown' }],
])('%s', (topic, meaning) => {
  expect(inbound(topic)).toEqual(meaning)
})

test.each([
  ['', null],
  ['0', null],
  ['-1', null],
  ['""', null],
  [' 4096\n', 4096],
  ['"1024"', 1024],
  ['4k', undefined],
  ['1e3', undefined],
  ['{}', undefined],
  ['9'.repeat(41), undefined],
])('a chunk size of %j is %j', (text, size) => {
  expect(chunkBytes(text)).toBe(size)
})

test.each([
  ['v2/fw/response/+', 'v2/fw/response/1/chunk/0', false],
  ['v2/fw/response/#', 'v2/fw/response/1/chunk/0', true],
  ['v2/fw/response/+/chunk/+', 'v2/fw/response/1/chunk/0', true],
  ['v2/fw/error', 'v2/fw/error', true],
  ['v2/fw/error', 'v2/fw', false],
  ['v2/fw', 'v2/fw/error', false],
  ['v2/fw/response/#', 'v2/fw/response', true],
  ['v2/fw/response/#', 'v2/fw/responses', false],
  ['v2/fw/response/#', 'v2/fw/resp', false],
  ['v2/a/res/+', 'v2/a/res', false],
  ['v2/a/res/+', 'v2/a/res/', true],
  ['v2/a/res/+', 'v2/a/res/12', true],
  ['v2/a/res/+', 'v2/a/res/j/12', false],
  ['v2/a/res/j/+', 'v2/a/res/12', false],
  ['v2/a', 'v2/a/', false],
  ['#', 'anything/at/all', true],
])('%s over %s: %s', (filter, topic, isMatch) => {
  expect(matches(filter, topic)).toBe(isMatch)
})

test('what a device says by these names is understood, and answered where it listens', () => {
  expect(inbound(DEVICE_TOPICS.telemetry)).toEqual({ kind: 'telemetry' })
  expect(inbound(DEVICE_TOPICS.attributes)).toEqual({ kind: 'attributes' })
  expect(inbound(DEVICE_TOPICS.attributeRequest(7))).toEqual({
    kind: 'attribute-request',
    answerTopic: DEVICE_TOPICS.attributeResponse(7),
  })
  const chunk = { family: 'sw', requestId: 3, index: 2 } as const
  expect(inbound(chunkRequestTopic(chunk))).toEqual({
    kind: 'chunk-request',
    ...chunk,
    answerTopic: chunkResponseTopic(chunk),
  })
  expect(matches(chunkFilter('sw'), chunkResponseTopic(chunk))).toBe(true)
})
