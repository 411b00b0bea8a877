/** The service as a real process: started, started again, and ended with all it has started. */

import * as disk from 'node:fs/promises'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { Log } from '../../log.ts'
import { HandClock, temporaryFolder, tenfoldClock } from '../../test-bench.test-helper.ts'
import type { Clock } from '../../waits.ts'
import { commandService } from './command-service.ts'
import { type ChildServiceOptions, childService, type Service, type Startable } from './service.ts'

test('it runs in the folder of its release, and knows which that is', async () => {
  const { folder, service } = await started(['/bin/sh', '-c', 'pwd; env; exec sleep 100'])
  await service.switchTo(await release(folder, 'one'))
  await expect.poll(() => told.join('\n')).toContain('UPDRAFT_RELEASE=one')
  expect(told[0]).toBe(join(folder, 'one'))
  expect(told.join('\n')).not.toContain('s3cret')
  expect(service.state()).toMatchObject({ kind: 'running' })
})

test('of two releases only one runs, and nothing of the other is left', async () => {
  const { folder, service } = await started([
    ...['/bin/sh', '-c', 'echo $$ >> ../pids; sleep 100 & echo $! >> ../pids; wait'],
  ])
  await service.switchTo(await release(folder, 'one'))
  await expect.poll(() => pidsOf(folder)).toHaveLength(2)
  const before = await pidsOf(folder)
  await service.switchTo(await release(folder, 'two'))
  await expect.poll(() => pidsOf(folder)).toHaveLength(4)
  for (const pid of before) await expect.poll(() => isAlive(pid)).toBe(false)
})

test('it is started again when it ends, later each time', async () => {
  const { folder, service } = await started(['/bin/sh', '-c', 'echo x >> ../starts; exit 3'])
  await service.switchTo(await release(folder, 'one'))
  await expect
    .poll(async () => (await text(join(folder, 'starts'))).length, { timeout: 30_000 })
    .toBeGreaterThanOrEqual(6)
  await expect.poll(() => service.state()).toMatchObject({ because: 'exit code 3' })
})

test('one that does not end when asked is ended', async () => {
  const { folder, service } = await started([
    '/bin/sh',
    '-c',
    'trap "" TERM; echo $$ >> ../pids; while :; do sleep 1; done',
  ])
  await service.switchTo(await release(folder, 'one'))
  await expect.poll(() => pidsOf(folder)).toHaveLength(1)
  await service.end()
  for (const pid of await pidsOf(folder)) await expect.poll(() => isAlive(pid)).toBe(false)
  expect(service.state()).toMatchObject({ kind: 'stopped', because: 'the agent ends' })
})

test('what a killed agent left running is ended before it is started again', async () => {
  // Whoever was killed does not start it again.
  const { folder, service } = await started(
    ['/bin/sh', '-c', 'echo $$ >> ../pids; exec sleep 100'],
    new HandClock(),
  )
  await service.switchTo(await release(folder, 'one'))
  await expect.poll(() => pidsOf(folder)).toHaveLength(1)
  const next = childService(options(folder))
  onTestFinished(() => next.end())
  await next.switchTo(await release(folder, 'one'))
  await expect.poll(() => pidsOf(folder)).toHaveLength(2)
  const [first = 0, second = 0] = await pidsOf(folder)
  expect([isAlive(first), isAlive(second)]).toEqual([false, true])
})

test('a release that nobody knows how to start is told as such', async () => {
  const { folder, service } = await started(null)
  await expect(service.switchTo(await release(folder, 'one'))).rejects.toThrow('nobody says how')
})

test('a service that talks without end does not fill the log', async () => {
  const { folder, service } = await started(['/bin/sh', '-c', 'yes | head -n 5000; exec sleep 100'])
  await service.switchTo(await release(folder, 'one'))
  await expect.poll(() => told.length).toBe(300)
  await service.end()
  expect(told.at(-1)).toMatch('left out')
})

test('where something else runs it, a link leads to the release and a command is run', async () => {
  const folder = await temporaryFolder()
  const link = join(folder, 'current')
  const command = `cd ${folder} && ls current/ && echo "$UPDRAFT_RELEASE" >> starts`
  const service = commandService({ disk, link, command, environment: process.env })
  await mkdir(join(folder, 'releases', 'one'), { recursive: true })
  await mkdir(join(folder, 'releases', 'two'), { recursive: true })
  await service.switchTo(at(join(folder, 'releases'), 'one'))
  await service.switchTo(at(join(folder, 'releases'), 'two'))
  // As after a start of the agent: it runs already.
  await service.switchTo(at(join(folder, 'releases'), 'two'))
  await service.restart()
  expect(await text(join(folder, 'starts'))).toBe('one\ntwo\ntwo\n')
  expect(await disk.readlink(link)).toBe('releases/two')
})

test('a command that fails is told with what it said', async () => {
  const folder = await temporaryFolder()
  const command = 'echo no such unit >&2; exit 5'
  const service = commandService({ disk, link: join(folder, 'current'), command, environment: {} })
  await expect(service.switchTo(at(folder, 'one'))).rejects.toThrow('ended with 5: no such unit')
})

let told: string[] = []

const log: Log = {
  debug() {},
  info: (message, fields) => void (fields?.from && told.push(message)),
  warn: (message) => void told.push(message),
  error: (message) => void told.push(message),
}

const options = (folder: string): ChildServiceOptions => ({
  noteFile: join(folder, 'service.json'),
  environment: { ...process.env, UPDRAFT_DEVICE_TOKEN: 's3cret' },
  bootId: 'one',
  clock: tenfoldClock,
  random: () => 0,
  log,
})

let command: readonly string[] | null = null

async function started(
  by: readonly string[] | null,
  clock: Clock = tenfoldClock,
): Promise<{ folder: string; service: Service }> {
  told = []
  command = by
  const folder = await temporaryFolder()
  const service = childService({ ...options(folder), clock })
  onTestFinished(() => service.end())
  return { folder, service }
}

const at = (folder: string, id: string): Startable => ({
  ...{ id, version: id, folder: join(folder, id), command },
})

async function release(folder: string, id: string): Promise<Startable> {
  await mkdir(join(folder, id), { recursive: true })
  await writeFile(join(folder, id, 'main'), id)
  return at(folder, id)
}

const text = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '')

const pidsOf = async (folder: string): Promise<number[]> =>
  (await text(join(folder, 'pids'))).trim().split('\n').filter(Boolean).map(Number)

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
