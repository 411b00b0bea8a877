/** Upstream on lines that break, beside caches that rot; all of it killed at any moment. */
import { type ChildProcess, spawn } from 'node:child_process'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { HurriedClock, temporaryFolder } from '../../test-bench.test-helper.ts'
import { randomFrom } from '../../waits.ts'
import type { CodeLayer } from './code-layer.ts'
import { codeOnDisk } from './code-life.test-helper.ts'
import {
  bring,
  bringInOwnProgram,
  cachedUpstream,
  damage,
  ended,
  FILES,
  gitsAt,
  kill,
  largestBatch,
  many,
  NEVER,
  upstreamWith,
} from './git-bench.test-helper.ts'
import { GitServer, Repository } from './git-server.test-helper.ts'

test('a cut connection costs a batch at most, wherever it is cut', async () => {
  const { server } = await upstreamWith(many(400))
  await bring(await cachedUpstream(server.url))
  const whole = server.packBytes
  for (let cut = 1; cut <= 12; cut++) {
    server.packBytes = 0
    server.line = { cutAfterBytes: Math.floor((whole * cut) / 13) }
    expect(Object.keys((await bring(await cachedUpstream(server.url))).texts)).toHaveLength(400)
    expect(server.packBytes, `cut ${cut}`).toBeLessThan(whole + largestBatch(whole))
  }
})

test('what came before the line went dead is not fetched again in the next life', async () => {
  const { server } = await upstreamWith(many(400))
  await bring(await cachedUpstream(server.url))
  const whole = server.packBytes
  for (let cut = 1; cut <= 6; cut++) {
    const folder = join(await temporaryFolder(), 'upstream.git')
    server.packBytes = 0
    server.line = { cutAfterBytes: Math.floor((whole * cut) / 7), diesWhenCut: true }
    const away = bring(await cachedUpstream(server.url, { folder, clock: new HurriedClock() }))
    await expect(away).rejects.toMatchObject({ name: 'Away', kind: 'network' })
    server.line = {}
    const brought = await bring(await cachedUpstream(server.url, { folder }))
    expect(Object.keys(brought.texts)).toHaveLength(400)
    expect(server.packBytes, `cut ${cut}`).toBeLessThan(whole + largestBatch(whole))
  }
})

test('a line that is cut again and again brings everything at last, in smaller and smaller batches', async () => {
  const { server } = await upstreamWith(many(300))
  const upstream = await cachedUpstream(server.url)
  await bring(await cachedUpstream(server.url))
  const whole = server.packBytes
  const cut = setInterval(() => {
    server.line.cutAfterBytes ??= Math.floor(whole / 9)
  }, 5)
  onTestFinished(() => clearInterval(cut))
  server.line = { cutAfterBytes: Math.floor(whole / 9) }
  for (let jobs = 1; ; jobs++) {
    const brought = await bring(upstream).catch(() => null)
    if (brought) break
    expect(jobs).toBeLessThan(10)
  }
})

test('whatever is damaged in what is kept of upstream, the update comes', async () => {
  const { repository, server } = await upstreamWith(many(100))
  const random = randomFrom(8)
  for (let round = 1; round <= 24; round++) {
    const folder = join(await temporaryFolder(), 'upstream.git')
    const upstream = await cachedUpstream(server.url, { folder, clock: new HurriedClock() })
    await bring(upstream)
    const hurt = await damage(folder, random)
    await repository.commit({ 'part-3/file': `round ${round}` })
    const brought = await bring(upstream).catch((error) => {
      throw new Error(`after ${hurt}`, { cause: error })
    })
    expect(brought.texts['part-3/file'], hurt).toBe(`round ${round}`)
    expect(Object.keys(brought.texts), hurt).toHaveLength(100)
  }
})

test('a pause of eight seconds is waited for', async () => {
  const { server } = await upstreamWith({ 'main.js': 'one' })
  server.line = { stallMs: 8_000 }
  expect((await bring(await cachedUpstream(server.url))).texts['main.js']).toBe('one')
})

test('a line on which nothing comes any more is given up, not waited for', async () => {
  const { server } = await upstreamWith(FILES)
  server.line = { stallMs: 600_000 }
  const upstream = await cachedUpstream(server.url, { stallSeconds: 1, clock: new HurriedClock() })
  await expect(bring(upstream)).rejects.toMatchObject({ name: 'Away', kind: 'network' })
})

test('killed at any moment, git or the agent with git under it, the next life brings everything', async () => {
  const { server } = await upstreamWith(many(150))
  const random = randomFrom(5)
  for (let round = 1; round <= 16; round++) {
    const folder = join(await temporaryFolder(), 'upstream.git')
    const isAgent = round % 2 === 0
    server.line = { stallMs: 150 }
    const requests = server.requests + 1 + Math.floor(random() * 8)
    const child = bringInOwnProgram({ url: server.url, folder, bootId: 'one' })
    await expect.poll(() => server.requests >= requests || child.exitCode !== null).toBe(true)
    await new Promise((resolve) => setTimeout(resolve, random() * 150))
    if (isAgent) child.kill('SIGKILL')
    else for (const pid of await gitsAt(folder)) kill(pid)
    await ended(child)
    server.line = {}
    const upstream = await cachedUpstream(server.url, { folder, bootId: 'one' })
    expect(Object.keys((await bring(upstream)).texts), `round ${round}`).toHaveLength(150)
    await expect.poll(() => gitsAt(folder)).toEqual([])
  }
})

test('many packs become one, with what is wanted and nothing else', async () => {
  const { repository, server } = await upstreamWith(many(30))
  const folder = join(await temporaryFolder(), 'upstream.git')
  const upstream = await cachedUpstream(server.url, { folder })
  await bring(upstream)
  let most = 0
  for (let round = 1; round <= 40; round++) {
    await repository.commit({ 'part-3/file': `round ${round}` })
    expect((await bring(upstream)).texts['part-3/file']).toBe(`round ${round}`)
    const packs = (await readdir(join(folder, 'objects', 'pack'))).filter((n) => /\.pack$/.test(n))
    most = Math.max(most, packs.length)
  }
  expect(most).toBeLessThan(70)
  expect(most).toBeGreaterThan(30)
})

test('the agent killed at any moment of an update: all old or all new, one service, and the next life ends it', {
  timeout: 600_000,
}, async () => {
  const OLD = treeThatSays('old')
  const NEW = treeThatSays('new')
  const random = randomFrom(3)
  let kills = 0
  for (let round = 1; round <= 14; round++) {
    const repository = await Repository.make()
    const { url } = await GitServer.start(repository)
    const top = await temporaryFolder()
    const folder = join(top, 'code')
    await repository.commit(OLD)
    const first = codeOnDisk(folder, url)
    await first.wakeUp(NEVER)
    expect((await first.update({ series: '17.0', isAsked: true, signal: NEVER })).kind).toBe(
      'updated',
    )
    await first.end()
    await repository.commit(NEW)

    const child = updateInOwnProgram({ folder, url })
    const said: string[] = []
    child.stdout?.on('data', (text) => said.push(String(text)))
    await expect.poll(() => said.join(''), { timeout: 60_000 }).toContain('awake')
    await new Promise((resolve) => setTimeout(resolve, random() * 3_500))
    if (!said.join('').includes('done')) kills += 1
    child.kill('SIGKILL')
    await ended(child)

    const next = codeOnDisk(folder, url)
    await next.wakeUp(NEVER)
    const says = async () => await textIn(next, folder)
    expect(['old', 'new'], `round ${round}`).toContain(await says())
    await next.update({ series: '17.0', isAsked: true, signal: NEVER })
    expect(await says(), `round ${round}`).toBe('new')
    await expect.poll(async () => (await servicesAt(folder)).length).toBe(1)
    await next.end()
    await expect.poll(() => servicesAt(folder)).toEqual([])
  }
  console.log(`${kills} of 14 kills in the middle of an update`)
  expect(kills).toBeGreaterThan(0)
})

const treeThatSays = (what: string): Record<string, string> => ({
  'updraft-box.json': JSON.stringify({
    service: ['/bin/sh', 'main.sh'],
    health: { upSeconds: 0.5, withinSeconds: 30 },
  }),
  'main.sh': 'exec sleep 1000',
  ...Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`part-${at}/file`, what])),
})

/** What all files of the active release say; a mixture says both. */
async function textIn(layer: CodeLayer, folder: string): Promise<string> {
  const { active } = layer.status()
  const at = join(folder, 'releases', active?.id ?? '')
  const texts = Array.from({ length: 40 }, (_, part) =>
    readFile(join(at, `part-${part}/file`), 'utf8'),
  )
  return [...new Set(await Promise.all(texts))].join()
}

/** Services that run in a release of that folder. */
async function servicesAt(folder: string): Promise<number[]> {
  const found: number[] = []
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue
    const at = await readlink(`/proc/${pid}/cwd`).catch(() => '')
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    if (at.startsWith(join(folder, 'releases')) && command.startsWith('sleep'))
      found.push(Number(pid))
  }
  return found
}

function updateInOwnProgram(about: Record<string, string>): ChildProcess {
  const program = fileURLToPath(new URL('update-child.test-helper.ts', import.meta.url))
  const stdio = ['ignore', 'pipe', 'ignore'] as const
  return spawn(process.execPath, [program, JSON.stringify(about)], { stdio: [...stdio] })
}
