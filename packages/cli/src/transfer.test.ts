/** Files on their way to the server and back. */
import { createHash, randomBytes } from 'node:crypto'
import { open, readdir, readFile, writeFile } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { type Counted, startFakeServer } from './testing/fake-server.ts'
import { runProgram, spawnProgram, spawnShell, temporaryFolder } from './testing/program.ts'
import { makeProfile, makeRelease } from './testing/things.ts'

const PRELOAD = fileURLToPath(new URL('./testing/peak-memory.ts', import.meta.url))
const about = ['--title', 'app', '--version', '1.0.0', '--profile', 'Sensor']

async function start() {
  const server = await startFakeServer()
  const folder = await temporaryFolder()
  onTestFinished(async () => {
    await server[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  })
  server.world.profiles.push(makeProfile('Sensor'))
  const bytes = randomBytes(100_000)
  const file = join(folder.path, 'app.bin')
  await writeFile(file, bytes)
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  const names = () => server.calls.map(({ name }) => name)
  return { server, folder, bytes, file, sha256, names }
}

/** A release whose bytes the server holds. */
async function startWithRelease(more = {}) {
  const started = await start()
  const { server, bytes, sha256 } = started
  const sizeBytes = bytes.length
  const release = {
    title: 'app',
    version: '1.0.0',
    sha256,
    sizeBytes,
    fileName: 'got.bin',
    ...more,
  }
  server.world.releases.push(makeRelease(release))
  server.stored.set(sha256, bytes)
  return started
}

test('a file is sent with its length and becomes a release', async () => {
  const { server, file, sha256, names } = await start()
  const words = ['package', 'add', file, ...about, '--checksum', sha256, '--tag', 'stable']
  const { code, stdout, stderr } = await runProgram([...words, '--json'], { server })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(JSON.parse(stdout)).toMatchObject({
    title: 'app',
    version: '1.0.0',
    type: 'firmware',
    profile: 'Sensor',
    tag: 'stable',
    checksumAlgorithm: 'SHA256',
    checksum: sha256,
    sha256,
    fileName: 'app.bin',
  })
  expect(names()).toEqual(['listProfiles', 'listReleases', 'uploadArtifact', 'createRelease'])
  expect(server.calls[2]).toMatchObject({
    headers: { 'content-length': '100000' },
    query: { checksumAlgorithm: 'SHA256', checksum: sha256 },
  })
})

test.each([
  ['a version that exists', about, 'release.duplicate'],
  ['an unknown profile', ['--title', 'a', '--version', '1', '--profile', 'No'], 'profile.unknown'],
  ['an unreadable requirement', [...about, '--requirement', '>>'], 'version.invalid-requirement'],
  ['an unknown algorithm', [...about, '--checksum-algorithm', 'X'], 'artifact.unknown-algorithm'],
  ['an impossible type', [...about, '--type', 'Firm Ware'], 'release.invalid'],
])('%s is refused before anything is sent', async (_, words, code) => {
  const { server, file, names } = await start()
  server.world.releases.push(makeRelease({ title: 'app', version: '1.0.0' }))
  const outcome = await runProgram(['package', 'add', file, ...words, '--json'], { server })
  expect(outcome).toMatchObject({ code: 1, stdout: '' })
  expect(JSON.parse(outcome.stderr).error.code).toBe(code)
  expect(names()).not.toContain('uploadArtifact')
})

test('a file that is missing, empty or a folder is refused', async () => {
  const { server, folder, names } = await start()
  const empty = join(folder.path, 'empty.bin')
  await writeFile(empty, '')
  for (const [file, message] of [
    ['/nowhere/app.bin', 'there is no such file'],
    [empty, 'the file is empty'],
    [folder.path, 'no regular file'],
  ] as const) {
    const outcome = await runProgram(['package', 'add', file, ...about], { server })
    expect(outcome).toMatchObject({ code: 1, stdout: '' })
    expect(outcome.stderr).toContain(message)
  }
  expect(names()).not.toContain('uploadArtifact')
})

test('what the server refuses or receives otherwise becomes no release', async () => {
  const { server, file, names } = await start()
  const words = ['package', 'add', file, ...about]
  const refused = await runProgram([...words, '--checksum', '0'.repeat(64)], { server })
  expect(refused.code).toBe(1)
  expect(refused.stderr).toContain('Hint: Is it the right file?')
  server.answers.uploadArtifact = ({ body }) => {
    const { sizeBytes } = body as Counted
    return { sha256: '0'.repeat(64), sizeBytes, checksums: {} }
  }
  const changed = await runProgram(words, { server })
  expect(changed.code).toBe(1)
  expect(changed.stderr).toContain('did not receive')
  expect(names()).not.toContain('createRelease')
})

test('a terminal shows progress, and JSON nothing of it', async () => {
  const { server, file } = await start()
  const words = ['package', 'add', file, ...about]
  const shown = await runProgram(words, { server, terminal: { columns: 120 } })
  expect(shown.stderr).toMatch(/Sending app\.bin {2}[━╌]+ +\d+ % {2}.* of 100 kB/)
  expect(shown.stderr.endsWith('\r\x1b[2K')).toBe(true)
  expect(shown.stdout).toBe('Added firmware app@1.0.0 for profile Sensor, 100 kB.\n')
  server.world.releases.length = 0
  const json = await runProgram([...words, '--json'], { server, terminal: { columns: 120 } })
  expect(json.stderr).toBe('')
  server.world.releases.length = 0
  expect((await runProgram(words, { server })).stderr).toBe('')
})

test('a file fifteen times as large is sent in the same memory', async () => {
  const { server, folder } = await start()
  /** What the program held at most while it sent a file of so many bytes. */
  const peakBytes = async (sizeBytes: number) => {
    server.world.releases.length = 0
    const file = join(folder.path, 'sized.bin')
    const handle = await open(file, 'w')
    await handle.truncate(sizeBytes)
    await handle.close()
    const peak = join(folder.path, 'peak')
    const { code, stderr } = await spawnProgram(['package', 'add', file, ...about, '--json'], {
      server,
      nodeFlags: ['--import', PRELOAD],
      env: { PEAK_MEMORY_FILE: peak },
    })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(server.calls.at(-2)?.headers['content-length']).toBe(String(sizeBytes))
    return Number(await readFile(peak, 'utf8'))
  }
  const [smallBytes, largeBytes] = [40_000_000, 600_000_000]
  const atFirst = await peakBytes(smallBytes)
  const grownBytes = (await peakBytes(largeBytes)) - atFirst
  // Who keeps what it has sent would hold all of it. How much garbage lies about is the machine's affair.
  expect(grownBytes).toBeLessThan((largeBytes - smallBytes) / 3)
})

test('a download lands under its own name, checked', async () => {
  const { server, folder, bytes } = await startWithRelease({ fileName: '../../got.bin' })
  const words = ['package', 'download', 'app@1.0.0']
  const first = await spawnProgram(words, { server, cwd: folder.path })
  expect(first).toEqual({
    code: 0,
    stdout: 'Received got.bin, 100 kB; its SHA-256 is right.\n',
    stderr: '',
  })
  expect(await readFile(join(folder.path, 'got.bin'))).toEqual(bytes)
  const again = await spawnProgram(words, { server, cwd: folder.path })
  expect(again).toMatchObject({ code: 1, stdout: '' })
  expect(again.stderr).toContain('--out got.bin replaces that file')
})

test('a download goes where it is told, also to standard output', async () => {
  const { server, folder, bytes, sha256 } = await startWithRelease()
  const out = join(folder.path, 'other.bin')
  const words = ['package', 'download', 'app@1.0.0', '--out']
  const { stdout } = await runProgram([...words, out, '--json'], { server })
  expect(JSON.parse(stdout)).toMatchObject({ title: 'app', file: out })
  expect(await readFile(out)).toEqual(bytes)
  const piped = await spawnShell(`$updraft ${words.join(' ')} - | sha256sum`, { server })
  expect(piped.stdout).toContain(sha256)
})

test.each([
  ['changed on the way', (response: ServerResponse) => response.end('something else'), 'SHA-256'],
  [
    'broken off',
    (response: ServerResponse) => {
      response.writeHead(200, { 'content-length': '100000' })
      response.write('only a little', () => response.destroy())
    },
    'broke off',
  ],
])('what was %s leaves no file behind', async (_, answer, message) => {
  const { server, folder } = await startWithRelease()
  const sent = Promise.withResolvers<void>()
  server.answers.downloadRelease = (_call, response) => {
    response.on('close', sent.resolve)
    answer(response)
    return sent.promise
  }
  const out = join(folder.path, 'got.bin')
  const outcome = await runProgram(['package', 'download', 'app@1.0.0', '--out', out], { server })
  expect(outcome).toMatchObject({ code: 1, stdout: '' })
  expect(outcome.stderr).toContain(message)
  expect(await readdir(folder.path)).toEqual(['app.bin'])
})

test('what is kept at a URL elsewhere is not fetched from here', async () => {
  const url = 'https://example.com/app.bin'
  const { server } = await startWithRelease({ url, sha256: null })
  const { code, stderr } = await runProgram(['package', 'download', 'app@1.0.0'], { server })
  expect(code).toBe(1)
  expect(stderr).toContain(`devices fetch it from ${url}`)
})
