import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, readdir, rm, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { StoredArtifact } from '../app/ports.ts'
import { type FileStore, fileStore } from './file-store.ts'

const log = { info: () => {}, warn: () => {} }
const uploader = { tenantId: randomUUID(), operatorId: randomUUID() }
const bytes = randomBytes(600_000)
const sha256 = createHash('sha256').update(bytes).digest('hex')
const artifact: StoredArtifact = {
  sha256,
  sizeBytes: bytes.length,
  checksums: { SHA256: sha256 },
}

let folder: string
let store: FileStore

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'updraft-uploads-'))
  store = await fileStore({ folder, log })
})
afterEach(async () => {
  await store.close()
  await rm(folder, { recursive: true })
})

const uploads = () => store.uploads.of(uploader)

async function* piecesOf(all: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < all.length; at += 65_536) yield all.subarray(at, at + 65_536)
}

/** One of which all has come. */
async function whole(): Promise<string> {
  const id = randomUUID()
  await uploads().begin({ id, sizeBytes: bytes.length, fileName: 'a.bin' })
  await uploads().append(id, 0, piecesOf(bytes))
  return id
}

async function reopen(): Promise<void> {
  await store.close()
  store = await fileStore({ folder, log })
}

const storedBytes = async () => {
  const handle = await store.open(sha256)
  try {
    return await handle.read(0, handle.sizeBytes)
  } finally {
    handle.release()
  }
}

test('what is whole becomes an artifact, is noted once, and is remembered', async () => {
  const id = await whole()
  const noted: StoredArtifact[] = []
  for (let times = 0; times < 2; times += 1) {
    const upload = await uploads().finish(id, async (each) => void noted.push(each))
    expect(upload).toEqual({
      id,
      fileName: 'a.bin',
      sizeBytes: bytes.length,
      offsetBytes: bytes.length,
      artifact,
    })
    await reopen()
  }
  expect(noted).toEqual([artifact])
  expect(await storedBytes()).toEqual(bytes)
})

test('cut off after its bytes were moved, it is noted when it goes on', async () => {
  const id = await whole()
  await expect(
    uploads().finish(id, async () => {
      throw new Error('the server is killed')
    }),
  ).rejects.toThrow('killed')
  await reopen()
  expect(await uploads().settle(id)).toMatchObject({ offsetBytes: bytes.length, artifact: null })
  expect(await uploads().finish(id, async () => {})).toMatchObject({ artifact })
  expect(await storedBytes()).toEqual(bytes)
})

test('of two who finish it at once, one notes it', async () => {
  const id = await whole()
  let noted = 0
  const finish = () =>
    uploads().finish(id, async () => {
      noted += 1
    })
  const [one, other] = await Promise.all([finish(), finish()])
  expect(one).toEqual(other)
  expect(noted).toBe(1)
})

test('a source that breaks off leaves what it brought', async () => {
  const id = randomUUID()
  await uploads().begin({ id, sizeBytes: bytes.length, fileName: null })
  const broken = async function* () {
    yield bytes.subarray(0, 1000)
    throw new Error('aborted')
  }
  expect(await uploads().append(id, 0, broken())).toMatchObject({ offsetBytes: 1000 })
  expect(await uploads().settle(id)).toMatchObject({ offsetBytes: 1000 })
})

test('whoever goes on does not wait for a source that is silent, and that one brings nothing more', async () => {
  const id = randomUUID()
  await uploads().begin({ id, sizeBytes: bytes.length, fileName: null })
  let wake = () => {}
  let isClosed = false
  const silent = async function* () {
    try {
      yield bytes.subarray(0, 1000)
      await new Promise<void>((resolve) => {
        wake = resolve
      })
      yield bytes.subarray(1000)
    } finally {
      isClosed = true
    }
  }
  const first = uploads().append(id, 0, silent())
  const refused = expect(first).rejects.toMatchObject({ code: 'upload.other-offset' })
  await expect.poll(async () => (await uploads().get(id)).offsetBytes).toBe(1000)
  const second = await uploads().append(id, 1000, piecesOf(bytes.subarray(1000, 2000)))
  expect(second.offsetBytes).toBe(2000)
  await refused
  wake()
  await expect.poll(() => isClosed).toBe(true)
  expect(await uploads().get(id)).toMatchObject({ offsetBytes: 2000 })
})

test.each(['../../etc', randomUUID(), ''])('there is no upload "%s"', async (id) => {
  const ways: (() => Promise<unknown>)[] = [
    () => uploads().get(id),
    () => uploads().settle(id),
    () => uploads().append(id, 0, piecesOf(bytes)),
    () => uploads().finish(id, async () => {}),
    () => uploads().remove(id),
  ]
  for (const way of ways) await expect(way()).rejects.toMatchObject({ code: 'upload.unknown' })
})

test('an upload is unknown to another person and in another tenant', async () => {
  const id = await whole()
  for (const other of [{ operatorId: randomUUID() }, { tenantId: randomUUID() }]) {
    const theirs = store.uploads.of({ ...uploader, ...other })
    await expect(theirs.get(id)).rejects.toMatchObject({ code: 'upload.unknown' })
  }
})

test('the sweep takes what has been idle, finished or not, and leaves the rest', async () => {
  const [idle, half, young] = [await whole(), randomUUID(), await whole()]
  await uploads().finish(idle, async () => {})
  await uploads().begin({ id: half, sizeBytes: 10, fileName: null })
  const longAgo = new Date(2020, 1, 1)
  for (const id of [idle, half]) {
    const home = join(folder, 'uploads', id)
    for (const name of await readdir(home)) await utimes(join(home, name), longAgo, longAgo)
    await utimes(home, longAgo, longAgo)
  }
  await store.uploads.removeIdle(new Date(2021, 1, 1))
  expect(await readdir(join(folder, 'uploads'))).toEqual([young])
  expect(await storedBytes()).toEqual(bytes)
})
