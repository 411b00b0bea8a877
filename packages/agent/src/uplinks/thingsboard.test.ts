import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Family, sharedAttributes } from '@updraft/wire/thingsboard'
import { expect, onTestFinished, test } from 'vitest'
import { bodyOf, type FakeServer, sha256, someBytes } from '../fake-server.test-helper.ts'
import { quickAgent } from '../test-bench.test-helper.ts'
import { thingsBoardUplink } from './thingsboard.ts'

const BYTES = someBytes(200_000)
const CHECKSUM = { checksumAlgorithm: 'SHA256', checksum: sha256(BYTES) }

/** A ThingsBoard as docs/dialects/thingsboard.md, "HTTP device API", describes it: no ranges, no operations. */
class FakeThingsBoard {
  shared: Record<string, unknown> = {}
  readonly telemetry: Record<string, unknown>[] = []
  readonly chunks: string[] = []
  cutAfterChunks = Number.POSITIVE_INFINITY
  /** Called while the device waits; without it the wait is over at once. */
  onWait: (() => void) | null = null
  url = ''

  static async start(): Promise<FakeThingsBoard> {
    const fake = new FakeThingsBoard()
    const server = createServer((request, response) => void fake.#answer(request, response))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    fake.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
    })
    return fake
  }

  mean(family: Family, version: string, more: object = {}): void {
    const release = {
      title: 'app',
      version,
      tag: null,
      sizeBytes: BYTES.length,
      url: null,
      ...CHECKSUM,
      ...more,
    }
    Object.assign(this.shared, sharedAttributes(family, release))
  }

  states(family: Family): unknown[] {
    return this.telemetry.map((values) => values[`${family}_state`]).filter(Boolean)
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.url)
    const body = await bodyOf(request)
    const [, token, what] = /^\/api\/v1\/([^/]+)\/(.*)$/.exec(url.pathname) ?? []
    if (token !== 'tb-token') return void response.writeHead(401).end()
    if (what === 'telemetry') this.telemetry.push(JSON.parse(body))
    if (request.method === 'POST') return void response.writeHead(200).end()
    if (what === 'attributes/updates') {
      this.onWait?.()
      return void response.writeHead(this.onWait ? 200 : 408).end()
    }
    if (what === 'attributes') {
      const keys = url.searchParams.get('sharedKeys')?.split(',') ?? []
      const shared = Object.fromEntries(
        Object.entries(this.shared).filter(([key]) => keys.includes(key)),
      )
      return void response.writeHead(200).end(JSON.stringify({ shared }))
    }
    const family = what === 'firmware' ? 'fw' : 'sw'
    if (url.searchParams.get('version') !== this.shared[`${family}_version`]) {
      return void response.writeHead(400).end()
    }
    const [size, chunk] = ['size', 'chunk'].map((name) => Number(url.searchParams.get(name)))
    this.chunks.push(`${chunk}`)
    if (this.chunks.length > this.cutAfterChunks) {
      this.cutAfterChunks = Number.POSITIVE_INFINITY
      return void request.socket.destroy()
    }
    const at = (size ?? 0) * (chunk ?? 0)
    response.writeHead(200).end(BYTES.subarray(at, at + (size ?? 0)))
  }
}

async function agentFor(fake: FakeThingsBoard, token = 'tb-token') {
  return await quickAgent({ url: fake.url } as FakeServer, {
    uplink: thingsBoardUplink({ server: fake.url, token: async () => token, chunkBytes: 65_536 }),
  })
}

test('an update goes the way ThingsBoard expects it, chunk by chunk', async () => {
  const fake = await FakeThingsBoard.start()
  fake.mean('fw', '1.1.0')
  const { agent, installed } = await agentFor(fake)
  expect(await agent.run({ once: true })).toEqual({ kind: 'idle', updated: 1 })
  expect(installed).toEqual([BYTES])
  expect(fake.chunks).toEqual(['0', '1', '2', '3'])
  expect(fake.states('fw')).toEqual([
    'DOWNLOADING',
    'DOWNLOADED',
    'VERIFIED',
    'UPDATING',
    'UPDATED',
  ])
  expect(fake.telemetry[0]).toEqual({ current_fw_title: 'app', current_fw_version: '1.0.0' })
  expect(fake.telemetry.find(({ fw_state }) => fw_state === 'UPDATED')).toEqual({
    current_fw_title: 'app',
    current_fw_version: '1.1.0',
    fw_state: 'UPDATED',
    fw_error: '',
  })
})

test('a download that is cut off goes on with the chunk it was at', async () => {
  const fake = await FakeThingsBoard.start()
  fake.mean('fw', '1.1.0')
  fake.cutAfterChunks = 2
  const { agent, installed } = await agentFor(fake)
  expect(await agent.run({ once: true })).toEqual({ kind: 'idle', updated: 1 })
  expect(installed).toEqual([BYTES])
  expect(fake.chunks).toEqual(['0', '1', '2', '2', '3'])
})

test('software has its own keys and its own path', async () => {
  const fake = await FakeThingsBoard.start()
  fake.mean('sw', '7')
  const { agent } = await agentFor(fake)
  expect(await agent.run({ once: true })).toEqual({ kind: 'idle', updated: 1 })
  expect(fake.states('sw').at(-1)).toBe('UPDATED')
  expect(fake.telemetry.at(-1)).toMatchObject({ current_sw_title: 'app', current_sw_version: '7' })
})

test.each([
  ['MD5', 'e46fd2e2ad0b0d6d4f2a6b8e0d1a3c55', /wrong MD5/],
  ['MURMUR3_32', '82f3feb4', /wrong MURMUR3_32/],
  ['XXH64', '82f3feb4', /cannot check XXH64: this agent knows MD5, SHA256/],
])(
  'a %s that does not hold, or cannot be checked, ends as FAILED with fw_error',
  async (checksumAlgorithm, checksum, error) => {
    const fake = await FakeThingsBoard.start()
    fake.mean('fw', '1.1.0', { checksumAlgorithm, checksum })
    const { agent, installed } = await agentFor(fake)
    expect((await agent.run({ once: true })).kind).toBe('failed')
    expect(installed).toEqual([])
    expect(fake.telemetry.at(-1)).toMatchObject({
      fw_state: 'FAILED',
      fw_error: expect.stringMatching(error),
    })
  },
)

test('what has failed is not taken again at once, though the attributes still name it', async () => {
  const fake = await FakeThingsBoard.start()
  fake.mean('fw', '1.1.0', { checksumAlgorithm: 'XXH64', checksum: '00' })
  const { agent } = await agentFor(fake)
  await agent.run({ once: true })
  const told = fake.states('fw').length
  expect(await agent.run({ once: true })).toEqual({ kind: 'idle', updated: 0 })
  expect(fake.states('fw').length).toBe(told)
})

test('a refused token is told apart and never shows in a message', async () => {
  const fake = await FakeThingsBoard.start()
  const { agent } = await agentFor(fake, 'a-wrong-secret')
  const reasons: string[] = []
  agent.on('waiting', ({ because }) => reasons.push(because))
  const end = await agent.run({ once: true })
  expect(end).toEqual({ kind: 'failed', error: 'The server answers 401.' })
  expect(reasons.join()).not.toContain('secret')
})

test('a check-in waits for a change of the attributes, and reads them after it', async () => {
  const fake = await FakeThingsBoard.start()
  fake.onWait = () => fake.mean('fw', '1.1.0')
  const uplink = thingsBoardUplink({ server: fake.url, token: async () => 'tb-token' })
  const signal = new AbortController().signal
  const about = { installed: {}, facts: {}, waitSeconds: 30, signal }
  expect(await uplink.checkIn(about)).toMatchObject({
    offers: [{ version: '1.1.0' }],
    wasHeld: true,
  })
})

test('a server that does not hold the request is not asked again at once', async () => {
  const fake = await FakeThingsBoard.start()
  const uplink = thingsBoardUplink({ server: fake.url, token: async () => 'tb-token' })
  const signal = new AbortController().signal
  const about = { installed: {}, facts: {}, waitSeconds: 30, signal }
  expect(await uplink.checkIn(about)).toEqual({
    offers: [],
    nextCheckInSeconds: null,
    wasHeld: false,
  })
})
