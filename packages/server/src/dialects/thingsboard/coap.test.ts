import type { Packet, ParsedPacket } from 'coap-packet'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { seeded } from '../../../../../tools/chance.ts'
import {
  address,
  block,
  type Client,
  client,
  datagram,
  number,
  option,
  uint,
} from '../../transports/coap.test-helper.ts'
import { type CoapListener, coapListener } from '../../transports/coap.ts'
import { makeNoise, noiseOf } from '../../transports/coap-noise.test-helper.ts'
import { type MemoryDesk, memoryDesk, NOON, PROVISIONING } from '../memory-desk.test-helper.ts'
import { thingsboardCoap } from './coap.ts'

let desk: MemoryDesk
let coap: CoapListener
let device: Client
let port: number
let turns: (() => void)[]
let isPaced: boolean
let bugs: object[]

beforeEach(async () => {
  desk = await memoryDesk()
  turns = []
  isPaced = false
  bugs = []
  const dialect = thingsboardCoap({
    ...desk.needs,
    pacer: {
      inTurn: async (_tenantId, _signal, tell) => {
        if (isPaced) await new Promise<void>((resolve) => turns.push(resolve))
        await tell()
      },
    },
    log: { info: () => {}, warn: () => {}, error: (bug) => bugs.push(bug) },
  })
  const scopes = dialect.coap ? [dialect.coap] : []
  coap = coapListener({ log: { error: (bug) => bugs.push(bug) }, scopes })
  port = (await coap.listen({ host: '127.0.0.1', port: 0 })).port
  device = await client(port)
  desk.addDevice('t1')
})
afterEach(async () => {
  device.close()
  await coap.close()
  await desk.close()
  expect([bugs, desk.openFiles]).toEqual([[], 0])
})

const get = (where: string, ...options: NonNullable<Packet['options']>) =>
  device.ask({ options: [...address(where), ...options] })
const post = (where: string, body: unknown) =>
  device.ask({
    code: 'POST',
    options: address(where),
    payload: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
  })
const json = ({ payload }: ParsedPacket): unknown => JSON.parse(payload.toString())
const observe = (value: 0 | 1) => ({ name: 'Observe' as const, value: uint(value) })
const acknowledge = ({ messageId }: ParsedPacket) =>
  device.send(datagram({ code: '0.00', confirmable: false, ack: true, messageId }))

const queryOf = (...parameters: string[]) =>
  parameters.map((text) => ({ name: 'Uri-Query' as const, value: Buffer.from(text) }))

/** Resolves once all is done that was begun before: so much that a word of it would be here. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) {
    const { reset } = await device.ask({ code: '0.00' })
    expect(reset).toBe(true)
  }
}

const bytes = Buffer.from(Array.from({ length: 3000 }, (_, at) => (at * 31) & 0xff))

test('a device says that it may be claimed, with a secret or without', async () => {
  const answer = await post('api/v1/t1/claim', { secretKey: 'k', durationMs: 60_000 })
  expect([answer.code, answer.payload.length]).toEqual(['2.01', 0])
  expect(desk.claimableUntil('t1', 'k')).toEqual(new Date(NOON.getTime() + 60_000))
  expect((await post('api/v1/t1/claim', '')).code).toBe('2.01')
  expect(desk.claimableUntil('t1', '')).toEqual(new Date(NOON.getTime() + 86_400_000))
  expect((await post('api/v1/t1/claim', '{"secretKey":1}')).code).toBe('4.00')
  expect((await post('api/v1/nobody/claim', {})).code).toBe('4.01')
  expect((await get('api/v1/t1/claim')).code).toBe('4.05')
})

test('telemetry tells what runs and how the update goes', async () => {
  await desk.assign('t1', { bytes })
  const running = { current_fw_title: 'pump', current_fw_version: '1.0.0' }
  const answer = await post('api/v1/t1/telemetry', running)
  expect([answer.code, answer.payload.length]).toEqual(['2.01', 0])
  expect(desk.device('t1').installed).toEqual({ firmware: { title: 'pump', version: '1.0.0' } })
  await get('api/v1/t1/attributes')
  for (const state of ['DOWNLOADING', 'DOWNLOADED', 'VERIFIED', 'UPDATING']) {
    expect((await post('api/v1/t1/telemetry', { fw_state: state })).code).toBe('2.01')
    expect(desk.states('t1')).toEqual([`firmware ${state}`])
  }
  const updated = [
    {
      ts: 1,
      values: { fw_state: 'UPDATED', current_fw_title: 'pump', current_fw_version: '2.0.0' },
    },
  ]
  expect((await post('api/v1/t1/telemetry', updated)).code).toBe('2.01')
  expect(desk.states('t1')).toEqual(['firmware UPDATED'])
})

test('attributes are kept, and asked for by their keys', async () => {
  await desk.assign('t1', { bytes })
  expect((await post('api/v1/t1/attributes', { memory: 512, gone: null })).code).toBe('2.01')
  expect(desk.device('t1').inventory).toEqual({ memory: 512 })
  const answer = await get('api/v1/t1/attributes?clientKeys=memory,&sharedKeys=fw_title,fw_size')
  expect([answer.code, number(answer, 'Content-Format')]).toEqual(['2.05', 50])
  expect(json(answer)).toEqual({
    client: { memory: 512 },
    shared: { fw_title: 'pump', fw_size: 3000 },
  })
  expect(desk.states('t1')).toEqual(['firmware INITIATED'])
})

test('attributes that are not there are an empty object, which sample clients can read', async () => {
  expect(json(await get('api/v1/t1/attributes?sharedKeys=fw_title'))).toEqual({})
})

test('who observes is told all shared attributes, then what changed, each once it is acknowledged', async () => {
  const token = Buffer.from('obs')
  const options = [observe(0), ...address('api/v1/t1/attributes')]
  const first = await device.ask({ token, options })
  expect([first.code, json(first)]).toEqual(['2.05', {}])
  expect(number(first, 'Observe')).toBeGreaterThan(0)
  await desk.assign('t1', { bytes })
  const told = await device.next()
  expect(told).toMatchObject({ confirmable: true, code: '2.05', token })
  expect(json(told)).toMatchObject({ fw_title: 'pump', fw_version: '2.0.0', fw_size: 3000 })
  expect(desk.states('t1')).toEqual(['firmware INITIATED'])
  await desk.withdraw('t1', 'firmware')
  await settled()
  expect(device.unread).toBe(0)
  acknowledge(told)
  const gone = await device.next()
  expect(json(gone)).toEqual({ deleted: expect.arrayContaining(['fw_title', 'fw_checksum']) })
  acknowledge(gone)
  const end = await device.ask({ token, options: [observe(1), ...address('api/v1/t1/attributes')] })
  expect([end.code, desk.waiting]).toEqual(['2.02', 0])
})

test('a release waits for its turn, and is told as it is then', async () => {
  isPaced = true
  await device.ask({ options: [observe(0), ...address('api/v1/t1/attributes')] })
  await desk.assign('t1', { bytes })
  await expect.poll(() => turns.length).toBe(1)
  await desk.assign('t1', { bytes, version: '2.1.0' })
  expect(device.unread).toBe(0)
  turns[0]?.()
  const told = await device.next()
  expect(json(told)).toMatchObject({ fw_version: '2.1.0' })
  acknowledge(told)
  await expect.poll(() => desk.states('t1')).toEqual(['firmware INITIATED'])
})

test('while it updates it is told nothing; then it is', async () => {
  await device.ask({ options: [observe(0), ...address('api/v1/t1/attributes')] })
  await desk.assign('t1', { bytes })
  acknowledge(await device.next())
  await get('fw/t1?size=1000&chunk=0')
  desk.changeDevice('t1', { attributes: { pin: 1 } })
  for (const state of ['DOWNLOADING', 'DOWNLOADED', 'VERIFIED', 'UPDATING']) {
    await post('api/v1/t1/telemetry', { fw_state: state })
    desk.changeDevice('t1', { attributes: { pin: 2, state } })
    await settled()
    expect([state, device.unread]).toEqual([state, 0])
  }
  const runs = { current_fw_title: 'pump', current_fw_version: '2.0.0' }
  // Which of the two comes first is not said.
  const heard = [
    await post('api/v1/t1/telemetry', { fw_state: 'UPDATED', ...runs }),
    await device.next(),
  ]
  const told = heard.find(({ code }) => code === '2.05')
  expect(told && json(told)).toEqual({ pin: 2, state: 'UPDATING' })
})

test('who begins to observe while it updates is told where things stand, and nothing more until it is over', async () => {
  await desk.assign('t1', { bytes })
  await post('api/v1/t1/telemetry', { fw_state: 'DOWNLOADING' })
  const first = await device.ask({ options: [observe(0), ...address('api/v1/t1/attributes')] })
  expect(json(first)).toMatchObject({ fw_version: '2.0.0' })
  desk.changeDevice('t1', { attributes: { pin: 1 } })
  await settled()
  expect(device.unread).toBe(0)
  await post('api/v1/t1/telemetry', { fw_state: 'FAILED' })
  expect(json(await device.next())).toEqual({ pin: 1 })
})

test('who asks for attributes beside observing them is not told the same again', async () => {
  isPaced = true
  await device.ask({ options: [observe(0), ...address('api/v1/t1/attributes')] })
  await desk.assign('t1', { bytes })
  await expect.poll(() => turns.length).toBe(1)
  const asked = await get('api/v1/t1/attributes?sharedKeys=')
  expect(json(asked)).toMatchObject({ shared: { fw_version: '2.0.0' } })
  turns[0]?.()
  await settled()
  expect(device.unread).toBe(0)
})

test('who observes and says nothing of a release is told it again', async () => {
  await device.ask({ options: [observe(0), ...address('api/v1/t1/attributes')] })
  await desk.assign('t1', { bytes })
  acknowledge(await device.next())
  await expect.poll(() => desk.states('t1')).toEqual(['firmware INITIATED'])
  desk.pass({ minutes: 61 })
  await desk.look('t1')
  const again = await device.next()
  expect(json(again)).toMatchObject({ fw_title: 'pump', fw_version: '2.0.0', fw_size: 3000 })
  acknowledge(again)
  await expect.poll(() => desk.states('t1')).toEqual(['firmware INITIATED'])
})

test('a device that is removed is told so, and observes no more', async () => {
  await device.ask({ options: [observe(0), ...address('api/v1/t1/attributes')] })
  desk.remove('t1')
  const told = await device.next()
  expect([told.code, option(told, 'Observe')]).toEqual(['4.01', undefined])
  acknowledge(told)
  await expect.poll(() => [desk.waiting, coap.load.observations]).toEqual([0, 0])
})

test.each(['fw/t1', 'api/v1/t1/firmware'])(
  'the whole file comes from %s in blocks',
  async (where) => {
    await desk.assign('t1', { bytes })
    const pieces: Buffer[] = []
    for (let num = 0; num < 3; num++) {
      const answer = await get(where, block('Block2', { num }))
      expect([answer.code, option(answer, 'Content-Format')]).toEqual(['2.05', undefined])
      pieces.push(answer.payload)
    }
    expect(Buffer.concat(pieces).equals(bytes)).toBe(true)
    await coap.close()
    expect(desk.openFiles).toBe(0)
  },
)

test('chunks of up to 1024 bytes are one datagram without a Block2 option; past the end they are empty', async () => {
  await desk.assign('t1', { bytes })
  const pieces: Buffer[] = []
  for (let index = 0; index < 4; index++) {
    const answer = await get(`fw/t1?title=pump&version=2.0.0&chunk=${index}&size=1000`)
    expect([answer.code, answer.options]).toEqual(['2.05', []])
    pieces.push(answer.payload)
  }
  expect(pieces.map(({ length }) => length)).toEqual([1000, 1000, 1000, 0])
  expect(Buffer.concat(pieces).equals(bytes)).toBe(true)
  expect((await get('fw/t1?size="1024"&chunk=2')).payload.equals(bytes.subarray(2048))).toBe(true)
})

test('larger chunks come in blocks', async () => {
  await desk.assign('t1', { bytes })
  const where = 'api/v1/t1/firmware?size=2000&chunk=1'
  const first = await get(where, block('Block2', { num: 0 }))
  expect(number(first, 'Block2')).toBe(6)
  expect(first.payload.equals(bytes.subarray(2000))).toBe(true)
  const whole = await get('api/v1/t1/firmware?size=2000&chunk=0')
  const rest = await get('api/v1/t1/firmware?size=2000&chunk=0', block('Block2', { num: 1 }))
  expect(Buffer.concat([whole.payload, rest.payload]).equals(bytes.subarray(0, 2000))).toBe(true)
})

test('a file that is replaced while it is fetched in chunks stays the same until the first is asked again', async () => {
  await desk.assign('t1', { bytes })
  await get('fw/t1?size=1024&chunk=0')
  const other = Buffer.alloc(2000, 7)
  await desk.assign('t1', { bytes: other, version: '3.0.0' })
  expect((await get('fw/t1?size=1024&chunk=1')).payload.equals(bytes.subarray(1024, 2048))).toBe(
    true,
  )
  expect((await get('fw/t1?size=1024&chunk=0')).payload.equals(other.subarray(0, 1024))).toBe(true)
  expect((await get('fw/t1?size=1024&chunk=1')).payload.equals(other.subarray(1024))).toBe(true)
})

test.each([
  ['size=1&chunk=2999', bytes.subarray(2999)],
  ['size="1000"&chunk=" 1"', bytes.subarray(1000, 2000)],
  ['size=1000&chunk=9007199254740991', bytes.subarray(3000)],
  ['size=10485760&chunk=1', bytes.subarray(3000)],
])('%s is one datagram of %o', async (query, expected) => {
  await desk.assign('t1', { bytes })
  const answer = await get(`fw/t1?${query}`)
  expect([answer.code, answer.payload.equals(expected)]).toEqual(['2.05', true])
})

test.each(['size=0&chunk=1', 'size=-1024&chunk=1', 'size=&chunk=', 'size=10485760&chunk=0'])(
  '%s is the whole file, in blocks',
  async (query) => {
    await desk.assign('t1', { bytes })
    const first = await get(`fw/t1?${query}`)
    expect([first.code, number(first, 'Size2')]).toEqual(['2.05', 3000])
    const last = await get(`fw/t1?${query}`, block('Block2', { num: 2 }))
    expect(last.payload.equals(bytes.subarray(2048))).toBe(true)
  },
)

test.each([
  ['with slashes', 'a/b', '1/2'],
  ['with ampersands', 'a&b', '1&2'],
  ['with question marks', 'a?b=c', '1?2'],
  ['with blanks and signs', 'a+b %20', '1 0'],
  ['beyond ASCII', '"ä"', 'β'],
  ['that fill an option', 'x'.repeat(249), 'y'.repeat(247)],
])(
  'title and version %s are taken as they stand in their options',
  async (_how, title, version) => {
    await desk.assign('t1', { bytes: Buffer.from('x'), title, version })
    const answer = await get('fw/t1', ...queryOf(`title=${title}`, `version=${version}`))
    expect(answer.payload.toString()).toBe('x')
  },
)

test('a title too long for an option is left out', async () => {
  const title = 'x'.repeat(255)
  await desk.assign('t1', { bytes: Buffer.from('x'), title })
  expect((await get('fw/t1', ...queryOf(`title=${title}`))).code).toBe('4.02')
  expect((await get('fw/t1', ...queryOf('version=2.0.0'))).payload.toString()).toBe('x')
})

test.each([
  ['with a slash and a blank', 'a/b c'],
  ['that looks encoded', '%2F'],
  ['beyond ASCII', 'ä&?#'],
  ['that fills an option', 'x'.repeat(255)],
])('a token %s is taken as it stands', async (_how, token) => {
  desk.addDevice(token)
  const segments = (...all: string[]) =>
    all.map((each) => ({ name: 'Uri-Path' as const, value: Buffer.from(each) }))
  const options = segments('api', 'v1', token, 'attributes')
  expect((await device.ask({ options })).code).toBe('2.05')
  expect((await device.ask({ options: segments('fw', token) })).code).toBe('4.04')
})

test('a device that observes again and again under other tokens is told once', async () => {
  for (let each = 0; each < 300; each++) {
    const token = Buffer.from([each >> 8, each])
    device.send(datagram({ token, options: [observe(0), ...address('api/v1/t1/attributes')] }))
    const heard = [await device.next(), ...(each === 0 ? [] : [await device.next()])]
    expect(heard.map(({ code }) => code).sort()).toEqual(each === 0 ? ['2.05'] : ['2.02', '2.05'])
    for (const ended of heard.filter(({ code }) => code === '2.02')) acknowledge(ended)
  }
  expect([coap.load.observations, desk.waiting]).toEqual([1, 1])
  await desk.assign('t1', { bytes })
  expect(await device.next()).toMatchObject({ code: '2.05', token: Buffer.from([1, 43]) })
  expect(device.unread).toBe(0)
})

test('noise on every path does no harm to an update', async () => {
  await desk.assign('t1', { bytes })
  desk.addDevice('t2')
  await desk.assign('t2', { bytes })
  const stranger = await client(port)
  const noise = noiseOf(seeded(7), {
    addresses: ['t2', 'nobody', ''].flatMap((token) => [
      ...['telemetry', 'attributes', 'attributes?clientKeys=a,,b', 'firmware', 'software', ''].map(
        (feature) => `api/v1/${token}/${feature}`,
      ),
      ...[`fw/${token}`, `fw/${token}?size=1000&chunk=1`, `sw/${token}?size=-1&chunk=x`],
      'api/v1/provision',
    ]),
    payloads: [
      '{"fw_state":"DOWNLOADING"}',
      '[{"ts":1,"values":{"fw_state":"FAILED","fw_error":null}}]',
      '{"current_fw_title":"pump","current_fw_version":7}',
      '{"provisionDeviceKey":"the-key","provisionDeviceSecret":"no"}',
      '{"a":{"b":[1,2,{"c":null}]}}',
    ],
  })
  const pieces: Buffer[] = []
  for (let chunk = 0; chunk < 300; chunk++) {
    await makeNoise(stranger, { noise, datagrams: 50 })
    pieces.push((await get(`fw/t1?size=10&chunk=${chunk}`)).payload)
  }
  stranger.close()
  expect(Buffer.concat(pieces).equals(bytes)).toBe(true)
  expect([coap.load.observations <= 1, coap.load.atWork]).toEqual([true, 0])
  // Some of it was understood.
  expect(desk.states('t2')).not.toEqual(['firmware QUEUED'])
  const updated = { fw_state: 'UPDATED', current_fw_title: 'pump', current_fw_version: '2.0.0' }
  expect((await post('api/v1/t1/telemetry', updated)).code).toBe('2.01')
  expect(desk.states('t1')).toEqual(['firmware UPDATED'])
})

test('software has paths of its own', async () => {
  await desk.assign('t1', { bytes: Buffer.from('soft'), type: 'software' })
  for (const where of ['sw/t1', 'api/v1/t1/software']) {
    expect((await get(where)).payload.toString()).toBe('soft')
  }
  expect((await get('fw/t1')).code).toBe('4.04')
})

test('provisioning answers in JSON, whether it succeeds or not', async () => {
  const keys = { provisionDeviceKey: PROVISIONING.key, provisionDeviceSecret: PROVISIONING.secret }
  const made = await post('api/v1/provision', { ...keys, deviceName: 'new', token: 'new' })
  expect([made.code, json(made)]).toEqual([
    '2.01',
    { status: 'SUCCESS', credentialsType: 'ACCESS_TOKEN', credentialsValue: 'new' },
  ])
  const again = await post('api/v1/provision', { ...keys, deviceName: 'new', token: 'new' })
  expect([again.code, json(again)]).toMatchObject(['4.00', { status: 'FAILURE' }])
  const wrong = await post('api/v1/provision', { ...keys, provisionDeviceSecret: 'no' })
  expect([wrong.code, json(wrong)]).toMatchObject(['4.00', { status: 'NOT_FOUND' }])
  expect((await get('api/v1/provision')).code).toBe('4.05')
})

test.each(['{"fw_state":', '7', '[1]', '"text"'])('telemetry %s is refused', async (body) => {
  expect((await post('api/v1/t1/telemetry', body)).code).toBe('4.00')
})

test('attributes that are no object are refused, and formats that are not spoken', async () => {
  expect((await post('api/v1/t1/attributes', '[]')).code).toBe('4.00')
  const cbor = { name: 'Accept' as const, value: uint(60) }
  expect((await get('api/v1/t1/attributes', cbor)).code).toBe('4.06')
})

test('while the database is away devices are asked to come back', async () => {
  desk.goAway()
  const answer = await get('api/v1/t1/attributes')
  expect([answer.code, number(answer, 'Max-Age')]).toEqual(['5.03', 5])
})
