import { afterEach, describe, expect, test } from 'vitest'
import { seeded } from '../../../../../tools/chance.ts'
import { ATTRIBUTES, bytes, closeHouses, house, TELEMETRY } from './mqtt-house.test-helper.ts'

afterEach(closeHouses)

async function device() {
  const desk = await house()
  desk.addDevice('d', { inventory: { kept: 1 } })
  await desk.assign('d', { bytes: bytes(10) })
  return desk
}

describe('telemetry', () => {
  test.each([
    ['values', '{"fw_state":"DOWNLOADING"}'],
    ['values with a time', '{"ts":1451649600512,"values":{"fw_state":"DOWNLOADING"}}'],
    ['a list of values', '[{"t":1},{"fw_state":"DOWNLOADING"}]'],
    ['a list of both', '[{"t":1},{"ts":1,"values":{"fw_state":"DOWNLOADING"}}]'],
    ['keys beside the values', '{"ts":1,"values":{"fw_state":"DOWNLOADING"},"metadata":{"a":1}}'],
    ['keys nobody knows', '{"fw_state":"DOWNLOADING","x":[1,[2,{"y":null}]],"z":{"fw_state":"A"}}'],
    ['an empty error', '{"fw_state":"DOWNLOADING","fw_error":""}'],
    ['nulls', '{"fw_state":"DOWNLOADING","current_fw_title":null,"current_fw_version":null}'],
    ['a time without values', '{"ts":1,"fw_state":"DOWNLOADING"}'],
    ['the key of old devices', '{"current_fw_state":"DOWNLOADING"}'],
  ])('is heard as %s', async (_shape, body) => {
    const desk = await device()
    const client = await desk.connect('d')
    expect(await client.publish(TELEMETRY, body, 1)).toBe(0)
    expect(desk.states('d')).toEqual(['firmware DOWNLOADING'])
    client.end()
  })

  test.each([
    ['nothing', ''],
    ['an empty object', '{}'],
    ['an empty list', '[]'],
    ['empty values', '{"ts":1,"values":{}}'],
    ['null values', '{"fw_state":null}'],
    ['the largest numbers', '{"a":9223372036854775807,"b":1e308,"c":-0.0}'],
    ['a state nobody knows', '{"fw_state":"RESTING"}'],
    ['a state that is not for devices', '{"fw_state":"QUEUED"}'],
    ['a state that is no text', '{"fw_state":{"is":"UPDATED"}}'],
  ])('that says nothing, as %s, is taken', async (_shape, body) => {
    const desk = await device()
    const client = await desk.connect('d', { version: 5 })
    expect(await client.publish(TELEMETRY, body, 1)).toBe(0)
    expect(desk.states('d')).toEqual(['firmware QUEUED'])
    client.end()
  })

  test('keeps texts that look like numbers as they are, and takes numbers as text', async () => {
    const desk = await device()
    const client = await desk.connect('d')
    const say = (title: unknown, version: unknown) =>
      client.publish(
        TELEMETRY,
        JSON.stringify({ current_fw_title: title, current_fw_version: version }),
        1,
      )
    await say('7', '1.10')
    expect(desk.device('d').installed).toEqual({ firmware: { title: '7', version: '1.10' } })
    await say('pump', 3)
    expect(desk.device('d').installed).toEqual({ firmware: { title: 'pump', version: '3' } })
    client.end()
  })
})

describe('client attributes', () => {
  test('are merged into what is known; null says nothing', async () => {
    const desk = await device()
    const client = await desk.connect('d')
    const said = '{"serial":"A1","list":[1,[2]],"deep":{"a":{"b":null}},"kept":null}'
    expect(await client.publish(ATTRIBUTES, said, 1)).toBe(0)
    expect(desk.device('d').inventory).toEqual({
      kept: 1,
      serial: 'A1',
      list: [1, [2]],
      deep: { a: { b: null } },
    })
    client.end()
  })

  test('may tell what is installed, as some firmware does', async () => {
    const desk = await device()
    const client = await desk.connect('d')
    await client.publish(ATTRIBUTES, '{"current_fw_title":"pump","current_fw_version":"1.10"}', 1)
    expect(desk.device('d').installed).toEqual({ firmware: { title: 'pump', version: '1.10' } })
    client.end()
  })
})

const MALFORMED = [
  ['half an object', TELEMETRY, '{"a":1'],
  ['a comma too many', TELEMETRY, '{"a":1,}'],
  ['two objects', TELEMETRY, '{}{}'],
  ['a number', TELEMETRY, '5'],
  ['a text', TELEMETRY, '"DOWNLOADING"'],
  ['null', TELEMETRY, 'null'],
  ['a list of numbers', TELEMETRY, '[1,2]'],
  ['a list in a list', TELEMETRY, '[[{"fw_state":"DOWNLOADING"}]]'],
  ['values that are a list', TELEMETRY, '{"ts":1,"values":[1]}'],
  ['values that are null', TELEMETRY, '{"ts":1,"values":null}'],
  ['bytes that are no text', TELEMETRY, Buffer.from([0x7b, 0xff, 0xfe, 0x00])],
  ['attributes that are a list', ATTRIBUTES, '[{"a":1}]'],
  ['attributes that are null', ATTRIBUTES, 'null'],
  ['a request that is a list', `${ATTRIBUTES}/request/1`, '[]'],
  ['a request for keys in a list', `${ATTRIBUTES}/request/1`, '{"sharedKeys":["a"]}'],
  ['a request without an id', `${ATTRIBUTES}/request/`, '{}'],
  ['a request whose id is no number', `${ATTRIBUTES}/request/one`, '{}'],
  ['a chunk of a download that has no number', 'v2/fw/request/x/chunk/0', ''],
  ['a chunk that has no number', 'v2/sw/request/1/chunk/-1', ''],
] as const

describe.each(MALFORMED)('malformed: %s', (_what, topic, payload) => {
  test('is told in the acknowledgement of version 5, and the session goes on', async () => {
    const desk = await device()
    const client = await desk.connect('d', { version: 5 })
    expect(await client.publish(topic, payload, 1)).toBe(0x99)
    const qos2 = { qos: 2, messageId: 9, dup: false, retain: false } as const
    client.send({ cmd: 'publish', topic, payload, ...qos2 })
    expect(await client.next('pubrec')).toMatchObject({ reasonCode: 0x99 })
    expect(await client.publish(TELEMETRY, '{}', 1)).toBe(0)
    client.end()
  })

  test('ends the session where it cannot be told: unacknowledged, or before version 5', async () => {
    const desk = await device()
    const five = await desk.connect('d', { version: 5 })
    await five.publish(topic, payload)
    expect(await five.closed).toBe(0x81)
    for (const qos of [0, 1] as const) {
      const four = await desk.connect('d')
      void four.publish(topic, payload, qos).catch(() => {})
      await four.closed
      // It must not take what was not heard for taken.
      expect(four.order).toEqual(['connack'])
    }
    expect(desk.states('d')).toEqual(['firmware QUEUED'])
    expect(desk.device('d').inventory).toEqual({ kept: 1 })
  })
})

test('whatever is said on whatever topic, no bug is met and the next device is served', async () => {
  const desk = await device()
  desk.addDevice('other')
  const random = seeded(1883)
  const one = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T
  const topics = [
    TELEMETRY,
    ATTRIBUTES,
    'v2/t/j',
    'v2/a',
    'v1/devices/me/attributes/request/1',
    'v1/devices/me/rpc/request/1',
    'v1/devices/me/rpc/response/1',
    'v1/devices/me/claim',
    'v2/fw/request/1/chunk/0',
    'v2/sw/request/7/chunk/3',
    'v1/gateway/connect',
    'v1/gateway/telemetry',
    'v1/gateway/attributes/request',
    '/provision/request',
  ]
  const values = [
    ...['null', '1', '-1', '1e400', '"text"', '[]', '{}', 'true', '"\\ud800"', '"\\u0000"'],
    ...['DOWNLOADING', 'UPDATED', 'FAILED'].map((state) => JSON.stringify(state)),
  ]
  const keys = [
    ...[
      'fw_state',
      'current_fw_title',
      'current_fw_version',
      'fw_error',
      'sw_state',
      'ts',
      'values',
    ],
    ...['sharedKeys', 'clientKeys', 'method', 'params', 'device', 'id', '__proto__', 'constructor'],
  ]
  const json = (depth = 0): string => {
    if (depth > 2 || random() < 0.4) return one(values)
    const count = Math.floor(random() * 4)
    if (random() < 0.2) return `[${Array.from({ length: count }, () => json(depth + 1)).join()}]`
    return `{${Array.from({ length: count }, () => `"${one(keys)}":${json(depth + 1)}`).join()}}`
  }
  const payload = () => {
    const text = json()
    const cut = random() < 0.1 ? Math.floor(random() * text.length) : text.length
    return text.slice(0, cut)
  }
  let client = await desk.connect('d', { version: 5 })
  for (let each = 0; each < 5000; each++) {
    if (client.socket.destroyed) client = await desk.connect('d', { version: 5 })
    await client.publish(one(topics), payload(), 1).catch(() => {})
  }
  expect(desk.bugs).toEqual([])
  const other = await desk.connect('other')
  expect(await other.publish(TELEMETRY, '{}', 1)).toBe(0)
  other.end()
  client.end()
})
