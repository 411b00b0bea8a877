/** What every artifact store does, on a folder and on a bucket; and what only a bucket can fail at. */
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { S3_KEY, S3_READER, type S3Key, type TestS3, testS3 } from '../../../../tools/test-s3.ts'
import type { ArtifactStore, UploadStore } from '../app/ports.ts'
import { fileStore } from './file-store.ts'
import { type S3StoreOptions, s3Store } from './s3-store.ts'
import { severalStores } from './several-stores.ts'

type Store = ArtifactStore & { readonly uploads: UploadStore }

const MIB = 1024 * 1024
const LATER = new Date('2100-01-01')
const NAMES = { fileName: 'wörk (1).bin', contentType: 'image/x' }
const log = { info: () => {}, warn: () => {} }

// Without what it asks Python for this machine has nothing to test with; then all that needs it is skipped by name.
const s3: TestS3 | undefined = await testS3()
let folder: string
let opened: Store[] = []

beforeAll(() => use(S3_KEY))
afterAll(() => s3?.stop())
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'updraft-stores-'))
})
afterEach(async () => {
  if (s3) s3.fault = () => 'pass'
  for (const store of opened) await store.close()
  opened = []
  rmSync(folder, { recursive: true, force: true })
})

function use({ id, secret }: S3Key): void {
  process.env.AWS_ACCESS_KEY_ID = id
  process.env.AWS_SECRET_ACCESS_KEY = secret
}

async function bucket(changes: Partial<S3StoreOptions> = {}): Promise<Store> {
  const store = await s3Store({
    name: 'eu',
    bucket: `b-${randomUUID()}`,
    prefix: 'updraft/',
    region: 'us-east-1',
    endpoint: s3?.endpoint,
    isPathStyle: true,
    isDirect: true,
    mayCreate: true,
    folder,
    log,
    ...changes,
  })
  opened.push(store)
  return store
}

async function inFolder(): Promise<Store> {
  const store = await fileStore({ folder, log })
  opened.push(store)
  return store
}

async function* piecesOf(bytes: Uint8Array, size = 65_536): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}
async function* brokenOff(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
  throw new Error('the line is cut')
}
const sha256Of = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const receive = (store: ArtifactStore, bytes: Uint8Array) =>
  store.receive(piecesOf(bytes), { algorithm: 'SHA256', sizeBytes: bytes.length })

async function stored(store: ArtifactStore): Promise<string[]> {
  const names = []
  for await (const { sha256 } of store.list()) names.push(sha256)
  return names.sort()
}

async function contentOf(store: ArtifactStore, sha256: string, from = 0, to?: number) {
  const handle = await store.open(sha256)
  const pieces = []
  for await (const piece of handle.stream(from, to ?? handle.sizeBytes))
    pieces.push(Buffer.from(piece))
  handle.release()
  return Buffer.concat(pieces)
}

const large = randomBytes(19 * MIB + 5)

const KINDS: readonly (readonly [string, () => Promise<Store>, boolean])[] = [
  ['a folder', inFolder, false],
  ['a bucket', bucket, s3 === undefined],
]
describe.each(KINDS)('%s', (_, open, isMissing) => {
  const its = test.skipIf(isMissing)

  its('keeps bytes under their SHA-256, small ones and large ones', async () => {
    const store = await open()
    for (const bytes of [Buffer.from('a'), randomBytes(300_000), large]) {
      const { sha256, sizeBytes } = await receive(store, bytes)
      expect([sha256, sizeBytes]).toEqual([sha256Of(bytes), bytes.length])
      expect(await store.has(sha256)).toBe(true)
      expect(sha256Of(await contentOf(store, sha256))).toBe(sha256)
      expect(await store.checksum(sha256, 'MD5')).toBe(
        createHash('md5').update(bytes).digest('hex'),
      )
    }
    expect((await stored(store)).length).toBe(3)
    expect(readdirSync(join(folder, 'incoming'))).toEqual([])
  })

  its('reads ranges across blocks, many at once', async () => {
    const store = await open()
    const { sha256 } = await receive(store, large)
    const handle = await store.open(sha256)
    const ranges = [
      [0, 1],
      [524_287, 524_289],
      [100, 700_000],
      [MIB, 4 * MIB],
      [large.length - 3, large.length],
    ] as const
    const read = await Promise.all(ranges.map(([start, end]) => handle.read(start, end)))
    for (const [index, [start, end]] of ranges.entries()) {
      expect(read[index]?.equals(large.subarray(start, end))).toBe(true)
      const streamed = await contentOf(store, sha256, start, end)
      expect(streamed.equals(large.subarray(start, end))).toBe(true)
    }
    handle.release()
  })

  its(
    'refuses what is cut, empty, too short or not as announced, and keeps nothing of it',
    async () => {
      const store = await open()
      const bytes = randomBytes(1000)
      const expected = { algorithm: 'SHA256' } as const
      const refusals = [
        [() => store.receive(brokenOff(bytes), expected), 'artifact.incomplete'],
        [() => store.receive(piecesOf(Buffer.alloc(0)), expected), 'artifact.empty'],
        [
          () => store.receive(piecesOf(bytes), { ...expected, sizeBytes: 1001 }),
          'artifact.incomplete',
        ],
        [
          () => store.receive(piecesOf(bytes), { ...expected, checksum: '0'.repeat(64) }),
          'artifact.checksum-mismatch',
        ],
      ] as const
      for (const [refused, code] of refusals)
        await expect(refused()).rejects.toMatchObject({ code })
      expect(await stored(store)).toEqual([])
      expect(readdirSync(join(folder, 'incoming'))).toEqual([])
    },
  )

  its('does not know what it does not have', async () => {
    const store = await open()
    for (const name of ['0'.repeat(64), '../etc/passwd']) {
      expect(await store.has(name)).toBe(false)
      await expect(store.open(name)).rejects.toMatchObject({ code: 'artifact.unknown' })
      await store.remove(name, LATER)
    }
  })

  its('removes what is old, and leaves what has come since', async () => {
    const store = await open()
    const { sha256 } = await receive(store, randomBytes(10))
    await store.remove(sha256, new Date(Date.now() - 60_000))
    expect(await stored(store)).toEqual([sha256])
    await store.remove(sha256, LATER)
    expect(await stored(store)).toEqual([])
    expect(await store.has(sha256)).toBe(false)
  })

  its('makes an artifact of what came in piece by piece', async () => {
    const store = await open()
    const bytes = large.subarray(0, 9 * MIB)
    const uploads = store.uploads.of({ tenantId: 't', operatorId: 'o' })
    const id = randomUUID()
    await uploads.begin({ id, sizeBytes: bytes.length, fileName: null })
    await uploads.append(id, 0, brokenOff(bytes.subarray(0, MIB)))
    await uploads.append(id, MIB, piecesOf(bytes.subarray(MIB)))
    const { artifact } = await uploads.finish(id, async () => {})
    expect(artifact?.sha256).toBe(sha256Of(bytes))
    expect(sha256Of(await contentOf(store, sha256Of(bytes)))).toBe(sha256Of(bytes))
  })
})

describe.skipIf(!s3)('a bucket and its server', () => {
  const gate = s3 as TestS3

  test('an address that carries its own permission gives the bytes, in ranges too, and no other one does', async () => {
    const store = await bucket()
    const { sha256 } = await receive(store, large.subarray(0, 1000))
    const now = new Date()
    const address = (await store.addressFor(sha256, { ...NAMES, now })) ?? ''
    expect(await store.addressFor(sha256, { ...NAMES, now })).toBe(address)
    const answer = await fetch(address, { headers: { range: 'bytes=10-19' } })
    expect(answer.status).toBe(206)
    expect(Buffer.from(await answer.arrayBuffer()).equals(large.subarray(10, 20))).toBe(true)
    expect(answer.headers.get('content-disposition')).toContain("UTF-8''w%C3%B6rk%20%281%29.bin")
    const forged = address.replace(/(X-Amz-Signature=)./, '$1g')
    expect((await fetch(forged)).status).toBe(403)
    const over = new Date(now.getTime() - 7 * 86_400_000)
    const old = (await store.addressFor(sha256, { ...NAMES, now: over })) ?? ''
    expect((await fetch(old)).status).toBe(403)
  })

  test('a bucket that devices cannot reach gives no addresses', async () => {
    const store = await bucket({ isDirect: false })
    const { sha256 } = await receive(store, Buffer.from('a'))
    expect(await store.addressFor(sha256, { ...NAMES, now: new Date() })).toBeNull()
  })

  test('a part that fails for a moment is sent again', async () => {
    const store = await bucket()
    let failures = 2
    gate.fault = (asked) => {
      if (!asked.includes('partNumber=2') || failures === 0) return 'pass'
      failures -= 1
      return failures === 1 ? 'cut' : 'fail'
    }
    const { sha256 } = await receive(store, large)
    expect(sha256Of(await contentOf(store, sha256))).toBe(sha256)
  })

  test('an upload in pieces whose parts fail for long goes on later with the parts that are there', async () => {
    const store = await bucket()
    const uploads = store.uploads.of({ tenantId: 't', operatorId: 'o' })
    const id = randomUUID()
    await uploads.begin({ id, sizeBytes: large.length, fileName: null })
    await uploads.append(id, 0, piecesOf(large))
    gate.fault = (asked) => (asked.includes('partNumber=3') ? 'cut' : 'pass')
    await expect(uploads.finish(id, async () => {})).rejects.toMatchObject({
      code: 'artifact-store.away',
    })
    gate.fault = () => 'pass'
    const before = gate.asked.length
    await uploads.finish(id, async () => {})
    const parts = gate.asked.slice(before).filter((asked) => asked.includes('partNumber='))
    expect(parts.map((asked) => /partNumber=(\d)/.exec(asked)?.[1])).toEqual(['3'])
    expect(sha256Of(await contentOf(store, sha256Of(large)))).toBe(sha256Of(large))
  })

  test('parts nobody went on with are removed, and a source that is lost leaves none', async () => {
    const store = await bucket()
    gate.fault = (asked) => (asked.includes('partNumber=2') ? 'cut' : 'pass')
    await expect(receive(store, large)).rejects.toMatchObject({ code: 'artifact-store.away' })
    const aborts = () => gate.asked.filter((asked) => /^DELETE .*uploadId=/.test(asked)).length
    const before = aborts()
    const uploads = store.uploads.of({ tenantId: 't', operatorId: 'o' })
    const id = randomUUID()
    await uploads.begin({ id, sizeBytes: large.length, fileName: null })
    await uploads.append(id, 0, piecesOf(large))
    await expect(uploads.finish(id, async () => {})).rejects.toMatchObject({
      code: 'artifact-store.away',
    })
    gate.fault = () => 'pass'
    await store.abandon(new Date(0))
    expect(aborts()).toBe(before)
    await store.abandon(LATER)
    expect(aborts()).toBe(before + 1)
  })

  test('a stream that breaks off goes on where it was', async () => {
    const store = await bucket()
    const { sha256 } = await receive(store, large)
    const handle = await store.open(sha256)
    const pieces: Buffer[] = []
    let failures = 0
    for await (const piece of handle.stream(0, handle.sizeBytes)) {
      pieces.push(Buffer.from(piece))
      if (failures > 1) continue
      failures += 1
      gate.cutAnswers()
    }
    expect(sha256Of(Buffer.concat(pieces))).toBe(sha256)
  })

  test('a server that is away is said so, and asked again when it is back', async () => {
    const name = `b-${randomUUID()}`
    const store = await bucket({ bucket: name })
    const { sha256 } = await receive(store, Buffer.from('abc'))
    gate.fault = () => 'cut'
    const other = await bucket({ bucket: name, folder: join(folder, 'other') })
    await expect(other.open(sha256)).rejects.toMatchObject({ code: 'artifact-store.away' })
    await expect(receive(other, Buffer.from('x'))).rejects.toThrow(/does not answer at the moment/)
    gate.fault = () => 'pass'
    expect((await contentOf(other, sha256)).toString()).toBe('abc')
  })

  test('a bucket that is missing is made, or refused where that is not wanted', async () => {
    const missing = { bucket: `b-${randomUUID()}` }
    await expect(bucket({ ...missing, mayCreate: false })).rejects.toMatchObject({
      code: 'artifact-store.no-bucket',
      message: expect.stringContaining(missing.bucket),
    })
    await bucket(missing)
    await bucket({ ...missing, mayCreate: false })
  })

  test('a key that is wrong, or may not write, is refused in plain words', async () => {
    const known = { bucket: `b-${randomUUID()}` }
    const { sha256 } = await receive(await bucket(known), Buffer.from('abc'))
    try {
      use(S3_READER)
      const reader = await bucket(known)
      expect((await contentOf(reader, sha256)).toString()).toBe('abc')
      await expect(receive(reader, Buffer.from('x'))).rejects.toMatchObject({
        code: 'artifact-store.denied',
        message: expect.stringContaining('may not do this'),
      })
      await expect(bucket()).rejects.toMatchObject({ code: 'artifact-store.no-bucket' })
      use({ ...S3_KEY, secret: 'wrong' })
      // Who asks with HEAD is told the status alone.
      await expect(bucket(known)).rejects.toMatchObject({
        code: 'artifact-store.denied',
        message: expect.stringMatching(/\(artifact store ".+"\)\.$/),
      })
    } finally {
      use(S3_KEY)
    }
  })

  test('several stores: what comes in lies in the first, what lies anywhere is found', async () => {
    const first = { ...(await bucket()), name: 'first', kind: 's3' } as const
    const second = { ...(await inFolder()), name: 'second', kind: 'file' } as const
    const both = severalStores([first, second], first.uploads)
    const { sha256 } = await receive(both, Buffer.from('in'))
    expect([await first.has(sha256), await second.has(sha256)]).toEqual([true, false])
    const { sha256: elsewhere } = await receive(second, Buffer.from('elsewhere'))
    expect((await contentOf(both, elsewhere)).toString()).toBe('elsewhere')
    gate.fault = () => 'cut'
    const third = {
      ...(await bucket({ folder: join(folder, 'third') })),
      name: 'first',
      kind: 's3',
    } as const
    const halves = severalStores([third, second], third.uploads)
    expect((await contentOf(halves, elsewhere)).toString()).toBe('elsewhere')
    await expect(halves.open('1'.repeat(64))).rejects.toMatchObject({ code: 'artifact-store.away' })
    expect(() => both.named('none')).toThrow(/there is first, second/)
  })

  test('a large file takes no more memory on its way than one of an eighth of its size', async () => {
    const store = await bucket()
    const peakOf = async (count: number) => {
      const piece = randomBytes(MIB)
      async function* source() {
        for (let at = 0; at < count; at += 1) {
          piece.writeUInt32LE(at)
          yield piece
        }
      }
      let peak = 0
      const watch = setInterval(() => {
        const { arrayBuffers, heapUsed } = process.memoryUsage()
        peak = Math.max(peak, arrayBuffers + heapUsed)
      }, 5)
      const { sha256 } = await store.receive(source(), { algorithm: 'SHA256' })
      const handle = await store.open(sha256)
      for await (const got of handle.stream(0, handle.sizeBytes)) if (got.length === 0) break
      clearInterval(watch)
      return peak
    }
    // The gate holds a part at a time as well.
    await peakOf(16)
    const small = await peakOf(16)
    const big = await peakOf(128)
    expect(big).toBeLessThan(small + 64 * MIB)
  })
})
