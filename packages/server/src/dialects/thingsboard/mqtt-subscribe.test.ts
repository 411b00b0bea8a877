import { afterEach, describe, expect, test } from 'vitest'
import type { TestClient, Version } from '../../transports/mqtt-client.test-helper.ts'
import { ATTRIBUTES, closeHouses, house, TELEMETRY } from './mqtt-house.test-helper.ts'

afterEach(closeHouses)

async function device(version: Version = 4) {
  const desk = await house()
  desk.addDevice('d')
  return { desk, client: await desk.connect('d', { version }) }
}

const subscribe = async (client: TestClient, topic: string, qos: 0 | 1 | 2): Promise<number> => {
  client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic, qos }] })
  const suback = await client.next('suback')
  return suback.cmd === 'suback' ? (suback.granted[0] as number) : -1
}

const unsubscribe = async (client: TestClient, ...unsubscriptions: string[]) => {
  client.send({ cmd: 'unsubscribe', messageId: 1, unsubscriptions })
  return client.next('unsuback')
}

/** [SUBSCRIBE]; the four below `response` are ours, as stock clients ask for them. */
const GRANTED = [
  'v1/devices/me/attributes',
  'v1/devices/me/attributes/response/+',
  'v1/devices/me/rpc/request/+',
  'v1/devices/me/rpc/response/+',
  'v2/fw/response/+/chunk/+',
  'v2/sw/response/+/chunk/+',
  'v2/fw/error',
  'v2/sw/error',
  'v2/fw/response/+',
  'v2/fw/response/#',
  'v2/sw/response/+',
  'v2/sw/response/#',
  'v1/gateway/attributes',
  'v1/gateway/attributes/response',
  'v1/gateway/rpc',
  'v2/a',
  'v2/a/j',
  'v2/a/res/+',
  'v2/a/res/j/+',
  'v2/r/req/+',
  'v2/r/req/j/+',
  'v2/r/res/+',
  'v2/r/res/j/+',
  // A single topic, as tools ask for that want one answer.
  'v2/fw/response/1/chunk/0',
  'v1/devices/me/attributes/response/1',
]

const REFUSED = [
  '#',
  '+',
  '/#',
  '+/+/+/+',
  'v1/#',
  'v2/#',
  'v2/fw/#',
  'v1/devices/+/attributes',
  'v1/devices/other/attributes',
  'v1/devices/me/telemetry',
  'v1/devices/me/attributes/#',
  '/provision/response',
  '$SYS/#',
  '$share/group/v1/devices/me/attributes',
  'v2/a/p',
  'v1/devices/me/attributes/',
  'V1/devices/me/attributes',
  '__proto__',
  ' ',
]

describe.each([3, 4, 5] as const)('version %i', (version) => {
  test('is granted what devices subscribe to, with a quality of 1 at most', async () => {
    const { client } = await device(version)
    for (const filter of GRANTED) {
      expect([filter, await subscribe(client, filter, 2)]).toEqual([filter, 1])
      expect([filter, await subscribe(client, filter, 0)]).toEqual([filter, 0])
    }
    client.end()
  })

  test('is refused all else in its own words, and goes on', async () => {
    const { client } = await device(version)
    const refused = version === 5 ? 0x8f : 0x80
    for (const filter of REFUSED) {
      expect([filter, await subscribe(client, filter, 1)]).toEqual([filter, refused])
    }
    expect(await client.publish(TELEMETRY, '{}', 1)).toBe(0)
    client.end()
  })
})

test('version 5 is told which of its subscriptions there had been', async () => {
  const { client } = await device(5)
  await client.subscribe(ATTRIBUTES, 'v2/fw/error')
  expect(await unsubscribe(client, ATTRIBUTES, 'v2/sw/error', 'v2/fw/error')).toMatchObject({
    granted: [0, 0x11, 0],
  })
  expect(await unsubscribe(client, ATTRIBUTES)).toMatchObject({ granted: [0x11] })
  client.end()
})

describe('a client that subscribes to everything', () => {
  test('is granted what there is and a few topics besides, and served as all others are', async () => {
    const { desk, client } = await device()
    let granted = 0
    for (let from = 0; from < 10_000; from += 500) {
      const filters = Array.from({ length: 500 }, (_, each) => [
        `v2/fw/response/1/chunk/${from + each}`,
        `all/of/${from + each}/#`,
      ]).flat()
      const codes = await client.subscribe(...filters)
      granted += codes.filter((code) => code !== 0x80).length
    }
    expect(granted).toBe(64)
    // Those it has it may ask for again; there is room for another when one is given up.
    expect(await client.subscribe('v2/fw/response/1/chunk/0')).toEqual([1])
    expect(await client.subscribe(ATTRIBUTES)).toEqual([0x80])
    await unsubscribe(client, 'v2/fw/response/1/chunk/0')
    expect(await client.subscribe(ATTRIBUTES)).toEqual([1])
    desk.changeDevice('d', { attributes: { a: 1 } })
    expect(`${(await client.message()).payload}`).toBe('{"a":1}')
    client.end()
  })

  test('is not granted a filter as long as a packet can be', async () => {
    const { client } = await device()
    const long = [`v2/fw/response/${'1'.repeat(60_000)}/chunk/0`, '+/'.repeat(30_000)]
    for (const filter of long) expect(await client.subscribe(filter)).toEqual([0x80])
    expect(await client.publish(TELEMETRY, '{}', 1)).toBe(0)
    client.end()
  })
})
