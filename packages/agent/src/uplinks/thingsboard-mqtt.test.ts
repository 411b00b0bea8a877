import { once } from 'node:events'
import { expect, test } from 'vitest'
import { HandClock } from '../test-bench.test-helper.ts'
import type { Uplink } from '../uplink.ts'
import { BYTES, TOKEN } from './fake-thingsboard.test-helper.ts'
import { FakeMqtt } from './fake-thingsboard-mqtt.test-helper.ts'
import { type ThingsBoardOptions, thingsBoardUplink } from './thingsboard.ts'

const { signal } = new AbortController()
const about = { installed: {}, facts: {}, waitSeconds: 0, signal }
const limits = { stallMs: 20_000, signal }

async function connected(options: Partial<ThingsBoardOptions> = {}) {
  const fake = await FakeMqtt.start()
  const clock = new HandClock()
  const uplink = thingsBoardUplink({
    server: fake.url,
    token: async () => TOKEN,
    clock,
    random: () => 0.5,
    ...options,
  })
  return { fake, clock, uplink }
}

const news = (uplink: Uplink): Promise<void> => uplink.news?.(signal) ?? Promise.reject()

async function offered(fake: FakeMqtt, uplink: Uplink) {
  fake.mean('fw', '1.1.0')
  const [offer] = (await uplink.checkIn(about)).offers
  if (!offer) throw new Error('nothing is offered')
  return offer
}

test.each(['3.1.1', '5'] as const)(
  'a push over MQTT %s is news, and acknowledged',
  async (mqttVersion) => {
    const { fake, uplink } = await connected({ mqttVersion })
    expect((await uplink.checkIn(about)).offers).toEqual([])
    const told = news(uplink)
    fake.mean('fw', '1.1.0')
    await told
    await expect.poll(() => fake.acknowledged).toBe(1)
    expect((await uplink.checkIn(about)).offers).toMatchObject([{ version: '1.1.0' }])
    expect(fake.connects).toMatchObject([
      { username: TOKEN, protocolVersion: mqttVersion === '5' ? 5 : 4, clientId: '' },
    ])
    await uplink.hangUp?.()
  },
)

test('what was pushed before anybody waits for it is news as well', async () => {
  const { fake, uplink } = await connected()
  await uplink.checkIn(about)
  fake.push({ note: 'hello' })
  await expect.poll(() => fake.acknowledged).toBe(1)
  await news(uplink)
})

test('with a wait, a check-in ends with the push', async () => {
  const { fake, uplink } = await connected()
  const asked = uplink.checkIn({ ...about, waitSeconds: 60 })
  await expect.poll(() => fake.connections).toBe(1)
  fake.mean('fw', '1.1.0')
  expect(await asked).toMatchObject({ offers: [{ version: '1.1.0' }] })
})

test('only what ThingsBoard grants is subscribed to', async () => {
  const { fake, uplink } = await connected()
  await uplink.checkIn(about)
  expect(fake.subscriptions).toEqual([
    'v1/devices/me/attributes',
    'v1/devices/me/attributes/response/+',
    'v2/fw/response/+/chunk/+',
    'v2/fw/error',
    'v2/sw/response/+/chunk/+',
    'v2/sw/error',
  ])
})

test('who speaks at the same time shares a connection, and hanging up ends it', async () => {
  const { fake, uplink } = await connected()
  const offer = await offered(fake, uplink)
  await uplink.hangUp?.()
  await expect.poll(() => fake.connections).toBe(0)
  const report = { state: 'UPDATING', installed: null } as const
  await Promise.all([uplink.report(offer, report, signal), uplink.checkIn(about)])
  expect(fake.connects.length).toBe(2)
})

test('a connection that breaks is news after a pause, which grows while it goes on', async () => {
  const { fake, clock, uplink } = await connected()
  const pauses: number[] = []
  for (let time = 1; time <= 3; time++) {
    await uplink.checkIn(about)
    const told = news(uplink)
    fake.cut()
    await expect.poll(() => clock.waits.length).toBe(1)
    pauses.push(...clock.waits)
    clock.advance(clock.waits[0] ?? 0)
    await told
  }
  expect(pauses).toEqual([2500, 5000, 10_000])
  // A line that has held for ten minutes begins anew.
  for (let minutes = 0; minutes < 10; minutes += 0.5) {
    await uplink.checkIn(about)
    clock.advance(30_000)
  }
  const told = news(uplink)
  fake.cut()
  await expect.poll(() => clock.waits).toEqual([2500])
  clock.advance(2500)
  await told
})

test('a server that says nothing any more is noticed by its missing pong', async () => {
  const { fake, clock, uplink } = await connected()
  await uplink.checkIn(about)
  const told = news(uplink)
  fake.isMute = true
  const pinged = once(fake, 'ping')
  clock.advance(30_000)
  await pinged
  await expect.poll(() => clock.waits.includes(30_000)).toBe(true)
  clock.advance(30_000)
  await expect.poll(() => fake.connections).toBe(0)
  await expect.poll(() => clock.waits.length).toBe(1)
  clock.advance(10_000)
  await told
})

test('a chunk that does not come ends the connection; the next one goes on where it was', async () => {
  const { fake, clock, uplink } = await connected()
  const offer = await offered(fake, uplink)
  fake.stallAfterChunks = 2
  const got: Buffer[] = []
  const gather = async (byte: number) => {
    const { from, pieces } = await uplink.fetch(offer, { byte, etag: null }, limits)
    expect(from).toBe(byte)
    for await (const piece of pieces) got.push(piece)
  }
  fake.on('chunk', (index) => {
    if (index === 2)
      void expect
        .poll(() => clock.waits[0])
        .toBe(20_000)
        .then(() => clock.advance(20_000))
  })
  await expect(gather(0)).rejects.toThrow(/^127\.0\.0\.1:\d+ gives no answer for 20 seconds\.$/)
  fake.removeAllListeners('chunk')
  await gather(131_072)
  expect(Buffer.concat(got)).toEqual(BYTES)
  expect(fake.chunks).toEqual([0, 1, 2, 2, 3])
  expect(fake.connects.length).toBe(2)
})

test('a word on the error topic says why there is no file', async () => {
  const { fake, uplink } = await connected()
  const offer = await offered(fake, uplink)
  fake.refusesChunks = 'NOT_FOUND'
  const { pieces } = await uplink.fetch(offer, { byte: 0, etag: null }, limits)
  await expect(pieces[Symbol.asyncIterator]().next()).rejects.toMatchObject({
    message: 'The file cannot be fetched: NOT_FOUND.',
    kind: 'refused',
  })
})

test('a server that is not there, and one that is something else, are told apart', async () => {
  const { fake, uplink } = await connected()
  await fake.down()
  await expect(uplink.checkIn(about)).rejects.toMatchObject({
    kind: 'network',
    message: expect.stringContaining('cannot be reached: connect ECONNREFUSED'),
  })
})

test('the token is read for each connection', async () => {
  let token = 'an old one'
  const { fake, uplink } = await connected({ token: async () => token })
  await expect(uplink.checkIn(about)).rejects.toMatchObject({ kind: 'unauthorised' })
  token = TOKEN
  await uplink.checkIn(about)
  expect(fake.connects.map(({ username }) => username)).toEqual(['an old one', TOKEN])
})

test('stopping does not wait for a server that takes its time', async () => {
  const { fake, uplink } = await connected()
  fake.isMute = true
  const stop = new AbortController()
  const asked = uplink.checkIn({ ...about, signal: stop.signal })
  await expect.poll(() => fake.connects.length).toBe(1)
  stop.abort(new Error('stopped'))
  await expect(asked).rejects.toThrow('stopped')
  await uplink.hangUp?.()
  await expect.poll(() => fake.connections).toBe(0)
})
