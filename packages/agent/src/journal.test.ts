import * as disk from 'node:fs/promises'
import { readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { makeFolder } from './disk.ts'
import { Journal, withEnd } from './journal.ts'
import { MemoryDisk } from './memory-disk.ts'
import { temporaryFolder } from './test-bench.test-helper.ts'
import { randomFrom } from './waits.ts'

const GIVEN = (version: string) => ({ given: { firmware: { title: 'app', version } } })

async function written(...versions: string[]): Promise<string> {
  const folder = await temporaryFolder()
  const journal = new Journal({ disk, folder })
  for (const version of versions) await journal.write(GIVEN(version))
  return folder
}

const loaded = async (folder: string) =>
  (await new Journal({ disk, folder }).load()).given.firmware?.version

describe('the journal', () => {
  test('remembers nothing in an empty folder', async () => {
    expect(await loaded(await temporaryFolder())).toBeUndefined()
  })

  test('remembers what was written last', async () => {
    expect(await loaded(await written('1', '2', '3'))).toBe('3')
    expect(await loaded(await written('1', '2', '3', '4'))).toBe('4')
  })

  test('has what it was given on the medium when it says so, whenever the power goes', async () => {
    for (let seed = 1; seed <= 100; seed++) {
      const medium = new MemoryDisk(() => {})
      await makeFolder(medium.disk, '/state')
      const journal = new Journal({ disk: medium.disk, folder: '/state' })
      for (let step = 1; step <= 1 + (seed % 4); step++) await journal.write(GIVEN(`${step}`))
      medium.cutPower(randomFrom(seed))
      const { given } = await new Journal({ disk: medium.disk, folder: '/state' }).load()
      expect(given.firmware?.version).toBe(`${1 + (seed % 4)}`)
    }
  })

  test.each([
    ['cut short', (path: string) => truncate(path, 90)],
    ['empty', (path: string) => truncate(path, 0)],
    ['of zeros', (path: string) => writeFile(path, Buffer.alloc(200))],
    [
      'with one bit changed',
      async (path: string) => {
        const bytes = await readFile(path)
        bytes[bytes.length - 10] = (bytes.at(-10) ?? 0) ^ 1
        await writeFile(path, bytes)
      },
    ],
    [
      'with another sequence number',
      async (path: string) => {
        await writeFile(path, (await readFile(path, 'utf8')).replace(/ 3 /, ' 9 '))
      },
    ],
  ])('goes by the step before when the newest generation is %s', async (_, damage) => {
    const folder = await written('1', '2', '3')
    await damage(join(folder, 'journal-1.json'))
    expect(await loaded(folder)).toBe('2')
  })

  test('does not write over the only whole generation after damage', async () => {
    const folder = await written('1', '2', '3')
    await truncate(join(folder, 'journal-1.json'), 10)
    const journal = new Journal({ disk, folder })
    await journal.load()
    await journal.write(GIVEN('4'))
    await truncate(join(folder, 'journal-1.json'), 10)
    expect(await loaded(folder)).toBe('2')
  })

  test('starts anew when both are damaged', async () => {
    const folder = await written('1', '2')
    await truncate(join(folder, 'journal-0.json'), 10)
    await truncate(join(folder, 'journal-1.json'), 10)
    expect(await loaded(folder)).toBeUndefined()
  })
})

test('ends are kept once for each operation, with the number of failures, and not without limit', () => {
  let ended = withEnd([], { operation: 'a', state: 'FAILED', error: 'x' })
  ended = withEnd(ended, { operation: 'b', state: 'UPDATED', error: null })
  ended = withEnd(ended, { operation: 'a', state: 'FAILED', error: 'y' })
  expect(ended).toEqual([
    { operation: 'b', state: 'UPDATED', error: null, failures: 0 },
    { operation: 'a', state: 'FAILED', error: 'y', failures: 2 },
  ])
  for (let n = 0; n < 40; n++)
    ended = withEnd(ended, { operation: `${n}`, state: 'UPDATED', error: null })
  expect(ended.length).toBe(16)
})
