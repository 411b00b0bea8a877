import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type MemoryDesk, memoryDesk } from '../memory-desk.test-helper.ts'

const BYTES = Buffer.from('the second firmware')
const SHA256 = createHash('sha256').update(BYTES).digest('hex')
const TOKEN = 'token-of-a-valve'

let desk: MemoryDesk
let port: number

beforeEach(async () => {
  desk = await memoryDesk()
  desk.addDevice(TOKEN)
  await desk.app.listen({ host: '127.0.0.1', port: 0 })
  port = (desk.app.server.address() as AddressInfo).port
})
afterEach(async () => {
  vi.useRealTimers()
  await desk.close()
})

/** All that is answered until the server closes the connection. */
async function exchange(request: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  let received = ''
  socket.on('data', (piece) => {
    received += piece.toString('latin1')
  })
  socket.write(request)
  await once(socket, 'close')
  return received.replace(/Date: [^\r]*\r\n/, '')
}

const written = (lines: readonly string[], body: string) =>
  `${lines.join('\r\n').replace('LENGTH', String(Buffer.byteLength(body)))}\r\n\r\n${body}`

const post = async (path: string, body: string, headers: readonly string[] = []) => {
  const lines = [`POST ${path} HTTP/1.1`, 'Host: x', 'Content-Length: LENGTH', ...headers]
  const [head = '', ...rest] = (await exchange(written(lines, body))).split('\r\n\r\n')
  return { status: Number(head.split(' ')[1]), body: rest.join('\r\n\r\n') }
}
const check = (body: string, headers = [`Authorization: ${TOKEN}`]) =>
  post('/tok/provision/update', body, headers)

describe('byte for byte', async () => {
  const text = await readFile(new URL('./exchanges.txt', import.meta.url), 'utf8')
  const exchanges = text
    .split(/^--- /m)
    .slice(1)
    .map((each) => {
      const [name = '', ...lines] = each.trimEnd().split('\n')
      const side = (mark: string) =>
        lines.filter((line) => line.startsWith(mark)).map((line) => line.slice(2))
      return { name, request: side('>'), answer: side('<') }
    })

  test.each(exchanges)('$name', async ({ request, answer }) => {
    await desk.assign(TOKEN, { bytes: BYTES })
    const end = request.indexOf('')
    const operation = desk.newest(TOKEN)?.id ?? ''
    const filled = (line: string) =>
      line
        .replace('TOKEN', TOKEN)
        .replace('PORT', String(port))
        .replace('OPERATION', operation)
        .replace('SHA256', SHA256)
    const body = filled(request.slice(end + 1).join('\n'))
    const said = await exchange(written(request.slice(0, end).map(filled), body))
    const ticket = /image\/([\w-]+)/.exec(said)?.[1] ?? ''
    const answered = answer.indexOf('')
    const expected = filled(answer.slice(answered + 1).join('\n')).replace('TICKET', ticket)
    expect(said).toBe(written(answer.slice(0, answered), expected))
  })
})

describe('a check', () => {
  test.each([
    ['no JSON at all', 'version=1.0.0'],
    ['a body that is cut off', '{"id":"DEV1","vers'],
    ['an empty body', ''],
    ['a list', '[1,2]'],
    ['a body without an id', '{"version":"1.0.0"}'],
    ['a version that is none', '{"version":"1.0"}'],
    ['a version of a thousand characters', `{"version":"${'1'.repeat(1000)}"}`],
    ['NUL in a property', '{"version":"1.0.0","a":"\\u0000"}'],
    ['an id that is an object', '{"id":{},"version":"1.0.0"}'],
    ['a body beyond all measure', `{"a":"${'x'.repeat(300_000)}"}`],
    ['properties a hundred levels deep', `{"a":${'['.repeat(100)}${']'.repeat(100)}}`],
  ])('with %s is answered that there is nothing', async (_what, body) => {
    expect(await check(body)).toEqual({ status: 200, body: '{}' })
  })

  test.each([
    ['is no JSON at all', 'version=1.0.0'],
    ['is cut off', '{"id":"DEV1","vers'],
    ['has a quote within a text', '{"id":"DEV1","version":"2.0.0","name":"a "good" one"}'],
    ['is empty', ''],
    ['is a list', '[1,2]'],
  ])('whose body %s is offered nothing, as its version is not known', async (_what, body) => {
    await desk.assign(TOKEN, { bytes: BYTES })
    expect(await check(body)).toEqual({ status: 200, body: '{}' })
    expect(desk.states(TOKEN)).toEqual(['firmware QUEUED'])
  })

  test.each([
    ['bearer', `Authorization: bearer ${TOKEN}`],
    ['Bearer', `Authorization: Bearer ${TOKEN}`],
    ['no scheme', `Authorization: ${TOKEN}`],
    ['a header of its own', `X-Token: ${TOKEN}`],
  ])('finds its device by a token with %s', async (_how, header) => {
    await desk.assign(TOKEN, { bytes: BYTES })
    expect((await check('{"version":"1.0.0"}', [header])).body).toContain('"url"')
  })

  test.each([
    ['of nobody', ['Authorization: bearer nobody']],
    ['that is empty', ['Authorization: bearer ']],
    ['that is missing', []],
  ])('with a token %s is told to enrol anew, in just these words', async (_which, headers) => {
    expect(await check('{"version":"1.0.0"}', headers)).toEqual({
      status: 403,
      body: 'Authentication failed',
    })
  })

  test('is answered that there is nothing while the database is away', async () => {
    desk.goAway()
    expect(await check('{"version":"1.0.0"}')).toEqual({ status: 200, body: '{}' })
    expect(await post('/device/register', '{"id":"D"}', ['Authorization: PROD1'])).toEqual({
      status: 200,
      body: '{"registered":true}',
    })
    expect(
      await post('/tok/provision/updateReport', '{"success":true}', [`Authorization: ${TOKEN}`]),
    ).toEqual({ status: 200, body: '{}' })
  })

  test('keeps what the device says of itself, types and nesting with it', async () => {
    await check('{"id":"D","product":"P","version":"1.0","memory":256,"loc":{"room":"x"}}')
    expect(desk.device(TOKEN)).toMatchObject({
      installed: { firmware: { title: null, version: '1.0' } },
      inventory: { memory: 256, loc: { room: 'x' } },
      dialect: 'ioto',
    })
  })
})

describe('while the database is silent', () => {
  test.each([
    ['a registration', '/device/register', '{"registered":true}'],
    [
      'a certificate',
      '/tok/device/provision',
      '{"error":"Certificates cannot be given out now","delay":60}',
    ],
    ['a check', '/tok/provision/update', '{}'],
    ['a report', '/tok/provision/updateReport', '{}'],
  ])('%s is answered before the device gives up', async (_what, path, body) => {
    desk.fallSilent()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const answered = post(path, '{"id":"D","success":true}', [`Authorization: ${TOKEN}`])
    await expect.poll(() => vi.getTimerCount()).toBe(1)
    vi.advanceTimersByTime(29_000)
    expect(await answered).toEqual({ status: 200, body })
  })
})

describe('a release', () => {
  test.each([
    ['is elsewhere without a SHA-256', { externalUrl: 'https://elsewhere.example/f' }],
    [
      'is elsewhere with MD5 alone',
      {
        externalUrl: 'https://elsewhere.example/f',
        checksumAlgorithm: 'MD5',
        checksum: 'a'.repeat(32),
      },
    ],
    ['has a quote in its version', { bytes: BYTES, version: '2.0.0"' }],
  ] as const)('that %s is not offered, and an operator finds why', async (_what, draft) => {
    await desk.assign(TOKEN, draft)
    expect((await check('{"version":"1.0.0"}')).body).toBe('{}')
    expect(desk.states(TOKEN)).toEqual(['firmware QUEUED'])
    expect(desk.events.filter(({ kind }) => kind === 'offer.refused')).toMatchObject([
      { reason: { code: 'release.unspeakable' } },
    ])
  })

  test('of more than 100 MB is offered, and an operator finds that an Updater will not take it', async () => {
    const warnings = () => desk.events.filter(({ kind }) => kind === 'offer.too-large')
    await desk.assign(TOKEN, {
      externalUrl: 'https://elsewhere.example/f',
      checksumAlgorithm: 'SHA256',
      checksum: 'ab'.repeat(32),
      sizeBytes: 100_000_001,
    })
    expect((await check('{"version":"1.0.0","iotoVersion":"3.0.0"}')).body).toContain('"url"')
    expect(warnings()).toEqual([])
    expect((await check('{"version":"1.0.0"}')).body).toContain('"url"')
    expect(warnings()).toMatchObject([{ data: { version: '2.0.0', sizeBytes: 100_000_001 } }])
  })

  test('elsewhere is offered with its own URL, and its SHA-256 in lower case', async () => {
    await desk.assign(TOKEN, {
      externalUrl: 'https://elsewhere.example/f?a=b&c=d',
      checksumAlgorithm: 'SHA256',
      checksum: 'AB'.repeat(32),
    })
    expect(JSON.parse((await check('{"version":"1.0.0"}')).body)).toMatchObject({
      url: 'https://elsewhere.example/f?a=b&c=d',
      checksum: 'ab'.repeat(32),
    })
  })
})

describe('a report', () => {
  const report = (body: object) =>
    post('/tok/provision/updateReport', JSON.stringify(body), [`Authorization: ${TOKEN}`])

  test.each([
    ['the operation of another device', '0190a000-0000-7000-8000-0000000000ff'],
    ['what no operation is called', 'UPD1'],
  ])('of %s says nothing of what is under way here', async (_what, update) => {
    await desk.assign(TOKEN, { bytes: BYTES })
    await check('{"version":"1.0.0"}')
    expect(await report({ success: true, update })).toEqual({ status: 200, body: '{}' })
    expect(desk.states(TOKEN)).toEqual(['firmware INITIATED'])
  })

  test.each([
    ['without an update', {}],
    ['with an empty one', { update: '' }],
    ['with null for it', { update: null }],
  ])('%s is of what is under way, however often it comes', async (_which, more) => {
    await desk.assign(TOKEN, { bytes: BYTES })
    await check('{"version":"1.0.0"}')
    await report({ success: 'true', ...more })
    await report({ success: false, ...more })
    expect(desk.states(TOKEN)).toEqual(['firmware UPDATED'])
  })
})

describe('the image', () => {
  const offer = async () => {
    await desk.assign(TOKEN, { bytes: BYTES })
    return new URL(JSON.parse((await check('{"version":"1.0.0"}')).body).url).pathname
  }
  const get = (path: string, method = 'GET', headers: readonly string[] = []) =>
    exchange(written([`${method} ${path} HTTP/1.1`, 'Host: x', ...headers], ''))

  test('comes with its length in capitals, and the connection is closed after it', async () => {
    const received = await get(await offer())
    expect(received).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
    expect(received).toContain(`\r\nContent-Length: ${BYTES.length}\r\n`)
    expect(received).toContain('\r\nConnection: close\r\n')
    expect(received.endsWith(`\r\n\r\n${BYTES}`)).toBe(true)
    await expect.poll(() => desk.states(TOKEN)).toEqual(['firmware DOWNLOADED'])
  })

  test('is looked at or fetched in part without harm', async () => {
    const path = await offer()
    expect(await get(path, 'HEAD', ['Connection: close'])).toMatch(/Content-Length: 19/)
    expect(desk.states(TOKEN)).toEqual(['firmware INITIATED'])
    expect(await get(path, 'GET', ['Range: bytes=0-2'])).toMatch(/206 Partial Content/)
    await expect.poll(() => desk.states(TOKEN)).toEqual(['firmware DOWNLOADING'])
    await get(path)
    await get(path)
    await expect.poll(() => desk.states(TOKEN)).toEqual(['firmware DOWNLOADED'])
  })

  test('is not broken off while an agent takes 4 KB in five seconds of what the kernel holds', async () => {
    const timeouts = vi.spyOn(ServerResponse.prototype, 'setTimeout')
    await desk.assign(TOKEN, { bytes: Buffer.alloc(100_000) })
    const { url } = JSON.parse((await check('{"version":"1.0.0"}')).body)
    await get(new URL(url).pathname)
    const heldBytes = 4 * 1024 * 1024
    const untilWritable = (heldBytes / 3 / 4096) * 5_000
    expect(timeouts.mock.lastCall?.[0]).toBeGreaterThan(untilWritable)
    timeouts.mockRestore()
  })

  test('is refused for an address that was changed', async () => {
    expect(await get(`${await offer()}x`)).toMatch(/^HTTP\/1\.1 403 /)
  })
})
