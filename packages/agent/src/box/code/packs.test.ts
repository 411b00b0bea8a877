import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../../test-bench.test-helper.ts'
import { bring, cachedUpstream, many, upstreamWith } from './git-bench.test-helper.ts'
import { removeDamagedPacks } from './packs.ts'

async function fetched() {
  const { repository, server } = await upstreamWith(many(20))
  const folder = join(await temporaryFolder(), 'upstream.git')
  const upstream = await cachedUpstream(server.url, { folder })
  await bring(upstream)
  return { repository, upstream, packs: join(folder, 'objects', 'pack') }
}

const named = async (folder: string, ending: string) =>
  (await readdir(folder)).filter((name) => name.endsWith(ending)).map((name) => join(folder, name))

test('packs that are whole stay', async () => {
  const { packs } = await fetched()
  const before = await readdir(packs)
  await removeDamagedPacks(packs, 'sha1')
  expect(before.length).toBeGreaterThan(0)
  expect(await readdir(packs)).toEqual(before)
})

test.each([
  ['an index of nothing', '.idx', (bytes: Buffer) => bytes.fill(0, 8)],
  ['an index that ends early', '.idx', (bytes: Buffer) => bytes.subarray(0, 30)],
  ['a pack with one byte changed', '.pack', (bytes: Buffer) => flipped(bytes, 20)],
  ['a pack that ends early', '.pack', (bytes: Buffer) => bytes.subarray(0, 30)],
])('what has %s goes with all that belongs to it, and is fetched anew', async (_, ending, hurt) => {
  const { repository, upstream, packs } = await fetched()
  for (const path of await named(packs, ending)) await writeFile(path, hurt(await readFile(path)))
  await removeDamagedPacks(packs, 'sha1')
  expect(await readdir(packs)).toEqual([])
  await repository.commit({ 'part-3/file': 'new' })
  expect((await bring(upstream)).texts['part-3/file']).toBe('new')
})

test('upstream comes although every index was damaged', async () => {
  const { repository, upstream, packs } = await fetched()
  for (const path of await named(packs, '.idx')) {
    await writeFile(path, (await readFile(path)).fill(0, 1100))
  }
  await repository.commit({ 'part-3/file': 'new' })
  expect((await bring(upstream)).texts['part-3/file']).toBe('new')
})

function flipped(bytes: Buffer, at: number): Buffer {
  bytes[at] = (bytes[at] ?? 0) ^ 0x55
  return bytes
}
