import * as promises from 'node:fs/promises'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Offer } from './uplink.ts'
import { verify } from './verify.ts'

let folder: string
let path: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'updraft-agent-'))
  path = join(folder, 'file')
  await writeFile(path, '123456789')
})
afterAll(() => rm(folder, { recursive: true }))

const offer = (algorithm: string, value: string): Offer => ({
  operation: 'o1',
  type: 'firmware',
  title: 'app',
  version: '1',
  sizeBytes: 9,
  checksum: { algorithm, value },
  address: null,
  isStanding: false,
})

const check = (algorithm: string, value: string) =>
  verify(promises, path, offer(algorithm, value), new AbortController().signal)

/** Of the text "123456789". */
test.each([
  ['MD5', '25f9e794323b453885f5181f1b624d0b'],
  ['SHA256', '15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225'],
  ['CRC32', '2639f4cb'],
  ['MURMUR3_32', '82f3feb4'],
  ['MURMUR3_128', 'a4cc66db5e64843c05a11e3ac7faf899'],
])(
  'a file with the %s it was announced with is taken, with another one it is not',
  async (algorithm, value) => {
    await check(algorithm, value)
    await check(algorithm, value.toUpperCase())
    const other = `${value.slice(0, -1)}${value.endsWith('0') ? '1' : '0'}`
    await expect(check(algorithm, other)).rejects.toThrow(`wrong ${algorithm}`)
  },
)
