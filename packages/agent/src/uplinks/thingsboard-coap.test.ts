import { once } from 'node:events'
import { expect, test } from 'vitest'
import { HandClock, tenfoldClock } from '../test-bench.test-helper.ts'
import type { Uplink } from '../uplink.ts'
import { type Clock, randomFrom } from '../waits.ts'
import { BYTES, TOKEN } from './fake-thingsboard.test-helper.ts'
import { FakeCoap } from './fake-thingsboard-coap.test-helper.ts'
import { thingsBoardUplink } from './thingsboard.ts'

const { signal } = new AbortController()
const about = { installed: {}, facts: {}, waitSeconds: 0, signal }
const limits = { stallMs: 20_000, signal }

async function device(clock: Clock) {
  const fake = await FakeCoap.start()
  const server = fake.url
  return {
    fake,
    uplink: thingsBoardUplink({ server, token: async () => TOKEN, clock, random: () => 0 }),
  }
}

const news = (uplink: Uplink): Promise<void> => uplink.news?.(signal) ?? Promise.reject()

async function download(fake: FakeCoap, uplink: Uplink): Promise<Buffer> {
  fake.mean('fw', '1.1.0')
  const [offer] = (await uplink.checkIn(about)).offers
  if (!offer) throw new Error('nothing is offered')
  const got: Buffer[] = []
  const { pieces } = await uplink.fetch(offer, { byte: 0, etag: null }, limits)
  for await (const piece of pieces) got.push(piece)
  return Buffer.concat(got)
}

test('a change of the attributes is news, acknowledged each time it comes', async () => {
  const { fake, uplink } = await device(new HandClock())
  await uplink.checkIn(about)
  const told = news(uplink)
  fake.notify({ isTwice: true })
  await told
  await expect.poll(() => fake.replies).toEqual(['ACK 1001', 'ACK 1001'])
  await uplink.hangUp?.()
})

test('a change nobody observes is refused, so that it is not told again', async () => {
  const { fake, uplink } = await device(new HandClock())
  await uplink.checkIn(about)
  if (fake.observer) fake.observer = { ...fake.observer, token: Buffer.from('old') }
  const replied = once(fake, 'reply')
  fake.notify()
  await replied
  expect(fake.replies).toEqual(['RST 1001'])
})

test('that somebody else observes now is no change; that the device is unknown is one', async () => {
  const clock = new HandClock()
  const { fake, uplink } = await device(clock)
  await uplink.checkIn(about)
  const told = news(uplink)
  const replied = once(fake, 'reply')
  fake.notify({ code: '2.02' })
  await replied
  expect(clock.waits).toEqual([100_000])
  await uplink.checkIn(about)
  fake.notify({ code: '4.01' })
  await told
})

test('a server that forgot who observes is asked again, and what has changed meanwhile is news', async () => {
  const clock = new HandClock()
  const { fake, uplink } = await device(clock)
  await uplink.checkIn(about)
  const told = news(uplink)
  fake.observer = null
  clock.advance(100_000)
  await expect.poll(() => fake.observer).not.toBeNull()
  await expect.poll(() => clock.waits).toEqual([100_000])
  fake.observer = null
  fake.mean('fw', '1.1.0')
  clock.advance(100_000)
  await told
})

test('whoever hangs up observes no more', async () => {
  const { fake, uplink } = await device(new HandClock())
  await uplink.checkIn(about)
  expect(fake.observer).not.toBeNull()
  await uplink.hangUp?.()
  await expect.poll(() => fake.observer).toBeNull()
})

test('every fifth datagram is lost, and the file comes whole', async () => {
  const { fake, uplink } = await device(tenfoldClock)
  fake.bytes = BYTES.subarray(0, 20_000)
  const random = randomFrom(7)
  fake.loses = () => random() < 0.2
  expect(await download(fake, uplink)).toEqual(fake.bytes)
})

test('answers that come by themselves are acknowledged, and attributes in blocks are put together', async () => {
  const { fake, uplink } = await device(new HandClock())
  fake.isLate = true
  fake.shared.note = 'x'.repeat(3000)
  fake.bytes = BYTES.subarray(0, 3000)
  expect((await download(fake, uplink)).length).toBe(3000)
  // Four blocks of attributes and three chunks.
  const ids = Array.from({ length: 7 }, (_, index) => `ACK ${1001 + index}`)
  await expect.poll(() => fake.replies).toEqual(ids)
})

test('a request is sent five times at growing distances, and then the server is away', async () => {
  const clock = new HandClock()
  const { fake, uplink } = await device(clock)
  fake.isMute = true
  const asked = expect(uplink.checkIn(about)).rejects.toMatchObject({
    kind: 'network',
    message: expect.stringMatching(/^127\.0\.0\.1:\d+ gives no answer\.$/),
  })
  for (const [before, ms] of [2000, 4000, 8000, 16_000, 32_000].entries()) {
    await expect.poll(() => fake.requests.length).toBe(before + 1)
    await expect.poll(() => clock.waits).toEqual([ms])
    clock.advance(ms)
  }
  await asked
  expect(fake.requests.length).toBe(5)
})

test('a server that acknowledges and never answers is away after its time', async () => {
  const clock = new HandClock()
  const { fake, uplink } = await device(clock)
  fake.isLate = true
  let heard = 0
  fake.loses = () => {
    heard += 1
    return heard === 3
  }
  const asked = expect(uplink.checkIn(about)).rejects.toMatchObject({ kind: 'network' })
  await expect.poll(() => clock.waits).toEqual([30_000])
  clock.advance(30_000)
  await asked
})

test('where nobody listens, that is noticed at once', async () => {
  const { fake, uplink } = await device(new HandClock())
  await fake.down()
  await expect(uplink.checkIn(about)).rejects.toMatchObject({
    kind: 'network',
    message: expect.stringContaining('cannot be reached'),
  })
  await fake.up()
  expect((await uplink.checkIn(about)).offers).toEqual([])
})
