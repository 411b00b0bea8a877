import { describe, expect, test } from 'vitest'
import type { FakeServer } from '../fake-server.test-helper.ts'
import { quickAgent, tenfoldClock } from '../test-bench.test-helper.ts'
import { BYTES, type FakeThingsBoard, TOKEN } from './fake-thingsboard.test-helper.ts'
import { FakeCoap } from './fake-thingsboard-coap.test-helper.ts'
import { FakeHttp } from './fake-thingsboard-http.test-helper.ts'
import { FakeMqtt } from './fake-thingsboard-mqtt.test-helper.ts'
import { thingsBoardUplink } from './thingsboard.ts'

async function agentFor(fake: FakeThingsBoard, token = TOKEN) {
  return await quickAgent({ url: fake.url } as FakeServer, {
    uplink: thingsBoardUplink({
      server: fake.url,
      token: async () => token,
      chunkBytes: 65_536,
      answerTimeoutMs: 600_000,
      clock: tenfoldClock,
    }),
  })
}

describe.each([
  {
    over: 'HTTP',
    start: (): Promise<FakeThingsBoard> => FakeHttp.start(),
    chunks: 4,
    refusal: 'The server answers 401.',
  },
  {
    over: 'MQTT',
    start: (): Promise<FakeThingsBoard> => FakeMqtt.start(),
    chunks: 4,
    refusal: 'The server does not let us in: it does not know this token (MQTT 0x86).',
  },
  {
    over: 'CoAP',
    start: (): Promise<FakeThingsBoard> => FakeCoap.start(),
    chunks: 196,
    refusal: 'The server answers 4.01.',
  },
])('over $over', ({ start, chunks, refusal }) => {
  const all = Array.from({ length: chunks }, (_, index) => index)

  test('an update goes the way ThingsBoard expects it, chunk by chunk', async () => {
    const fake = await start()
    fake.mean('fw', '1.1.0')
    const { agent, installed } = await agentFor(fake)
    expect(await agent.run({ once: true })).toEqual({ kind: 'idle', updated: 1 })
    expect(installed).toEqual([BYTES])
    expect(fake.chunks).toEqual(all)
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
    const fake = await start()
    fake.mean('fw', '1.1.0')
    fake.cutAfterChunks = 2
    const { agent, installed } = await agentFor(fake)
    expect(await agent.run({ once: true })).toEqual({ kind: 'idle', updated: 1 })
    expect(installed).toEqual([BYTES])
    expect(fake.chunks).toEqual([0, 1, 2, 2, ...all.slice(3)])
  })

  test('software has its own keys and its own path', async () => {
    const fake = await start()
    fake.mean('sw', '7')
    const { agent } = await agentFor(fake)
    expect(await agent.run({ once: true })).toEqual({ kind: 'idle', updated: 1 })
    expect(fake.states('sw').at(-1)).toBe('UPDATED')
    expect(fake.telemetry.at(-1)).toMatchObject({
      current_sw_title: 'app',
      current_sw_version: '7',
    })
  })

  test('a refused token is told apart and never shows in a message', async () => {
    const fake = await start()
    const { agent } = await agentFor(fake, 'a-wrong-secret')
    const reasons: string[] = []
    agent.on('waiting', ({ because }) => reasons.push(because))
    expect(await agent.run({ once: true })).toEqual({ kind: 'failed', error: refusal })
    expect(reasons.join()).not.toContain('secret')
  })

  test('what the device knows of itself is told once, however long it is', async () => {
    const fake = await start()
    const facts = { room: 'roof', serial: '7'.repeat(3000) }
    const uplink = thingsBoardUplink({ server: fake.url, token: async () => TOKEN })
    const signal = new AbortController().signal
    const about = { installed: {}, facts, waitSeconds: 0, signal }
    await uplink.checkIn(about)
    await uplink.checkIn(about)
    await uplink.hangUp?.()
    expect(fake.attributes).toEqual([facts])
  })
})

test.each([
  ['MD5', 'e46fd2e2ad0b0d6d4f2a6b8e0d1a3c55', /wrong MD5/],
  ['MURMUR3_32', '82f3feb4', /wrong MURMUR3_32/],
  ['XXH64', '82f3feb4', /cannot check XXH64: this agent knows MD5, SHA256/],
])(
  'a %s that does not hold, or cannot be checked, ends as FAILED with fw_error',
  async (checksumAlgorithm, checksum, error) => {
    const fake = await FakeHttp.start()
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
  const fake = await FakeHttp.start()
  fake.mean('fw', '1.1.0', { checksumAlgorithm: 'XXH64', checksum: '00' })
  const { agent } = await agentFor(fake)
  await agent.run({ once: true })
  const told = fake.states('fw').length
  expect(await agent.run({ once: true })).toEqual({ kind: 'idle', updated: 0 })
  expect(fake.states('fw').length).toBe(told)
})

test('an address that no line goes to is an error of whoever wrote it', () => {
  const options = { server: 'coaps://things.example', token: async () => TOKEN }
  expect(() => thingsBoardUplink(options)).toThrow('ThingsBoard is not spoken over coaps:')
})
