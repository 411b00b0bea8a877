/** The template packages/agent/scripts/update, run as Ioto's agent runs it: one argument, everything it prints counts. */
import { execFile } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { temporaryFolder } from './test-bench.test-helper.ts'
import { answer, FakeIoto, TOKEN } from './uplinks/fake-ioto.test-helper.ts'

const SCRIPT = fileURLToPath(new URL('../scripts/update', import.meta.url))
const REPORT = '/tok/provision/updateReport'

async function device(provision: (url: string) => string) {
  const fake = await FakeIoto.start()
  const folder = await temporaryFolder()
  await mkdir(join(folder, 'state/config'), { recursive: true })
  await writeFile(join(folder, 'state/update.bin'), 'image')
  await writeFile(join(folder, 'state/config/provision.json5'), provision(`${fake.url}/cloud`))
  await writeFile(join(folder, 'state/config/device.json5'), `{ product: 'P', id: 'DEV1' }`)
  const run = (env: Readonly<Record<string, string>>) =>
    new Promise<{ code: number; output: string }>((resolve) => {
      const options = { cwd: folder, env: { PATH: process.env.PATH ?? '', ...env } }
      execFile(SCRIPT, ['state/update.bin'], options, (error, stdout, stderr) =>
        resolve({
          code: typeof error?.code === 'number' ? error.code : 0,
          output: stdout + stderr,
        }),
      )
    })
  return { fake, folder, run }
}

const JSON_FILE = (url: string) =>
  JSON.stringify({ registered: true, api: url, token: TOKEN, id: 'DEV1' }, null, 2)

test.each([
  ['as JSON', JSON_FILE],
  ['in one line', (url: string) => JSON.stringify(JSON.parse(JSON_FILE(url)))],
  ['as JSON5, without an id', (url: string) => `{ api: '${url}/', // ours\n  token: '${TOKEN}', }`],
])('a registration %s is enough to tell that it worked', async (_, provision) => {
  const { fake, folder, run } = await device(provision)
  const ran = await run({ UPDRAFT_APPLY: 'echo talks; cp "$1" applied', UPDRAFT_AFTER: 'restart' })
  expect(ran).toEqual({ code: 0, output: 'restart\n' })
  expect(await readFile(join(folder, 'applied'), 'utf8')).toBe('image')
  expect(
    fake.to(REPORT).map(({ body, headers, path }) => [path, headers.Authorization, body]),
  ).toEqual([[`/cloud${REPORT}`, `bearer ${TOKEN}`, '{"success":true,"id":"DEV1"}']])
})

test('the word the command says last is the one the agent hears', async () => {
  const { folder, run } = await device(JSON_FILE)
  const UPDRAFT_LOG = join(folder, 'log')
  expect(await run({ UPDRAFT_APPLY: 'echo talks; echo exit', UPDRAFT_LOG })).toEqual({
    code: 0,
    output: 'exit\n',
  })
  expect(await readFile(UPDRAFT_LOG, 'utf8')).toContain('talks\nexit\n')
})

test('a command that fails is told, and fails the script', async () => {
  const { fake, run } = await device(JSON_FILE)
  expect(await run({ UPDRAFT_APPLY: 'echo no room; exit 7' })).toEqual({
    code: 7,
    output: 'no room\n',
  })
  expect(fake.to(REPORT).map(({ body }) => body)).toEqual(['{"success":false,"id":"DEV1"}'])
})

test('a server that stumbles is told again, and a device without a registration tells nobody', async () => {
  const { fake, folder, run } = await device(JSON_FILE)
  fake.instead[REPORT] = [answer('', 'HTTP/1.1 503 Service Unavailable')]
  expect(await run({ UPDRAFT_APPLY: 'true' })).toEqual({ code: 0, output: 'continue\n' })
  expect(fake.to(REPORT)).toHaveLength(2)
  await writeFile(join(folder, 'state/config/provision.json5'), '{}')
  expect(await run({ UPDRAFT_APPLY: 'true' })).toEqual({ code: 0, output: 'continue\n' })
  expect(fake.to(REPORT)).toHaveLength(2)
})

test('as it comes it applies nothing', async () => {
  const { fake, run } = await device(JSON_FILE)
  expect(await run({})).toEqual({ code: 1, output: '' })
  expect(fake.to(REPORT).map(({ body }) => body)).toEqual(['{"success":false,"id":"DEV1"}'])
})
