import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { BOXES_AT, type MemoryDesk, memoryDesk, PROVISIONING } from '../memory-desk.test-helper.ts'
import { archiveOf, filesIn } from './testing/archive.ts'

const MAC = '02:00:00:00:00:0a'
const SERIAL = '10000000abcdef01'
const FILES = {
  'drivers/scale_L.py': 'for linux',
  'drivers/scale_W.py': 'for windows',
  'interfaces/usb.py': 'for both',
}
const archive = await archiveOf(FILES)

let desk: MemoryDesk
let url: string

beforeEach(async () => {
  desk = await memoryDesk()
  desk.addDevice(MAC)
  await desk.app.listen({ host: '127.0.0.1', port: 0 })
  url = `http://127.0.0.1:${(desk.app.server.address() as AddressInfo).port}`
})
afterEach(async () => {
  vi.useRealTimers()
  await desk.close()
})

const post = (
  path: string,
  body: string | FormData | URLSearchParams,
  headers: Record<string, string> = {},
) => fetch(url + path, { method: 'POST', body, headers })

const setup = async (box: object = {}, devices: object | null = {}) => {
  const iot_box = {
    name: 'box',
    identifier: MAC,
    token: PROVISIONING.key,
    version: '23.11',
    ...box,
  }
  const body = JSON.stringify({ params: { iot_box, devices } })
  const answer = await post('/iot/setup', body, { 'content-type': 'application/json' })
  expect(answer.status).toBe(200)
  const { result } = (await answer.json()) as { result: string }
  return result
}

/** As boxes before 18.3 ask. */
const asOfOld = async (fields: Record<string, string> = {}) => {
  const form = new FormData()
  for (const [name, value] of Object.entries({ mac: MAC, auto: 'True', ...fields })) {
    form.set(name, value)
  }
  return post('/iot/get_handlers', form)
}

/** As boxes from 18.3 on ask. */
const asOfToday = (fields: Record<string, string> = {}, etag?: string) =>
  post(
    '/iot/get_handlers',
    new URLSearchParams({ identifier: MAC, auto: 'True', ...fields }),
    etag === undefined ? {} : { 'if-none-match': etag },
  )

const expectNothing = async (answer: Response) => {
  expect(answer.status).toBe(200)
  expect(answer.headers.get('etag')).toBeNull()
  expect(await answer.text()).toBe('')
}

const expectFiles = async (answer: Response, paths: readonly string[]) => {
  expect(answer.status).toBe(200)
  expect(answer.headers.get('content-type')).toBe('application/zip')
  const bytes = new Uint8Array(await answer.arrayBuffer())
  expect(answer.headers.get('content-length')).toBe(String(bytes.length))
  expect(Object.keys(await filesIn(bytes))).toEqual(paths)
  return answer.headers.get('etag') ?? ''
}

const LINUX = ['drivers/scale_L.py', 'interfaces/usb.py']

const assign = (version = '1', bytes: Uint8Array = archive) =>
  desk.assign(MAC, { type: 'handlers', title: 'handlers', version, bytes })

/** Resolves when the newest update of its handlers is in that state. */
const until = (state: string) =>
  expect.poll(() => desk.states(MAC), { timeout: 5000 }).toContain(`handlers ${state}`)

describe('a box that asks for its handlers is given', () => {
  test.each([
    ['that nobody knows', () => asOfOld({ mac: '02:00:00:00:00:ff' })],
    ['that names itself not at all', () => post('/iot/get_handlers', 'auto=True')],
    ['that has not announced itself', () => asOfOld()],
    ['of another method of writing', () => post('/iot/get_handlers', '{"mac":1}')],
    ['that sends more than anybody reads', () => post('/iot/get_handlers', 'x'.repeat(2_000_000))],
  ])('nothing, %s', async (_which, ask) => {
    await assign()
    await expectNothing(await ask())
    expect(desk.states(MAC)).toEqual(['handlers QUEUED'])
  })

  test('nothing, where nothing is meant for it', async () => {
    await setup()
    await expectNothing(await asOfOld())
    await expectNothing(await asOfToday({ auto: 'False' }, 'of-elsewhere'))
  })

  test.each([
    ['with mac, in parts', () => asOfOld()],
    [
      'with mac in capitals, from the button',
      () => asOfOld({ mac: MAC.toUpperCase(), auto: 'False' }),
    ],
    ['with words nobody knows', () => asOfOld({ session: 'x' })],
    ['with identifier, as a form', () => asOfToday()],
    ['with the tag of somebody else', () => asOfToday({}, '"0123456789abcdef"')],
  ])('all of them for its system, %s', async (_how, ask) => {
    await setup()
    await assign()
    await expectFiles(await ask(), LINUX)
  })

  test('what is for Windows, where it runs on that', async () => {
    await setup({ version: 'W23_11' })
    await assign()
    await expectFiles(await asOfOld(), ['drivers/scale_W.py', 'interfaces/usb.py'])
  })

  test('the word that it has them, with the tag in quotes or without', async () => {
    await setup()
    await assign()
    const etag = await expectFiles(await asOfToday(), LINUX)
    expect(etag).toMatch(/^"[0-9a-f-]{36}\.L\.[0-9a-f]{32}"$/)
    for (const named of [etag, etag.replaceAll('"', ''), `W/${etag}`]) {
      const answer = await asOfToday({}, named)
      expect(answer.status).toBe(304)
      expect(await answer.text()).toBe('')
      expect(answer.headers.get('etag')).toBe(etag)
    }
  })

  test('the same bytes each time', async () => {
    await setup()
    await assign()
    const ask = async () => Buffer.from(await (await asOfOld()).arrayBuffer())
    expect((await ask()).equals(await ask())).toBe(true)
  })

  test('nothing at a start while its switch is off, and all when the button is pressed', async () => {
    await setup()
    desk.changeDevice(MAC, { attributes: { automaticDriversUpdate: false } })
    await assign()
    await expectNothing(await asOfOld())
    await expectNothing(await asOfToday())
    expect(desk.states(MAC)).toEqual([])
    await expectFiles(await asOfOld({ auto: 'False' }), LINUX)
    await until('DOWNLOADED')
  })

  test('them again, as it may have lost them', async () => {
    await setup()
    await assign()
    await expectFiles(await asOfOld(), LINUX)
    await until('DOWNLOADED')
    await setup()
    expect(desk.states(MAC)).toEqual(['handlers UPDATED'])
    await expectFiles(await asOfOld(), LINUX)
    await desk.withdraw(MAC, 'handlers')
    await expectFiles(await asOfOld(), LINUX)
    expect(desk.states(MAC)).toEqual(['handlers UPDATED'])
  })

  test.each([
    ['an archive that is none', { bytes: Buffer.from('<html>Bad gateway</html>') }],
    ['one that is elsewhere', { externalUrl: 'https://elsewhere.example/handlers.zip' }],
  ])('nothing instead of %s, and an operator finds why', async (_which, draft) => {
    await setup()
    await desk.assign(MAC, { type: 'handlers', title: 'handlers', version: '1', ...draft })
    await expectNothing(await asOfOld())
    expect(desk.events.filter(({ kind }) => kind === 'offer.refused')).toMatchObject([
      { reason: { code: 'release.unspeakable' } },
    ])
  })

  test('nothing while the database is away', async () => {
    await setup()
    await assign()
    desk.goAway()
    await expectNothing(await asOfOld())
    await expectNothing(await asOfToday({}, 'x'))
    expect(await setup()).toBe('')
    expect((await post('/web/webclient/version_info', '{}')).status).toBe(503)
  })

  test('nothing before it gives up, while the database is silent', async () => {
    await setup()
    await assign()
    desk.fallSilent()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const answered = asOfOld()
    await expect.poll(() => vi.getTimerCount()).toBeGreaterThan(0)
    vi.advanceTimersByTime(5_000)
    await expectNothing(await answered)
  })
})

describe('what became of an update shows', () => {
  test('by an announcement, of a box that was given all of it', async () => {
    await setup()
    await assign()
    await expectFiles(await asOfOld(), LINUX)
    await until('DOWNLOADED')
    await setup()
    expect(desk.states(MAC)).toEqual(['handlers UPDATED'])
    expect(desk.device(MAC).installed.handlers).toEqual({ title: 'handlers', version: '1' })
  })

  test('by the tag a box names', async () => {
    await setup()
    const first = await assign('1')
    const etag = await expectFiles(await asOfToday(), LINUX)
    await asOfToday({}, etag)
    expect(desk.device(MAC).installed.handlers).toEqual({ title: 'handlers', version: '1' })
    const second = await archiveOf({ ...FILES, 'interfaces/usb.py': 'new' })
    await assign('2', second)
    await expectFiles(await asOfToday({}, etag), LINUX)
    await until('DOWNLOADED')
    // It names those of before: the new ones did not reach it.
    await asOfToday({}, etag)
    expect(desk.error(MAC, 'handlers')).toContain('was not installed')
    expect(desk.device(MAC).installed.handlers).toEqual({
      title: 'handlers',
      version: first.version,
    })
  })
})

describe('an announcement', () => {
  test('tells image, code and devices, and is answered with a channel', async () => {
    const channel = await setup(
      { version: 'L24.10-17.0#1a2b3c4', ip: '192.0.2.7', mac: MAC },
      { scale_1: { name: 'Scale', type: 'scale', manufacturer: 'X', connection: 'serial' } },
    )
    expect(channel).toMatch(/^[\w-]{20,}$/)
    expect(desk.device(MAC)).toMatchObject({
      dialect: 'odoo-iot',
      installed: {
        image: { title: null, version: '24.10' },
        code: { title: null, version: '17.0#1a2b3c4' },
      },
      inventory: {
        generation: 'G18',
        platform: 'L',
        hostName: 'box',
        devices: { scale_1: { type: 'scale', connection: 'serial' } },
      },
    })
    expect(await setup({ version: 'L24.10-17.0#1a2b3c4' })).toBe(channel)
  })

  test('under a serial number is that of the box that was known by its MAC', async () => {
    const channel = await setup()
    const moved = { identifier: SERIAL, mac: MAC, version: 'L25.07-19.0#1a2b3c4' }
    expect(await setup(moved)).toBe(channel)
    expect(desk.device(MAC).inventory).toMatchObject({ identifier: SERIAL, generation: 'G19' })
    await assign()
    await expectFiles(await asOfToday({ identifier: SERIAL }), LINUX)
    // An adapter that is plugged into another box makes it no other.
    expect(await setup({ identifier: '10000000abcdef02', mac: MAC })).toBe('')
  })

  test.each([
    ['with a token that is nobody’s', { token: 'nobody' }],
    ['without a token', { token: undefined }],
    ['of one that waits to be claimed', { identifier: '02:00:00:00:00:0b' }],
    ['of nobody', { identifier: '' }],
  ])('%s is answered with no channel, and changes nothing', async (_which, box) => {
    expect(await setup(box)).toBe('')
    expect(desk.device(MAC).dialect).toBeNull()
  })

  test('of a box we know with a token of before leaves word for an operator', async () => {
    await setup()
    expect(await setup({ token: 'of before', version: '99.99' })).toBe('')
    expect(desk.device(MAC).installed.image).toEqual({ title: null, version: '23.11' })
    expect(desk.events).toMatchObject([{ kind: 'message.refused' }])
  })

  test.each(['', '{', '[]', '<html>', '{"params":{}}'])(
    'that reads %j harms nobody',
    async (body) => {
      const answer = await post('/iot/setup', body)
      expect([answer.status, await answer.json()]).toEqual([
        200,
        { jsonrpc: '2.0', id: null, result: '' },
      ])
    },
  )
})

describe('the series', () => {
  test('is told to whoever comes by the host of a profile, and to nobody else', async () => {
    const ask = (host: string) =>
      desk.app.inject({
        method: 'POST',
        url: '/web/webclient/version_info',
        headers: { host },
        payload: {},
      })
    const told = await ask(BOXES_AT)
    expect(told.json().result).toMatchObject({ server_serie: '17.0', protocol_version: 1 })
    expect([(await ask('other.example')).statusCode, (await ask('other.example')).body]).toEqual([
      404,
      '',
    ])
  })
})

describe('what a box logs', () => {
  const say = (...records: string[]) =>
    post('/iot/log', `mac ${MAC}<log/>\n${records.map((each) => `${each}<log/>\n`).join('')}`)
  const logged = () => desk.events.filter(({ kind }) => kind === 'device.logged')

  test('leaves its errors for an operator, one batch an hour', async () => {
    await setup()
    await say('20,all is well', '30,not so well', `40,driver scale: ${'x'.repeat(600)}`, '50,over')
    expect(logged()).toMatchObject([
      { data: { lines: [`driver scale: ${'x'.repeat(486)}`, 'over'] } },
    ])
    await say('40,again')
    expect(logged()).toHaveLength(1)
    desk.pass({ minutes: 61 })
  })

  test.each([
    ['of warnings alone', () => say('30,not so well')],
    ['that is cut off', () => post('/iot/log', `mac ${MAC}<log/>\n40,cut o`)],
    ['of nobody', () => post('/iot/log', 'mac 02:00:00:00:00:ff<log/>\n40,x<log/>\n')],
    ['that is none', () => post('/iot/log', '<html>')],
  ])('%s leaves nothing, and is taken', async (_which, post) => {
    await setup()
    expect((await post()).status).toBe(200)
    expect(logged()).toEqual([])
  })
})

test.each(['/iot/printer/status', '/iot/box/send_websocket'])(
  'what is said at %s is taken',
  async (path) => {
    const answer = await post(path, '{"params":{"print_id":1},"id":4}')
    expect([answer.status, await answer.json()]).toEqual([
      200,
      { jsonrpc: '2.0', id: 4, result: true },
    ])
  },
)
