import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Device } from '@updraft/api/shapes'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { testDatabase } from '../tools/test-database.ts'
import { curl } from './curl.ts'
import { databaseLine } from './database-line.ts'
import { runs, testDevice } from './device.ts'
import { random } from './firmware.ts'
import { ADMIN_TOKEN, testPlatform } from './platform.ts'
import { run } from './program.ts'
import { rawHttp, rawRequest } from './raw-http.ts'
import { type ServerProcess, serverProcess } from './server-process.ts'

test('an update that failed shows its reason to whoever asks', async () => {
  const platform = await testPlatform()
  try {
    await platform.addProfile('pump')
    const device = testDevice(platform.url, await platform.addDevice('d1', 'pump'))
    const release = { title: 'os', version: '2', profile: 'pump', bytes: random(100) }
    await platform.assign(await platform.addRelease(release), { profile: 'pump' })
    const { operation } = await device.offer(runs('os@1'))
    await device.report(operation, { state: 'FAILED', error: 'Flash is worn out: 3 bad blocks ä' })
    const env = { UPDRAFT_URL: platform.url, UPDRAFT_TOKEN: ADMIN_TOKEN }
    const { stdout } = await run('updraft', ['status', 'd1', '--json'], env)
    expect((JSON.parse(stdout) as Device).operation).toMatchObject({
      state: 'FAILED',
      error: 'Flash is worn out: 3 bad blocks ä',
      because: 'The device reports that it failed: Flash is worn out: 3 bad blocks ä',
    })
    const told = await run('updraft', ['status', 'd1'], env)
    expect(told.stdout).toContain('Flash is worn out: 3 bad blocks ä')
  } finally {
    await platform.stop()
  }
})

describe('a server that is killed', () => {
  let server: ServerProcess
  beforeAll(async () => {
    server = await serverProcess()
    await server.api('createProfile', { body: { name: 'pump' } })
  })
  afterAll(() => server.remove())

  const killAndStart = async () => {
    await server.kill()
    await server.start()
    expect(server.log()).toContain('database adopted: it was running already')
  }
  const addDevice = async (name: string) => {
    const { token } = await server.api('createDevice', { body: { name, profile: 'pump' } })
    return testDevice(server.url, token ?? '')
  }
  const addRelease = async (version: string, bytes = random(10_000)) => {
    const { sha256 } = await server.api('uploadArtifact', { body: bytes })
    const body = { title: 'os', version, profile: 'pump', type: 'firmware', sha256 }
    return (await server.api('createRelease', { body })).id
  }
  const show = async (name: string) =>
    (await server.api('listDevices', { query: { name } })).items[0] as Device
  const assign = async (releaseId: string, name: string) => {
    const { id } = await show(name)
    const params = { id, type: 'firmware' }
    await server.api('assignToDevice', { params, body: { releaseId } })
  }

  test('between upload and assignment has kept the bytes', async () => {
    const bytes = random(100_000)
    const release = await addRelease('1', bytes)
    const device = await addDevice('d1')
    await killAndStart()
    await assign(release, 'd1')
    const { artifact } = await device.offer()
    const fetched = await (await fetch(artifact)).arrayBuffer()
    expect(Buffer.compare(new Uint8Array(fetched), bytes)).toBe(0)
  })

  test('between check-in and report goes on with the operation and the address it gave', async () => {
    const device = await addDevice('d2')
    await assign(await addRelease('2'), 'd2')
    const offer = await device.offer(runs('os@1'))
    await killAndStart()
    expect((await fetch(offer.artifact)).status).toBe(200)
    expect(await device.offer()).toEqual(offer)
    const { body } = await device.report(offer.operation, { state: 'DOWNLOADING', progress: 1 })
    expect(body).toMatchObject({ outcome: 'moved', state: 'DOWNLOADING' })
  })

  test('right after a report was answered knows of it', async () => {
    const device = await addDevice('d3')
    await assign(await addRelease('3'), 'd3')
    const { operation } = await device.offer(runs('os@1'))
    await device.report(operation, { state: 'UPDATED' })
    await killAndStart()
    expect(await show('d3')).toMatchObject({
      installed: { firmware: { title: 'os', version: '3' } },
      operation: { state: 'UPDATED' },
    })
    expect((await device.report(operation, { state: 'UPDATED' })).body.outcome).toBe('repeated')
  })

  test('while many devices report has lost nothing it had answered', async () => {
    const release = await addRelease('4')
    const names = Array.from({ length: 20 }, (_, index) => `many ${index}`)
    const devices = await Promise.all(names.map(addDevice))
    await Promise.all(names.map((name) => assign(release, name)))
    const offers = await Promise.all(devices.map((device) => device.offer()))
    const answered = names.map(() => 0)
    const reporting = devices.map(async (device, index) => {
      const operation = offers[index]?.operation ?? ''
      // Without end, so that the power goes while they are at it.
      for (let progress = 1; ; progress = Math.min(progress + 1, 100)) {
        const { status } = await device.report(operation, { state: 'DOWNLOADING', progress })
        if (status === 200) answered[index] = progress
      }
    })
    const ended = Promise.allSettled(reporting)
    await vi.waitFor(() => expect(Math.min(...answered)).toBeGreaterThan(5), {
      timeout: 20_000,
      interval: 5,
    })
    await server.kill()
    for (const { status } of await ended) expect(status).toBe('rejected')
    await server.start()
    for (const [index, name] of names.entries()) {
      const told = (await show(name)).operation?.progress ?? 0
      expect(told).toBeGreaterThanOrEqual(answered[index] ?? 0)
    }
  })

  test('in the middle of an upload, or of whose upload the client broke off, leaves nothing of it', async () => {
    const incoming = join(server.dataFolder, 'artifacts', 'incoming')
    const half = async () => {
      const connection = await rawHttp(server.url)
      connection.send(
        rawRequest('POST /api/artifacts', {
          authorization: `Bearer ${ADMIN_TOKEN}`,
          'content-type': 'application/octet-stream',
          'content-length': '20000000',
        }),
      )
      connection.send(random(5_000_000))
      await vi.waitFor(async () => expect(await readdir(incoming)).toHaveLength(1), {
        timeout: 10_000,
      })
      return connection
    }
    const brokenOff = await half()
    brokenOff.socket.destroy()
    await vi.waitFor(async () => expect(await readdir(incoming)).toEqual([]), { timeout: 60_000 })

    const cut = await half()
    await killAndStart()
    cut.socket.destroy()
    expect(await readdir(incoming)).toEqual([])
    expect(server.log()).toContain('removed uploads that broke off')
    const stored = await readdir(join(server.dataFolder, 'artifacts', 'sha256'), {
      recursive: true,
    })
    const { items } = await server.api('listReleases', {})
    const files = stored.filter((name) => /[0-9a-f]{64}$/.test(name)).map((name) => name.slice(-64))
    expect(files.sort()).toEqual(items.map(({ sha256 }) => sha256).sort())
  })

  test('is none; its database is: devices are put off, and all goes on by itself', async () => {
    const device = await addDevice('d5')
    await assign(await addRelease('5'), 'd5')
    const { operation } = await device.offer()
    const pid = await server.databasePid()
    process.kill(pid, 'SIGKILL')
    const seen = new Set<number>()
    await vi.waitFor(
      async () => {
        const { status, headers } = await device.report(operation, { state: 'DOWNLOADING' })
        seen.add(status)
        if (status === 503) expect(headers.get('retry-after')).toBe('5')
        expect(status).toBe(200)
      },
      { timeout: 30_000, interval: 20 },
    )
    expect([...seen].every((status) => status === 200 || status === 503)).toBe(true)
    expect(await server.databasePid()).not.toBe(pid)
    expect(server.log()).toContain('the database went away; it is started again')
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200)
    expect(await show('d5')).toMatchObject({ operation: { state: 'DOWNLOADING' } })
    expect((await device.report(operation, { state: 'UPDATED' })).status).toBe(200)
  })

  test('as asked ends its database too, and starts again with all there was', async () => {
    const pid = await server.databasePid()
    await server.stop()
    expect(() => process.kill(pid, 0)).toThrow()
    await server.start()
    expect(await show('d5')).toMatchObject({ operation: { state: 'UPDATED' } })
  })
})

test('while the database is away devices are put off in their own words, and served when it is back', async () => {
  const database = await testDatabase()
  const line = await databaseLine(database.connectionString)
  const platform = await testPlatform({ databaseUrl: line.connectionString })
  try {
    await platform.addProfile('pump')
    const token = await platform.addDevice('d1', 'pump')
    const device = testDevice(platform.url, token)
    const tb = `${platform.url}/api/v1/${token}`
    const waiting = device.checkIn({}, { prefer: 'wait=300' })
    await platform.waiting(1)
    await line.cut()

    const own = await device.checkIn()
    expect([own.status, own.headers.get('retry-after')]).toEqual([503, '5'])
    expect(own.headers.get('content-type')).toContain('application/problem+json')
    expect(own.body).toMatchObject({ code: 'store.away' })
    for (const [path, ...args] of [
      ['attributes'],
      ['attributes/updates?timeout=1000'],
      ['firmware?title=a&version=b'],
      ['telemetry', '--data', '{"fw_state":"UPDATED"}'],
    ]) {
      const answer = await curl('--include', ...args, `${tb}/${path}`)
      expect([path, answer.status]).toEqual([path, 503])
      expect(answer.body).toMatch(/^retry-after: 5\r$/im)
    }
    const ready = await fetch(`${platform.url}/readyz`)
    expect([ready.status, ready.headers.get('retry-after')]).toEqual([503, '5'])
    expect((await fetch(`${platform.url}/healthz`)).status).toBe(200)

    await line.mend()
    await vi.waitFor(async () => expect((await device.checkIn()).status).toBe(200), {
      timeout: 10_000,
    })
    expect((await fetch(`${platform.url}/readyz`)).status).toBe(200)
    const release = { title: 'os', version: '2', profile: 'pump', bytes: random(100) }
    await platform.assign(await platform.addRelease(release), { device: 'd1' })
    expect((await waiting).body.offers).toHaveLength(1)
  } finally {
    await platform.stop()
    await database.drop()
  }
})
