/** Upstream on lines that break, beside caches that rot, killed at any moment. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { HurriedClock, temporaryFolder } from '../../test-bench.test-helper.ts'
import { randomFrom } from '../../waits.ts'
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
  upstreamWith,
} from './git-bench.test-helper.ts'

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
