import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { InstallJob } from '../installer.ts'
import { temporaryFolder } from '../test-bench.test-helper.ts'
import { type Clock, systemClock } from '../waits.ts'
import { scriptInstaller } from './script.ts'

async function run(
  text: string,
  more: { clock?: Clock; timeoutMs?: number; job?: Partial<InstallJob> } = {},
) {
  const folder = await temporaryFolder()
  const script = join(folder, 'update')
  await writeFile(script, text, { mode: 0o755 })
  const installer = scriptInstaller({
    script,
    environment: { PATH: process.env.PATH, UPDRAFT_DEVICE_TOKEN: 'secret' },
    folder,
    timeoutMs: more.timeoutMs ?? 30_000,
    graceMs: 200,
    clock: more.clock ?? systemClock,
  })
  const result = await installer.install({
    file: '/downloads/x y.part',
    release: { operation: 'op-1', type: 'firmware', title: 'app', version: '1.1.0', sizeBytes: 1 },
    previous: { title: 'app', version: '1.0.0' },
    remember: async () => {},
    ...more.job,
  })
  return { result, folder }
}

test.each([
  ['exit', { kind: 'exit' }],
  ['restart', { kind: 'restart' }],
  ['continue', { kind: 'done' }],
  ['', { kind: 'done' }],
  ['first a line of log; exit', { kind: 'done' }],
])('a script that prints %j last means %j', async (word, expected) => {
  const { result } = await run(`#!/bin/sh\necho unpacking; echo on stderr >&2; echo "${word}"\n`)
  expect(result).toEqual(expected)
})

test('the script gets the file as its argument, the release in its environment, and not the token', async () => {
  const { folder } = await run(
    '#!/bin/sh\n{ echo "$# $1"; env | grep ^UPDRAFT_ | sort; } > "$(dirname "$0")/seen"\n',
  )
  expect((await readFile(join(folder, 'seen'), 'utf8')).trim().split('\n')).toEqual([
    '1 /downloads/x y.part',
    'UPDRAFT_OPERATION=op-1',
    'UPDRAFT_PREVIOUS_VERSION=1.0.0',
    'UPDRAFT_TITLE=app',
    'UPDRAFT_TYPE=firmware',
    'UPDRAFT_VERSION=1.1.0',
  ])
})

test('a script that fails is told with the end of what it said', async () => {
  const { result } = await run('#!/bin/sh\nseq 1 20000\necho no such partition >&2\nexit 3\n')
  if (result.kind !== 'failed') throw new Error(result.kind)
  expect(result.error).toMatch(/^the install ended with exit code 3\n/)
  expect(result.error).toContain('20000')
  expect(result.error.length).toBeLessThanOrEqual(4096)
})

test('a script that is killed, or is not there, has failed', async () => {
  expect((await run('#!/bin/sh\nkill -9 $$\n')).result).toEqual({
    kind: 'failed',
    error: 'the install was ended by SIGKILL',
  })
  const installer = scriptInstaller({
    script: './no-such-script',
    environment: {},
    folder: await temporaryFolder(),
    timeoutMs: 1000,
    clock: systemClock,
  })
  const release = { operation: 'o', type: 't', title: 'a', version: '1', sizeBytes: null }
  const job = { file: '/f', release, previous: null, remember: async () => {} }
  expect(await installer.install(job)).toMatchObject({
    kind: 'failed',
    error: expect.stringContaining('exit code 127'),
  })
})

test('a script that takes too long is ended with all it has started', async () => {
  const { result } = await run('#!/bin/sh\ntrap "" TERM\nsleep 600 & sleep 600\n', {
    timeoutMs: 200,
  })
  expect(result).toEqual({ kind: 'failed', error: 'the install took longer than 0.2 seconds' })
})

test('nothing is run before the journal knows whom to look for', async () => {
  const remember = async () => {
    throw new Error('the journal cannot be written')
  }
  const ran = run('#!/bin/sh\ntouch "$(dirname "$0")/ran"\n', { job: { remember } })
  await expect(ran).rejects.toThrow('the journal cannot be written')
})
