import { afterEach, expect, test } from 'vitest'
import { pacer } from '../../app/pacer.ts'
import { mqttClient, welcomed } from '../../transports/mqtt-client.test-helper.ts'
import { NOON, PROVISIONING } from '../memory-desk.test-helper.ts'
import { ATTRIBUTES, bytes, closeHouses, house, json, TELEMETRY } from './mqtt-house.test-helper.ts'

afterEach(closeHouses)

test.each([
  ['a token nobody has', { username: 'x', clientId: '' }, 0x86, 5],
  ['a token nobody has, with a client id', { username: 'x', clientId: 'c' }, 0x86, 5],
  [
    'a name and password nobody has',
    { username: 'x', password: Buffer.from('p'), clientId: 'c' },
    0x86,
    5,
  ],
  [
    'a name and password without a client id',
    { username: 'x', password: Buffer.from('p'), clientId: '' },
    0x87,
    5,
  ],
  ['a client id alone', { clientId: 'c' }, 0x85, 2],
  ['nothing at all', { clientId: '' }, 0x87, 5],
])('refuses %s', async (_what, words, reason, returnCode) => {
  const { port } = await house()
  const five = mqttClient({ port, version: 5, ...words })
  expect(await five.next('connack')).toMatchObject({ reasonCode: reason })
  const four = mqttClient({ port, version: 4, ...words })
  expect(await four.next('connack')).toMatchObject({ returnCode })
  await Promise.all([five.closed, four.closed])
})

test('takes a token with any password and client id, and says when the database is away', async () => {
  const desk = await house()
  desk.addDevice('d')
  const client = await desk.connect('d', { password: Buffer.from('pswd'), clientId: 'any' })
  expect(desk.waiting).toBe(1)
  client.end()
  await expect.poll(() => desk.waiting).toBe(0)
  desk.goAway()
  const refused = mqttClient({ port: desk.port, username: 'd', version: 5 })
  expect(await refused.next('connack')).toMatchObject({ reasonCode: 0x88 })
})

test('a newer session of a device ends the older, a removed device ends its own', async () => {
  const desk = await house()
  desk.addDevice('d')
  const older = await desk.connect('d', { version: 5 })
  const newer = await desk.connect('d', { version: 5 })
  expect(await older.closed).toBe(0x8e)
  expect(await newer.publish(TELEMETRY, '{}', 1)).toBe(0)
  desk.remove('d')
  expect(await newer.closed).toBe(0x87)
  expect(desk.waiting).toBe(0)
})

test('telemetry in any shape is heard; what one message says is installed holds for its states', async () => {
  const desk = await house()
  desk.addDevice('d')
  await desk.assign('d', { bytes: bytes(10) })
  const client = await desk.connect('d')
  for (const body of ['{}', '', '{"ts":1,"values":{"t":1}}', '[{"t":null},{"ts":2,"values":{}}]']) {
    expect(await client.publish(TELEMETRY, body, 1)).toBe(0)
  }
  await client.publish('v2/t', '{"fw_state":"DOWNLOADING","fw_error":""}', 1)
  expect(desk.states('d')).toEqual(['firmware DOWNLOADING'])
  const readings = [
    { current_fw_title: 'pump', current_fw_version: '2.0.0' },
    { ts: 1, values: { fw_state: 'UPDATED' } },
  ]
  await client.publish('v2/t/j', JSON.stringify(readings), 1)
  expect(desk.states('d')).toEqual(['firmware UPDATED'])
  await client.publish(ATTRIBUTES, '{"serial":"A1","gone":null}', 1)
  expect(desk.device('d').inventory).toEqual({ serial: 'A1' })
  client.end()
})

test('unknown topics are acknowledged', async () => {
  const desk = await house()
  desk.addDevice('d')
  const five = await desk.connect('d', { version: 5 })
  expect(await five.publish('any/thing', 'x', 1)).toBe(0x90)
  five.end()
  const four = await desk.connect('d')
  expect(await four.publish('any/thing', 'x', 1)).toBe(0)
  four.end()
})

test('attributes are answered before anything is subscribed to, on the family of topics that asked', async () => {
  const desk = await house()
  desk.addDevice('d', { attributes: { pin: 4 }, inventory: { serial: 'A1' } })
  await desk.assign('d', { bytes: bytes(10), version: '1.10' })
  const client = await desk.connect('d')
  const ask = async (topic: string, answer: string, body: string) => {
    void client.publish(topic, body)
    return json(await client.message(answer))
  }
  expect(
    await ask(
      `${ATTRIBUTES}/request/1`,
      `${ATTRIBUTES}/response/1`,
      '{"clientKeys":"serial","sharedKeys":"fw_size,fw_version,none,"}',
    ),
  ).toEqual({ client: { serial: 'A1' }, shared: { fw_size: 10, fw_version: '1.10' } })
  expect(desk.states('d')).toEqual(['firmware INITIATED'])
  expect(await ask('v2/a/req/2', 'v2/a/res/2', '{"sharedKeys":"pin"}')).toEqual({
    shared: { pin: 4 },
  })
  expect(await ask('v2/a/req/j/3', 'v2/a/res/j/3', '{"sharedKeys":"none"}')).toEqual({})
  const all = await ask(`${ATTRIBUTES}/request/4`, `${ATTRIBUTES}/response/4`, '')
  expect(Object.keys(all.shared)).toContain('fw_checksum')
  client.end()
})

test('the limits of a session are told, other calls are answered with an error', async () => {
  const desk = await house()
  desk.addDevice('d')
  const client = await desk.connect('d', { version: 5 })
  const call = async (method: string) => {
    await client.publish('v1/devices/me/rpc/request/1', JSON.stringify({ method, params: {} }), 1)
    return json(await client.message('v1/devices/me/rpc/response/1'))
  }
  expect(await call('getSessionLimits')).toMatchObject({
    maxPayloadSize: 65_536,
    maxInflightMessages: 100,
    rateLimits: { messages: null },
  })
  expect(await call('getTime')).toHaveProperty('error')
  client.end()
})

test('a release is pushed in one message, what is gone is said before it', async () => {
  const desk = await house()
  desk.addDevice('d', { attributes: { pin: 4 } })
  const client = await desk.connect('d')
  await client.subscribe(ATTRIBUTES)
  await desk.assign('d', { bytes: bytes(10), tag: 'spring' })
  const first = json(await client.message())
  expect(first).toEqual({
    fw_title: 'pump',
    fw_version: '2.0.0',
    fw_tag: 'spring',
    fw_size: 10,
    fw_checksum_algorithm: 'SHA256',
    fw_checksum: expect.stringMatching(/^[0-9a-f]{64}$/),
  })
  expect(desk.states('d')).toEqual(['firmware INITIATED'])
  await desk.assign('d', { bytes: bytes(20), version: '2.1.0' })
  expect(json(await client.message())).toEqual({ deleted: ['fw_tag'] })
  expect(json(await client.message())).toMatchObject({
    fw_title: 'pump',
    fw_version: '2.1.0',
    fw_size: 20,
  })
  await desk.withdraw('d', 'firmware')
  const { deleted } = json(await client.message())
  expect(deleted.sort()).toEqual([
    'fw_checksum',
    'fw_checksum_algorithm',
    'fw_size',
    'fw_title',
    'fw_version',
  ])
  desk.changeDevice('d', { attributes: { pin: 5 } })
  expect(json(await client.message())).toEqual({ pin: 5 })
  expect(client.unread()).toEqual([])
  client.end()
})

test('pushes come on the topic subscribed to last, and stop with it', async () => {
  const desk = await house()
  desk.addDevice('d')
  const client = await desk.connect('d')
  desk.changeDevice('d', { attributes: { a: 1 } })
  await client.subscribe('v2/a/j')
  desk.changeDevice('d', { attributes: { a: 2 } })
  expect(json(await client.message('v2/a/j'))).toEqual({ a: 2 })
  await client.subscribe(ATTRIBUTES)
  desk.changeDevice('d', { attributes: { a: 3 } })
  expect(json(await client.message(ATTRIBUTES))).toEqual({ a: 3 })
  await client.subscribe('v2/a/j')
  desk.changeDevice('d', { attributes: { a: 4 } })
  expect(json(await client.message('v2/a/j'))).toEqual({ a: 4 })
  client.send({ cmd: 'unsubscribe', messageId: 9, unsubscriptions: ['v2/a/j', ATTRIBUTES] })
  await client.next('unsuback')
  desk.changeDevice('d', { attributes: { a: 5 } })
  await client.publish(TELEMETRY, '{}', 1)
  expect(client.unread()).toEqual([])
  client.end()
})

test('who was away is told once when it listens again, unless it asks by itself', async () => {
  const desk = await house()
  desk.addDevice('d')
  await desk.assign('d', { bytes: bytes(10) })
  const asks = await desk.connect('d')
  await asks.subscribe(ATTRIBUTES)
  void asks.publish(
    `${ATTRIBUTES}/request/1`,
    '{"sharedKeys":"fw_title,fw_version,fw_size,fw_checksum,fw_checksum_algorithm"}',
  )
  await asks.message(`${ATTRIBUTES}/response/1`)
  const listens = await desk.connect('d')
  await listens.subscribe(ATTRIBUTES)
  expect(json(await listens.message(ATTRIBUTES))).toMatchObject({ fw_version: '2.0.0' })
  expect(asks.unread()).toEqual([])
  listens.end()
})

test('while it updates nothing is pushed; then it is', async () => {
  const desk = await house()
  desk.addDevice('d', { attributes: { pin: 1 } })
  const client = await desk.connect('d')
  await client.subscribe(ATTRIBUTES)
  await desk.assign('d', { bytes: bytes(10_000) })
  await client.message(ATTRIBUTES)
  await client.publish(TELEMETRY, '{"fw_state":"DOWNLOADING"}', 1)
  desk.changeDevice('d', { attributes: { pin: 2 } })
  await desk.assign('d', { bytes: bytes(20_000), version: '3.0.0' })
  void client.publish('v2/fw/request/1/chunk/0', '4096')
  expect((await client.message()).topic).toBe('v2/fw/response/1/chunk/0')
  for (const fw_state of ['DOWNLOADED', 'VERIFIED', 'UPDATING']) {
    await client.publish(TELEMETRY, JSON.stringify({ fw_state }), 1)
  }
  void client.publish('v2/fw/request/1/chunk/3', '4096')
  expect((await client.message()).topic).toBe('v2/fw/response/1/chunk/3')
  const installed = { current_fw_title: 'pump', current_fw_version: '2.0.0', fw_state: 'UPDATED' }
  await client.publish(TELEMETRY, JSON.stringify(installed), 1)
  expect(json(await client.message(ATTRIBUTES))).toEqual({ pin: 2 })
  expect(json(await client.message(ATTRIBUTES))).toMatchObject({
    fw_version: '3.0.0',
    fw_size: 20_000,
  })
  client.end()
})

test('who failed and tries again by itself is not disturbed either', async () => {
  const desk = await house()
  desk.addDevice('d', { attributes: { pin: 1 } })
  const client = await desk.connect('d')
  await client.subscribe(ATTRIBUTES)
  await desk.assign('d', { bytes: bytes(100) })
  await client.message(ATTRIBUTES)
  const say = (words: object) => client.publish(TELEMETRY, JSON.stringify(words), 1)
  await say({ fw_state: 'DOWNLOADING' })
  desk.changeDevice('d', { attributes: { pin: 2 } })
  await say({ fw_state: 'FAILED' })
  await say({ fw_state: 'DOWNLOADING' })
  await say({ fw_state: 'FAILED' })
  expect(client.unread()).toEqual([])
  expect(json(await client.message(ATTRIBUTES))).toMatchObject({ pin: 2 })
  client.end()
})

test('the quality is that of the first filter that fits, else 1', async () => {
  const desk = await house()
  desk.addDevice('d')
  await desk.assign('d', { bytes: bytes(100) })
  const client = await desk.connect('d')
  void client.publish('v2/fw/request/1/chunk/0', '10')
  expect((await client.message()).qos).toBe(1)
  client.send({
    cmd: 'subscribe',
    messageId: 9,
    subscriptions: [
      { topic: 'v2/fw/response/+', qos: 0 },
      { topic: 'v2/fw/response/#', qos: 0 },
      { topic: 'v2/fw/response/+/chunk/+', qos: 1 },
    ],
  })
  await client.next('suback')
  void client.publish('v2/fw/request/1/chunk/0', '10')
  expect((await client.message()).qos).toBe(0)
  client.end()
})

test('a release waits for its turn, other news does not, and who asks is answered at once', async () => {
  const desk = await house({
    pace: pacer({ paceOf: () => ({ packSize: 1, intervalMs: 3_600_000 }) }),
  })
  for (const token of ['a', 'b', 'c']) desk.addDevice(token)
  const [a, b, c] = await Promise.all(['a', 'b', 'c'].map((token) => desk.connect(token)))
  if (!a || !b || !c) throw new Error('Three were connected.')
  for (const client of [a, b, c]) await client.subscribe(ATTRIBUTES)
  await desk.assign('a', { bytes: bytes(10) })
  expect(json(await a.message(ATTRIBUTES))).toMatchObject({ fw_version: '2.0.0' })
  await desk.assign('b', { bytes: bytes(10) })
  desk.changeDevice('b', { attributes: { pin: 2 } })
  expect(json(await b.message(ATTRIBUTES))).toEqual({ pin: 2 })
  expect(desk.states('b')).toEqual(['firmware QUEUED'])
  await desk.assign('c', { bytes: bytes(10) })
  void c.publish(`${ATTRIBUTES}/request/1`, '{"sharedKeys":"fw_version"}')
  expect(json(await c.message())).toEqual({ shared: { fw_version: '2.0.0' } })
  for (const client of [a, b, c]) client.end()
})

test('a device says that it may be claimed, at any quality; what it says wrongly is refused', async () => {
  const desk = await house()
  desk.addDevice('d')
  const client = await desk.connect('d', { version: 5 })
  const claim = (words: string) => client.publish('v1/devices/me/claim', words, 1)
  expect(await claim('{"secretKey":"k","durationMs":60000}')).toBe(0)
  expect(desk.claimableUntil('d', 'k')).toEqual(new Date(NOON.getTime() + 60_000))
  expect(await claim('')).toBe(0)
  expect(desk.claimableUntil('d', '')).toEqual(new Date(NOON.getTime() + 86_400_000))
  expect(await claim('{"secretKey":[]}')).toBe(0x99)
  client.end()
})

test('a session that enrols may do nothing else', async () => {
  const desk = await house()
  const client = await welcomed({ port: desk.port, username: 'provision', version: 5 })
  expect(await client.subscribe('/provision/response', ATTRIBUTES)).toEqual([1, 0x8f])
  expect(await client.publish(TELEMETRY, '{}', 1)).toBe(0x90)
  const enrol = async (words: object) => {
    await client.publish('/provision/request', JSON.stringify(words), 1)
    return json(await client.message('/provision/response'))
  }
  const request = {
    deviceName: 'new',
    provisionDeviceKey: PROVISIONING.key,
    provisionDeviceSecret: PROVISIONING.secret,
  }
  expect(await enrol({ ...request, provisionDeviceSecret: 'x' })).toMatchObject({
    status: 'NOT_FOUND',
    errorMsg: expect.any(String),
  })
  expect(await enrol(request)).toMatchObject({ status: 'SUCCESS', credentialsType: 'ACCESS_TOKEN' })
  expect(await enrol({})).toMatchObject({ status: 'FAILURE', errorMsg: expect.any(String) })
  client.end()
  const byId = await welcomed({ port: desk.port, clientId: 'provision' })
  byId.end()
})
