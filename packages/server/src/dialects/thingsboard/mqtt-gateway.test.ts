import { afterEach, describe, expect, test } from 'vitest'
import type { TestClient } from '../../transports/mqtt-client.test-helper.ts'
import { NOON } from '../memory-desk.test-helper.ts'
import { bytes, closeHouses, house, json } from './mqtt-house.test-helper.ts'

afterEach(closeHouses)

const FILE = bytes(10_000)
const part = (from: number, to: number) => Buffer.from(FILE.subarray(from, to))
const ATTRIBUTES = 'v1/gateway/attributes'

/** A gateway on the line, and a device it may speak for. */
async function gateway() {
  const desk = await house()
  desk.addDevice('box', { attributes: { gateway: true } })
  desk.addDevice('child')
  const client = await desk.connect('box', { version: 5 })
  return { desk, client }
}

const say = (client: TestClient, verb: string, words: object) =>
  client.publish(`v1/gateway/${verb}`, JSON.stringify(words), 1)

const chunk = async (
  client: TestClient,
  device: string,
  id: number,
  index: number,
  size?: string | number,
) => {
  void say(client, `fw/request/${id}/chunk/${index}`, { device, size })
  return (await client.message(`v1/gateway/fw/response/${id}/chunk/${index}`)).payload
}

describe('a device behind a gateway', () => {
  test.each([
    ['is connected', 'connect', { device: 'child' }],
    ['tells readings', 'telemetry', { child: [{ ts: 1, values: { t: 1 } }] }],
    ['tells attributes', 'attributes', { child: { serial: 'C1' } }],
    ['asks for attributes', 'attributes/request', { id: 1, device: 'child', key: 'fw_version' }],
  ])('counts as seen when it %s', async (_how, verb, words) => {
    const { desk, client } = await gateway()
    expect(desk.device('child').lastSeenAt).toBeNull()
    expect(await say(client, verb, words)).toBe(0)
    if (verb === 'attributes/request') await client.message()
    expect(desk.device('child')).toMatchObject({ lastSeenAt: NOON, dialect: 'thingsboard' })
    client.end()
  })

  test('does not count as seen because something is meant for it, or the gateway is there', async () => {
    const { desk, client } = await gateway()
    desk.addDevice('mute')
    await client.subscribe(ATTRIBUTES)
    await say(client, 'connect', { device: 'child' })
    desk.changeDevice('child', { lastSeenAt: null, attributes: { pin: 1 } })
    expect(json(await client.message(ATTRIBUTES))).toEqual({ device: 'child', data: { pin: 1 } })
    expect(desk.device('child').lastSeenAt).toBeNull()
    expect(desk.device('mute').lastSeenAt).toBeNull()
    client.end()
  })

  test('that is new is added to the profile the gateway names, and is seen', async () => {
    const { desk, client } = await gateway()
    await say(client, 'connect', { device: 'new', type: 'pump' })
    expect(desk.device('new')).toMatchObject({ lastSeenAt: NOON, dialect: 'thingsboard' })
    await say(client, 'connect', { device: 'stranger', type: 'nothing we know' })
    expect(() => desk.device('stranger')).toThrow()
    client.end()
  })

  test('is not heard by a device that is no gateway', async () => {
    const { desk, client } = await gateway()
    desk.addDevice('plain')
    const plain = await desk.connect('plain', { version: 5 })
    expect(await say(plain, 'connect', { device: 'child' })).toBe(0x87)
    expect(await say(plain, 'fw/request/1/chunk/0', { device: 'child' })).toBe(0x87)
    expect(await say(plain, 'fw/request/1/chunk/1', { device: 'child' })).toBe(0x87)
    expect(desk.device('child').lastSeenAt).toBeNull()
    plain.end()
    client.end()
  })
})

describe('a file for a device behind a gateway', () => {
  test('is fetched in chunks, each download under an id of its own', async () => {
    const { desk, client } = await gateway()
    desk.addDevice('a/b #+ é')
    const other = Uint8Array.from(FILE).reverse()
    await desk.assign('child', { bytes: FILE })
    await desk.assign('a/b #+ é', { bytes: other })
    expect(await chunk(client, 'child', 1, 0, 4096)).toEqual(part(0, 4096))
    expect(await chunk(client, 'a/b #+ é', 2, 0, '5000')).toEqual(
      Buffer.from(other.subarray(0, 5000)),
    )
    expect(await chunk(client, 'child', 1, 1)).toEqual(part(4096, 8192))
    expect(await chunk(client, 'child', 1, 2, '')).toEqual(part(8192, 10_000))
    expect(await chunk(client, 'child', 1, 3, 4096)).toHaveLength(0)
    expect(await chunk(client, 'child', 3, 0)).toEqual(part(0, 10_000))
    expect(desk.states('child')).toEqual(['firmware INITIATED'])
    expect(desk.device('child')).toMatchObject({ lastSeenAt: NOON, dialect: 'thingsboard' })
    client.end()
    await client.closed
    await expect.poll(() => desk.openFiles).toBe(0)
  })

  test('is let go when the device is disconnected', async () => {
    const { desk, client } = await gateway()
    await desk.assign('child', { bytes: FILE })
    await chunk(client, 'child', 1, 0, 10)
    expect(desk.openFiles).toBe(1)
    await say(client, 'disconnect', { device: 'child' })
    expect(desk.openFiles).toBe(0)
    client.end()
  })

  test.each([
    ['nothing is assigned', 'child', 10, 'NOT_FOUND'],
    ['nobody knows the device', 'stranger', 10, 'NOT_FOUND'],
    ['the size is no number', 'child', '4k', 'UNKNOWN'],
  ])('is refused on a topic for errors: %s', async (_why, device, size, error) => {
    const { desk, client } = await gateway()
    expect(await client.subscribe('v1/gateway/fw/error', 'v1/gateway/fw/response/#')).toEqual([
      1, 1,
    ])
    await say(client, 'fw/request/7/chunk/3', { device, size })
    expect(json(await client.message('v1/gateway/fw/error'))).toEqual({
      device,
      id: 7,
      chunk: 3,
      error,
    })
    if (device === 'child') {
      expect(desk.events).toMatchObject([
        { kind: 'download.refused', subject: { name: 'child' }, data: { type: 'firmware' } },
      ])
    }
    client.end()
  })

  test('is asked for by an object that names the device', async () => {
    const { client } = await gateway()
    for (const words of [[], {}, { device: 5 }, { device: 'child', size: {} }]) {
      expect(await say(client, 'fw/request/1/chunk/0', words)).toBe(0x99)
    }
    client.end()
  })

  test('is not disturbed by pushes, which come when the update is over', async () => {
    const { desk, client } = await gateway()
    await client.subscribe(ATTRIBUTES)
    await say(client, 'connect', { device: 'child' })
    await desk.assign('child', { bytes: FILE })
    expect(json(await client.message(ATTRIBUTES))).toMatchObject({ device: 'child' })
    await chunk(client, 'child', 1, 0, 4096)
    desk.changeDevice('child', { attributes: { pin: 1 } })
    await say(client, 'telemetry', { child: [{ ts: 1, values: { fw_state: 'DOWNLOADED' } }] })
    expect(client.unread()).toEqual([])
    const installed = { current_fw_title: 'pump', current_fw_version: '2.0.0', fw_state: 'UPDATED' }
    await say(client, 'telemetry', { child: [{ ts: 2, values: installed }] })
    expect(json(await client.message(ATTRIBUTES))).toEqual({ device: 'child', data: { pin: 1 } })
    client.end()
  })
})
