import type { JsonObject } from '@updraft/core'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type MemoryDesk, memoryDesk } from './memory-desk.test-helper.ts'

const BYTES = Buffer.from('0123456789')
const SHA256 = '84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882'

let desk: MemoryDesk
beforeEach(async () => {
  desk = await memoryDesk()
  desk.addDevice('T')
})
afterEach(async () => {
  expect(desk.openFiles).toBe(0)
  expect(desk.waiting).toBe(0)
  await desk.close()
})

const post = (path: string, payload: string | undefined, headers: Record<string, string> = {}) =>
  desk.app.inject({
    method: 'POST',
    url: `/device/v1/${path}`,
    headers: { authorization: 'Bearer T', ...headers },
    payload,
  })
const checkIn = (body: unknown, headers?: Record<string, string>) =>
  post('check-in', JSON.stringify(body), headers)
const report = (operation: string, body: unknown) =>
  post(`operations/${operation}/report`, JSON.stringify(body))

describe('a check-in', () => {
  test('is answered with nothing, and when to come again', async () => {
    const answer = await checkIn({})
    expect(answer.statusCode).toBe(200)
    expect(answer.headers['content-type']).toContain('application/json')
    expect(answer.body).toBe('{"offers":[],"nextCheckInSeconds":3600}')
  })

  test('is answered with what to install, in words a script can use as they are', async () => {
    await desk.assign('T', { bytes: BYTES })
    const answer = (await checkIn({})).json()
    expect(answer).toEqual({
      offers: [
        {
          operation: expect.stringMatching(/^[0-9a-f-]{36}$/),
          type: 'firmware',
          title: 'pump',
          version: '2.0.0',
          size: 10,
          sha256: SHA256,
          checksum: { algorithm: 'SHA256', value: SHA256 },
          artifact: expect.stringMatching(
            /^https:\/\/updates\.example\/device\/v1\/artifacts\/[\w-]+\/pump\.bin$/,
          ),
          because: 'pump@2.0.0, because this device is assigned it.',
        },
      ],
      nextCheckInSeconds: 3600,
    })
    expect((await checkIn({})).json()).toEqual(answer)
    expect(desk.states('T')).toEqual(['firmware INITIATED'])
  })

  test('names the address of a release elsewhere, and what is known of it', async () => {
    await desk.assign('T', { externalUrl: 'https://files.example/p' })
    const [offer] = (await checkIn({})).json().offers
    expect(offer).toMatchObject({ artifact: 'https://files.example/p' })
    expect(offer).not.toHaveProperty('size')
    expect(offer).not.toHaveProperty('sha256')
  })

  test.each([
    ['no body', undefined],
    ['an empty object', '{}'],
    ['fields of a newer device', '{"installed":{},"color":"red","facts":{"a":{"b":[1,null]}}}'],
    ['nulls', '{"facts":null,"installed":{"firmware":{"title":null}}}'],
  ])('with %s is fine', async (_what, body) => {
    expect((await post('check-in', body)).statusCode).toBe(200)
  })

  test('keeps what the device says of itself; what it leaves out stays', async () => {
    await checkIn({ installed: { firmware: { title: 'pump', version: '1' } }, facts: { a: 1 } })
    await checkIn({ installed: { software: { title: 'app', version: '5' } } })
    expect(desk.device('T')).toMatchObject({
      installed: {
        firmware: { title: 'pump', version: '1' },
        software: { title: 'app', version: '5' },
      },
      inventory: { a: 1 },
    })
    await checkIn({ facts: { b: 2 } })
    expect(desk.device('T').inventory).toEqual({ b: 2 })
  })

  test('that may wait does, until there is something', async () => {
    const answer = checkIn({}, { prefer: 'respond-async, wait=30' })
    await vi.waitFor(() => expect(desk.waiting).toBe(1))
    await desk.assign('T', { bytes: BYTES })
    expect((await answer).json().offers).toHaveLength(1)
    expect((await answer).headers['preference-applied']).toBe('wait=30')
  })

  test.each(['wait=0', 'wait=x', 'wait', 'return=minimal'])(
    'that prefers %s does not wait',
    async (prefer) => {
      const answer = await checkIn({}, { prefer })
      expect(answer.statusCode).toBe(200)
      expect(answer.headers).not.toHaveProperty('preference-applied')
    },
  )
})

describe('a report', () => {
  let operation: string
  beforeEach(async () => {
    await desk.assign('T', { bytes: BYTES })
    operation = (await checkIn({})).json().offers[0].operation
  })

  test('says what it did', async () => {
    expect((await report(operation, { state: 'DOWNLOADING', progress: 40 })).json()).toEqual({
      outcome: 'moved',
      state: 'DOWNLOADING',
      because: 'The device reports downloading.',
    })
    expect((await report(operation, { state: 'DOWNLOADING', progress: 40 })).json().outcome).toBe(
      'repeated',
    )
    expect((await report(operation, { state: 'UPDATED' })).json()).toMatchObject({
      outcome: 'moved',
      state: 'UPDATED',
    })
    expect(desk.device('T').installed.firmware).toEqual({ title: 'pump', version: '2.0.0' })
  })

  test('of success with another version is a failure, and says which', async () => {
    await report(operation, { state: 'UPDATING' })
    await report(operation, { state: 'UPDATED', installed: { title: 'pump', version: '1' } })
    expect(desk.states('T')).toEqual(['firmware FAILED'])
    expect(desk.error('T')).toContain('pump@1')
  })

  test('of a failure is heard however long its words are', async () => {
    const answer = await report(operation, {
      state: 'FAILED',
      error: `out of space ${'x'.repeat(20_000)}`,
    })
    expect(answer.statusCode).toBe(200)
    expect(desk.error('T')).toMatch(/^out of space x+…$/)
  })

  test('after the end is refused, unless it says the same again', async () => {
    await report(operation, { state: 'UPDATED' })
    expect((await report(operation, { state: 'UPDATED' })).json().outcome).toBe('repeated')
    const late = await report(operation, { state: 'FAILED' })
    expect(late.statusCode).toBe(409)
    expect(late.headers['content-type']).toContain('application/problem+json')
    expect(late.json()).toMatchObject({
      status: 409,
      code: 'operation.already-ended',
      state: 'UPDATED',
    })
  })

  test.each([
    [{}, 400, 'request.malformed'],
    [{ state: 'DANCING' }, 400, 'report.unknown-state'],
    [{ state: 'QUEUED' }, 400, 'report.unknown-state'],
    [{ state: 'downloading' }, 400, 'report.unknown-state'],
    [{ state: 'DOWNLOADING', progress: 101 }, 400, 'request.malformed'],
    [{ state: 'DOWNLOADING', progress: -1 }, 400, 'request.malformed'],
    [{ state: 'DOWNLOADING', progress: '40' }, 400, 'request.malformed'],
  ])('of %j is refused with %i %s', async (body, status, code) => {
    const answer = await report(operation, body)
    expect(answer.statusCode).toBe(status)
    expect(answer.json().code).toBe(code)
    expect(desk.states('T')).toEqual(['firmware INITIATED'])
  })

  test.each(['nonsense', '00000000-0000-7000-8000-000000000000', '%00', '..%2f'])(
    'on operation %s is 404',
    async (id) => {
      const answer = await report(id, { state: 'UPDATED' })
      expect([answer.statusCode, answer.json().code]).toEqual([404, 'operation.unknown'])
    },
  )
})

describe('a download', () => {
  let path: string
  beforeEach(async () => {
    await desk.assign('T', { bytes: BYTES })
    path = new URL((await checkIn({})).json().offers[0].artifact).pathname
  })
  const fetch = (
    headers: Record<string, string> = {},
    url = path,
    method: 'GET' | 'HEAD' = 'GET',
  ) => desk.app.inject({ method, url, headers })

  test('needs no further authorisation, and says what the bytes are', async () => {
    const answer = await fetch()
    expect([answer.statusCode, answer.body]).toEqual([200, '0123456789'])
    expect(answer.headers).toMatchObject({
      etag: `"${SHA256}"`,
      'accept-ranges': 'bytes',
      'content-length': '10',
      'content-disposition': 'attachment; filename="pump.bin"',
    })
  })

  test('is taken up where it broke off, if the file is still the same', async () => {
    const rest = await fetch({ range: 'bytes=4-', 'if-range': `"${SHA256}"` })
    expect([rest.statusCode, rest.body, rest.headers['content-range']]).toEqual([
      206,
      '456789',
      'bytes 4-9/10',
    ])
    const other = await fetch({ range: 'bytes=4-', 'if-range': '"other"' })
    expect([other.statusCode, other.body]).toEqual([200, '0123456789'])
  })

  test('can be asked about', async () => {
    const answer = await fetch({}, path, 'HEAD')
    expect([answer.statusCode, answer.body, answer.headers['content-length']]).toEqual([
      200,
      '',
      '10',
    ])
  })

  test('from beyond the end is 416, as a problem document', async () => {
    const answer = await fetch({ range: 'bytes=10-' })
    expect(answer.statusCode).toBe(416)
    expect(answer.headers['content-range']).toBe('bytes */10')
    expect(answer.json()).toMatchObject({ status: 416, code: 'request.malformed' })
  })

  test.each([
    ['of another key', (ticket: string) => `A${ticket.slice(1)}`],
    ['cut short', (ticket: string) => ticket.slice(0, -1)],
    ['of nonsense', () => 'nonsense'],
  ])('with a ticket %s is 403', async (_what, change) => {
    const changed = path.replace(
      /artifacts\/([\w-]+)/,
      (_all, ticket) => `artifacts/${change(ticket)}`,
    )
    const answer = await fetch({}, changed)
    expect([answer.statusCode, answer.json().code]).toEqual([403, 'artifact.bad-ticket'])
  })
})

describe('errors', () => {
  test.each([
    ['none', ''],
    ['another scheme', 'Basic VDpU'],
    ['no token', 'Bearer '],
    ['a token nobody has', 'Bearer nobody'],
  ])('with authorization of %s the device is unknown', async (_what, authorization) => {
    const answer = await post('check-in', '{}', { authorization })
    expect(answer.statusCode).toBe(401)
    expect(answer.headers['www-authenticate']).toBe('Bearer')
    expect(answer.json()).toMatchObject({ status: 401, code: 'device.unknown' })
  })

  test.each([
    ['{"installed":', 'not JSON'],
    ['[]', 'the body'],
    ['"text"', 'the body'],
    ['{"installed":[]}', 'installed'],
    ['{"installed":{"firmware":"1.0"}}', 'installed.firmware'],
    ['{"installed":{"firmware":{"title":"a","version":1}}}', 'installed.firmware.version'],
    ['{"installed":{"Firm ware":{"title":"a","version":"1"}}}', 'component type'],
    ['{"installed":{"constructor":{"title":"a","version":"1"}}}', 'component type'],
    ['{"facts":7}', 'facts'],
    ['{"facts":{"a":"\\u0000"}}', 'facts'],
    ['{"facts":{"a":1e999}}', 'facts'],
    [`{"facts":{"a":${'['.repeat(5000)}${']'.repeat(5000)}}}`, 'facts'],
  ])('%.60s is refused with where it is wrong', async (body, where) => {
    const answer = await post('check-in', body)
    expect(answer.statusCode).toBe(400)
    expect(answer.json().code).toBe('request.malformed')
    expect(answer.json().detail).toContain(where)
  })

  test.each([
    ['GET', 'check-in'],
    ['POST', 'checkin'],
    ['POST', 'operations/x'],
    ['PUT', 'check-in'],
  ] as const)('%s %s is nothing that can be asked', async (method, path) => {
    const answer = await desk.app.inject({ method, url: `/device/v1/${path}`, payload: '{}' })
    expect(answer.statusCode).toBe(404)
    expect(answer.json()).toMatchObject({ status: 404, code: 'route.unknown' })
  })

  test('a check-in like a book is 413', async () => {
    const answer = await checkIn({ facts: { a: 'x'.repeat(2 ** 20) } })
    expect([answer.statusCode, answer.json().code]).toEqual([413, 'request.too-large'])
  })

  test('while the database is away it is 503, and when to come again', async () => {
    desk.goAway()
    const answer = await checkIn({})
    expect([answer.statusCode, answer.json().code]).toEqual([503, 'store.away'])
    expect(answer.headers['retry-after']).toBe('5')
  })
})

describe('a box', () => {
  const BOX = { box: { kind: 'virtual' } }
  const HANDLERS = { type: 'handlers', title: 'handlers', version: '2', bytes: BYTES } as const
  const said = (more: object = {}) => checkIn({ facts: BOX, ...more })
  const set = (box: JsonObject) => desk.changeDevice('T', { attributes: { box } })

  test('is told what is set for it', async () => {
    expect((await said()).json()).toEqual({
      offers: [],
      nextCheckInSeconds: 3600,
      box: {
        series: '17.0',
        automaticDriversUpdate: true,
        hold: null,
        windows: '',
        layers: {
          handlers: { channel: 'stable', updates: 'automatic' },
          code: { channel: 'stable', updates: 'automatic' },
          image: { channel: 'stable', updates: 'button' },
        },
        codeFrom: 'upstream',
      },
      held: [],
      wishes: [],
    })
  })

  test('is told what is held back, and given it when its button is pressed', async () => {
    await said()
    await desk.assign('T', {
      ...HANDLERS,
      type: 'image',
      title: 'image',
      needs: { code: '~> 17.0' },
    })
    const installed = { code: { title: 'code', version: '17.0#1a2b3c4' } }
    const answer = (await said({ installed })).json()
    expect(answer.offers).toEqual([])
    expect(answer.held).toEqual([
      {
        type: 'image',
        title: 'image',
        version: '2',
        size: 10,
        because: 'image@2 waits. It comes by the button on the page of the box.',
        comesIfAsked: true,
      },
    ])
    expect(desk.states('T')).toEqual([])
    const { offers, held } = (await said({ asked: ['image'] })).json()
    expect(offers).toEqual([expect.objectContaining({ type: 'image', needs: { code: '~> 17.0' } })])
    expect(held).toEqual([])
    await report(offers[0].operation, { state: 'DOWNLOADING' })
    // What has begun goes on, though nobody presses the button any more.
    expect((await said()).json().offers).toHaveLength(1)
  })

  test('that is held is given nothing, by no button, and comes again when the hold ends', async () => {
    await said()
    set({ hold: { reason: 'a fair', until: '2026-03-01T12:30:00Z' } })
    await desk.assign('T', HANDLERS)
    const answer = (await said({ asked: ['handlers'] })).json()
    expect(answer).toMatchObject({
      offers: [],
      nextCheckInSeconds: 1800,
      box: { hold: { reason: 'a fair', until: '2026-03-01T12:30:00.000Z' } },
      held: [
        {
          because: 'handlers@2 waits. The box is held until 2026-03-01T12:30:00.000Z: a fair',
          comesIfAsked: false,
        },
      ],
    })
    desk.pass({ minutes: 30 })
    expect((await said()).json().offers).toHaveLength(1)
  })

  test('that was told of an update and is held then is not told again, and does not go silent', async () => {
    await said()
    await desk.assign('T', HANDLERS)
    expect((await said()).json().offers).toHaveLength(1)
    set({ hold: { reason: 'a fair', until: null } })
    for (let hours = 0; hours < 12; hours += 1) {
      expect((await said()).json()).toMatchObject({ offers: [], held: [{ type: 'handlers' }] })
      desk.pass({ minutes: 60 })
    }
    expect(desk.states('T')).toEqual(['handlers INITIATED'])
    set({ hold: null })
    expect((await said()).json().offers).toHaveLength(1)
  })

  test('outside of its windows waits for them', async () => {
    await said()
    set({ windows: '22:00-04:00' })
    await desk.assign('T', HANDLERS)
    expect((await said()).json()).toMatchObject({
      offers: [],
      held: [{ comesIfAsked: true }],
      nextCheckInSeconds: 3600,
    })
    desk.pass({ minutes: 9 * 60 + 30 })
    expect((await said()).json()).toMatchObject({ offers: [], nextCheckInSeconds: 1800 })
    desk.pass({ minutes: 30 })
    expect((await said()).json().offers).toHaveLength(1)
  })

  test('hears of a wish on the line it holds, until it is done', async () => {
    await said()
    const held = checkIn({ facts: BOX }, { prefer: 'wait=300' })
    await vi.waitFor(() => expect(desk.waiting).toBe(1))
    desk.wish('T', 'load-handlers')
    const [wish] = (await held).json().wishes
    expect(wish).toEqual({ id: expect.any(String), kind: 'load-handlers' })
    expect((await said()).json().wishes).toEqual([wish])
    expect((await said({ done: [wish.id, 'nobody’s'] })).json().wishes).toEqual([])
    expect(desk.events).toContainEqual(
      expect.objectContaining({ kind: 'device.wish-done', data: { wish: 'load-handlers' } }),
    )
  })

  test('that was just told of a wish holds its line while it is at it', async () => {
    await said()
    desk.wish('T', 'restart')
    expect((await checkIn({ facts: BOX }, { prefer: 'wait=300' })).json().wishes).toHaveLength(1)
    const held = checkIn({ facts: BOX }, { prefer: 'wait=300' })
    await vi.waitFor(() => expect(desk.waiting).toBe(1))
    set({ codeFrom: 'server' })
    expect((await held).json()).toMatchObject({ box: { codeFrom: 'server' } })
  })

  test('that presses a button is answered at once', async () => {
    const answer = await checkIn({ facts: BOX, asked: ['handlers'] }, { prefer: 'wait=300' })
    expect(answer.json()).toMatchObject({ offers: [], held: [] })
  })
})

describe('what a device logs', () => {
  const line = (sequence: number, more: object = {}) => ({
    sequence,
    at: '2026-03-01T11:00:00Z',
    level: 'warn',
    message: 'a scale is gone',
    ...more,
  })

  test('is taken up to its last line', async () => {
    const answer = await post('log', JSON.stringify({ lines: [line(7), line(8)] }))
    expect([answer.statusCode, answer.json()]).toEqual([200, { taken: 8 }])
    expect(desk.logged).toMatchObject([
      {
        sequence: 7,
        at: new Date('2026-03-01T11:00:00Z'),
        level: 'warn',
        message: 'a scale is gone',
      },
      { sequence: 8 },
    ])
  })

  test.each(['yesterday', '-200000-01-01T00:00:00Z'])('at %s is kept as of now', async (at) => {
    await post('log', JSON.stringify({ lines: [line(1, { at, message: 'a\0b' })] }))
    expect(desk.logged).toMatchObject([{ at: new Date('2026-03-01T12:00:00Z'), message: 'ab' }])
  })

  test.each([{ level: 'fatal' }, { sequence: -1 }, { message: 7 }])(
    'with %j is refused',
    async (more) => {
      const answer = await post('log', JSON.stringify({ lines: [line(1, more)] }))
      expect([answer.statusCode, answer.json().code]).toEqual([400, 'request.malformed'])
    },
  )

  test('of nobody known is refused', async () => {
    const answer = await post('log', '{"lines":[]}', { authorization: 'Bearer nobody' })
    expect(answer.statusCode).toBe(401)
  })
})
