import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { artifactRecord } from '../app/artifact-record.ts'
import { audit } from '../app/audit.ts'
import { catalogue } from '../app/catalogue.ts'
import { describedRelease } from '../app/described-release.ts'
import { uploads } from '../app/uploads.ts'
import { type FileStore, fileStore } from '../artifacts/file-store.ts'
import { uuids } from '../credentials/secrets.ts'
import { addTenant, type TestStore, testStore } from '../store/store.test-helper.ts'
import { type HttpListener, httpListener } from '../transports/http.ts'
import type { OperatorNeeds } from './call.ts'
import { rest } from './rest.ts'

/** What fits on the disk. */
const ROOM_BYTES = 300_000

let store: TestStore
let artifacts: FileStore
let http: HttpListener
let folder: string
let url: string
let freeBytes = ROOM_BYTES

beforeAll(async () => {
  store = await testStore()
  folder = await mkdtemp(join(tmpdir(), 'updraft-full-'))
  const log = pino({ level: 'silent' })
  artifacts = await fileStore({
    folder,
    log,
    write: async (file, bytes, offsetBytes) => {
      const written = Math.min(freeBytes, bytes.length)
      freeBytes -= written
      await file.write(bytes, 0, written, offsetBytes)
      if (written === bytes.length) return
      throw Object.assign(new Error('no space left'), { code: 'ENOSPC' })
    },
  })
  const tenant = await addTenant(store, 'acme')
  const operator = {
    id: tenant.operatorId,
    tenantId: tenant.id,
    name: 'admin',
    customer: null,
    createdAt: new Date(),
  }
  const actor = {
    kind: 'operator',
    id: tenant.operatorId,
    tenantId: tenant.id,
    customerId: null,
    name: 'admin',
    role: 'operator',
    tokenId: null,
    from: '127.0.0.1',
    via: 'session',
  } as const
  // The other rooms are not asked here.
  const recordArtifact = artifactRecord({ clock: store.clock, unitOfWork: store.run })
  const needs = {
    accounts: { byToken: async () => ({ actor, operator: { ...operator, role: actor.role } }) },
    audit: audit({ clock: store.clock, unitOfWork: store.run }),
    catalogue: catalogue({
      artifacts,
      clock: store.clock,
      described: describedRelease({
        archives: { check: async () => {} },
        artifacts,
        clock: store.clock,
        ids: uuids,
        unitOfWork: store.run,
      }),
      recordArtifact,
      unitOfWork: store.run,
    }),
    clock: store.clock,
    uploads: uploads({ ids: uuids, recordArtifact, uploads: artifacts.uploads }),
    version: '0.0.0',
  } as unknown as OperatorNeeds
  http = await httpListener({
    log,
    trustedProxies: 0,
    newRequestId: uuids.next,
    onAnswered: () => {},
    scopes: [{ name: 'operator', register: rest(needs) }],
  })
  const { port } = await http.listen({ host: '127.0.0.1', port: 0 })
  url = `http://127.0.0.1:${port}/api`
})
beforeEach(() => {
  freeBytes = ROOM_BYTES
})
afterAll(async () => {
  await http.close()
  await artifacts.close()
  await store.close()
  await rm(folder, { recursive: true })
})

const upload = (sizeBytes: number) =>
  fetch(`${url}/artifacts`, {
    method: 'POST',
    headers: { authorization: 'Bearer any' },
    body: new Uint8Array(sizeBytes).fill(7),
  })

test.each([400_000, 20_000_000])(
  'an upload of %i bytes onto a full disk is told so, and leaves nothing behind',
  async (sizeBytes) => {
    const answer = await upload(sizeBytes)
    expect(answer.status).toBe(507)
    expect(await answer.json()).toMatchObject({
      code: 'store.full',
      title: 'No space left',
      detail: 'There is no space left for the file.',
    })
    expect(await readdir(join(folder, 'incoming'))).toEqual([])
    expect(await readdir(join(folder, 'sha256'))).toEqual([])
    expect(await store.rows('select * from artifacts')).toEqual([])
  },
)

test('what fits again afterwards is taken in', async () => {
  expect((await upload(400_000)).status).toBe(507)
  freeBytes = ROOM_BYTES
  expect((await upload(200_000)).status).toBe(201)
  expect(await store.rows('select size_bytes::int from artifacts')).toEqual([
    { size_bytes: 200_000 },
  ])
})

test('an upload in pieces onto a full disk keeps what fitted, and goes on when there is room', async () => {
  const bytes = randomBytes(400_000)
  const headers = { authorization: 'Bearer any' }
  const begun = await fetch(`${url}/uploads`, {
    method: 'POST',
    headers: { ...headers, 'upload-length': String(bytes.length) },
  })
  const { id } = (await begun.json()) as { id: string }
  const send = (offset: number) =>
    fetch(`${url}/uploads/${id}`, {
      method: 'PATCH',
      headers: { ...headers, 'upload-offset': String(offset) },
      body: bytes.subarray(offset),
    })
  const full = await send(0)
  expect(full.status).toBe(507)
  expect(await full.json()).toMatchObject({ code: 'store.full' })
  const head = await fetch(`${url}/uploads/${id}`, { method: 'HEAD', headers })
  expect(head.headers.get('upload-offset')).toBe(String(ROOM_BYTES))
  freeBytes = ROOM_BYTES
  expect((await send(ROOM_BYTES)).status).toBe(204)
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  const done = await fetch(`${url}/uploads/${id}`, { headers })
  expect(await done.json()).toMatchObject({ artifact: { sha256, sizeBytes: bytes.length } })
})
