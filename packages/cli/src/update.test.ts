import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runProgram } from './testing/program.ts'
import { start } from './testing/start.ts'
import { give, makeOperation } from './testing/things.ts'

let folder: string
let file: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'updraft-update-'))
  file = join(folder, 'debug.bin')
  await writeFile(file, 'the bytes')
})
afterAll(() => rm(folder, { recursive: true }))

const NAMED = ['--title', 'debug', '--version', 'x1']

/** As `start`, with a device that has nothing to do. */
async function idle() {
  const started = await start()
  const { world, device, release } = started
  const done = makeOperation({ device, release, state: 'UPDATED' })
  give(world, device, done, { installed: release })
  return started
}

test('a file is sent, and brought to the device alone', async () => {
  const { updraft, server, device } = await idle()
  expect(await updraft('update', 'sensor-1', file, ...NAMED)).toMatchObject({
    code: 0,
    stdout: 'sensor-1 will be offered firmware debug@x1, by hand and once.\n',
    stderr:
      'Nothing is checked: not whether debug@x1 is made for profile Sensor, nor whether sensor-1 can start from what it runs.\n',
  })
  const { params, body } = server.calls.at(-1) ?? {}
  expect(params).toEqual({ id: device.id })
  expect(body).toMatchObject({
    title: 'debug',
    version: 'x1',
    type: 'firmware',
    fileName: 'debug.bin',
  })
  expect(server.stored.has((body as { sha256: string }).sha256)).toBe(true)
  expect(server.calls.map(({ name }) => name)).not.toContain('createRelease')
})

test('a URL is passed on', async () => {
  const { json, server } = await idle()
  const url = 'https://files.example/debug.bin'
  const operation = await json('update', 'sensor-1', '--url', url, '--size', '7', ...NAMED)
  expect(operation).toMatchObject({ state: 'QUEUED', release: { id: null, title: 'debug' } })
  expect(server.calls.at(-1)?.body).toEqual({
    title: 'debug',
    version: 'x1',
    type: 'firmware',
    url,
    sizeBytes: 7,
  })
})

test.each([
  ['neither', [], 'Say which FILE it is, or the --url where the device fetches it.'],
  ['both', ['f.bin', '--url', 'https://files.example/f'], 'It is either a FILE or at a --url.'],
])('a file or a URL, and not %s', async (_, words, complaint) => {
  const { updraft, server } = await idle()
  const { code, stderr } = await updraft('update', 'sensor-1', ...words, ...NAMED)
  expect(code).toBe(2)
  expect(stderr).toContain(complaint)
  expect(server.calls).toEqual([])
})

test('whoever sits at a terminal is asked', async () => {
  const { server } = await idle()
  const terminal = { columns: 80 }
  const update = (...more: string[]) => ['update', 'sensor-1', file, ...NAMED, ...more]
  const isBrought = () => server.calls.splice(0).some(({ name }) => name === 'updateByHand')
  const no = await runProgram(update(), { server, terminal, typed: 'n\n' })
  expect(no.code).toBe(1)
  expect(no.stderr).toContain('Bring debug@x1 to sensor-1? [y/N]')
  expect(no.stderr).toContain('Nothing was brought.')
  expect(isBrought()).toBe(false)
  await runProgram(update(), { server, terminal, typed: 'y\n' })
  expect(isBrought()).toBe(true)
  const sure = await runProgram(update('--yes'), { server, terminal })
  expect(sure.stderr).not.toContain('[y/N]')
  expect(isBrought()).toBe(true)
})

test('nothing is sent to a device that is at something', async () => {
  const { updraft, server } = await start()
  const { code, stderr } = await updraft('update', 'sensor-1', file, ...NAMED)
  expect(code).toBe(1)
  expect(stderr).toContain('The device is at app@1.4.0 already (DOWNLOADING)')
  expect(server.calls.map(({ name }) => name)).toEqual(['listDevices'])
})
