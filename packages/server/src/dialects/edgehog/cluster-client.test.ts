import { afterEach, describe, expect, test } from 'vitest'
import { clusterTokens } from '../../credentials/cluster-tokens.ts'
import { ClusterError, clusterClient } from './cluster-client.ts'
import {
  detail,
  EDGEHOG,
  type FakeAnswer,
  type FakeAstarte,
  fakeAstarte,
} from './testing/fake-astarte.ts'

const ID = 'YWFhYWFhYWFhYWFhYWFhYQ'
const OTA_REQUEST = `${EDGEHOG}OTARequest`
const UPDATE = { operation: 'Update', url: 'http://files/1', uuid: 'u' }

let fake: FakeAstarte
let moved = 0

async function start(
  options: Parameters<typeof fakeAstarte>[0] = {},
  changes: { realm?: string; timeoutMs?: number } = {},
) {
  fake = await fakeAstarte(options)
  moved = 0
  const { realm = fake.realm, timeoutMs } = changes
  return clusterClient({
    access: { baseUrl: fake.url, realm, privateKey: fake.privateKey },
    sign: clusterTokens.sign,
    clock: { now: () => new Date(Date.now() + moved) },
    timeoutMs,
  })
}
afterEach(() => fake.close())

const failing = async (call: Promise<unknown>): Promise<ClusterError> => {
  const error = await call.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(ClusterError)
  return error as ClusterError
}
const send = (client: ReturnType<typeof clusterClient>) =>
  client.send({ deviceId: ID, interface: OTA_REQUEST, path: '/request', value: UPDATE })

describe('calls to a cluster', () => {
  test('tell how a device is', async () => {
    const client = await start()
    fake.addDevice(ID, { connected: true })
    expect(await client.status(ID)).toMatchObject({
      id: ID,
      connected: true,
      last_seen_ip: '192.0.2.7',
      introspection: { [OTA_REQUEST]: { major: 1, minor: 0 } },
    })
    expect(await client.status('AAAAAAAAAAAAAAAAAAAAAA')).toBeNull()
  })

  test('tell of all devices, page by page', async () => {
    const client = await start()
    for (let n = 0; n < 250; n += 1)
      fake.addDevice(`${String(n).padStart(4, '0')}AAAAAAAAAAAAAAAAAA`)
    const seen: string[] = []
    let from: string | undefined
    do {
      const page = await client.statuses(from)
      seen.push(...page.statuses.map(({ id }) => id))
      from = page.next
    } while (from !== undefined)
    expect(seen).toEqual([...fake.devices.keys()])
    expect(fake.asked('GET', '/devices?')).toHaveLength(3)
  })

  test('tell properties, nested by path', async () => {
    const client = await start()
    fake.addDevice(ID, { properties: { [`${EDGEHOG}BaseImage`]: { version: '1.0.0' } } })
    expect(await client.properties(ID, `${EDGEHOG}BaseImage`)).toEqual({ version: '1.0.0' })
    expect(await client.properties(ID, `${EDGEHOG}SystemInfo`)).toEqual({})
    expect(await client.properties(ID, `${EDGEHOG}Geolocation`)).toBeNull()
  })

  test('send what a device is asked, as the object of its path', async () => {
    const client = await start()
    fake.addDevice(ID, { connected: true })
    const heard: unknown[] = []
    fake.onMessage = (_, message) => heard.push(message)
    await send(client)
    expect(heard).toEqual([{ interface: OTA_REQUEST, path: '/request', data: UPDATE }])
    expect(fake.exchanges.at(-1)).toMatchObject({
      method: 'POST',
      path: `/appengine/devices/${ID}/interfaces/${OTA_REQUEST}/request`,
      body: { data: UPDATE },
    })
  })

  test('go well for a device that is away: a good answer is no delivery', async () => {
    const client = await start()
    fake.addDevice(ID)
    await expect(send(client)).resolves.toBeUndefined()
  })

  test('are signed anew before the token is over', async () => {
    const client = await start()
    fake.addDevice(ID)
    const tokens = new Set<string>()
    const seen = globalThis.fetch
    globalThis.fetch = (input, init) => {
      tokens.add(new Headers(init?.headers).get('authorization') ?? '')
      return seen(input, init)
    }
    try {
      await client.status(ID)
      await client.status(ID)
      expect(tokens.size).toBe(1)
      moved = 4 * 60_000
      await client.status(ID)
      expect(tokens.size).toBe(2)
    } finally {
      globalThis.fetch = seen
    }
  })

  /** What the cluster answers, and whose fault that is. */
  const REFUSALS: readonly [string, FakeAnswer, string, RegExp][] = [
    ['500', detail(500, 'Internal Server Error'), 'temporary', /500, Internal Server Error/],
    ['502 by a proxy', { status: 502, text: '<html>Bad Gateway</html>' }, 'temporary', /502$/],
    ['503', detail(503, 'Cannot push to device'), 'temporary', /Cannot push/],
    ['429', { status: 429 }, 'temporary', /429$/],
    ['401', detail(401, 'Unauthorized'), 'denied', /Unauthorized/],
    ['403', detail(403, 'Forbidden'), 'denied', /Forbidden/],
    ['404', detail(404, 'Interface not found in device introspection'), 'refused', /introspection/],
    ['405', detail(405, 'Cannot write to device owned resource'), 'refused', /device owned/],
    [
      '422',
      { status: 422, body: { errors: { value: ['is invalid'] } } },
      'refused',
      /value: \["is invalid"\]/,
    ],
    [
      'a redirect',
      { status: 302, headers: { location: 'http://127.0.0.1:1/' } },
      'denied',
      /it sends us elsewhere/,
    ],
    ['no JSON', { text: '<html>Welcome</html>' }, 'temporary', /no JSON/],
    ['JSON broken off', { text: '{"data":' }, 'temporary', /no JSON/],
    ['a body without end', { text: 'x'.repeat(5_000_000) }, 'temporary', /longer than/],
  ]
  test.each(REFUSALS)(
    'answered with %s fail, and say whose fault it is',
    async (_, answer, fault, said) => {
      const client = await start()
      fake.intercept = () => answer
      const error = await failing(send(client))
      expect(error.fault).toBe(fault)
      expect(error.message).toMatch(said)
      expect(error.message).not.toContain('Bearer')
      expect(error.message).not.toContain('PRIVATE')
    },
  )

  test('answered in another shape fail for the moment', async () => {
    const client = await start()
    fake.intercept = () => ({ body: { data: 'hello' } })
    expect((await failing(client.status(ID))).fault).toBe('temporary')
    expect((await failing(client.statuses(undefined))).fault).toBe('temporary')
  })

  test('that nobody answers in time are given up', async () => {
    const client = await start({}, { timeoutMs: 50 })
    fake.intercept = () => ({ never: true })
    const error = await failing(send(client))
    expect(error).toMatchObject({ fault: 'temporary', status: null })
    expect(error.message).toMatch(/no answer within 0.05 s/)
  })

  test('to nobody fail for the moment', async () => {
    const client = await start()
    await fake.close()
    const error = await failing(send(client))
    expect(error).toMatchObject({ fault: 'temporary', status: null })
    expect(error.message).toMatch(/ECONNREFUSED/)
    fake = await fakeAstarte()
  })

  test('with a key that is not the realm’s are denied', async () => {
    const client = await start()
    const other = await fakeAstarte()
    const stranger = clusterClient({
      access: { baseUrl: fake.url, realm: fake.realm, privateKey: other.privateKey },
      sign: clusterTokens.sign,
      clock: { now: () => new Date() },
    })
    await other.close()
    expect((await failing(stranger.version())).fault).toBe('denied')
    expect(await client.version()).toBe('1.3.0')
  })
})
