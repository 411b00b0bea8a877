import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runProgram, temporaryFolder } from './testing/program.ts'
import { start } from './testing/start.ts'

test('the words for everything may stand anywhere', async () => {
  const { server } = await start()
  for (const args of [
    ['--json', 'device', 'list'],
    ['device', '--json', 'list'],
    ['device', 'list', '--json'],
    ['--url', server.url, '--token', 'token-of-the-test', 'device', 'list', '--json'],
    ['device', 'list', '--json', '--url', server.url, '--token', 'token-of-the-test'],
  ]) {
    const env = args.includes('--url')
      ? { UPDRAFT_URL: 'http://127.0.0.1:1', UPDRAFT_TOKEN: 'x' }
      : {}
    const { code, stdout } = await runProgram(args, { server, env })
    expect(code, args.join(' ')).toBe(0)
    expect(JSON.parse(stdout).items.length).toBe(1)
  }
})

test.each([
  [[]],
  [['fly']],
  [['device']],
  [['device', 'fly']],
  [['device', 'list', '--fly']],
  [['device', 'list', 'extra']],
  [['device', 'list', '--limit', '0']],
  [['device', 'list', '--state', 'flying']],
  [['device', 'add']],
  [['device', 'add', 'x']],
  [['device', 'list', '--profile']],
  [['package', 'show', 'app']],
  [['package', 'add', '--title', 't', '--version', '1', '--profile', 'P']],
  [
    [
      'package',
      'add',
      'f',
      '--url',
      'http://x',
      '--title',
      't',
      '--version',
      '1',
      '--profile',
      'P',
    ],
  ],
  [['assign', 'app@1']],
  [['assign', 'app@1', '--profile', 'P', '--device', 'D']],
  [['unassign']],
  [['status', '--url', 'nonsense']],
])('%j are wrong words: exit 2, the help on stderr, nothing on stdout', async (args) => {
  const { server } = await start()
  const people = await runProgram(args, { server })
  expect(people).toMatchObject({ code: 2, stdout: '' })
  expect(people.stderr).toContain('Usage: updraft')
  const script = await runProgram(['--json', ...args], { server })
  expect(script).toMatchObject({ code: 2, stdout: '' })
  expect(JSON.parse(script.stderr)).toEqual({
    error: { code: 'words.wrong', message: expect.stringMatching(/^[A-Z"].*[.)?]$/), status: null },
  })
  expect(server.calls).toEqual([])
})

test.each([
  [['--help'], 'Usage: updraft <command>'],
  [['help'], 'Usage: updraft <command>'],
  [['device', '--help'], 'Usage: updraft device <verb>'],
  [['help', 'device', 'add'], 'Usage: updraft device add <name>'],
  [['device', 'help', 'add'], 'Usage: updraft device add <name>'],
  [['device', 'add', '-h'], 'Usage: updraft device add <name>'],
  [['policy', '--help'], 'Versions that devices get by themselves'],
])('%j asks for help: exit 0, on stdout', async (args, text) => {
  const { code, stdout, stderr } = await runProgram(args, {})
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toContain(text)
  expect(stdout).not.toContain('\x1b')
})

test("the server's refusal is a sentence, a hint and exit 1", async () => {
  const { updraft, server } = await start()
  const people = await updraft('profile', 'add', 'Sensor')
  expect(people).toEqual({
    code: 1,
    stdout: '',
    stderr: 'There is a profile "Sensor" already.\n',
  })
  const script = await runProgram(['device', 'show', 'nobody', '--json'], { server })
  expect(script).toMatchObject({ code: 1, stdout: '' })
  expect(JSON.parse(script.stderr)).toEqual({
    error: { code: 'device.unknown', message: 'There is no device "nobody".', status: null },
  })
})

test('an answer that is a no is told as any other, with exit 1', async () => {
  const { updraft } = await start()
  const people = await updraft('realm', 'cluster', 'check')
  expect(people).toMatchObject({ code: 1, stderr: '' })
  expect(people.stdout).toContain('FAILED: None of ours is there.')
  const script = await updraft('--json', 'realm', 'cluster', 'check')
  expect(script).toMatchObject({ code: 1, stderr: '' })
  expect(JSON.parse(script.stdout)).toMatchObject({ isWell: false })
})

test('without a token, or with a wrong one, the hint says where it comes from', async () => {
  const { server } = await start()
  const none = await runProgram(['status'], { server, env: { UPDRAFT_TOKEN: undefined } })
  expect(none.code).toBe(1)
  expect(none.stderr).toContain('set UPDRAFT_TOKEN')
  const wrong = await runProgram(['status'], { server, env: { UPDRAFT_TOKEN: 'wrong' } })
  expect(wrong.stderr).toContain('revoked')
  const script = await runProgram(['status', '--token', 'wrong', '--json'], { server })
  expect(JSON.parse(script.stderr).error).toMatchObject({
    code: 'access.unauthenticated',
    status: 401,
  })
})

test('a server that is no Updraft server is said to be none', async () => {
  const { server, updraft } = await start()
  server.answers.overview = (_, response) => response.end('<html>hello</html>')
  const { code, stderr } = await updraft('status')
  expect(code).toBe(1)
  expect(stderr).toContain('no Updraft server')
})

test('the server running on the data folder here is found by itself', async () => {
  const { server } = await start()
  await using folder = await temporaryFolder()
  await mkdir(join(folder.path, 'elsewhere'))
  const file = join(folder.path, 'elsewhere', 'endpoints.json')
  await writeFile(file, JSON.stringify({ http: server.url }))
  const env = { UPDRAFT_URL: undefined, UPDRAFT_DATA: join(folder.path, 'elsewhere') }
  expect((await runProgram(['status'], { server, env })).code).toBe(0)
})

test('on a terminal there are colours, and none with NO_COLOR', async () => {
  const { server } = await start()
  const terminal = { columns: 60 }
  const colourful = await runProgram(['status'], { server, terminal })
  expect(colourful.stdout).toContain('\x1b[38;5;33m↓ downloading 40 %\x1b[0m')
  const quiet = await runProgram(['status'], { server, terminal, env: { NO_COLOR: '1' } })
  expect(quiet.stdout).not.toContain('\x1b')
})

test('Ctrl-C breaks a command off with a code of its own', async () => {
  const { server } = await start()
  for (const [more, stderr] of [
    [[], 'Interrupted.\n'],
    [['--json'], '{"error":{"code":"interrupted","message":"Interrupted.","status":null}}\n'],
  ] as const) {
    const control = new AbortController()
    server.answers.overview = () => {
      control.abort()
      return new Promise(() => {})
    }
    const outcome = await runProgram(['status', ...more], { server, interrupt: control.signal })
    expect(outcome).toEqual({ code: 130, stdout: '', stderr })
  }
})
