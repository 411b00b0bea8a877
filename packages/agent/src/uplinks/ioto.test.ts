import { once } from 'node:events'
import { PATHS } from '@updraft/wire/ioto'
import { describe, expect, test } from 'vitest'
import type { AgentOptions } from '../create-agent.ts'
import { HurriedClock, quickAgent } from '../test-bench.test-helper.ts'
import { answer, BYTES, FakeIoto, IMAGE_PATH, PRODUCT, TOKEN } from './fake-ioto.test-helper.ts'
import { type IotoOptions, iotoUplink } from './ioto.ts'
import type { IotoClient } from './ioto-clients.ts'

const UPDATERS = ['updater-c', 'updater-node', 'updater-shell'] as const
const FACTS = { model: 'M', ports: 16, beta: true, loc: { room: 'x' } }

/** An agent that runs 1.0.0; an Updater knows the cloud's token. */
async function device(
  fake: FakeIoto,
  client: IotoClient | undefined,
  more: Partial<IotoOptions> = {},
  options: Partial<AgentOptions> = {},
) {
  const isUpdater = client !== undefined && UPDATERS.some((name) => name === client)
  const clock = new HurriedClock()
  const uplink = iotoUplink({
    server: isUpdater ? fake.url : `${fake.url}/api`,
    client,
    id: 'DEV1',
    product: PRODUCT,
    clock,
    ...(isUpdater ? { token: async () => TOKEN } : {}),
    ...more,
  })
  const facts = async () => FACTS
  return { ...(await quickAgent(fake, { uplink, facts, clock, ...options })), clock }
}

const ONCE = { once: true }
const host = (fake: FakeIoto) => new URL(fake.url).host

describe('the agent', () => {
  test('says byte for byte what the real one says', async () => {
    const fake = await FakeIoto.start()
    fake.mean('1.1.0')
    const { agent, installed } = await device(fake, 'agent')
    expect(await agent.run(ONCE)).toEqual({ kind: 'idle', updated: 1 })
    expect(installed).toEqual([BYTES])
    const body =
      '{"id":"DEV1","product":"PROD1","model":"M","ports":16,"beta":true,"loc":{"room":"x"},"version":"1.0.0","iotoVersion":"3.0.0"}'
    const post = (path: string, token: string, text: string) =>
      `POST ${path} HTTP/1.1\r\nAuthorization: bearer ${token}\r\nContent-Type: application/json\r\nHost: ${host(fake)}\r\nContent-Length: ${text.length}\r\n\r\n${text}`
    expect(fake.asked.map(({ text }) => text)).toEqual([
      post(
        '/api/device/register',
        PRODUCT,
        '{"id":"DEV1","product":"PROD1","model":"M","ports":16,"beta":true,"loc":{"room":"x"},"created":"1970-01-01T00:00:00.000Z"}',
      ),
      post('/cloud/tok/provision/update', TOKEN, body),
      `GET ${IMAGE_PATH} HTTP/1.1\r\nHost: ${host(fake)}\r\n\r\n`,
      post('/cloud/tok/provision/update', TOKEN, body.replace('1.0.0', '1.1.0')),
    ])
  })

  test('waits to be claimed, asking a little later each time', async () => {
    const fake = await FakeIoto.start()
    fake.unclaimedFor = 5
    const { agent, clock } = await device(fake, 'agent')
    expect(await agent.run(ONCE)).toEqual({ kind: 'idle', updated: 0 })
    expect(fake.to(PATHS.register)).toHaveLength(6)
    expect(clock.waits).toEqual([1250, 1500, 1750, 2000])
  })

  test('fetches certificates where the stock configuration has it so, and is parked if it is told', async () => {
    const fake = await FakeIoto.start()
    fake.instead[PATHS.provision] = [answer('{"error":"later","delay":30}')]
    const { agent, clock } = await device(fake, 'agent', { provisions: true })
    await agent.run(ONCE)
    expect(fake.to(PATHS.provision).map(({ body }) => body)).toEqual([
      '{"id":"DEV1"}',
      '{"id":"DEV1"}',
    ])
    expect(clock.waits).toEqual([30_000])
    expect(fake.to(PATHS.check)).toHaveLength(1)
  })

  test('with api and token of its own does not register', async () => {
    const fake = await FakeIoto.start()
    const { agent } = await device(fake, 'agent', { token: async () => 'mine' })
    await agent.run(ONCE)
    expect(fake.asked.map(({ path, headers }) => [path, headers.Authorization])).toEqual([
      ['/api/tok/provision/update', 'bearer mine'],
    ])
  })

  test.each(['Authentication failed', 'Cannot find device'])(
    'registers anew at once when it is told: %s',
    async (text) => {
      const fake = await FakeIoto.start()
      fake.mean('1.1.0')
      fake.instead[PATHS.check] = [answer(text, 'HTTP/1.1 403 Forbidden')]
      const { agent } = await device(fake, 'agent')
      expect(await agent.run(ONCE)).toEqual({ kind: 'idle', updated: 0 })
      // The next check comes a period later.
      expect(fake.asked.map(({ path }) => path)).toEqual([
        '/api/device/register',
        '/cloud/tok/provision/update',
        '/api/device/register',
      ])
    },
  )

  test.each([
    ['another text', answer('Authentication failed\n', 'HTTP/1.1 403 Forbidden')],
    ['a 503', answer('{}', 'HTTP/1.1 503 Service Unavailable')],
    ['no JSON', answer('hello')],
  ])('pays for %s with a period', async (_, bytes) => {
    const fake = await FakeIoto.start()
    fake.instead[PATHS.check] = [bytes]
    const { agent, clock } = await device(fake, 'agent', { periodSeconds: 86_400 })
    const running = agent.run()
    await once(agent, 'check-in')
    agent.stop()
    await running
    expect(fake.to(PATHS.register)).toHaveLength(1)
    expect(Math.max(...clock.waits.slice(0, 2))).toBeGreaterThanOrEqual(86_400_000)
  })

  test('follows no redirect of an image', async () => {
    const fake = await FakeIoto.start()
    fake.mean('1.1.0')
    fake.instead[IMAGE_PATH] = [
      answer('', 'HTTP/1.1 302 Found', [`Location: ${fake.url}${IMAGE_PATH}`]),
    ]
    const { agent, installed } = await device(fake, 'agent')
    const ran = agent.run()
    await once(agent, 'waiting')
    agent.stop()
    await ran
    expect(installed).toEqual([])
    expect(fake.to(IMAGE_PATH)).toHaveLength(1)
  })

  test('takes a checksum in capital letters for another, and does not fetch twice', async () => {
    const fake = await FakeIoto.start()
    fake.mean('1.1.0')
    const { offer } = fake
    fake.mean('1.1.0', { checksum: offer?.checksum.toUpperCase() })
    const { agent, installed } = await device(fake, 'agent')
    const ran = agent.run()
    await once(agent, 'waiting')
    agent.stop()
    await ran
    expect(installed).toEqual([])
    expect(fake.to(IMAGE_PATH)).toHaveLength(1)
  })

  test('installs what has failed again, a period later', async () => {
    const fake = await FakeIoto.start()
    fake.mean('1.1.0')
    let installs = 0
    const install = async () =>
      ++installs < 3 ? ({ kind: 'failed', error: 'no room' } as const) : ({ kind: 'done' } as const)
    const options = { installers: { firmware: { install } }, intervalSeconds: 600 }
    const { agent } = await device(fake, 'agent', {}, options)
    const running = agent.run()
    await new Promise<void>((resolve) => agent.on('ended', () => installs === 3 && resolve()))
    agent.stop()
    await running
    expect(fake.to(IMAGE_PATH)).toHaveLength(3)
    expect(fake.to(PATHS.register)).toHaveLength(1)
  })

  test('reads chunks', async () => {
    const fake = await FakeIoto.start()
    fake.instead[PATHS.check] = [
      Buffer.from(
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n',
      ),
    ]
    const { agent } = await device(fake, 'agent')
    expect(await agent.run(ONCE)).toEqual({ kind: 'idle', updated: 0 })
  })

  test('that is told to reports how it went', async () => {
    const fake = await FakeIoto.start()
    fake.mean('1.1.0')
    const { agent } = await device(fake, 'agent', { reports: true })
    await agent.run(ONCE)
    expect(fake.to(PATHS.report).map(({ body }) => body)).toEqual([
      '{"success":true,"id":"DEV1","update":"up-1.1.0"}',
    ])
  })
})

describe('the Updater in C', () => {
  test('says byte for byte what the real one says', async () => {
    const fake = await FakeIoto.start()
    fake.mean('1.1.0')
    const { agent, installed } = await device(fake, 'updater-c')
    await agent.run(ONCE)
    expect(installed).toEqual([BYTES])
    const body =
      '{"id":"DEV1","product":"PROD1","version":"1.0.0","model":"M","ports":"16","beta":"true"}'
    const post = (path: string, text: string) =>
      `POST ${path} HTTP/1.1\r\nHost: ${host(fake)}\r\nContent-Length: ${text.length}\r\nContent-Type: application/json\r\nAuthorization: ${TOKEN}\r\n\r\n${text}`
    expect(fake.asked.slice(0, 3).map(({ text }) => text)).toEqual([
      post(PATHS.check, body),
      `GET ${IMAGE_PATH} HTTP/1.1\r\nHost: ${host(fake)}\r\nContent-Length: 0\r\nAccept: */*\r\n\r\n`,
      post(PATHS.report, '{"success":true,"id":"DEV1","update":"up-1.1.0"}'),
    ])
  })

  const offer = (more = '') =>
    `{"url":"http://127.0.0.1:1/a","checksum":"c","update":"u","version":"9"${more}}`

  test.each([
    [
      'a header in small letters',
      `HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}`,
      'missing Content-Length',
    ],
    [
      'chunks',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n',
      'missing Content-Length',
    ],
    [
      'a 204',
      'HTTP/1.1 204 No Content\r\nContent-Length: 0\r\nConnection: close\r\n\r\n',
      'The server answers 204',
    ],
    ['no address', answer('{"url":null}'), 'insecure URL'],
    ['a blank after the colon', answer(offer().replaceAll(':"', ': "')), 'insecure URL'],
    ['escapes', answer(offer().replaceAll('/', '\\/')), 'insecure URL'],
    ['a long head', answer('{}', undefined, [`X: ${'x'.repeat(4096)}`]), 'too long a head'],
    [
      'a missing version',
      answer('{"url":"http://a/b","checksum":"c","update":"u"}'),
      'no answer to a check',
    ],
  ])('stumbles over %s', async (_, bytes, because) => {
    const fake = await FakeIoto.start()
    fake.instead[PATHS.check] = [Buffer.from(bytes)]
    const { agent } = await device(fake, 'updater-c')
    const running = agent.run()
    const [wait] = await once(agent, 'waiting')
    agent.stop()
    await running
    expect(wait).toMatchObject({ because: expect.stringContaining(because) })
  })

  test.each(['{}', '{"message":"nothing for you"}'])('takes %s for nothing', async (text) => {
    const fake = await FakeIoto.start()
    fake.instead[PATHS.check] = [answer(text)]
    const { agent } = await device(fake, 'updater-c')
    expect(await agent.run(ONCE)).toEqual({ kind: 'idle', updated: 0 })
  })

  test('reports a script that failed, but not a file that was wrong', async () => {
    const fake = await FakeIoto.start()
    fake.mean('1.1.0', { checksum: 'ab'.repeat(32) })
    const wrong = await device(fake, 'updater-c')
    const running = wrong.agent.run()
    await once(wrong.agent, 'waiting')
    wrong.agent.stop()
    await running
    expect(fake.to(PATHS.report)).toEqual([])
    fake.mean('1.1.0')
    const failing = { install: async () => ({ kind: 'failed', error: 'no room' }) as const }
    const { agent } = await device(fake, 'updater-c', {}, { installers: { firmware: failing } })
    expect((await agent.run(ONCE)).kind).toBe('failed')
    expect(fake.to(PATHS.report).map(({ body }) => body)).toEqual([
      '{"success":false,"id":"DEV1","update":"up-1.1.0"}',
    ])
  })
})

test.each(['updater-node', 'updater-shell'] as const)(
  '%s is updated and says so',
  async (client) => {
    const fake = await FakeIoto.start()
    fake.mean('1.1.0')
    const { agent, installed } = await device(fake, client)
    expect(await agent.run(ONCE)).toEqual({ kind: 'idle', updated: 1 })
    expect(installed).toEqual([BYTES])
    expect(fake.to(PATHS.report)).toHaveLength(1)
    const { headers } = fake.to(PATHS.check)[0] ?? {}
    expect(headers?.authorization ?? headers?.Authorization).toBe(TOKEN)
  },
)

describe('our own agent', () => {
  test('goes on where a download broke off, and tells how it went', async () => {
    const fake = await FakeIoto.start()
    fake.mean('1.1.0')
    const half = answer(BYTES, undefined, ['ETag: "a"']).subarray(0, 60_000)
    const rest = (from: number) =>
      answer(BYTES.subarray(from), 'HTTP/1.1 206 Partial Content', [
        `Content-Range: bytes ${from}-${BYTES.length - 1}/${BYTES.length}`,
      ])
    fake.instead[IMAGE_PATH] = [half]
    fake.onAsked = ({ path, headers }) => {
      const [, from] = /^bytes=(\d+)-$/.exec(headers.range ?? '') ?? []
      if (path === IMAGE_PATH && from) fake.instead[IMAGE_PATH] = [rest(Number(from))]
    }
    const { agent, installed } = await device(fake, undefined)
    expect(await agent.run(ONCE)).toEqual({ kind: 'idle', updated: 1 })
    expect(installed).toEqual([BYTES])
    expect(fake.to(IMAGE_PATH).map(({ headers }) => headers.range)).toEqual([
      undefined,
      expect.stringMatching(/^bytes=[1-9]/),
    ])
    expect(fake.to(PATHS.report).map(({ body }) => body)).toEqual([
      '{"success":true,"id":"DEV1","update":"up-1.1.0"}',
    ])
  })

  test('enrols anew and asks again at once when its token is gone', async () => {
    const fake = await FakeIoto.start()
    fake.mean('1.1.0')
    fake.instead[PATHS.check] = [answer('Authentication failed', 'HTTP/1.1 403 Forbidden')]
    const { agent } = await device(fake, undefined)
    expect(await agent.run(ONCE)).toEqual({ kind: 'idle', updated: 1 })
    expect(fake.to(PATHS.register)).toHaveLength(2)
  })

  test('keeps what the registration said', async () => {
    const fake = await FakeIoto.start()
    const kept: unknown[] = []
    const onPlace = async (answer: unknown) => void kept.push(answer)
    const { agent } = await device(fake, undefined, { onPlace })
    await agent.run(ONCE)
    expect(kept).toEqual([
      expect.objectContaining({
        registered: true,
        id: 'DEV1',
        token: TOKEN,
        api: `${fake.url}/cloud`,
      }),
    ])
  })
})
