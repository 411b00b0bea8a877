/**
 * What a server must not do to ThingsBoard's devices over MQTT, each seen to break one of them [What stock clients
 * do]. Those about downloads alone stand in mqtt-chunks.test.ts, those about shapes in mqtt-telemetry.test.ts.
 */
import { afterEach, expect, test } from 'vitest'
import { ATTRIBUTES, bytes, closeHouses, house, json, TELEMETRY } from './mqtt-house.test-helper.ts'

afterEach(closeHouses)

const FIVE_KEYS = 'fw_checksum,fw_checksum_algorithm,fw_size,fw_title,fw_version'

/** A device that is to run 10,000 bytes of firmware. */
async function device() {
  const desk = await house()
  desk.addDevice('d', { attributes: { pin: 1 } })
  await desk.assign('d', { bytes: bytes(10_000), version: '1.10' })
  return desk
}

test.each([
  ['that never subscribed to anything', []],
  ['whose subscriptions fit no answer', ['v2/fw/response/+', 'v2/fw/error']],
  ['whose subscriptions were refused', ['v2/fw/#', 'v1/devices/+/rpc/#']],
])('a device %s is sent all its answers', async (_which, filters) => {
  const desk = await device()
  const client = await desk.connect('d', { version: 5 })
  if (filters.length > 0) await client.subscribe(...filters)
  void client.publish('v2/fw/request/1/chunk/0', '4096')
  expect((await client.message('v2/fw/response/1/chunk/0')).payload).toHaveLength(4096)
  void client.publish(`${ATTRIBUTES}/request/1`, '{"sharedKeys":"pin"}')
  expect(json(await client.message(`${ATTRIBUTES}/response/1`))).toEqual({ shared: { pin: 1 } })
  void client.publish('v1/devices/me/rpc/request/1', '{"method":"getSessionLimits","params":{}}')
  expect(json(await client.message('v1/devices/me/rpc/response/1'))).toHaveProperty('rateLimits')
  client.end()
})

test('an attribute response is not lost because the subscription comes behind the request', async () => {
  const desk = await device()
  const client = await desk.connect('d', { version: 5 })
  void client.publish(`${ATTRIBUTES}/request/1`, JSON.stringify({ sharedKeys: FIVE_KEYS }))
  const granted = client.subscribe(`${ATTRIBUTES}/response/+`)
  const answer = json(await client.message(`${ATTRIBUTES}/response/1`))
  expect(Object.keys(answer.shared).sort().join()).toBe(FIVE_KEYS)
  expect(await granted).toEqual([1])
  client.end()
})

test.each([3, 4, 5] as const)(
  'version %i is spoken from the CONNECT to the last chunk',
  async (version) => {
    const desk = await device()
    const client = await desk.connect('d', { version })
    await client.publish(TELEMETRY, '{"fw_state":"DOWNLOADING"}', 1)
    void client.publish('v2/fw/request/1/chunk/0', '')
    expect((await client.message()).payload).toHaveLength(10_000)
    const installed = '{"current_fw_title":"pump","current_fw_version":"1.10","fw_state":"UPDATED"}'
    expect(await client.publish(TELEMETRY, installed, 1)).toBe(0)
    expect(desk.states('d')).toEqual(['firmware UPDATED'])
    client.end()
  },
)

test('a chunk that is not acknowledged is not sent again within the session', async () => {
  const desk = await device()
  const client = await desk.connect('d', { acknowledges: false })
  void client.publish('v2/fw/request/1/chunk/0', '4096')
  const { qos } = await client.message()
  expect(qos).toBe(1)
  for (let each = 0; each < 5; each++) {
    client.send({ cmd: 'pingreq' })
    await client.next('pingresp')
    await client.publish(TELEMETRY, '{}', 1)
  }
  expect(client.unread()).toEqual([])
  client.end()
})

test('a chunk that was on its way when the connection was lost does not come by itself on the next one', async () => {
  const desk = await device()
  const lost = await desk.connect('d', { acknowledges: false, clean: false, clientId: 'same' })
  void lost.publish('v2/fw/request/1/chunk/0', '4096')
  await lost.message()
  const again = await desk.connect('d', { clean: false, clientId: 'same' })
  await lost.closed
  await again.publish(TELEMETRY, '{}', 1)
  expect(again.order).toEqual(['connack', 'puback'])
  again.end()
})

test('nothing is pushed between two chunks, nor that an attribute is gone, until the update is over', async () => {
  const desk = await device()
  const client = await desk.connect('d')
  await client.subscribe(ATTRIBUTES)
  void client.publish(`${ATTRIBUTES}/request/1`, JSON.stringify({ sharedKeys: FIVE_KEYS }))
  await client.message(`${ATTRIBUTES}/response/1`)
  for (const index of [0, 1, 2]) {
    // A chunk asked for is enough: clients say DOWNLOADING after the first, or not at all.
    void client.publish(`v2/fw/request/1/chunk/${index}`, '4096')
    await client.message(`v2/fw/response/1/chunk/${index}`)
    desk.changeDevice('d', { attributes: index === 1 ? {} : { pin: index + 2 } })
    await client.publish(TELEMETRY, '{}', 1)
  }
  await client.publish(TELEMETRY, '{"fw_state":"DOWNLOADED"}', 1)
  expect(client.unread()).toEqual([])
  const installed = '{"current_fw_title":"pump","current_fw_version":"1.10","fw_state":"UPDATED"}'
  await client.publish(TELEMETRY, installed, 1)
  expect(json(await client.message(ATTRIBUTES))).toEqual({ pin: 4 })
  client.end()
})

test('the five keys of a release come in one push, the size as a number and the rest as text', async () => {
  const desk = await house()
  desk.addDevice('d')
  const client = await desk.connect('d')
  await client.subscribe(ATTRIBUTES)
  await desk.assign('d', { bytes: bytes(10), title: '7', version: '13' })
  const pushed = json(await client.message())
  expect(Object.keys(pushed).sort().join()).toBe(FIVE_KEYS)
  expect(pushed).toMatchObject({ fw_title: '7', fw_version: '13', fw_size: 10 })
  // Another version of the same file: what did not change comes again with what did.
  await desk.assign('d', { bytes: bytes(10), title: '7', version: '14' })
  expect(json(await client.message())).toEqual({ ...pushed, fw_version: '14' })
  expect(client.unread()).toEqual([])
  client.end()
})

test('keys that were never there are not told to be gone', async () => {
  const desk = await house()
  desk.addDevice('d')
  const client = await desk.connect('d')
  await client.subscribe(ATTRIBUTES)
  for (const version of ['2.0.0', '3.0.0']) {
    await desk.assign('d', { bytes: bytes(10), version })
    const pushed = json(await client.message())
    expect(pushed).toMatchObject({ fw_version: version })
    expect(pushed).not.toHaveProperty('deleted')
  }
  expect(client.unread()).toEqual([])
  client.end()
})

test('the end of a file is no error', async () => {
  const desk = await device()
  const client = await desk.connect('d')
  await client.subscribe('v2/fw/error')
  void client.publish('v2/fw/request/1/chunk/3', '4096')
  expect(await client.message()).toMatchObject({
    topic: 'v2/fw/response/1/chunk/3',
    payload: Buffer.alloc(0),
  })
  client.end()
})

test('a list of keys may end in a comma, hold blanks and nothing, and be of keys there are none of', async () => {
  const desk = await device()
  const client = await desk.connect('d')
  const shared = async (sharedKeys: string) => {
    void client.publish(`${ATTRIBUTES}/request/1`, JSON.stringify({ sharedKeys }))
    return json(await client.message())
  }
  expect(await shared('fw_size,')).toEqual({ shared: { fw_size: 10_000 } })
  expect(await shared(' fw_size , ,, pin')).toEqual({ shared: { fw_size: 10_000, pin: 1 } })
  expect(await shared('none,')).toEqual({})
  client.end()
})

test('states may be skipped, said twice and come in one message; the order is theirs, not that of a clock', async () => {
  const desk = await device()
  const client = await desk.connect('d')
  const say = (...states: readonly (readonly [ts: number, state: string])[]) =>
    client.publish(
      TELEMETRY,
      JSON.stringify(states.map(([ts, fw_state]) => ({ ts, values: { fw_state } }))),
      1,
    )
  await say([9_999_999_999_999, 'DOWNLOADED'], [5, 'VERIFIED'])
  expect(desk.states('d')).toEqual(['firmware VERIFIED'])
  await say([7, 'UPDATING'], [7, 'UPDATING'], [0, 'UPDATING'])
  expect(desk.states('d')).toEqual(['firmware UPDATING'])
  client.end()
})

test('UPDATED is no success while the device runs another version, and is one when it runs this', async () => {
  const desk = await device()
  const client = await desk.connect('d')
  const say = (words: object) => client.publish(TELEMETRY, JSON.stringify(words), 1)
  const installed = (version: string) => ({
    current_fw_title: 'pump',
    current_fw_version: version,
  })
  // As at every start of some devices, with nothing begun yet.
  await say({ ...installed('1.9'), fw_state: 'UPDATED' })
  expect(desk.states('d')).toEqual(['firmware QUEUED'])
  await say({ fw_state: 'UPDATED' })
  expect(desk.states('d')).toEqual(['firmware QUEUED'])
  await say({ ...installed('1.10'), fw_state: 'UPDATED' })
  expect(desk.states('d')).toEqual(['firmware UPDATED'])
  client.end()
})

test('a device comes in with any password, without a name of its own, and once more', async () => {
  const desk = await device()
  const first = await desk.connect('d', { clientId: '', password: Buffer.from('pswd') })
  const second = await desk.connect('d', { clientId: '', password: Buffer.alloc(0) })
  await first.closed
  expect(await second.publish(TELEMETRY, '{}', 1)).toBe(0)
  second.end()
})

test('a refused subscription costs the device nothing', async () => {
  const desk = await device()
  const client = await desk.connect('d')
  expect(await client.subscribe('#', ATTRIBUTES)).toEqual([0x80, 1])
  desk.changeDevice('d', { attributes: { pin: 2 } })
  await client.message(ATTRIBUTES)
  expect(await client.publish(TELEMETRY, '{}', 1)).toBe(0)
  client.end()
})

test('a chunk fits the memory of a device that leaves fifty bytes for all that is around it', async () => {
  const desk = await device()
  const client = await desk.connect('d')
  let wireBytes = 0
  client.socket.on('data', (piece: Buffer) => {
    wireBytes += piece.length
  })
  void client.publish('v2/fw/request/12/chunk/12345', '0')
  expect((await client.message()).payload).toHaveLength(10_000)
  expect(wireBytes).toBeLessThanOrEqual(10_000 + 50)
  client.end()
})
