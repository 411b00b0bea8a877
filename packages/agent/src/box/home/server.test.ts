/** Who may do what at the page: with curl's eyes, on a real socket. */
import { request } from 'node:http'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { MemoryDisk } from '../../memory-disk.ts'
import { HandClock } from '../../test-bench.test-helper.ts'
import type { Box } from '../box.ts'
import { ConfigFile } from '../config.ts'
import { Busy } from '../jobs.ts'
import { hashPin, PinGuard } from '../pin.ts'
import { Actions } from './actions.ts'
import { Live } from './live.ts'
import { Home } from './server.ts'
import { Sessions } from './sessions.ts'
import type { BoxStatus, LayerView } from './status.ts'

const PIN = '135790'

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

let port: number
let clock: HandClock
let done: string[]
let config: ConfigFile

beforeEach(async () => {
  const memory = new MemoryDisk(() => {})
  await memory.disk.mkdir('/box', { recursive: true })
  config = new ConfigFile({ disk: memory.disk, folder: '/box' })
  await config.change({
    pin: await hashPin(PIN),
    server: { url: 'http://s', token: 't', key: 'k' },
  })
  clock = new HandClock()
  done = []
  const act = (what: string) => () => {
    if (done.includes('busy')) throw new Busy('The box is busy.')
    done.push(what)
    return { job: null, isJoined: false }
  }
  const box = {
    server: null,
    loadHandlers: act('load-handlers'),
    updateCode: act('update-code'),
    upgradeImage: act('upgrade-image'),
    rollBack: act('roll-back'),
    restart: act('restart'),
    checkNow: act('check-now'),
    setServer: async () => void done.push('server'),
    serverChanged: () => done.push('config'),
    emit: () => true,
  } as unknown as Box
  const now = () => new Date()
  const sessions = await Sessions.open({
    disk: memory.disk,
    folder: '/box',
    pin: () => config.current.pin,
    now,
  })
  const live = new Live(async () => STATUS)
  const home = new Home({
    actions: new Actions({ box, config, sessions, guard: new PinGuard(clock) }),
    live,
    names: ['till.shop.example'],
    status: async () => STATUS,
    log: () => [{ at: '2026-11-21T12:00:00Z', level: 'info', message: '<b>bold</b>' }],
  })
  port = await home.open('127.0.0.1', 0)
  onTestFinished(() => home.close())
})

function ask(
  method: string,
  path: string,
  { body = '', ...headers }: Record<string, string> = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, method, path, headers }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (piece) => {
        text += piece
      })
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
      )
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

const WITH_PIN = { 'x-box-pin': PIN, 'content-type': 'application/json' }
const FORM = { 'content-type': 'application/x-www-form-urlencoded' }

/** The cookie, and the token that the page's forms carry. */
async function signIn(): Promise<{ cookie: string; csrf: string }> {
  const answer = await ask('POST', '/api/sign-in', { ...FORM, body: `pin=${PIN}` })
  expect(answer.status).toBe(303)
  const [set = ''] = answer.headers['set-cookie'] ?? []
  expect(set).toMatch(/; Path=\/; HttpOnly; SameSite=Strict;/)
  const cookie = set.split(';')[0] ?? ''
  const page = await ask('GET', '/', { cookie })
  return { cookie, csrf: /name="csrf" value="([^"]+)"/.exec(page.text)?.[1] ?? '' }
}

const ACTIONS = [
  'load-handlers',
  'update-code',
  'upgrade-image',
  'roll-back',
  'restart',
  'check-now',
  'server/clear',
]

describe('a GET changes nothing', () => {
  test.each([...ACTIONS, 'server', 'name', 'pin', 'sign-in'])('of /api/%s', async (action) => {
    const { cookie } = await signIn()
    expect((await ask('GET', `/api/${action}`, { cookie })).status).toBe(404)
    expect(done).toEqual([])
  })

  test.each([
    '/load_iot_handlers',
    '/handlers_clear',
    '/hw_proxy/perform_upgrade',
    '/hw_posbox_homepage/restart_odoo_service',
    '/iot_drivers/restart_iotbox',
    '/server_clear',
  ])('of %s, which it does on other boxes', async (path) => {
    const { cookie } = await signIn()
    expect((await ask('GET', path, { cookie })).status).toBe(404)
    expect(done).toEqual([])
  })
})

describe('a POST', () => {
  test.each(ACTIONS)('of /api/%s needs the PIN', async (action) => {
    expect((await ask('POST', `/api/${action}`, FORM)).status).toBe(303)
    expect((await ask('POST', `/api/${action}`, { body: '{}' })).status).toBe(401)
    expect(done).toEqual([])
    const body = '{"layer":"code"}'
    expect((await ask('POST', `/api/${action}`, { ...WITH_PIN, body })).status).toBe(200)
    expect(done).toHaveLength(1)
  })

  test('with a session needs the token of its page as well', async () => {
    const { cookie, csrf } = await signIn()
    const press = (more: object) => ask('POST', '/api/load-handlers', { cookie, ...more })
    expect((await press({ body: '{}' })).status).toBe(403)
    expect((await press({ body: '{"csrf":"x"}' })).status).toBe(403)
    expect(done).toEqual([])
    expect((await press({ ...FORM, body: `csrf=${csrf}` })).status).toBe(303)
    expect((await press({ 'x-csrf-token': csrf })).status).toBe(200)
    expect(done).toHaveLength(2)
  })

  test.each([
    [{ origin: 'https://evil.example' }],
    [{ origin: 'null' }],
    [{ 'sec-fetch-site': 'cross-site' }],
    [{ 'sec-fetch-site': 'same-site' }],
  ])('that another site sends, %j, is turned away', async (foreign) => {
    const answer = await ask('POST', '/api/load-handlers', { ...WITH_PIN, ...foreign })
    expect([answer.status, done]).toEqual([403, []])
  })

  test('of the page itself is let in', async () => {
    const origin = `http://127.0.0.1:${port}`
    const own = { ...WITH_PIN, origin, 'sec-fetch-site': 'same-origin' }
    expect((await ask('POST', '/api/load-handlers', own)).status).toBe(200)
  })

  test('that is too much, no JSON, or for nothing is refused in words', async () => {
    const long = `{"name":"${'x'.repeat(300_000)}"}`
    expect((await ask('POST', '/api/name', { ...WITH_PIN, body: long })).status).toBe(413)
    expect((await ask('POST', '/api/name', { ...WITH_PIN, body: '[' })).status).toBe(400)
    expect((await ask('POST', '/api/constructor', WITH_PIN)).status).toBe(404)
    expect((await ask('DELETE', '/api/status')).status).toBe(405)
  })

  test('while something else is done is 409, with what', async () => {
    done.push('busy')
    const answer = await ask('POST', '/api/update-code', WITH_PIN)
    expect([answer.status, answer.text]).toEqual([409, '{"error":"The box is busy."}'])
  })

  test('of a configuration that is wrong says what is wrong', async () => {
    const answer = await ask('POST', '/api/config', { ...WITH_PIN, body: '{"format":"x"}' })
    expect([answer.status, done]).toEqual([422, []])
    expect(answer.text).toContain('It is no configuration of a box')
  })
})

describe('a name that leads here', () => {
  test.each(['evil.example', '127.0.0.1.evil.example', 'till.shop.example.evil', 'a@localhost'])(
    'but is not known, %j, is turned away, for reading too',
    async (host) => {
      expect((await ask('GET', '/api/status', { host })).status).toBe(403)
    },
  )

  test.each([
    'localhost',
    '192.168.1.9:8069',
    '[fe80::1]:8069',
    'till.shop.example',
    'TILL.shop.example:80',
  ])('%s is answered', async (host) => {
    expect((await ask('GET', '/api/status', { host })).status).toBe(200)
  })
})

describe('a wrong PIN', () => {
  const guess = (pin: string) => ask('POST', '/api/load-handlers', { 'x-box-pin': pin })

  test('is turned away, and after five nobody there may try for a minute, then for two', async () => {
    for (let n = 0; n < 5; n += 1) expect((await guess('000000')).status).toBe(401)
    const locked = await guess(PIN)
    expect([locked.status, locked.headers['retry-after']]).toEqual([429, '60'])
    clock.advance(60_000)
    for (let n = 0; n < 5; n += 1) expect((await guess('000000')).status).toBe(401)
    expect((await guess(PIN)).headers['retry-after']).toBe('120')
    clock.advance(120_000)
    expect((await guess(PIN)).status).toBe(200)
  })

  test('guessed many times at once is no more tries than one after the other', async () => {
    const answers = await Promise.all(Array.from({ length: 40 }, () => guess('000000')))
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(5)
  })

  test('is forgotten by the right one', async () => {
    for (let n = 0; n < 4; n += 1) await guess('000000')
    expect((await guess(PIN)).status).toBe(200)
    for (let n = 0; n < 4; n += 1) expect((await guess('000000')).status).toBe(401)
  })
})

test('another PIN ends all sessions', async () => {
  const { cookie } = await signIn()
  expect((await ask('GET', '/api/log', { cookie })).status).toBe(200)
  await ask('POST', '/api/pin', { ...WITH_PIN, body: '{"pin":"97531"}' })
  expect((await ask('GET', '/api/log', { cookie })).status).toBe(401)
})

test('logs and configuration need the PIN; secrets need it once more', async () => {
  for (const path of ['/api/log', '/api/config']) expect((await ask('GET', path)).status).toBe(401)
  const { cookie, csrf } = await signIn()
  expect((await ask('GET', '/logs', { cookie })).text).toContain('&lt;b&gt;bold&lt;/b&gt;')
  expect((await ask('GET', '/api/config', { cookie })).text).not.toContain('"token"')
  const secrets = (body: string) =>
    ask('POST', '/api/config/secrets', { ...FORM, cookie, accept: 'application/json', body })
  expect((await secrets(`csrf=${csrf}&pin=wrong`)).status).toBe(401)
  expect((await secrets(`csrf=${csrf}&pin=${PIN}`)).text).toContain('"token":"t"')
})

test('what other programs ask a box is answered, without a PIN', async () => {
  expect((await ask('GET', '/hw_proxy/hello')).text).toBe('ping')
  expect((await ask('GET', '/hw_proxy/get_version')).text).toBe('25.1.0')
  for (const prefix of ['hw_posbox_homepage', 'iot_drivers']) {
    expect(JSON.parse((await ask('GET', `/${prefix}/ping`)).text)).toEqual({
      status: 'success',
      message: 'pong',
    })
    expect(JSON.parse((await ask('GET', `/${prefix}/data`)).text)).toMatchObject({
      identifier: 'KASSA-1',
      server_status: '',
      version: '25.1.0',
    })
    expect(JSON.parse((await ask('GET', `/${prefix}/version_info`)).text)).toMatchObject({
      odooIsUpToDate: true,
      imageIsUpToDate: true,
    })
  }
  expect((await ask('GET', '/list_handlers')).headers.location).toBe('/#handlers')
})

test('the page says all without a script, allows none from elsewhere, and escapes what it shows', async () => {
  const { text, headers } = await ask('GET', '/')
  for (const word of [
    'Load handlers',
    'Look for an upgrade',
    '25.1.0',
    'scale.mjs',
    'Scale &lt;1&gt;',
  ])
    expect(text).toContain(word)
  expect(headers['content-security-policy']).toContain("default-src 'none'; script-src 'self'")
  expect(headers).not.toHaveProperty('access-control-allow-origin')
})

const layer = (change: Partial<LayerView>): LayerView =>
  ({
    active: null,
    previous: null,
    trial: null,
    history: [],
    refusal: null,
    details: null,
    channel: 'stable',
    updates: 'automatic',
    last: null,
    waiting: null,
    ...change,
  }) as LayerView

const STATUS: BoxStatus = {
  phase: 'running',
  start: 'start-1',
  version: '0.1.0',
  name: null,
  kind: 'physical',
  identity: { identifier: 'KASSA-1', serial: null, model: null },
  machine: {
    hostName: 'till',
    platform: 'linux',
    systemUpSeconds: 10,
    programUpSeconds: 5,
    freeBytes: 1,
  },
  network: [{ name: 'eth0', mac: '02:00:00:00:00:01', addresses: ['192.0.2.7'] }],
  networkNotes: '',
  server: null,
  contact: { state: 'none', at: null, because: null },
  series: null,
  held: null,
  job: null,
  latest: null,
  layers: {
    handlers: layer({
      details: {
        handlers: [
          { file: 'drivers/scale.mjs', state: 'running', devices: [{ name: 'Scale <1>' }] },
        ],
      },
    }),
    code: layer({}),
    image: layer({
      active: { id: 'i', title: 'image', version: '25.1.0', installedAt: '2026-11-21T12:00:00Z' },
    }),
  },
}
