/** What the server takes back, and what it tells no version of. */
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { quickAgent, temporaryFolder } from './test-bench.test-helper.ts'
import { Away } from './trouble.ts'
import type { Offer, OutgoingReport, Uplink } from './uplink.ts'

const BYTES = Buffer.alloc(20_000, 'firmware')
const OFFER: Offer = {
  operation: 'op-1',
  type: 'firmware',
  title: 'app',
  version: null,
  sizeBytes: null,
  checksum: null,
  address: null,
  isStanding: false,
}

/** A server with one offer, which it may take back. */
class Server {
  readonly told: (OutgoingReport | 'restarting')[] = []
  readonly takenBack = new AbortController()
  /** Called with the bytes that have been sent. */
  onBytes = (_bytes: number) => {}
  isReachable = true

  readonly uplink: Uplink = {
    name: 'in memory',
    checkIn: async () => ({
      offers: this.end ? [] : [OFFER],
      nextCheckInSeconds: null,
      wasHeld: false,
    }),
    report: async (_, report) => {
      if (!this.isReachable) throw new Away('Nobody is there.', { kind: 'network' })
      this.told.push(report)
      return 'taken'
    },
    restarting: async () => {
      this.told.push('restarting')
    },
    takenBack: () => this.takenBack.signal,
    fetch: async (_, { byte }) => ({
      from: byte,
      totalBytes: BYTES.length,
      etag: null,
      pieces: this.#pieces(byte),
    }),
  }

  get states(): string[] {
    return this.told.map((told) => (told === 'restarting' ? told : told.state))
  }

  get end(): OutgoingReport | undefined {
    const ends = this.told.filter((told) => told !== 'restarting')
    return ends.find(({ state }) => state === 'UPDATED' || state === 'FAILED')
  }

  async *#pieces(from: number): AsyncGenerator<Buffer> {
    for (let at = from; at < BYTES.length; at += 5_000) {
      this.onBytes(at)
      yield BYTES.subarray(at, at + 5_000)
    }
  }
}

async function agentOf(server: Server, options: Parameters<typeof quickAgent>[1] = {}) {
  return await quickAgent(
    { url: '' },
    { uplink: server.uplink, isUncheckedAllowed: true, ...options },
  )
}

test('an update that is taken back before its install has failed, and the server hears so', async () => {
  const server = new Server()
  server.onBytes = (bytes) => bytes >= 10_000 && server.takenBack.abort()
  const { agent, installed } = await agentOf(server)
  expect(await agent.run({ once: true })).toMatchObject({ kind: 'failed' })
  expect(server.end).toMatchObject({ state: 'FAILED', failure: 'canceled' })
  expect(installed).toEqual([])
})

test('that it was taken back is told also by a later life of the agent', async () => {
  const server = new Server()
  server.onBytes = () => server.takenBack.abort()
  const stateFolder = await temporaryFolder()
  server.isReachable = false
  const first = await agentOf(server, { stateFolder })
  expect(await first.agent.run({ once: true })).toMatchObject({ kind: 'failed' })
  server.isReachable = true
  await (await agentOf(server, { stateFolder })).agent.run({ once: true })
  expect(server.told).toEqual([expect.objectContaining({ state: 'FAILED', failure: 'canceled' })])
})

test('what is being installed is not taken back any more', async () => {
  const server = new Server()
  const { agent } = await agentOf(server, {
    installers: {
      firmware: {
        install: async () => {
          server.takenBack.abort()
          return { kind: 'done' }
        },
      },
    },
  })
  expect(await agent.run({ once: true })).toEqual({ kind: 'idle', updated: 1 })
  expect(server.end).toMatchObject({ state: 'UPDATED' })
})

test('of a version that nobody told, the new program is asked once it runs', async () => {
  const server = new Server()
  let runs = '1.0.0'
  const { agent } = await agentOf(server, {
    askInstalled: async () => ({ firmware: { title: null, version: runs } }),
    installers: {
      firmware: {
        install: async ({ release }) => {
          expect(release.version).toBeNull()
          runs = '1.1.0'
          return { kind: 'done' }
        },
      },
    },
  })
  await agent.run({ once: true })
  expect(server.end).toMatchObject({
    state: 'UPDATED',
    installed: { title: 'app', version: '1.1.0' },
  })
})

test.each([
  ['1.1.0', { state: 'UPDATED', installed: { title: 'app', version: '1.1.0' } }],
  ['1.0.0', { state: 'FAILED', failure: 'rolled-back' }],
])('when version %s runs after the restart, the server hears so', async (after, end) => {
  const server = new Server()
  let runs = '1.0.0'
  const askInstalled = async () => ({ firmware: { title: null, version: runs } })
  const stateFolder = await temporaryFolder()
  const installers = { firmware: { install: async () => ({ kind: 'exit' as const }) } }
  const first = await agentOf(server, { stateFolder, askInstalled, installers })
  expect(await first.agent.run({ once: true })).toEqual({ kind: 'exit' })
  expect(server.states.at(-1)).toBe('restarting')
  runs = after
  await (await agentOf(server, { stateFolder, askInstalled, installers })).agent.run({ once: true })
  expect(server.end).toMatchObject(end)
})

test('it does not wait out its patience with the server once that has taken the update back', async () => {
  const server = new Server()
  const { agent } = await agentOf(server, {
    clock: { nowMs: () => 0, wait: untilAborted },
    uplink: {
      ...server.uplink,
      fetch: async () => {
        throw new Away('The file cannot be fetched.', { kind: 'busy' })
      },
    },
  })
  agent.on('waiting', ({ because }) => {
    if (because === 'The file cannot be fetched.') server.takenBack.abort()
  })
  const ended = once(agent, 'ended')
  const running = agent.run()
  expect((await ended)[0]).toMatchObject({ state: 'FAILED' })
  agent.stop()
  await running
})

/** Time does not pass. */
const untilAborted = (_ms: number, signal?: AbortSignal) =>
  new Promise<void>((resolve) => {
    if (signal?.aborted) return resolve()
    signal?.addEventListener('abort', () => resolve())
  })
