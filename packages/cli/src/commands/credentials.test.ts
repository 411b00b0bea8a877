import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { temporaryFolder } from '../testing/program.ts'
import { start } from '../testing/start.ts'

async function withDevice() {
  const started = await start()
  await started.updraft('device', 'add', 'd', '--profile', 'Sensor', '--token', 'first')
  const credential = (...words: string[]) => started.updraft('device', 'credential', ...words)
  const kinds = async () => {
    const { items } = await started.json('device', 'credential', 'list', 'd')
    return items.map(({ kind }: { kind: string }) => kind)
  }
  return { ...started, credential, kinds }
}

const pemFile = async () => {
  const folder = await temporaryFolder()
  onTestFinished(() => folder[Symbol.asyncDispose]())
  const file = join(folder.path, 'd.pem')
  await writeFile(file, 'a certificate')
  return file
}

test('credentials of all kinds are added, listed and removed', async () => {
  const { credential, kinds, json, server } = await withDevice()
  expect(await credential('add', 'd')).toMatchObject({
    code: 0,
    stdout: 'Device d has a new token.\nToken  made-up\nIt is not shown again.\n',
  })
  const basic = ['--client-id', 'c', '--user-name', 'u', '--password', 'p']
  expect(await credential('add', 'd', ...basic)).toMatchObject({
    stdout: 'Device d has a new client identifier or user name.\n',
  })
  const file = await pemFile()
  expect((await credential('add', 'd', '--certificate', file)).code).toBe(0)
  expect(server.calls.at(-1)?.body).toEqual({
    credential: { kind: 'x509', certificate: 'a certificate' },
  })
  expect(await kinds()).toEqual(['token', 'token', 'mqtt-basic', 'x509'])
  const { stdout } = await credential('list', 'd')
  expect(stdout).toContain('client id c, user name u, a password')
  expect(stdout).toContain('CN=x, until ')
  const { items } = await json('device', 'credential', 'list', 'd')
  expect(await credential('remove', 'd', items[0].id)).toMatchObject({
    code: 0,
    stdout: 'Device d is no longer known by that.\n',
  })
  expect(await kinds()).toEqual(['token', 'mqtt-basic', 'x509'])
})

test('how long the old ones are good is said in seconds, and 0 is said too', async () => {
  const { credential, updraft, server } = await withDevice()
  await credential('add', 'd', '--token', 'mine', '--keep-others', '0')
  expect(server.calls.at(-1)?.body).toEqual({
    credential: { kind: 'token', token: 'mine' },
    keepOthersForSeconds: 0,
  })
  await updraft('device', 'token', 'd', '--keep-old', '60')
  expect(server.calls.at(-1)?.body).toEqual({ keepOldForSeconds: 60 })
  const { code, stderr } = await credential('add', 'd', '--keep-others', 'a day')
  expect([code, stderr]).toEqual([2, expect.stringContaining('whole number of seconds')])
})

test.each([
  [['--password', 'p'], 'goes with a --client-id or a --user-name'],
  [['--token', 't', '--client-id', 'c'], 'one credential at a time'],
])('%j are the wrong words', async (words, sentence) => {
  const { credential } = await withDevice()
  const { code, stderr } = await credential('add', 'd', ...words)
  expect([code, stderr]).toEqual([2, expect.stringContaining(sentence)])
})

test('what is not there is refused', async () => {
  const { credential } = await withDevice()
  expect((await credential('add', 'd', '--certificate', '/nowhere.pem')).stderr).toBe(
    '/nowhere.pem: there is no such file or folder.\n',
  )
  expect((await credential('list', 'e')).code).toBe(1)
  expect((await credential('remove', 'd', 'none')).code).toBe(1)
})

test('a device is added with credentials of its own instead of a token', async () => {
  const { updraft, json } = await start()
  const words = ['device', 'add', 'e', '--profile', 'Sensor', '--certificate', await pemFile()]
  expect(await updraft(...words, '--user-name', 'u')).toMatchObject({
    stdout: 'Added device e to profile Sensor.\n',
  })
  const { items } = await json('device', 'credential', 'list', 'e')
  expect(items).toMatchObject([{ kind: 'mqtt-basic', userName: 'u' }, { kind: 'x509' }])
})

test.each([
  ['device', 'credential'],
  ['device', 'credential', '--help'],
  ['help', 'device', 'credential'],
])('updraft %s %s %s tells its verbs', async (...words) => {
  const { updraft } = await start()
  const { stdout, stderr } = await updraft(...words.filter((word) => word !== undefined))
  for (const verb of ['list', 'add', 'remove']) expect(stdout + stderr).toMatch(`${verb} <name>`)
})
