import { once } from 'node:events'
import * as promises from 'node:fs/promises'
import { mkdir, open, readFile, stat, statfs, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type Download, download } from './download.ts'
import { someBytes } from './fake-server.test-helper.ts'
import {
  HurriedClock,
  OLD,
  quickAgent,
  startServer,
  temporaryFolder,
} from './test-bench.test-helper.ts'
import { fetchByRange } from './uplinks/by-range.ts'
import { Throttle } from './waits.ts'

test('a connection cut again and again is resumed where it was, and every byte comes once', async () => {
  const server = await startServer()
  const { bytes } = server.offer({ bytes: someBytes(500_000) })
  server.faults.cutAfter = [100_000, 150_000, 0, 100_000]
  const { agent, installed } = await quickAgent(server)
  expect(await agent.run({ once: true })).toEqual({ kind: 'idle', updated: 1 })
  expect(installed).toEqual([bytes])
  const starts = server.ranges.map((range) => Number(/^bytes=(\d+)-/.exec(range ?? '')?.[1] ?? 0))
  expect(starts).toEqual([...starts].sort((a, b) => a - b))
  expect(starts.length).toBe(5)
  expect(starts.at(-1)).toBe(350_000)
})

test('a transfer without a byte for the stall time is broken off and resumed', async () => {
  const server = await startServer()
  const { bytes } = server.offer({ bytes: someBytes(200_000) })
  server.faults.stallAfter = [80_000]
  const { agent, installed } = await quickAgent(server, { stallSeconds: 0.2 })
  const reasons: string[] = []
  agent.on('waiting', ({ because }) => reasons.push(because))
  expect(await agent.run({ once: true })).toEqual({ kind: 'idle', updated: 1 })
  expect(installed).toEqual([bytes])
  expect(reasons).toContain('The transfer broke off: no byte for 0.2 seconds.')
  expect(server.ranges[1]).toMatch(/^bytes=[1-9]/)
})

test('a wrong SHA-256 is fetched anew once, and the second time it is right', async () => {
  const server = await startServer()
  const { bytes } = server.offer()
  server.faults.spoil = 1
  const { agent, installed } = await quickAgent(server)
  expect(await agent.run({ once: true })).toEqual({ kind: 'idle', updated: 1 })
  expect(installed).toEqual([bytes])
  expect(server.ranges.length).toBe(2)
})

test.each([
  ['a wrong SHA-256', { sha256: '0'.repeat(64) }, /wrong SHA256: .*, twice/],
  [
    'a file longer than announced',
    { size: 99_999 },
    /wrong length: the server sends 100000 bytes, 99999/,
  ],
  [
    'a file shorter than announced',
    { size: 100_001 },
    /wrong length: the server sends 100000 bytes, 100001/,
  ],
])('%s, twice, is a failure, and nothing is installed', async (_, lie, error) => {
  const server = await startServer()
  server.offer(lie)
  const { agent, installed } = await quickAgent(server)
  expect((await agent.run({ once: true })).kind).toBe('failed')
  expect(installed).toEqual([])
  expect(server.error()).toMatch(error)
  expect(server.ranges.length).toBe(2)
})

test('a checksum this agent cannot check is refused before a byte is fetched', async () => {
  const server = await startServer()
  server.offer({ sha256: undefined, checksum: { algorithm: 'XXH64', value: '00' } })
  const { agent } = await quickAgent(server)
  await agent.run({ once: true })
  expect(server.error()).toContain('cannot check XXH64')
  expect(server.ranges).toEqual([])
})

test('without space for the file and the reserve the update fails and says how much is missing', async () => {
  const server = await startServer()
  server.offer({ bytes: someBytes(1_048_576) })
  const disk = {
    ...promises,
    statfs: (async (path: string) => ({
      ...(await statfs(path)),
      bavail: 3,
      bsize: 1_048_576,
    })) as never,
  }
  const { agent } = await quickAgent(server, { disk, reserveBytes: 2.5 * 1_048_576 })
  await agent.run({ once: true })
  expect(server.error()).toBe('out of space: needs 3.5 MiB, has 3.0 MiB')
  expect(server.ranges).toEqual([])
})

test('a file that keeps being refused ends as a failure with the last answer', async () => {
  const server = await startServer()
  server.offer()
  server.faults.artifact = Array.from({ length: 5 }, () => ({ status: 404 }))
  const { agent } = await quickAgent(server)
  agent.on('ended', () => agent.stop())
  await agent.run()
  expect(server.error()).toContain(
    'gave up after 5 attempts: The file cannot be fetched. The server answers 404',
  )
})

test('the bandwidth limit spreads the bytes over time', async () => {
  const server = await startServer()
  server.offer({ bytes: someBytes(500_000) })
  const clock = new HurriedClock()
  const { agent } = await quickAgent(server, { clock, maxBytesPerSecond: 10_000 })
  await agent.run({ once: true })
  // 500 kB at 10 kB/s, less the quarter of a second that may pass at once.
  expect(clock.nowMs()).toBeGreaterThan(49_000)
  expect(clock.nowMs()).toBeLessThan(60_000)
})

test('a file that has changed on the server is fetched from its start', async () => {
  const server = await startServer()
  server.offer({ bytes: someBytes(200_000, 1) })
  const folder = await temporaryFolder()
  const path = join(folder, 'file')
  await writeFile(path, someBytes(100_000, 2))
  const { bytes } = server.offer({ bytes: someBytes(200_000, 3) })
  await download({
    ...plain(server.url, folder),
    reached: { bytesSynced: 100_000, etag: '"of the old file"' },
  })
  expect(await readFile(path)).toEqual(bytes)
})

test('what lies beyond the last sync is not trusted', async () => {
  const server = await startServer()
  const { bytes } = server.offer({ bytes: someBytes(200_000) })
  const folder = await temporaryFolder()
  await writeFile(
    join(folder, 'file'),
    Buffer.concat([bytes.subarray(0, 50_000), Buffer.alloc(70_000)]),
  )
  await download({ ...plain(server.url, folder), reached: { bytesSynced: 50_000, etag: null } })
  expect(server.ranges).toEqual(['bytes=50000-'])
  expect(await readFile(join(folder, 'file'))).toEqual(bytes)
})

test('the journal is told of a byte only after the file was synced', async () => {
  const server = await startServer()
  server.offer({ bytes: someBytes(300_000) })
  const folder = await temporaryFolder()
  const order: string[] = []
  const disk = {
    ...promises,
    open: (async (...parameters: Parameters<typeof open>) => {
      const file = await open(...parameters)
      if (parameters[0] !== join(folder, 'file')) return file
      const sync = file.sync.bind(file)
      file.sync = async () => {
        await sync()
        order.push(`synced ${(await stat(join(folder, 'file'))).size}`)
      }
      return file
    }) as typeof open,
  }
  const onSynced: Download['onSynced'] = async ({ bytesSynced }) =>
    void order.push(`told ${bytesSynced}`)
  await download({ ...plain(server.url, folder), disk, onSynced, syncEveryBytes: 65_536 })
  expect(
    order.filter((_, index) => index % 2 === 0).map((line) => line.replace('synced', 'told')),
  ).toEqual(order.filter((_, index) => index % 2 === 1))
  expect(order.length).toBeGreaterThan(6)
})

test('a redirect to another host is followed without the credentials', async () => {
  const server = await startServer()
  const { bytes } = server.offer()
  const seen: (string | undefined)[] = []
  const door = createServer((request, response) => {
    seen.push(request.headers.authorization)
    response
      .writeHead(302, { location: server.url.replace('127.0.0.1', 'localhost') + request.url })
      .end()
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void door.close())
  await once(door, 'listening')
  server.artifactBase = `http://127.0.0.1:${(door.address() as AddressInfo).port}`
  const authorizations: (string | undefined)[] = []
  server.on('artifact', ({ authorization }) => authorizations.push(authorization))
  const { agent, installed } = await quickAgent(server, { installed: OLD })
  await agent.run({ once: true })
  expect(installed).toEqual([bytes])
  expect([...seen, ...authorizations]).toEqual([undefined, undefined])
})

/** A download of op-1 into folder/file, without limits. */
function plain(url: string, folder: string): Download {
  const address = `${url}/device/v1/artifacts/op-1/file.bin`
  return {
    offer: {
      operation: 'op-1',
      type: 'firmware',
      title: 'app',
      version: '1.1.0',
      sizeBytes: null,
      checksum: null,
      address,
      isStanding: false,
    },
    path: join(folder, 'file'),
    reached: { bytesSynced: 0, etag: null },
    disk: { ...promises, mkdir },
    uplink: {
      fetch: (_, from, limits) => fetchByRange(address, from, limits),
    } as Download['uplink'],
    throttle: new Throttle(0, new HurriedClock()),
    signal: new AbortController().signal,
    stallMs: 5_000,
    reserveBytes: 0,
    syncEveryBytes: 1_000_000,
    onSynced: async () => {},
    onBytes: () => {},
  }
}
