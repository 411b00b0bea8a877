import type { Packet } from 'coap-packet'
import { afterEach, expect, test } from 'vitest'
import { seeded } from '../../../../tools/chance.ts'
import {
  address,
  block,
  type Client,
  client,
  datagram,
  handClock,
  number,
  option,
  uint,
} from './coap.test-helper.ts'
import { coapListener } from './coap.ts'
import { EXCHANGE_LIFETIME_MS } from './coap-exchanges.ts'
import { makeNoise, noiseOf } from './coap-noise.test-helper.ts'
import type { CoapRequest, CoapResponse } from './coap-request.ts'

const closings: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closings.splice(0).reverse()) await close()
})

type Answer = (request: CoapRequest) => CoapResponse | Promise<CoapResponse>

async function listener(answer: Answer) {
  const clock = handClock()
  const errors: object[] = []
  const requests: CoapRequest[] = []
  const coap = coapListener({
    log: { error: (details) => errors.push(details) },
    scopes: [
      {
        name: 'test',
        roots: ['x'],
        answer: async (request) => {
          requests.push(request)
          return answer(request)
        },
      },
    ],
    clock,
    random: () => 0.5,
  })
  const { port } = await coap.listen({ host: '127.0.0.1', port: 0 })
  closings.push(() => coap.close())
  return { coap, clock, errors, requests, port, client: () => clientOf(port) }
}

async function clientOf(port: number): Promise<Client> {
  const made = await client(port)
  closings.push(() => made.close())
  return made
}

/** Resolves once the listener has heard all that was sent before: a ping is answered by a reset. */
async function settled(someone: Client): Promise<void> {
  const { reset } = await someone.ask({ code: '0.00' })
  expect(reset).toBe(true)
}

const ok: Answer = () => ({ code: '2.05', body: Buffer.from('hello'), contentFormat: 0 })

test('a confirmable request is answered within its acknowledgement', async () => {
  const { client, requests } = await listener(ok)
  const device = await client()
  const token = Buffer.from('tok')
  const answer = await device.ask({
    messageId: 77,
    token,
    options: [...address('x/ä?a=1+2&b=%20&c'), { name: 'Accept', value: uint(50) }],
  })
  expect(answer).toMatchObject({ ack: true, code: '2.05', messageId: 77, token })
  expect(answer.payload.toString()).toBe('hello')
  expect(option(answer, 'Block2')).toBeUndefined()
  expect(number(answer, 'Content-Format')).toBe(0)
  // Options are taken as they are: plus and percent stand for themselves.
  expect(requests).toMatchObject([
    {
      method: 'GET',
      path: ['x', 'ä'],
      query: [
        ['a', '1+2'],
        ['b', '%20'],
        ['c', ''],
      ],
      accept: 50,
      observes: false,
      from: device.name,
    },
  ])
})

test('a request that need not be confirmed is answered in kind', async () => {
  const { client } = await listener(ok)
  const answer = await (await client()).ask({ confirmable: false, options: address('x') })
  expect(answer).toMatchObject({ ack: false, confirmable: false, code: '2.05' })
})

test('a request that comes again is carried out once and answered alike', async () => {
  let count = 0
  const { client, clock } = await listener(() => {
    count += 1
    return { code: '2.05', body: Buffer.from(`${count}`) }
  })
  const device = await client()
  const request = datagram({ code: 'POST', token: Buffer.from('t'), options: address('x') })
  for (let time = 0; time < 3; time++) {
    device.send(request)
    expect((await device.next()).payload.toString()).toBe('1')
  }
  const other = await client()
  other.send(request)
  expect((await other.next()).payload.toString()).toBe('2')
  clock.advance(EXCHANGE_LIFETIME_MS + 1)
  device.send(request)
  expect((await device.next()).payload.toString()).toBe('3')
})

test('a request that comes again while it is being answered is not carried out twice', async () => {
  const { promise, resolve } = Promise.withResolvers<CoapResponse>()
  const { client, requests } = await listener(() => promise)
  const device = await client()
  const request = datagram({ options: address('x') })
  device.send(request)
  device.send(request)
  await settled(device)
  resolve({ code: '2.01' })
  expect((await device.next()).code).toBe('2.01')
  expect(requests).toHaveLength(1)
  expect(device.unread).toBe(0)
})

test('a slow answer is acknowledged first, and then sent until it is acknowledged', async () => {
  const { promise, resolve } = Promise.withResolvers<CoapResponse>()
  const { coap, client, clock } = await listener(() => promise)
  const device = await client()
  const request = datagram({
    code: 'POST',
    token: Buffer.from('t'),
    messageId: 9,
    options: address('x'),
  })
  device.send(request)
  await settled(device)
  clock.advance(1000)
  expect(await device.next()).toMatchObject({ ack: true, code: '0.00', messageId: 9 })
  device.send(request)
  expect(await device.next()).toMatchObject({ ack: true, code: '0.00', messageId: 9 })
  resolve({ code: '2.05', body: Buffer.from('late') })
  const answer = await device.next()
  expect(answer).toMatchObject({ confirmable: true, code: '2.05', token: Buffer.from('t') })
  for (const timeoutMs of [2500, 5000]) {
    clock.advance(timeoutMs)
    expect(await device.next()).toEqual(answer)
  }
  expect(coap.load.waiting).toBe(1)
  device.send(
    datagram({ code: '0.00', confirmable: false, ack: true, messageId: answer.messageId }),
  )
  await settled(device)
  expect(coap.load.waiting).toBe(0)
  clock.advance(100_000)
  await settled(device)
  expect(device.unread).toBe(0)
})

test('a slow answer nobody acknowledges is given up after four more times', async () => {
  const { promise, resolve } = Promise.withResolvers<CoapResponse>()
  const { coap, client, clock } = await listener(() => promise)
  const device = await client()
  device.send(datagram({ code: 'POST', options: address('x') }))
  await settled(device)
  clock.advance(1000)
  resolve({ code: '2.05' })
  await device.next()
  for (let time = 0; time < 5; time++)
    await device.next().then(() => clock.advance(2500 * 2 ** time))
  await settled(device)
  expect([coap.load.waiting, device.unread]).toEqual([0, 0])
})

test('a slow answer to a GET still comes within its acknowledgement, as libcoap needs of a first block', async () => {
  const { promise, resolve } = Promise.withResolvers<CoapResponse>()
  const { client, clock, requests } = await listener(() => promise)
  const device = await client()
  // As libcoap 4.3.1 sends it for coap://127.0.0.1:5683/x, and again when nothing has come after two seconds.
  const request = Buffer.from('4101 3a81 01 b1 78'.replaceAll(' ', ''), 'hex')
  device.send(request)
  await settled(device)
  clock.advance(2500)
  device.send(request)
  await settled(device)
  resolve({ code: '2.05', body: Buffer.alloc(1500, 7), etag: Buffer.from('v1') })
  const answer = datagram({
    confirmable: false,
    ack: true,
    code: '2.05',
    messageId: 0x3a81,
    token: Buffer.from([1]),
    options: [
      { name: 'ETag', value: Buffer.from('v1') },
      block('Block2', { num: 0, isMore: true }),
      { name: 'Size2', value: uint(1500) },
    ],
    payload: Buffer.alloc(1024, 7),
  })
  expect(await device.nextBytes()).toEqual(answer)
  await settled(device)
  expect([requests.length, device.unread]).toEqual([1, 0])
})

/** Bytes that know whether they were given back. */
function source(sizeBytes: number) {
  const bytes = Buffer.from(
    Array.from({ length: sizeBytes }, (_, at) => (at * 7 + (at >> 8)) & 0xff),
  )
  const source = {
    bytes,
    sizeBytes,
    reads: 0,
    released: 0,
    read: async (start: number, end: number) => {
      source.reads += 1
      return bytes.subarray(start, end)
    },
    release: () => {
      source.released += 1
    },
  }
  return source
}

test('a large body comes in blocks, opened once and given back when nobody asks for more', async () => {
  const file = source(3000)
  const { coap, client, clock, requests } = await listener(() => ({
    code: '2.05',
    body: file,
    etag: Buffer.from('v1'),
  }))
  const device = await client()
  const first = await device.ask({ options: address('x') })
  expect(number(first, 'Block2')).toBe((0 << 4) | 8 | 6)
  expect(number(first, 'Size2')).toBe(3000)
  const pieces = [first.payload]
  for (const num of [1, 2]) {
    const answer = await device.ask({
      token: Buffer.from(`another${num}`),
      options: [...address('x'), block('Block2', { num })],
    })
    expect(answer).toMatchObject({ ack: true, code: '2.05', token: Buffer.from(`another${num}`) })
    expect(option(answer, 'ETag')).toEqual(Buffer.from('v1'))
    expect(number(answer, 'Block2')).toBe((num << 4) | (num === 1 ? 8 : 0) | 6)
    pieces.push(answer.payload)
  }
  expect(Buffer.concat(pieces)).toEqual(file.bytes)
  expect([requests.length, file.reads, file.released, coap.load.held]).toEqual([1, 3, 0, 1])
  const beyond = await device.ask({ options: [...address('x'), block('Block2', { num: 3 })] })
  expect(beyond.code).toBe('4.00')
  clock.advance(61_000)
  expect([file.released, coap.load.held]).toEqual([1, 0])
})

test('blocks are as small as the client wants them, from any block on', async () => {
  const file = source(100)
  const { client } = await listener(() => ({ code: '2.05', body: file }))
  const device = await client()
  const pieces: Buffer[] = []
  for (let num = 0; num < 4; num++) {
    const answer = await device.ask({
      options: [...address('x'), block('Block2', { num, szx: 1 })],
    })
    expect(number(answer, 'Block2')).toBe((num << 4) | (num < 3 ? 8 : 0) | 1)
    pieces.push(answer.payload)
  }
  expect(Buffer.concat(pieces)).toEqual(file.bytes)
  const reserved = await device.ask({
    options: [...address('x'), block('Block2', { num: 0, szx: 7 })],
  })
  expect(reserved.code).toBe('4.00')
})

test('the first block is always asked for anew, and two bodies never share an ETag', async () => {
  const files = [source(2000), source(2000)]
  let count = 0
  const { client } = await listener(() => ({ code: '2.05', body: files[count++] }))
  const device = await client()
  const first = await device.ask({ options: address('x') })
  const again = await device.ask({ options: [...address('x'), block('Block2', { num: 0 })] })
  expect(option(first, 'ETag')).not.toEqual(option(again, 'ETag'))
  const rest = await device.ask({ options: [...address('x'), block('Block2', { num: 1 })] })
  expect(option(rest, 'ETag')).toEqual(option(again, 'ETag'))
  expect(files.map(({ released }) => released)).toEqual([1, 0])
})

test('other addresses and other clients have other blocks', async () => {
  const { client, requests } = await listener(({ path }) => ({
    code: '2.05',
    body: Buffer.alloc(1500, path[1]),
  }))
  const [one, two] = [await client(), await client()]
  await one.ask({ options: address('x/a') })
  await two.ask({ options: address('x/b') })
  const ask = (who: Client, where: string) =>
    who.ask({ options: [...address(where), block('Block2', { num: 1 })] })
  expect((await ask(one, 'x/b')).payload.toString()).toBe('b'.repeat(476))
  expect((await ask(two, 'x/a')).payload.toString()).toBe('a'.repeat(476))
  expect((await ask(one, 'x/a')).payload.toString()).toBe('a'.repeat(476))
  expect(requests).toHaveLength(4)
})

test('a body that cannot be read is an internal error, and is given back', async () => {
  const file = { ...source(2000), read: () => Promise.reject(new Error('the disk is gone')) }
  const { client, errors } = await listener(() => ({ code: '2.05', body: file }))
  const answer = await (await client()).ask({ options: address('x') })
  expect(answer.code).toBe('5.00')
  expect(errors).toMatchObject([{ err: { message: 'the disk is gone' } }])
})

test('an upload in blocks is put together', async () => {
  const { coap, client, requests } = await listener(() => ({ code: '2.01' }))
  const device = await client()
  const bytes = Buffer.from('0123456789abcdef'.repeat(5))
  const send = (num: number, isMore: boolean) =>
    device.ask({
      code: 'POST',
      options: [...address('x'), block('Block1', { num, isMore, szx: 1 })],
      payload: bytes.subarray(num * 32, num * 32 + 32),
    })
  for (const num of [0, 1]) {
    const answer = await send(num, true)
    expect([answer.code, number(answer, 'Block1')]).toEqual(['2.31', (num << 4) | 8 | 1])
  }
  const last = await send(2, false)
  expect([last.code, number(last, 'Block1')]).toEqual(['2.01', (2 << 4) | 1])
  expect(requests).toHaveLength(1)
  expect(requests[0]?.payload).toEqual(bytes)
  expect(coap.load.uploads).toBe(0)
  expect((await send(1, true)).code).toBe('4.08')
})

test('an upload beyond the limit is refused with the limit, as soon as it is known to be', async () => {
  const { coap, client, requests } = await listener(() => ({ code: '2.01' }))
  const device = await client()
  const payload = Buffer.alloc(1024)
  const send = (num: number, size?: number) =>
    device.ask({
      code: 'POST',
      options: [
        ...address('x'),
        block('Block1', { num, isMore: true }),
        ...(size === undefined ? [] : [{ name: 'Size1' as const, value: uint(size) }]),
      ],
      payload,
    })
  const announced = await send(0, 65_537)
  expect([announced.code, number(announced, 'Size1')]).toEqual(['4.13', 65_536])
  for (let num = 0; num < 64; num++) expect((await send(num)).code).toBe('2.31')
  expect((await send(64)).code).toBe('4.13')
  expect([requests.length, coap.load.uploads]).toEqual([0, 0])
})

/** What is observed: `tell` of whoever observes at the moment. */
function observable() {
  const tells: ((response: CoapResponse) => Promise<boolean>)[] = []
  let ended = 0
  const answer: Answer = ({ observes }) => ({
    code: '2.05',
    body: Buffer.from('state'),
    observation: observes
      ? {
          of: 'device',
          start: (tell) => {
            tells.push(tell)
            return () => {
              ended += 1
            }
          },
        }
      : undefined,
  })
  return {
    answer,
    tell: (text: string, who = tells.length - 1) =>
      tells[who]?.({ code: '2.05', body: Buffer.from(text) }),
    get ended() {
      return ended
    },
  }
}
const observe = (value: 0 | 1) => ({ name: 'Observe' as const, value: uint(value) })
const acknowledge = (device: Client, messageId: number) =>
  device.send(datagram({ code: '0.00', confirmable: false, ack: true, messageId }))

test('an observer is told of changes, confirmably and in order, until it deregisters', async () => {
  const thing = observable()
  const { coap, client } = await listener(thing.answer)
  const device = await client()
  const token = Buffer.from('obs')
  const first = await device.ask({ token, options: [observe(0), ...address('x')] })
  let last = number(first, 'Observe') ?? Number.NaN
  for (const text of ['one', 'two']) {
    const told = thing.tell(text)
    const heard = await device.next()
    expect(heard).toMatchObject({ confirmable: true, code: '2.05', token })
    expect(heard.payload.toString()).toBe(text)
    expect(number(heard, 'Observe')).toBeGreaterThan(last)
    last = number(heard, 'Observe') ?? Number.NaN
    acknowledge(device, heard.messageId)
    expect(await told).toBe(true)
  }
  const bye = await device.ask({ token, options: [observe(1), ...address('x')] })
  expect([bye.code, option(bye, 'Observe')]).toEqual(['2.02', undefined])
  expect([thing.ended, coap.load.observations]).toEqual([1, 0])
  expect(await thing.tell('three')).toBe(false)
})

test('an observer that wanted no confirmations gets none, and a reset ends it', async () => {
  const thing = observable()
  const { coap, client, clock } = await listener(thing.answer)
  const device = await client()
  await device.ask({ confirmable: false, options: [observe(0), ...address('x')] })
  expect(await thing.tell('one')).toBe(true)
  const heard = await device.next()
  expect([heard.confirmable, heard.ack]).toEqual([false, false])
  // Once a day it is asked whether it still lives.
  clock.advance(24 * 3_600_000 + 1)
  const told = thing.tell('two')
  const proof = await device.next()
  expect(proof.confirmable).toBe(true)
  acknowledge(device, proof.messageId)
  expect(await told).toBe(true)
  await thing.tell('three')
  const { messageId } = await device.next()
  device.send(datagram({ code: '0.00', confirmable: false, reset: true, messageId }))
  await settled(device)
  expect([thing.ended, coap.load.observations]).toEqual([1, 0])
})

test('an observer that refuses or says nothing is told no more', async () => {
  const thing = observable()
  const { client, clock } = await listener(thing.answer)
  const [refusing, silent] = [await client(), await client()]
  await refusing.ask({ options: [observe(0), ...address('x')] })
  const refused = thing.tell('one')
  const { messageId } = await refusing.next()
  refusing.send(datagram({ code: '0.00', confirmable: false, reset: true, messageId }))
  expect(await refused).toBe(false)
  await silent.ask({ options: [observe(0), ...address('x')] })
  const lost = thing.tell('two')
  await silent.next()
  clock.advance(100_000)
  expect(await lost).toBe(false)
  expect(thing.ended).toBe(2)
})

test('who observes the same from elsewhere ends the earlier observation with 2.02', async () => {
  const thing = observable()
  const { coap, client } = await listener(thing.answer)
  const [earlier, later] = [await client(), await client()]
  const token = Buffer.from('t')
  await earlier.ask({ token, options: [observe(0), ...address('x')] })
  await later.ask({ options: [observe(0), ...address('x')] })
  const end = await earlier.next()
  expect(end).toMatchObject({ confirmable: true, code: '2.02', token })
  expect(option(end, 'Observe')).toBeUndefined()
  // Registering again, as clients do now and then, ends nothing.
  await later.ask({ options: [observe(0), ...address('x')] })
  await settled(later)
  expect([coap.load.observations, thing.ended, later.unread]).toEqual([1, 2, 0])
})

test('a notification larger than a datagram is fetched block by block', async () => {
  const thing = observable()
  const { client } = await listener(thing.answer)
  const device = await client()
  await device.ask({ options: [observe(0), ...address('x')] })
  const text = 'long '.repeat(300)
  const told = thing.tell(text)
  const first = await device.next()
  expect(number(first, 'Block2')).toBe(8 | 6)
  acknowledge(device, first.messageId)
  await told
  const rest = await device.ask({ options: [...address('x'), block('Block2', { num: 1 })] })
  expect(first.payload.toString() + rest.payload.toString()).toBe(text)
  expect(option(rest, 'ETag')).toEqual(option(first, 'ETag'))
})

const none = Buffer.alloc(0)
test.each<[what: string, code: string, request: Packet]>([
  ['an unknown critical option', '4.02', { options: [{ name: 9, value: none }] }],
  ['an unknown elective option', '2.05', { options: [{ name: 2050, value: none }] }],
  [
    'Accept twice',
    '4.02',
    { options: [50, 60].map((format) => ({ name: 'Accept', value: uint(format) })) },
  ],
  ['a proxy', '5.05', { options: [{ name: 'Proxy-Scheme', value: Buffer.from('coap') }] }],
  ['a host', '2.05', { options: [{ name: 'Uri-Host', value: Buffer.from('here') }] }],
  ['a method of later days', '4.05', { code: 'FETCH' }],
])('%s is answered %s', async (_what, code, { options = [], ...request }) => {
  const { client } = await listener(ok)
  const device = await client()
  const answer = await device.ask({ ...request, options: [...options, ...address('x')] })
  expect(answer.code).toBe(code)
})

test('nothing is there, a bug is a bug, and what cannot be understood need not be answered', async () => {
  const { client, errors } = await listener(() => {
    throw new Error('oops')
  })
  const device = await client()
  expect((await device.ask({ options: address('y') })).code).toBe('4.04')
  expect((await device.ask({})).code).toBe('4.04')
  const bug = await device.ask({ options: address('x') })
  expect([bug.code, bug.payload.length]).toEqual(['5.00', 0])
  expect(errors).toMatchObject([{ err: { message: 'oops' } }])
  const unknown = [{ name: 9, value: Buffer.alloc(0) }, ...address('x')]
  device.send(datagram({ confirmable: false, options: unknown }))
  await settled(device)
  expect(device.unread).toBe(0)
})

test.each([
  ['a token of nine bytes', '490100050102030405060708ff', true],
  ['an option cut off', '40010005b378', true],
  ['an option length that is reserved', '40010005bf00', true],
  ['a marker without a payload', '40010005b178ff', true],
  ['an empty message with something in it', '4000000501', true],
  ['an answer to no question', '40450005', true],
  ['a reserved class', '40200005', true],
  ['another version', '80010005b178', false],
  ['a few bytes', '400100', false],
  ['an unconfirmable one cut off', '50010005b378', false],
  ['an acknowledgement with a method', '60010005b178', false],
])('%s is rejected', async (_what, hex, isReset) => {
  const { client, requests } = await listener(ok)
  const device = await client()
  device.send(Buffer.from(hex, 'hex'))
  if (isReset) expect(await device.next()).toMatchObject({ reset: true, messageId: 5 })
  await settled(device)
  expect([device.unread, requests.length]).toEqual([0, 0])
})

test('a stop ends observations and finishes what is at hand', async () => {
  const thing = observable()
  const slow = Promise.withResolvers<CoapResponse>()
  const { coap, client, clock } = await listener((request) =>
    request.observes ? thing.answer(request) : slow.promise,
  )
  const device = await client()
  await device.ask({ options: [observe(0), ...address('x')] })
  device.send(datagram({ options: address('x') }))
  await settled(device)
  const closed = coap.close()
  slow.resolve({ code: '2.01' })
  expect((await device.next()).code).toBe('2.01')
  await closed
  expect([thing.ended, clock.timerCount]).toEqual([1, 0])
})

test('a port that is taken is an error of the system', async () => {
  const { port } = await listener(ok)
  const other = coapListener({ log: { error: () => {} }, scopes: [] })
  await expect(other.listen({ host: '127.0.0.1', port })).rejects.toThrow('EADDRINUSE')
  await other.close()
})

test('100,000 random datagrams break nothing, let nothing grow, and do not disturb a download', async () => {
  const file = source(1024 * 500 + 100)
  const { coap, client, clock, errors } = await listener(({ observes, from }) => ({
    code: '2.05',
    body: file,
    etag: Buffer.from('v1'),
    observation: observes ? { of: from, start: () => () => {} } : undefined,
  }))
  const [stranger, device] = [await client(), await client()]
  const addresses = Array.from({ length: 300 }, (_, at) => `x/${at}`)
  const noise = noiseOf(seeded(20_26), { addresses: [...addresses, 'y'] })
  const pieces: Buffer[] = []
  const most = { remembered: 0, waiting: 0, held: 0, uploads: 0, observations: 0 }
  for (let sent = 0; sent < 100_000; sent += 50) {
    await makeNoise(stranger, { noise, datagrams: 50 })
    // All the bytes, and then all of them again.
    const num = (sent / 50) % 501
    const answer = await device.ask({ options: [...address('x/0'), block('Block2', { num })] })
    expect(option(answer, 'ETag')).toEqual(Buffer.from('v1'))
    pieces[num] = answer.payload
    for (const what of ['remembered', 'waiting', 'held', 'uploads', 'observations'] as const) {
      most[what] = Math.max(most[what], coap.load[what])
    }
  }
  expect(Buffer.concat(pieces).equals(file.bytes)).toBe(true)
  expect(most.remembered).toBeLessThanOrEqual(8192)
  expect(most.waiting).toBeLessThanOrEqual(8192)
  expect(most.held).toBeLessThanOrEqual(4096)
  expect(most.uploads).toBeLessThanOrEqual(256)
  expect(most.observations).toBeLessThanOrEqual(1)
  // The noise did reach what it is to try.
  expect(Math.min(...Object.values({ ...most, waiting: 1 }))).toBeGreaterThan(0)
  expect([coap.load.atWork, errors]).toEqual([0, []])
  clock.advance(2 * EXCHANGE_LIFETIME_MS)
  expect(coap.load).toMatchObject({ remembered: 0, waiting: 0, held: 0, uploads: 0 })
  expect((await (await client()).ask({ options: address('x') })).code).toBe('2.05')
}, 120_000)
