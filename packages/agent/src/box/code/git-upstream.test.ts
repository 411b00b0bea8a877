/** Upstream as it is met: over HTTP and from a folder, with caches that lie. */
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../../test-bench.test-helper.ts'
import {
  bring,
  cachedUpstream,
  FILES,
  gitsAt,
  many,
  NEVER,
  upstreamWith,
} from './git-bench.test-helper.ts'

test.each(['http', 'file'] as const)('brings a commit with all its files over %s', async (way) => {
  const { repository, server } = await upstreamWith(FILES)
  const commit = await repository.commit({})
  const upstream = await cachedUpstream(way === 'http' ? server.url : repository.bare)
  expect(await upstream.head('17.0', NEVER)).toBe(commit)
  const brought = await bring(upstream)
  expect(brought.commit).toBe(commit)
  expect(brought.committedAt).toMatch(/^20\d\d-/)
  expect(brought.kinds).toEqual({
    'addons/hw/driver.js': 'file',
    'addons/shop/big.js': 'file',
    'bin/start': 'executable',
    'main.js': 'file',
    'web/empty': 'file',
    'web/home': 'link',
    'web/index.html': 'file',
  })
  expect(brought.texts['web/index.html']).toBe('<p>one</p>\n')
  expect(brought.texts['web/home']).toBe('index.html')
  expect(brought.texts['web/empty']).toBe('')
})

test('brings only the wanted folders and what lies at the top', async () => {
  const { server } = await upstreamWith(FILES)
  const brought = await bring(await cachedUpstream(server.url), { paths: ['web', 'addons/hw'] })
  expect(Object.keys(brought.texts)).toEqual([
    'addons/hw/driver.js',
    'main.js',
    'web/empty',
    'web/home',
    'web/index.html',
  ])
  expect(server.packBytes).toBeLessThan(8_000)
})

test('a branch that is not there is told from an upstream that is not there', async () => {
  const { server } = await upstreamWith(FILES)
  const upstream = await cachedUpstream(server.url)
  expect(await upstream.head('18.0', NEVER)).toBeNull()
  expect(await upstream.head('-x', NEVER)).toBeNull()
  await server.down()
  await expect(upstream.head('17.0', NEVER)).rejects.toMatchObject({
    name: 'Away',
    kind: 'network',
  })
})

test('where upstream takes no filter, all comes at once', async () => {
  const { server } = await upstreamWith(FILES, { filters: false })
  const upstream = await cachedUpstream(server.url)
  expect((await bring(upstream)).texts['main.js']).toBe('console.log(1)\n')
  expect(server.packRequests).toBe(1)
})

test('a repository of the longer hashes is read as well', async () => {
  const { repository, server } = await upstreamWith(FILES, { format: 'sha256' })
  const commit = await repository.commit({ 'main.js': 'two' })
  const brought = await bring(await cachedUpstream(server.url))
  expect(brought.commit).toBe(commit)
  expect(commit).toHaveLength(64)
  expect(brought.texts['main.js']).toBe('two')
})

test('of the next commit only what is new comes', async () => {
  const { repository, server } = await upstreamWith(many(200))
  const upstream = await cachedUpstream(server.url)
  await bring(upstream)
  const first = server.packBytes
  await repository.commit({ 'part-7/file': 'new' })
  expect((await bring(upstream)).texts['part-7/file']).toBe('new')
  expect(server.packBytes - first).toBeLessThan(first / 10)
})

test.each([
  'shallow.lock',
  'index.lock',
  'packed-refs.lock',
  'config.lock',
  'refs/updraft/wanted.lock',
  'objects/pack/tmp_pack_abc',
  'objects/info/commit-graphs/commit-graph-chain.lock',
])('a left-over %s is no trouble', async (name) => {
  const { repository, server } = await upstreamWith(FILES)
  const folder = join(await temporaryFolder(), 'upstream.git')
  const upstream = await cachedUpstream(server.url, { folder })
  await bring(upstream)
  await repository.commit({ 'main.js': 'two' })
  await mkdir(dirname(join(folder, name)), { recursive: true })
  await writeFile(join(folder, name), '')
  expect((await bring(upstream)).texts['main.js']).toBe('two')
})

test('a folder where a file should be, and a file where the repository should be', async () => {
  const { server } = await upstreamWith(FILES)
  const folder = join(await temporaryFolder(), 'upstream.git')
  await mkdir(join(folder, 'config', 'x'), { recursive: true })
  await bring(await cachedUpstream(server.url, { folder }))
  await rm(folder, { recursive: true })
  await writeFile(folder, 'no folder')
  expect((await bring(await cachedUpstream(server.url, { folder }))).kinds['main.js']).toBe('file')
})

test('the page of a network that wants to be logged in to is told as such, and nothing is lost', async () => {
  const { server } = await upstreamWith(FILES)
  const upstream = await cachedUpstream(server.url)
  server.line = { isCaptive: true }
  await expect(upstream.head('17.0', NEVER)).rejects.toThrow('is no git repository')
  await expect(bring(upstream)).rejects.toThrow('is no git repository')
  server.line = {}
  await bring(upstream)
})

test('when it is stopped, nothing of git is left running', async () => {
  const { server } = await upstreamWith(FILES)
  server.line = { stallMs: 600_000 }
  const folder = join(await temporaryFolder(), 'upstream.git')
  const stop = new AbortController()
  const away = bring(await cachedUpstream(server.url, { folder }), { signal: stop.signal })
  await expect.poll(() => server.packRequests).toBe(1)
  expect(await gitsAt(folder)).not.toEqual([])
  stop.abort(new Error('the agent ends'))
  await expect(away).rejects.toThrow('the agent ends')
  await expect.poll(() => gitsAt(folder)).toEqual([])
})

test('no secret of the address is told, nor kept where others can read it', async () => {
  const { server } = await upstreamWith(FILES)
  const withSecret = server.url.replace('//', '//box:s3cret@')
  const folder = join(await temporaryFolder(), 'upstream.git')
  const upstream = await cachedUpstream(withSecret, { folder })
  await bring(upstream)
  expect(upstream.url).toBe(server.url)
  await server.down()
  const error = await upstream.head('17.0', NEVER).catch(String)
  expect(error).not.toContain('s3cret')
  expect((await stat(join(folder, 'home', '.gitconfig'))).mode & 0o077).toBe(0)
  expect(await readFile(join(folder, 'config'), 'utf8')).not.toContain('s3cret')
})

test('another repository inside is refused in words', async () => {
  const { repository, server } = await upstreamWith(FILES)
  await repository.commitTree([`160000 commit ${'1'.repeat(40)}\tlib`])
  await expect(bring(await cachedUpstream(server.url))).rejects.toThrow('submodule')
})

test('what git would do on the way to a password is not done: it is told', async () => {
  const { server } = await upstreamWith(FILES)
  server.line = { isLocked: true }
  const upstream = await cachedUpstream(server.url)
  await expect(upstream.head('17.0', NEVER)).rejects.toMatchObject({ kind: 'unauthorised' })
})

test('a box without git says so', async () => {
  const { server } = await upstreamWith(FILES)
  const upstream = await cachedUpstream(server.url, { program: '/nonexistent/git' })
  await expect(upstream.head('17.0', NEVER)).rejects.toThrow('no git program')
})
