import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { CheckInResponse, Problem } from '@updraft/wire/updraft'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { curl } from './curl.ts'
import { runs, type TestDevice, testDevice } from './device.ts'
import { type TestPlatform, testPlatform } from './platform.ts'
import { rawHttp, rawRequest, statuses } from './raw-http.ts'

let platform: TestPlatform
let releaseId: string
const BYTES = new TextEncoder().encode('0123456789'.repeat(1000))

beforeAll(async () => {
  platform = await testPlatform()
  await platform.addProfile('box')
  releaseId = await platform.addRelease({
    title: 'os',
    version: '2',
    profile: 'box',
    bytes: BYTES,
  })
})
afterAll(() => platform.stop())

let count = 0
async function device(): Promise<TestDevice & { name: string; tb: string }> {
  count += 1
  const name = `box ${count}`
  const token = await platform.addDevice(name, 'box')
  return { name, ...testDevice(platform.url, token), tb: `${platform.url}/api/v1/${token}` }
}
const assign = (name: string) => platform.assign(releaseId, { device: name })
const idOf = async (name: string) => (await platform.device(name)).id

/** A check-in as it stands on the wire. */
const rawCheckIn = (token: string, body = '{}', headers: Readonly<Record<string, string>> = {}) =>
  rawRequest('POST /device/v1/check-in', { authorization: `Bearer ${token}`, ...headers }, body)

describe('a token', () => {
  test('that was replaced is nobody’s any more, in either dialect, and the new one is good at once', async () => {
    const { name, token, checkIn, tb } = await device()
    expect((await checkIn()).status).toBe(200)
    expect((await curl(`${tb}/attributes`)).status).toBe(200)
    const replaced = await platform.api('replaceDeviceToken', {
      params: { id: await idOf(name) },
      body: {},
    })
    expect(replaced.token).not.toBe(token)
    expect((await checkIn()).status).toBe(401)
    expect((await curl(`${tb}/attributes`)).status).toBe(401)
    expect((await testDevice(platform.url, replaced.token).checkIn()).status).toBe(200)
  })

  test('is taken as an operator gave it, with signs that paths escape', async () => {
    const token = 'Ä/b c%20?&'
    await platform.api('createDevice', { body: { name: 'odd token', profile: 'box', token } })
    const tb = `${platform.url}/api/v1/${encodeURIComponent(token)}`
    expect((await curl('--data', '{}', `${tb}/telemetry`)).status).toBe(200)
    expect((await platform.device('odd token')).dialect).toBe('thingsboard')
  })
})

describe('a body', () => {
  const FIVE_MB = 5 * 1024 * 1024

  test.each([
    ['told by its length', false],
    ['in chunks', true],
  ])(
    'of 5 MB, %s, is answered 413 even to a client that sends it all first',
    async (_how, chunked) => {
      const { token } = await device()
      for (let round = 0; round < 5; round += 1) {
        const connection = await rawHttp(platform.url)
        const headers = { authorization: `Bearer ${token}` }
        connection.send(
          chunked
            ? rawRequest('POST /device/v1/check-in', {
                ...headers,
                'transfer-encoding': 'chunked',
              }).replace(/content-length: 0\r\n/, '')
            : rawRequest('POST /device/v1/check-in', {
                ...headers,
                'content-length': String(FIVE_MB),
              }),
        )
        const piece = Buffer.alloc(65_536, 'x')
        for (let sent = 0; sent < FIVE_MB; sent += piece.length) {
          connection.send(
            chunked ? Buffer.concat([Buffer.from('10000\r\n'), piece, Buffer.from('\r\n')]) : piece,
          )
        }
        if (chunked) connection.send('0\r\n\r\n')
        const received = await connection.until((text) => text.includes('request.too-large'))
        expect(statuses(received)).toEqual([413])
        connection.socket.destroy()
      }
      expect((await testDevice(platform.url, token).checkIn()).status).toBe(200)
    },
  )

  test('of 5 MB is 413 for curl and for ThingsBoard’s devices as well', async () => {
    const { tb, token } = await device()
    const file = join(platform.dataFolder, 'big.json')
    await writeFile(file, JSON.stringify({ a: 'x'.repeat(FIVE_MB) }))
    expect((await curl('--data-binary', `@${file}`, `${tb}/telemetry`)).status).toBe(413)
    const own = await curl(
      ...['--header', `Authorization: Bearer ${token}`, '--data-binary', `@${file}`],
      `${platform.url}/device/v1/check-in`,
    )
    expect([own.status, own.json<Problem>().code]).toEqual([413, 'request.too-large'])
  })

  test.each([
    ['none', []],
    ['what curl says by itself', ['--header', 'Content-Type: application/x-www-form-urlencoded']],
    ['text', ['--header', 'Content-Type: text/plain; charset=latin1']],
    ['no type at all', ['--header', 'Content-Type:']],
    ['a word that is no type', ['--header', 'Content-Type: json']],
    ['nonsense', ['--header', 'Content-Type: ;;/;']],
    ['an expectation', ['--header', 'Expect: 100-continue']],
    ['transfer in chunks', ['--header', 'Transfer-Encoding: chunked']],
  ])('is read as JSON whatever it is called: %s', async (_what, args) => {
    const { name, token, tb } = await device()
    const body = JSON.stringify(runs('os@1'))
    const own = await curl(
      ...['--header', `Authorization: Bearer ${token}`, ...args, '--data', body],
      `${platform.url}/device/v1/check-in`,
    )
    expect([own.status, own.body]).toEqual([200, expect.stringContaining('"offers":[]')])
    const telemetry = '{"current_sw_title":"app","current_sw_version":"7"}'
    const answer = await curl(...args, '--data', telemetry, `${tb}/telemetry`)
    expect([answer.status, answer.body]).toEqual([200, ''])
    expect((await platform.device(name)).installed).toMatchObject({
      firmware: { title: 'os', version: '1' },
      software: { title: 'app', version: '7' },
    })
  })

  test('that is no JSON is 400, told before the connection ends', async () => {
    const { token } = await device()
    const connection = await rawHttp(platform.url)
    connection.send(rawCheckIn(token, '{"installed":'))
    const received = await connection.until(() => false)
    expect(statuses(received)).toEqual([400])
    expect(received).toMatch(/connection: close/i)
    expect(received).toContain('"code":"request.malformed"')
  })

  test('that trickles in holds up nobody, and is forgotten when its client goes', async () => {
    const { token, checkIn } = await device()
    const slow = await Promise.all(Array.from({ length: 50 }, () => rawHttp(platform.url)))
    for (const connection of slow) {
      connection.send(rawCheckIn(token, '', { 'content-length': '1000' }))
      connection.send('{"installed"')
    }
    expect((await checkIn()).status).toBe(200)
    for (const connection of slow) connection.socket.destroy()
    expect((await checkIn()).status).toBe(200)
  })
})

describe('what a device says', () => {
  test('may be a version that is none, of a component of any proper name', async () => {
    const { name, checkIn } = await device()
    const longest = `a${'.'.repeat(63)}`
    const version = 'Überversion 🍌 (not/ a "version")'
    const installed = {
      [longest]: { title: ' ', version },
      'a-b_c.d': { title: null, version: '' },
    }
    expect((await checkIn({ installed })).status).toBe(200)
    expect((await platform.device(name)).installed).toEqual({
      [longest]: { title: ' ', version },
      'a-b_c.d': { title: null, version: '' },
    })
  })

  test.each(['__proto__', 'constructor', '', 'Firmware', 'a b', 'ä', `a${'b'.repeat(64)}`])(
    'of a component named %j is refused or left out, and harms nothing',
    async (type) => {
      const { checkIn, token } = await device()
      const body = `{"installed":{${JSON.stringify(type)}:{"title":"a","version":"1"}}}`
      const answer = await curl(
        ...['--header', `Authorization: Bearer ${token}`, '--data', body],
        `${platform.url}/device/v1/check-in`,
      )
      expect(answer.status).toBe(type === '__proto__' ? 200 : 400)
      expect((await checkIn()).status).toBe(200)
    },
  )

  test('is bounded in depth and number, and kept up to there', async () => {
    const { name, checkIn } = await device()
    const nested = (depth: number) => JSON.parse(`${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`)
    expect((await checkIn({ facts: nested(60) })).status).toBe(200)
    expect((await platform.device(name)).inventory).toEqual(nested(60))
    expect((await checkIn({ facts: nested(100) })).status).toBe(400)
    const many = Object.fromEntries(
      Array.from({ length: 65 }, (_, number) => [`c${number}`, { title: 'a', version: '1' }]),
    )
    expect((await checkIn({ installed: many })).status).toBe(400)
  })
})

describe('an operation', () => {
  test('of another device is unknown', async () => {
    const [mine, other] = [await device(), await device()]
    await assign(other.name)
    const { operation } = await other.offer()
    const { status, body } = await mine.report(operation, { state: 'UPDATED' })
    expect([status, body.code]).toEqual([404, 'operation.unknown'])
    expect((await platform.device(other.name)).operation?.state).toBe('INITIATED')
  })

  test('that ended long ago still says how', async () => {
    const { name, offer, report } = await device()
    await assign(name)
    const { operation: first } = await offer()
    await report(first, { state: 'FAILED', error: 'no' })
    await platform.api('retryOperation', { params: { id: first } })
    const { operation: second } = await offer()
    await report(second, { state: 'UPDATED' })
    const late = await report(first, { state: 'UPDATED' })
    expect([late.status, late.body.code]).toEqual([409, 'operation.already-ended'])
    expect((await report(first, { state: 'FAILED' })).body.outcome).toBe('repeated')
  })

  test('is the same for two check-ins at once, and opened once', async () => {
    const { name, offer } = await device()
    await assign(name)
    const offers = await Promise.all(Array.from({ length: 20 }, () => offer(runs('os@1'))))
    expect(new Set(offers.map(({ operation }) => operation)).size).toBe(1)
    const { items } = await platform.api('listDeviceOperations', {
      params: { id: await idOf(name) },
    })
    expect(items).toHaveLength(1)
    expect(items[0]?.steps.map(({ state }) => state)).toEqual(['QUEUED', 'INITIATED'])
  })

  test('hears reports that come all at once one after the other', async () => {
    const { name, offer, report } = await device()
    await assign(name)
    const { operation } = await offer()
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        report(operation, { state: 'DOWNLOADING', progress: index * 5 }),
      ),
    )
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
    expect((await platform.device(name)).operation).toMatchObject({
      state: 'DOWNLOADING',
      restarts: 0,
    })
  })
})

describe('a download address', () => {
  const fetched = (address: string, headers: Record<string, string> = {}, method = 'GET') =>
    fetch(address, { method, headers })

  test('is good for a week and more, then refused; the next check-in has another', async () => {
    const { name, offer } = await device()
    await assign(name)
    const { artifact } = await offer()
    platform.advanceClock({ minutes: 60 * 24 * 7 })
    expect((await fetched(artifact)).status).toBe(200)
    platform.advanceClock({ minutes: 60 * 24 })
    const late = await fetched(artifact)
    expect([late.status, await late.json()]).toEqual([
      403,
      expect.objectContaining({ code: 'artifact.bad-ticket' }),
    ])
    expect((await fetched((await offer()).artifact)).status).toBe(200)
  })

  test('is the same at the next check-in, so that a broken download goes on', async () => {
    const { name, offer } = await device()
    await assign(name)
    const { artifact } = await offer()
    expect((await offer()).artifact).toBe(artifact)
    const etag = (await fetched(artifact, {}, 'HEAD')).headers.get('etag') ?? ''
    const rest = await fetched(artifact, { range: 'bytes=9990-', 'if-range': etag })
    expect([rest.status, await rest.text()]).toEqual([206, '0123456789'])
    expect((await fetched(artifact, { range: 'bytes=0-1', 'if-range': '"x"' })).status).toBe(200)
    const beyond = await fetched(artifact, { range: 'bytes=10000-' })
    expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, 'bytes */10000'])
  })

  test.each([
    'Gerät für Öl.bin',
    'a folder/with a file.bin',
    '..',
    '100% "quoted"; x=y.bin',
    '固件.bin',
    `${'ü'.repeat(251)}.bin`,
  ])('holds any file name: %.40s', async (fileName) => {
    const { name, checkIn, tb } = await device()
    const { sha256 } = await platform.api('uploadArtifact', { body: BYTES })
    const title = `Ölpumpe / ${count} & co?`
    const { id } = await platform.api('createRelease', {
      body: { title, version: '1 ä', profile: 'box', type: 'firmware', sha256, fileName },
    })
    await platform.assign(id, { device: name })
    const [offer] = (await checkIn()).body.offers
    expect(offer).toMatchObject({ title, version: '1 ä' })
    const folder = join(platform.dataFolder, `fetched ${count}`)
    await mkdir(folder)
    const own = await curl('--output', join(folder, 'own'), offer?.artifact ?? '')
    expect(own.status).toBe(200)
    expect(Buffer.compare(await readFile(join(folder, 'own')), BYTES)).toBe(0)
    const there = await curl(
      ...['--get', '--output', join(folder, 'tb'), '--data-urlencode', `title=${title}`],
      ...['--data-urlencode', 'version=1 ä', `${tb}/firmware`],
    )
    expect(there.status).toBe(200)
    expect(Buffer.compare(await readFile(join(folder, 'tb')), BYTES)).toBe(0)
  })
})

describe('a wait', () => {
  test('ends at once when something is assigned, to the device or to its profile', async () => {
    await platform.addProfile('crowd')
    const crowdRelease = await platform.addRelease({
      title: 'crowd',
      version: '1',
      profile: 'crowd',
      bytes: BYTES,
    })
    const tokens = await platform.api('importDevices', {
      body: {
        devices: Array.from({ length: 200 }, (_, index) => ({
          name: `crowd ${index}`,
          profile: 'crowd',
        })),
      },
    })
    const answers = tokens.devices.map(({ token }) =>
      testDevice(platform.url, token ?? '').checkIn({}, { prefer: 'wait=300' }),
    )
    await platform.waiting(200)
    await platform.assign(crowdRelease, { device: 'crowd 0' })
    expect((await answers[0])?.body.offers).toHaveLength(1)
    await platform.waiting(199)
    await platform.assign(crowdRelease, { profile: 'crowd' })
    // They would have waited longer than this test may take.
    const all = await Promise.all(answers)
    expect(all.map(({ body }) => body.offers.length)).toEqual(all.map(() => 1))
    expect(all[1]?.headers.get('preference-applied')).toBe('wait=300')
    await platform.waiting(0)
  })

  test('ends empty-handed when its time is over', async () => {
    const { checkIn } = await device()
    const { status, body } = await checkIn({}, { prefer: 'wait=1' })
    expect([status, body.offers]).toEqual([200, []])
    await platform.waiting(0)
  })

  test('is not begun when there is something already', async () => {
    const { name, checkIn } = await device()
    await assign(name)
    expect((await checkIn({}, { prefer: 'wait=300' })).body.offers).toHaveLength(1)
  })

  test('is given up when the client goes away, also before it has begun', async () => {
    const devices = await Promise.all([device(), device(), device()])
    for (const { token } of devices) {
      const connection = await rawHttp(platform.url)
      connection.send(rawCheckIn(token, '{}', { prefer: 'wait=300' }))
      if (token === devices[0].token) await platform.waiting(1)
      else await new Promise((resolve) => setImmediate(resolve))
      connection.socket.destroy()
    }
    await Promise.all(
      devices.map(({ name }) => platform.until(name, ({ dialect }) => dialect === 'updraft')),
    )
    await platform.waiting(0)
  })

  test('ends with 401 when the device is removed', async () => {
    const { name, checkIn } = await device()
    const answer = checkIn({}, { prefer: 'wait=300' })
    await platform.waiting(1)
    await platform.api('removeDevice', { params: { id: await idOf(name) } })
    expect((await answer).status).toBe(401)
    await platform.waiting(0)
  })

  test('of a device that waits twice is told in both', async () => {
    const { name, checkIn } = await device()
    const answers = [1, 2].map(() => checkIn({}, { prefer: 'wait=300' }))
    await platform.waiting(2)
    await assign(name)
    const [one, two] = await Promise.all(answers)
    expect(one?.body.offers[0]?.operation).toBe(two?.body.offers[0]?.operation)
    expect(one?.body.offers).toHaveLength(1)
  })

  test('ends when the server stops, and the stop does not wait for it', async () => {
    const { checkIn } = await device()
    const answer = checkIn({}, { prefer: 'wait=300' })
    await platform.waiting(1)
    // It would have waited longer than this test may take.
    await platform.restart()
    expect((await answer).body.offers).toEqual([])
  })
})

test('requests that come without waiting for answers are answered in order', async () => {
  const { token } = await device()
  const connection = await rawHttp(platform.url)
  const requests = Array.from({ length: 10 }, (_, index) =>
    rawCheckIn(token, JSON.stringify(runs(`os@0.${index}`))),
  )
  connection.send(requests.join(''))
  connection.send(rawRequest(`GET /api/v1/${token}/attributes`))
  const received = await connection.until((text) => statuses(text).length === 11)
  expect(statuses(received)).toEqual(Array.from({ length: 11 }, () => 200))
  connection.socket.destroy()
})

test('an old client that speaks HTTP/1.0 is served', async () => {
  const { token } = await device()
  const answer = await curl(
    ...['--http1.0', '--header', `Authorization: Bearer ${token}`, '--data', '{}'],
    `${platform.url}/device/v1/check-in`,
  )
  expect(answer.json<CheckInResponse>().offers).toEqual([])
})
