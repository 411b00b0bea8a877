import { spawn, spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs'
import { mkdir, readdir, stat, truncate, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CHECKSUM_ALGORITHMS, DomainError } from '@updraft/core'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { startChecksum } from './checksums.ts'
import { type FileStore, type FileStoreOptions, fileStore } from './file-store.ts'
import { incomingPath } from './incoming.ts'

/** Whatever is stored was stored before that. */
const LATER = new Date('2100-01-01')

const log = { info: () => {}, warn: () => {} }
let folder: string
let store: FileStore

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'updraft-artifacts-'))
  store = await fileStore({ folder, log })
})

afterEach(async () => {
  vi.restoreAllMocks()
  await store.close()
  rmSync(folder, { recursive: true, force: true })
})

async function* piecesOf(bytes: Uint8Array, size = 65_536): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

const sha256Of = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const leftIn = (name: string) => readdir(join(folder, name))

async function stored(): Promise<string[]> {
  const names = []
  for await (const { sha256 } of store.list()) names.push(sha256)
  return names.sort()
}

async function refusalOf(promise: Promise<unknown>): Promise<DomainError> {
  const error = await promise.catch((reason) => reason)
  if (!(error instanceof DomainError)) throw new Error('That was not refused.', { cause: error })
  return error
}

describe('receiving', () => {
  test('keeps the bytes under their SHA-256 and answers the checksum that was asked for', async () => {
    const bytes = randomBytes(300_000)
    const artifact = await store.receive(piecesOf(bytes, 7777), { algorithm: 'CRC32' })
    const crc = startChecksum('CRC32')
    crc.update(bytes)
    const sha256 = sha256Of(bytes)
    expect(artifact).toEqual({
      sha256,
      sizeBytes: bytes.length,
      checksums: { SHA256: sha256, CRC32: crc.hex() },
    })
    expect(await stored()).toEqual([sha256])
    expect(await leftIn('incoming')).toEqual([])
    expect((await stat(join(folder, 'sha256', sha256.slice(0, 2), sha256))).size).toBe(bytes.length)
  })

  test('takes an announced checksum in any letter case, and an announced size', async () => {
    const bytes = Buffer.from('123456789')
    const artifact = await store.receive(piecesOf(bytes), {
      algorithm: 'CRC32',
      checksum: '2639F4CB',
      sizeBytes: 9,
    })
    expect(artifact.checksums.CRC32).toBe('2639f4cb')
  })

  test('stores identical uploads once, and counts them as stored just now', async () => {
    const bytes = randomBytes(1000)
    const { sha256 } = await store.receive(piecesOf(bytes), { algorithm: 'SHA256' })
    const path = join(folder, 'sha256', sha256.slice(0, 2), sha256)
    await utimes(path, new Date(0), new Date(0))
    await Promise.all([
      store.receive(piecesOf(bytes), { algorithm: 'SHA256' }),
      store.receive(piecesOf(bytes), { algorithm: 'MD5' }),
    ])
    const after = await stat(path)
    expect(after.size).toBe(bytes.length)
    expect(after.mtimeMs).toBeGreaterThan(0)
    expect(await stored()).toEqual([sha256])
    expect(await leftIn('incoming')).toEqual([])
  })

  test('replaces a stored file that has lost bytes', async () => {
    const bytes = randomBytes(1000)
    const { sha256 } = await store.receive(piecesOf(bytes), { algorithm: 'SHA256' })
    await truncate(join(folder, 'sha256', sha256.slice(0, 2), sha256), 10)
    await store.receive(piecesOf(bytes), { algorithm: 'SHA256' })
    const artifact = await store.open(sha256)
    expect(sha256Of(await artifact.read(0, 1000))).toBe(sha256)
    artifact.release()
  })

  test.each([
    ['an empty file', 'artifact.empty', Buffer.alloc(0), {}],
    ['a file that is too short', 'artifact.incomplete', Buffer.alloc(9), { sizeBytes: 10 }],
    ['a file that is too long', 'artifact.incomplete', Buffer.alloc(11), { sizeBytes: 10 }],
    ['nothing of something', 'artifact.incomplete', Buffer.alloc(0), { sizeBytes: 10 }],
    [
      'another checksum',
      'artifact.checksum-mismatch',
      Buffer.alloc(9),
      { checksum: 'ab'.repeat(16) },
    ],
  ] as const)('refuses %s and leaves nothing behind', async (_what, code, bytes, expected) => {
    const refusal = await refusalOf(
      store.receive(piecesOf(bytes), { algorithm: 'MD5', ...expected }),
    )
    expect(refusal.code).toBe(code)
    expect(await leftIn('incoming')).toEqual([])
    expect(await stored()).toEqual([])
  })

  test('refuses an upload that breaks off, and keeps what broke it', async () => {
    const reset = new Error('read ECONNRESET')
    async function* broken() {
      yield randomBytes(100_000)
      throw reset
    }
    const refusal = await refusalOf(store.receive(broken(), { algorithm: 'SHA256' }))
    expect(refusal.code).toBe('artifact.incomplete')
    expect(refusal.cause).toBe(reset)
    expect(await leftIn('incoming')).toEqual([])
  })

  test('passes a refusal of the source on as it is', async () => {
    const tooLarge = new DomainError('request.too-large', 'No more than that.')
    // biome-ignore lint/correctness/useYield: it refuses at once
    async function* refusing(): AsyncGenerator<Uint8Array> {
      throw tooLarge
    }
    expect(await refusalOf(store.receive(refusing(), { algorithm: 'SHA256' }))).toBe(tooLarge)
  })
})

describe('a full disk', () => {
  test.each(['ENOSPC', 'EDQUOT'])(
    'is told as store.full (%s), and nothing is left',
    async (code) => {
      const full = Object.assign(new Error(`${code}: write`), { code })
      let writes = 0
      const write: FileStoreOptions['write'] = async (file, bytes) => {
        writes += 1
        if (writes === 3) throw full
        await file.write(bytes)
      }
      await store.close()
      store = await fileStore({ folder, log, write })
      const refusal = await refusalOf(
        store.receive(piecesOf(randomBytes(500_000)), { algorithm: 'SHA256' }),
      )
      expect(refusal.code).toBe('store.full')
      expect(refusal.cause).toBe(full)
      expect(await leftIn('incoming')).toEqual([])
    },
  )

  // Only where mounting is permitted; the test above runs everywhere.
  const probe = mountSmallDisk()
  probe?.unmount()
  if (probe) {
    test('is told as store.full by a real one as well, and it can be used on', async () => {
      const disk = mountSmallDisk()
      try {
        const small = await fileStore({ folder: disk?.path ?? '', log })
        const refusal = await refusalOf(
          small.receive(piecesOf(randomBytes(2_000_000)), { algorithm: 'SHA256' }),
        )
        expect(refusal.code).toBe('store.full')
        expect(refusal.cause).toMatchObject({ code: 'ENOSPC' })
        expect(await readdir(join(disk?.path ?? '', 'incoming'))).toEqual([])
        await small.receive(piecesOf(randomBytes(500_000)), { algorithm: 'SHA256' })
        await small.close()
      } finally {
        disk?.unmount()
      }
    })
  }
})

/** A disk of 1 MiB, or undefined if we may not mount one. */
function mountSmallDisk(): { path: string; unmount(): void } | undefined {
  const path = mkdtempSync(join(tmpdir(), 'updraft-full-'))
  const mount = ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', path]
  if (process.getuid?.() !== 0 || spawnSync('mount', mount).status !== 0) {
    rmSync(path, { recursive: true })
    return undefined
  }
  return {
    path,
    unmount() {
      spawnSync('umount', [path])
      rmSync(path, { recursive: true })
    },
  }
}

describe('what a crash left in incoming', () => {
  const source = fileURLToPath(new URL('./file-store.ts', import.meta.url))
  const program = `
    const { fileStore } = await import(${JSON.stringify(source)})
    const store = await fileStore({ folder: process.argv[1], log: console })
    async function* endless() {
      yield Buffer.alloc(1000)
      console.log('written')
      setInterval(() => {}, 1000)
      await new Promise(() => {})
    }
    await store.receive(endless(), { algorithm: 'SHA256' })`

  test('stays while the process that writes it lives, and goes when it has died', async () => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', program, folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    try {
      await once(child.stdout, 'data')
      await fileStore({ folder, log })
      expect(await leftIn('incoming')).toHaveLength(1)
    } finally {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    await fileStore({ folder, log })
    expect(await leftIn('incoming')).toEqual([])
    expect(await stored()).toEqual([])
  })

  test('goes after a day of silence, whoever wrote it', async () => {
    const [young, old, ours] = [
      join(folder, 'incoming', 'elsewhere-1-young'),
      join(folder, 'incoming', 'elsewhere-1-old'),
      incomingPath(join(folder, 'incoming')),
    ]
    await Promise.all([young, old, ours].map((path) => writeFile(path, 'x')))
    const longAgo = new Date(Date.now() - 25 * 60 * 60 * 1000)
    await utimes(old, longAgo, longAgo)
    await fileStore({ folder, log })
    const left = (await leftIn('incoming')).map((name) => join(folder, 'incoming', name))
    expect(left.sort()).toEqual([young, ours].sort())
  })
})

describe('reading', () => {
  const bytes = randomBytes(2_000_003)
  let sha256: string

  beforeEach(async () => {
    sha256 = (await store.receive(piecesOf(bytes), { algorithm: 'SHA256' })).sha256
  })

  const ranges = [
    [0, 0],
    [0, 1],
    [5, 1030],
    [65_500, 65_600],
    [524_280, 524_300],
    [100_000, 900_000],
    [1_999_990, 2_000_003],
    [0, 2_000_003],
  ] as const

  test.each(ranges)('gives the bytes from %i to %i', async (start, end) => {
    const artifact = await store.open(sha256)
    const expected = bytes.subarray(start, end)
    // The second time they may come from memory.
    for (let time = 0; time < 2; time++) {
      expect(expected.equals(await artifact.read(start, end))).toBe(true)
      const pieces = []
      for await (const piece of artifact.stream(start, end)) pieces.push(piece)
      expect(expected.equals(Buffer.concat(pieces))).toBe(true)
    }
    artifact.release()
  })

  test('gives chunk after chunk, of whatever size, to several readers', async () => {
    for (const size of [1000, 16_384, 65_536, 100_000]) {
      const artifact = await store.open(sha256)
      const chunks = []
      for (let at = 0; at < bytes.length; at += size) {
        chunks.push(await artifact.read(at, Math.min(at + size, bytes.length)))
      }
      expect(bytes.equals(Buffer.concat(chunks))).toBe(true)
      artifact.release()
    }
  })

  test.each([
    [-1, 5],
    [5, 4],
    [0, 2_000_004],
  ])('does not read from %i to %i', async (start, end) => {
    const artifact = await store.open(sha256)
    await expect(artifact.read(start, end)).rejects.toThrow(RangeError)
    artifact.release()
  })

  test('gives quick readers ever larger pieces', async () => {
    vi.spyOn(performance, 'now').mockReturnValue(0)
    expect(await pieceSizes()).toEqual([16_384, 65_536, 442_368, 524_288, 524_288, 427_139])
  })

  test('uses the memory of a piece again only for those who borrow it', async () => {
    const artifact = await store.open(sha256)
    const kept = []
    for await (const piece of artifact.stream(0, bytes.length)) kept.push(piece)
    const hash = createHash('sha256')
    const memories = new Set()
    for await (const piece of artifact.stream(0, 70_000, true)) memories.add(piece.buffer)
    for await (const piece of artifact.stream(0, bytes.length, true)) hash.update(piece)
    expect(memories.size).toBeLessThan(3)
    expect(hash.digest('hex')).toBe(sha256)
    expect(bytes.equals(Buffer.concat(kept))).toBe(true)
    artifact.release()
  })

  test('puts a small range into the memory it is given', async () => {
    const artifact = await store.open(sha256)
    const memory = Buffer.alloc(20_000)
    for (const start of [0, 60_000, 524_280, 60_000]) {
      const range = await artifact.read(start, start + 20_000, memory)
      expect(range.buffer).toBe(memory.buffer)
      expect(range.equals(bytes.subarray(start, start + 20_000))).toBe(true)
    }
    expect((await artifact.read(0, 20_001, memory)).buffer).not.toBe(memory.buffer)
    artifact.release()
  })

  test('ends with the release of the handle', async () => {
    const artifact = await store.open(sha256)
    const stream = artifact.stream(0, bytes.length)[Symbol.asyncIterator]()
    await stream.next()
    artifact.release()
    artifact.release()
    await expect(stream.next()).rejects.toThrow('after its release')
    await expect(artifact.read(0, 1)).rejects.toThrow('after its release')
  })

  test('gives slow readers small pieces', async () => {
    let nowMs = 0
    vi.spyOn(performance, 'now').mockImplementation(() => {
      nowMs += 150
      return nowMs
    })
    expect(new Set((await pieceSizes()).slice(0, -1))).toEqual(new Set([16_384]))
  })

  async function pieceSizes(): Promise<number[]> {
    const artifact = await store.open(sha256)
    const sizes = []
    for await (const piece of artifact.stream(0, bytes.length)) sizes.push(piece.length)
    artifact.release()
    return sizes
  }

  test('does not give a reader more than is left of a file that has shrunk', async () => {
    const artifact = await store.open(sha256)
    await truncate(join(folder, 'sha256', sha256.slice(0, 2), sha256), 100)
    await expect(artifact.read(0, 1000)).rejects.toThrow('shorter')
    artifact.release()
  })

  test.each(CHECKSUM_ALGORITHMS)('computes the %s of what is stored', async (algorithm) => {
    const checksum = startChecksum(algorithm)
    checksum.update(bytes)
    expect(await store.checksum(sha256, algorithm)).toBe(checksum.hex())
  })

  test('goes on after the bytes were removed, until the last reader has gone', async () => {
    const artifact = await store.open(sha256)
    await store.remove(sha256, LATER)
    await store.remove(sha256, LATER)
    expect(bytes.equals(await artifact.read(0, bytes.length))).toBe(true)
    artifact.release()
    expect((await refusalOf(store.open(sha256))).code).toBe('artifact.unknown')
    expect(await stored()).toEqual([])
  })

  test('keeps bytes that were stored again since the sweep began', async () => {
    const sweepBegan = new Date(Date.now() - 1000)
    await store.receive(piecesOf(bytes), { algorithm: 'SHA256' })
    await store.remove(sha256, sweepBegan)
    expect(await stored()).toEqual([sha256])
    expect(await leftIn('incoming')).toEqual([])
  })

  test.each(['0'.repeat(64), '../../../etc/passwd', ''])('does not know "%s"', async (name) => {
    expect((await refusalOf(store.open(name))).code).toBe('artifact.unknown')
    expect((await refusalOf(store.checksum(name, 'MD5'))).code).toBe('artifact.unknown')
    await store.remove(name, LATER)
  })

  if (process.platform === 'linux') {
    const openTwice = async () => Promise.all([store.open(sha256), store.open(sha256)])
    const openFiles = () =>
      readdirSync('/proc/self/fd').filter((name) => {
        try {
          return readlinkSync(`/proc/self/fd/${name}`).startsWith(folder)
        } catch {
          return false
        }
      }).length

    test('shares one open file, kept for the next reader and closed at the end', async () => {
      for (const artifact of [...(await openTwice()), ...(await openTwice())]) artifact.release()
      expect(openFiles()).toBe(1)
      await store.close()
      expect(openFiles()).toBe(0)
    })

    test('is not disturbed by the end of the store; the file is closed at its release', async () => {
      const artifact = await store.open(sha256)
      await store.close()
      expect((await artifact.read(0, 10)).length).toBe(10)
      artifact.release()
      await store.close()
      expect(openFiles()).toBe(0)
    })

    test('keeps no more files open than it was told', async () => {
      await store.close()
      store = await fileStore({ folder, log, maxIdleFiles: 2 })
      for (let count = 0; count < 5; count++) {
        const { sha256 } = await store.receive(piecesOf(randomBytes(10)), { algorithm: 'SHA256' })
        const artifact = await store.open(sha256)
        artifact.release()
      }
      await vi.waitFor(() => expect(openFiles()).toBe(2))
    })
  }
})

test('The folder is made where it is missing, with those above it', async () => {
  const deep = join(folder, 'a', 'b', 'c')
  await (await fileStore({ folder: deep, log })).close()
  expect((await readdir(deep)).sort()).toEqual(['incoming', 'sha256', 'uploads'])
})

test('The list holds artifacts only, with the time each was stored', async () => {
  const before = Date.now() - 1000
  await store.receive(piecesOf(Buffer.from('hello')), { algorithm: 'SHA256' })
  await mkdir(join(folder, 'sha256', 'zz'))
  await writeFile(join(folder, 'sha256', 'zz', 'notes.txt'), 'not ours')
  await writeFile(join(folder, 'sha256', 'stray'), 'not ours')
  const list = []
  for await (const entry of store.list()) list.push(entry)
  expect(list.map(({ sha256 }) => sha256)).toEqual([sha256Of(Buffer.from('hello'))])
  expect(list[0]?.storedAt.getTime()).toBeGreaterThan(before)
})
