import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'

const MAIN = fileURLToPath(new URL('../packages/server/src/main.ts', import.meta.url))
/** A first start makes a database, and the machine may be busy. */
const PATIENCE_MS = 60_000

let data: string
let running: ChildProcess | undefined

beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'updraft-main-'))
  // A database that another user has to run can come in.
  await chmod(data, 0o755)
})
afterEach(async () => {
  if (running?.exitCode === null) {
    running.kill('SIGKILL')
    await once(running, 'exit')
  }
  running = undefined
})
afterAll(() => rm(data, { recursive: true, force: true }))

/** The program, as a process of its own. */
function start(...args: string[]) {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { PATH: process.env.PATH, UPDRAFT_DATA: data },
  })
  running = child
  const said = { out: '', err: '' }
  child.stdout.on('data', (text) => {
    said.out += text
  })
  child.stderr.on('data', (text) => {
    said.err += text
  })
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, ...said }))
  return { child, said, ended }
}

/** Ports any free one; each door that there is. */
const FREE = ['--http-port', '0', '--mqtt-port', '0', '--coap-port', '0'] as const
const endpoints = async () => JSON.parse(await readFile(join(data, 'endpoints.json'), 'utf8'))
const databases = () =>
  execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes(data) && line.includes('postgres'))

test('--help tells every setting, and is no failure', async () => {
  const { code, out, err } = await start('--help').ended
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(out).toMatch(/^updraft serve: starts the server\./)
  expect(out).toContain('--http-port')
})

test('a wrong flag is told, with where to look, and is exit code 2', async () => {
  const { code, out, err } = await start('--http-prot', '1').ended
  expect({ code, out }).toEqual({ code: 2, out: '' })
  expect(err).toMatch(/^Unknown option '--http-prot'.*\nSee updraft serve --help\.\n$/s)
})

describe('a start', { timeout: 2 * PATIENCE_MS }, () => {
  let token: string | undefined

  test.each(['SIGTERM', 'SIGINT'] as const)(
    'is told by endpoints.json and ends cleanly by %s',
    async (signal) => {
      const { child, said, ended } = start(...FREE)
      await expect.poll(() => said.out, { timeout: PATIENCE_MS }).toContain('Updraft is ready at')
      const { http } = await endpoints()
      expect(said.out).toContain(`Updraft is ready at ${http}\n`)
      expect((await fetch(`${http}/readyz`)).status).toBe(200)
      // Shown at the first start, and never again.
      token ??= /API token +(\S+)/.exec(said.out)?.[1]
      expect(said.out.includes('API token')).toBe(signal === 'SIGTERM')
      const headers = { authorization: `Bearer ${token}` }
      expect((await fetch(`${http}/api/session`, { headers })).status).toBe(200)
      child.kill(signal)
      expect(await ended).toMatchObject({ code: 0, signal: null, err: '' })
      await expect(endpoints()).rejects.toMatchObject({ code: 'ENOENT' })
      expect(databases()).toEqual([])
    },
  )

  test('at a port that is taken says so, and leaves no database behind', async () => {
    const other = createServer()
    other.listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as { port: number }
    const { code, err } = await start(...FREE, '--http-port', String(port)).ended
    other.close()
    expect(code).toBe(1)
    expect(err).toBe(
      `Port ${port} at 127.0.0.1 is taken: another program, or another Updraft, listens there. Choose another one; see updraft serve --help.\n`,
    )
    await expect(endpoints()).rejects.toMatchObject({ code: 'ENOENT' })
    expect(databases()).toEqual([])
  })

  test('at an address this machine does not have says so', async () => {
    const { code, err } = await start(...FREE, '--host', '192.0.2.1').ended
    expect({ code, err }).toEqual({
      code: 1,
      err: 'This machine has no address 192.0.2.1 to listen at.\n',
    })
  })

  test('that is stopped before it is ready ends cleanly as well', async () => {
    const { child, ended } = start(...FREE)
    await expect.poll(databases, { timeout: PATIENCE_MS }).not.toEqual([])
    child.kill('SIGTERM')
    expect(await ended).toMatchObject({ code: 0, signal: null })
    await expect(endpoints()).rejects.toMatchObject({ code: 'ENOENT' })
    expect(databases()).toEqual([])
  })
})
