/** The real program as a child process. */

import { mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { startFakeServer } from './testing/fake-server.ts'
import { spawnProgram, spawnShell, temporaryFolder } from './testing/program.ts'
import { makeDevice, makeProfile } from './testing/things.ts'

async function start(deviceCount = 1) {
  const server = await startFakeServer()
  onTestFinished(() => server[Symbol.asyncDispose]())
  const profile = makeProfile('Sensor')
  server.world.profiles.push(profile)
  for (let at = 0; at < deviceCount; at += 1) {
    server.world.devices.push(makeDevice({ name: `sensor-${at}`, profile }))
  }
  return server
}

/** An address where nobody listens. */
async function deserted(): Promise<string> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return `http://127.0.0.1:${port}`
}

test('done is 0, refused 1, wrong words 2', async () => {
  const server = await start()
  expect((await spawnProgram(['device', 'list'], { server })).code).toBe(0)
  expect((await spawnProgram(['device', 'show', 'nobody'], { server })).code).toBe(1)
  expect((await spawnProgram(['device', 'fly'], { server })).code).toBe(2)
})

test('a script gets one line of JSON and nothing else', async () => {
  const server = await start(3)
  const { stdout, stderr } = await spawnProgram(['device', 'list', '--json'], { server })
  expect(stderr).toBe('')
  expect(stdout.indexOf('\n')).toBe(stdout.length - 1)
  const { items, nextCursor } = JSON.parse(stdout)
  expect(items.length).toBe(3)
  expect(nextCursor).toBeNull()
})

test('what is no terminal gets no colours', async () => {
  const server = await start()
  const { stdout } = await spawnProgram(['device', 'list'], { server, env: { FORCE_COLOR: '1' } })
  expect(stdout).toBe(
    'Name      Profile  Labels  Runs  Update  Seen\nsensor-0  Sensor   –       –     –       never\n',
  )
})

test('a server that does not answer is said to be unreachable', async () => {
  const url = await deserted()
  const people = await spawnProgram(['status', '--url', url], {})
  expect(people).toEqual({
    code: 1,
    stdout: '',
    stderr: `No server answers at ${url}: the connection was refused.\nHint: Is it running? \`updraft serve\` starts one; UPDRAFT_URL or --url says where another is.\n`,
  })
  const script = await spawnProgram(['status', '--json'], { env: { UPDRAFT_URL: url } })
  expect(script).toMatchObject({ code: 1, stdout: '' })
  expect(JSON.parse(script.stderr)).toEqual({
    error: {
      code: 'server.unreachable',
      message: `No server answers at ${url}: the connection was refused.`,
      status: null,
    },
  })
})

test('a server on ./data is found from the folder it was started in', async () => {
  const server = await start()
  await using folder = await temporaryFolder()
  await mkdir(join(folder.path, 'data'))
  const endpoints = JSON.stringify({ http: server.url })
  await writeFile(join(folder.path, 'data', 'endpoints.json'), endpoints)
  const { code } = await spawnProgram(['device', 'list'], {
    server,
    cwd: folder.path,
    env: { UPDRAFT_URL: undefined },
  })
  expect(code).toBe(0)
})

test('a reader that has seen enough is no error', async () => {
  const server = await start(5000)
  for (const words of ['device list', 'device list --json']) {
    const line = `$updraft ${words} | head -c 10; exit \${PIPESTATUS[0]}`
    const { code, stderr, stdout } = await spawnShell(line, { server })
    expect({ code, stderr }, words).toEqual({ code: 0, stderr: '' })
    expect(stdout.length).toBe(10)
  }
})
