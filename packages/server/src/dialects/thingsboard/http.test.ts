import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type MemoryDesk, memoryDesk, NOON, PROVISIONING } from '../memory-desk.test-helper.ts'

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

const get = (path: string, token = 'T') =>
  desk.app.inject({
    url: `/api/v1/${token}/${path}`,
    // Clients send it on requests without a body as well.
    headers: { 'content-type': 'application/json' },
  })
const post = (path: string, payload: string, headers: Record<string, string> = {}) =>
  desk.app.inject({
    method: 'POST',
    url: `/api/v1/${path}`,
    headers: { 'content-type': 'application/json', ...headers },
    payload,
  })
const telemetry = (body: unknown) => post('T/telemetry', JSON.stringify(body))

describe('claiming', () => {
  const claim = (body: string) => post('T/claim', body)
  const hours = (count: number) => new Date(NOON.getTime() + count * 3_600_000)

  test.each([
    ['a secret and a time', '{"secretKey":"k","durationMs":3600000}', 'k', hours(1)],
    ['a secret', '{"secretKey":"k"}', 'k', hours(24)],
    ['a time', '{"durationMs":7200000}', '', hours(2)],
    ['a time that is none', '{"secretKey":"k","durationMs":0}', 'k', hours(24)],
    ['nulls', '{"secretKey":null,"durationMs":null}', '', hours(24)],
    ['nothing', '{}', '', hours(24)],
    ['no body', '', '', hours(24)],
  ])('with %s is taken, and the answer is empty', async (_what, body, secret, until) => {
    const answer = await claim(body)
    expect([answer.statusCode, answer.body]).toEqual([200, ''])
    expect(desk.claimableUntil('T', secret)).toEqual(until)
    expect(desk.claimableUntil('T', 'another')).toBeNull()
  })

  test.each([
    '{"secretKey":7}',
    '{"durationMs":"soon"}',
    '{"durationMs":9007199254740991}',
    `{"secretKey":"${'k'.repeat(1025)}"}`,
    '[]',
    '"k"',
  ])('with %s is refused', async (body) => {
    expect((await claim(body)).statusCode).toBe(400)
    expect(desk.claimableUntil('T', 'k')).toBeNull()
  })
})

describe('telemetry', () => {
  test.each([
    ['plain', { current_fw_title: 'pump', current_fw_version: '1.0' }],
    [
      'with a time',
      { ts: 1600000000000, values: { current_fw_title: 'pump', current_fw_version: '1.0' } },
    ],
    [
      'in an array of both',
      [
        { temperature: 21.5 },
        { ts: 1600000000000, values: { current_fw_title: 'pump' }, metadata: { a: 1 } },
        { current_fw_version: '1.0' },
      ],
    ],
    [
      'with nulls beside',
      [{ current_fw_title: 'pump', current_fw_version: '1.0', fw_state: null, fw_error: null }],
    ],
  ])('%s tells what is installed, and the answer is empty', async (_how, body) => {
    const answer = await telemetry(body)
    expect(answer.statusCode).toBe(200)
    expect(answer.body).toBe('')
    expect(desk.device('T').installed).toEqual({ firmware: { title: 'pump', version: '1.0' } })
  })

  test.each([
    ['nothing', {}],
    ['no readings', []],
    ['nulls alone', { ts: 1, values: { current_fw_title: null, current_fw_version: null } }],
    ['other things', { temperature: 21, door: 'open', nested: { fw_state: 'FAILED' } }],
    ['IDLE', { fw_state: 'IDLE', fw_error: '' }],
    ['a state nobody knows', { fw_state: 'DANCING' }],
    ['a state only a server sets', { fw_state: 'QUEUED' }],
    ['keys every object has', { constructor: 'x', toString: 'y' }],
  ])('that says %s is taken and changes nothing', async (_what, body) => {
    await desk.assign('T', { bytes: BYTES })
    expect((await telemetry(body)).statusCode).toBe(200)
    expect(desk.device('T').installed).toEqual({})
    expect(desk.states('T')).toEqual(['firmware QUEUED'])
  })

  test('keeps versions that look like numbers as the text they are', async () => {
    await telemetry({ current_fw_title: '007', current_fw_version: '1.10' })
    expect(desk.device('T').installed.firmware).toEqual({ title: '007', version: '1.10' })
    await telemetry({ current_fw_title: 7, current_fw_version: 3 })
    expect(desk.device('T').installed.firmware).toEqual({ title: '7', version: '3' })
  })

  test.each(['fw_state', 'current_fw_state'])('moves the update along by %s', async (key) => {
    await desk.assign('T', { bytes: BYTES })
    await telemetry({ [key]: 'DOWNLOADING', fw_error: '' })
    expect(desk.states('T')).toEqual(['firmware DOWNLOADING'])
  })

  test('with fw_error is why an update failed; an empty one says nothing', async () => {
    await desk.assign('T', { bytes: BYTES })
    await telemetry([{ fw_state: 'DOWNLOADING', fw_error: '' }])
    await telemetry([{ fw_state: 'FAILED', fw_error: 'Checksum verification failed!' }])
    expect(desk.states('T')).toEqual(['firmware FAILED'])
    expect(desk.error('T')).toBe('Checksum verification failed!')
    await telemetry([{ fw_state: 'DOWNLOADING', fw_error: '' }])
    await telemetry([{ fw_state: 'FAILED', fw_error: '' }])
    expect(desk.error('T')).toBe('The device gave no reason.')
  })

  test('is heard in the order it comes, whatever the times in it say', async () => {
    await desk.assign('T', { bytes: BYTES })
    await telemetry([
      { ts: 9000, values: { fw_state: 'DOWNLOADING' } },
      { ts: 9000, values: { fw_state: 'DOWNLOADED' } },
      { ts: 5, values: { fw_state: 'VERIFIED' } },
    ])
    expect(desk.states('T')).toEqual(['firmware VERIFIED'])
    await telemetry([
      { current_fw_title: 'pump', current_fw_version: '8' },
      { current_fw_title: 'pump', current_fw_version: '7' },
      { current_fw_title: 'pump', current_fw_version: '8' },
    ])
    expect(desk.device('T').installed.firmware?.version).toBe('8')
    await telemetry([
      { current_fw_title: 'pump', current_fw_version: '7' },
      { current_fw_title: 'pump', current_fw_version: '8' },
    ])
    expect(desk.device('T').installed.firmware?.version).toBe('8')
  })

  test('of firmware and software in one message is heard for each', async () => {
    await desk.assign('T', { bytes: BYTES })
    await desk.assign('T', { bytes: BYTES, type: 'software', title: 'app', version: '5' })
    await telemetry({
      fw_state: 'FAILED',
      fw_error: 'no flash',
      current_sw_title: 'app',
      current_sw_version: '5',
      sw_state: 'UPDATED',
      sw_error: '',
    })
    expect(desk.states('T')).toEqual(['firmware FAILED', 'software UPDATED'])
    expect(desk.error('T')).toBe('no flash')
    expect(desk.device('T').installed).toEqual({ software: { title: 'app', version: '5' } })
  })

  test('of title and version apart, as key by key senders do, is put together', async () => {
    await telemetry({ current_fw_title: 'pump' })
    await telemetry({ current_fw_version: '1.0' })
    expect(desk.device('T').installed.firmware).toEqual({ title: 'pump', version: '1.0' })
  })

  test.each(['"text"', '17', 'null', '[1]', '[null]', '{"ts":1,"values":7}'])(
    'that is %s is refused',
    async (body) => {
      expect((await post('T/telemetry', body)).statusCode).toBe(400)
    },
  )
})

describe('attributes a device tells', () => {
  test('are its inventory, key by key, and what it runs', async () => {
    const first = await post('T/attributes', '{"serial":"A1","memory":512,"gone":null}')
    expect([first.statusCode, first.body]).toEqual([200, ''])
    await post(
      'T/attributes',
      '{"memory":256,"current_fw_title":"pump","current_fw_version":"1.0"}',
    )
    expect(desk.device('T').inventory).toMatchObject({ serial: 'A1', memory: 256 })
    expect(desk.device('T').installed.firmware).toEqual({ title: 'pump', version: '1.0' })
  })

  test.each(['[]', '"text"', '[{"a":1}]'])('that are %s are refused', async (body) => {
    expect((await post('T/attributes', body)).statusCode).toBe(400)
  })
})

describe('an attribute request', () => {
  const FIRMWARE = {
    fw_title: 'pump',
    fw_version: '2.0.0',
    fw_size: 10,
    fw_checksum_algorithm: 'SHA256',
    fw_checksum: SHA256,
  }
  beforeEach(async () => {
    desk.addDevice('T', {
      attributes: { interval: 30, site: 'roof' },
      inventory: { serial: 'A1', memory: 512 },
    })
    await desk.assign('T', { bytes: BYTES })
  })

  test.each([
    ['?sharedKeys=fw_title,fw_version', { shared: { fw_title: 'pump', fw_version: '2.0.0' } }],
    [
      '?sharedKeys=fw_title&sharedKeys=fw_version',
      { shared: { fw_title: 'pump', fw_version: '2.0.0' } },
    ],
    ['?sharedKeys=fw_title%2C,fw_size,', { shared: { fw_title: 'pump', fw_size: 10 } }],
    ['?sharedKeys=interval,unknown', { shared: { interval: 30 } }],
    ['?sharedKeys=unknown', {}],
    ['?sharedKeys=serial', {}],
    ['?clientKeys=serial', { client: { serial: 'A1' } }],
    ['?clientKeys=fw_title', {}],
    [
      '?clientKeys=memory&sharedKeys=site,fw_tag',
      { client: { memory: 512 }, shared: { site: 'roof' } },
    ],
    [
      '',
      {
        client: { serial: 'A1', memory: 512 },
        shared: { interval: 30, site: 'roof', ...FIRMWARE },
      },
    ],
  ])('%s is answered with what there is of it', async (query, expected) => {
    const answer = await get(`attributes${query}`)
    expect(answer.statusCode).toBe(200)
    expect(answer.headers['content-type']).toContain('application/json')
    expect(answer.json()).toEqual(expected)
  })

  test('that reads the release counts as being told; one that reads other keys does not', async () => {
    await get('attributes?sharedKeys=interval')
    await get('attributes?clientKeys=serial')
    expect(desk.states('T')).toEqual(['firmware QUEUED'])
    await get('attributes?sharedKeys=fw_version')
    expect(desk.states('T')).toEqual(['firmware INITIATED'])
  })

  test('of a release elsewhere has its address, and only what is known besides', async () => {
    await desk.assign('T', {
      version: '13',
      externalUrl: 'https://files.example/p',
      tag: 'pump 13',
    })
    expect(
      (await get('attributes?sharedKeys=fw_url,fw_title,fw_version,fw_size,fw_tag')).json(),
    ).toEqual({
      shared: {
        fw_title: 'pump',
        fw_version: '13',
        fw_tag: 'pump 13',
        fw_url: 'https://files.example/p',
      },
    })
  })

  test('of software has its own keys', async () => {
    await desk.assign('T', { bytes: BYTES, type: 'software', title: 'app', version: '5' })
    const { shared } = (await get('attributes')).json()
    expect(shared).toMatchObject({ ...FIRMWARE, sw_title: 'app', sw_version: '5', sw_size: 10 })
  })
})

describe('a wait for attribute updates', () => {
  const waiting = (count = 1) => vi.waitFor(() => expect(desk.waiting).toBe(count))

  test('is answered at once with all keys of a release the device has not been told of', async () => {
    await desk.assign('T', { bytes: BYTES, tag: 'blue' })
    const answer = await get('attributes/updates?timeout=5000')
    expect(answer.statusCode).toBe(200)
    expect(answer.json()).toEqual({
      fw_title: 'pump',
      fw_version: '2.0.0',
      fw_tag: 'blue',
      fw_size: 10,
      fw_checksum_algorithm: 'SHA256',
      fw_checksum: SHA256,
    })
    expect((await get('attributes/updates?timeout=1')).statusCode).toBe(408)
  })

  test('is answered when something changes, with all keys of the release though only one differs', async () => {
    await desk.assign('T', { bytes: BYTES, tag: 'blue' })
    await get('attributes')
    const answer = get('attributes/updates?timeout=20000')
    await waiting()
    await desk.assign('T', { bytes: BYTES, version: '2.0.1' })
    expect((await answer).json()).toEqual({
      fw_title: 'pump',
      fw_version: '2.0.1',
      fw_size: 10,
      fw_checksum_algorithm: 'SHA256',
      fw_checksum: SHA256,
      deleted: ['fw_tag'],
    })
    expect(desk.states('T')).toEqual(['firmware INITIATED'])
  })

  test('is answered with the release once more when the device said nothing of it for too long', async () => {
    await desk.assign('T', { bytes: BYTES })
    await get('attributes')
    const answer = get('attributes/updates?timeout=20000')
    await waiting()
    desk.pass({ minutes: 61 })
    await desk.look('T')
    expect((await answer).json()).toMatchObject({ fw_title: 'pump', fw_version: '2.0.0' })
    expect(desk.states('T')).toEqual(['firmware INITIATED'])
  })

  test('is answered with the keys that are gone when nothing is meant any more', async () => {
    await desk.assign('T', { bytes: BYTES })
    await get('attributes')
    const answer = get('attributes/updates?timeout=20000')
    await waiting()
    await desk.withdraw('T', 'firmware')
    const { deleted, ...rest } = (await answer).json()
    expect(rest).toEqual({})
    expect(deleted.sort()).toEqual([
      'fw_checksum',
      'fw_checksum_algorithm',
      'fw_size',
      'fw_title',
      'fw_version',
    ])
  })

  test('without a change ends with 408 and no body', async () => {
    const answer = await get('attributes/updates?timeout=1')
    expect([answer.statusCode, answer.body]).toEqual([408, ''])
  })

  test('for calls from the server finds none, and is no error', async () => {
    const answer = await get('rpc?timeout=1')
    expect([answer.statusCode, answer.body]).toEqual([408, ''])
  })

  test('of a device that is removed meanwhile ends with 403', async () => {
    const answer = get('attributes/updates?timeout=20000')
    await waiting()
    desk.remove('T')
    expect((await answer).statusCode).toBe(403)
    expect((await answer).body).toContain('Device was deleted!')
  })
})

describe.each(['firmware', 'software'])('a download of %s', (type) => {
  beforeEach(async () => {
    await desk.assign('T', { bytes: BYTES, type })
  })
  const fetch = (query: string) => get(`${type}?title=pump&version=2.0.0${query}`)

  test.each([
    ['', '0123456789'],
    ['&size=0', '0123456789'],
    ['&size=0&chunk=3', '0123456789'],
    ['&size=&chunk=', '0123456789'],
    ['&size=-4', '0123456789'],
    ['&size=4', '0123'],
    ['&size=4&chunk=0', '0123'],
    ['&size=4&chunk=1', '4567'],
    ['&size=4&chunk=2', '89'],
    ['&size=4&chunk=3', ''],
    ['&size=5&chunk=1', '56789'],
    ['&size=5&chunk=2', ''],
    ['&size=10&chunk=0', '0123456789'],
    ['&size=10&chunk=1', ''],
    ['&size=4096&chunk=0', '0123456789'],
    ['&size=4096&chunk=1', ''],
    ['&size="4"&chunk="1"', '4567'],
    ['&size=%224%22&chunk=%20%221%22', '4567'],
    ['&size=9007199254740991&chunk=9007199254740991', ''],
  ])('%s is %j, with a length', async (query, expected) => {
    const answer = await fetch(query)
    expect(answer.statusCode).toBe(200)
    expect(answer.body).toBe(expected)
    expect(answer.headers).toMatchObject({
      'content-length': String(expected.length),
      'content-type': 'application/x-pump',
      'content-disposition': 'attachment; filename="pump.bin"',
      'x-filename': 'pump.bin',
    })
  })

  test.each(['&size=four', '&size=4.5', '&size=4&chunk=x', '&size=4&chunk=-1', '&size=4&size=5'])(
    '%s is refused',
    async (query) => {
      expect((await fetch(query)).statusCode).toBe(400)
    },
  )

  test('as a whole takes a range', async () => {
    const answer = await desk.app.inject({
      url: `/api/v1/T/${type}?title=pump&version=2.0.0`,
      headers: { range: 'bytes=2-4' },
    })
    expect([answer.statusCode, answer.body]).toEqual([206, '234'])
    expect(answer.headers.etag).toBe(`"${SHA256}"`)
  })

  test.each([
    ['', 400],
    ['?title=pump', 400],
    ['?version=2.0.0', 400],
    ['?title=pump&title=pump&version=2.0.0', 400],
    ['?title=pump&version=1.0.0', 400],
    ['?title=Pump&version=2.0.0', 400],
  ])('%j is answered %i', async (query, status) => {
    expect((await get(`${type}${query}`)).statusCode).toBe(status)
  })

  test('that is not the one meant has no body', async () => {
    expect((await get(`${type}?title=pump&version=1.0.0`)).body).toBe('')
  })

  test('is 404 when nothing is meant, or the file is elsewhere', async () => {
    await desk.withdraw('T', type)
    const none = await fetch('')
    expect([none.statusCode, none.body]).toEqual([404, ''])
    await desk.assign('T', { type, externalUrl: 'https://files.example/p' })
    expect((await fetch('&size=4&chunk=0')).statusCode).toBe(404)
  })
})

describe('errors', () => {
  test.each([
    ['GET', 'attributes'],
    ['GET', 'attributes/updates'],
    ['GET', 'firmware?title=a&version=b'],
    ['POST', 'telemetry'],
    ['POST', 'attributes'],
  ] as const)('%s %s with a token nobody has is 401 and empty', async (method, path) => {
    const answer = await desk.app.inject({ method, url: `/api/v1/nobody/${path}` })
    expect([answer.statusCode, answer.body]).toEqual([401, ''])
  })

  test('what is no JSON is 400 and says so', async () => {
    const answer = await post('T/telemetry', '{"a":')
    expect(answer.statusCode).toBe(400)
    expect(answer.json()).toMatchObject({
      status: 400,
      message: expect.stringContaining('not JSON'),
    })
  })

  test('what is too large is 413', async () => {
    const answer = await post('T/telemetry', `{"a":"${'x'.repeat(2 ** 20)}"}`)
    expect(answer.statusCode).toBe(413)
  })

  test('what the store cannot keep is 400', async () => {
    expect((await post('T/attributes', '{"a":"\\u0000"}')).statusCode).toBe(400)
    expect(
      (
        await post(
          'T/telemetry',
          `{"current_fw_title":"${'x'.repeat(256)}","current_fw_version":"1"}`,
        )
      ).statusCode,
    ).toBe(400)
  })

  test('while the database is away it is 503, and when to come again', async () => {
    desk.goAway()
    const answer = await get('attributes')
    expect(answer.statusCode).toBe(503)
    expect(answer.headers['retry-after']).toBe('5')
  })
})

describe('provisioning', () => {
  const asked = { provisionDeviceKey: PROVISIONING.key, provisionDeviceSecret: PROVISIONING.secret }
  const provision = async (body: unknown) => {
    const answer = await post('provision', JSON.stringify(body))
    return { statusCode: answer.statusCode, ...answer.json() }
  }

  test('gives a token; the device says which, or is given one', async () => {
    const given = await provision({ ...asked, deviceName: 'new' })
    expect(given).toMatchObject({
      statusCode: 200,
      status: 'SUCCESS',
      credentialsType: 'ACCESS_TOKEN',
    })
    expect(given.credentialsValue).toMatch(/^[\w-]{20,}$/)
    expect(desk.device('new').name).toBe('new')
    expect(await provision({ ...asked, deviceName: 'mine', token: 'my-own' })).toMatchObject({
      status: 'SUCCESS',
      credentialsValue: 'my-own',
    })
  })

  test.each([null, ''])('takes %j for what is not said', async (nothing) => {
    const { status, credentialsValue } = await provision({
      ...asked,
      deviceName: nothing,
      token: nothing,
      credentialsType: nothing,
    })
    expect(status).toBe('SUCCESS')
    expect(credentialsValue).toMatch(/^[\w-]{20,}$/)
  })

  test.each([
    ['a wrong key', { ...asked, provisionDeviceKey: 'x' }, 'NOT_FOUND'],
    ['a wrong secret', { ...asked, provisionDeviceSecret: 'x' }, 'NOT_FOUND'],
    ['no key', { deviceName: 'new' }, 'FAILURE'],
    ['a key that is no text', { ...asked, provisionDeviceKey: 5 }, 'FAILURE'],
    ['a name that is taken', { ...asked, deviceName: 'T' }, 'FAILURE'],
    ['a name too long', { ...asked, deviceName: 'x'.repeat(257) }, 'FAILURE'],
    ['a token no address can hold', { ...asked, token: 'x'.repeat(256) }, 'FAILURE'],
    ['credentials of another kind', { ...asked, credentialsType: 'X509_CERTIFICATE' }, 'FAILURE'],
  ])('with %s is answered 200, and why not', async (_what, body, status) => {
    const answer = await provision(body)
    expect(answer).toEqual({ statusCode: 200, status, errorMsg: expect.stringMatching(/./) })
  })
})
