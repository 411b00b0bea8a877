import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ask, expectProblem, query } from './operator.ts'
import { ADMIN_TOKEN, type TestPlatform, testPlatform } from './platform.ts'

let platform: TestPlatform

beforeAll(async () => {
  platform = await testPlatform()
  await platform.addProfile('P')
})
afterAll(() => platform.stop())

const sha256Of = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

/** All that is kept of files: on disk and in the database. */
async function kept() {
  const names = await readdir(join(platform.dataFolder, 'artifacts'), { recursive: true })
  const rows = await query<{ sha256: string }>(
    platform.connectionString,
    'select sha256 from artifacts order by 1',
  )
  return {
    incoming: names.filter((name) => name.startsWith('incoming/')),
    stored: names.flatMap((name) => /^sha256\/..\/(.{64})$/.exec(name)?.[1] ?? []).toSorted(),
    recorded: rows.map(({ sha256 }) => sha256),
  }
}

/** Sends an upload by hand; the test decides how much of it comes. */
async function rawUpload(headers: readonly string[]) {
  const { port, hostname } = new URL(platform.url)
  const socket = connect(Number(port), hostname)
  await once(socket, 'connect')
  socket.write(
    [
      'POST /api/artifacts HTTP/1.1',
      'Host: x',
      `Authorization: Bearer ${ADMIN_TOKEN}`,
      ...headers,
      '',
      '',
    ].join('\r\n'),
  )
  return socket
}

describe('an upload', () => {
  test('of more than fits in a JSON body is taken in, however it is announced', async () => {
    const bytes = randomBytes(9_000_000)
    const answer = await ask(platform, 'uploadArtifact', { body: new Uint8Array(bytes) })
    expect(answer.json).toMatchObject({ sha256: sha256Of(bytes), sizeBytes: bytes.length })
    const json = await ask(platform, 'uploadArtifact', {
      body: new Uint8Array([123]),
      headers: { 'content-type': 'application/json' },
    })
    expect(json.json).toMatchObject({ sizeBytes: 1 })
    const stream = await fetch(`${platform.url}/api/artifacts`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
      body: new Blob([new Uint8Array(bytes)]).stream(),
      duplex: 'half',
    } as RequestInit)
    expect(await stream.json()).toMatchObject({ sha256: sha256Of(bytes) })
    expect((await kept()).stored.filter((each) => each === sha256Of(bytes))).toHaveLength(1)
  })

  test('with the checksum it was said to have is taken in, in any letter case', async () => {
    const body = new Uint8Array(randomBytes(100))
    for (const [checksumAlgorithm, checksum] of [
      ['sha256', sha256Of(body).toUpperCase()],
      ['MD5', createHash('md5').update(body).digest('hex')],
    ]) {
      const query = { checksumAlgorithm, checksum }
      expect((await ask(platform, 'uploadArtifact', { body, query })).status).toBe(201)
    }
  })

  test('of the same bytes at once is kept once', async () => {
    const body = new Uint8Array(randomBytes(50_000))
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => ask(platform, 'uploadArtifact', { body })),
    )
    expect(new Set(answers.map(({ json }) => json.sha256))).toEqual(new Set([sha256Of(body)]))
    expect((await kept()).recorded.filter((each) => each === sha256Of(body))).toHaveLength(1)
  })
})

describe('an upload that is refused leaves nothing behind', () => {
  test.each<[string, number, string, { body: Uint8Array; query?: Record<string, string> }]>([
    ['of an empty file', 422, 'artifact.empty', { body: new Uint8Array() }],
    [
      'with another checksum',
      422,
      'artifact.checksum-mismatch',
      { body: new Uint8Array(randomBytes(9)), query: { checksum: '0'.repeat(64) } },
    ],
    [
      'with another checksum of its own algorithm',
      422,
      'artifact.checksum-mismatch',
      {
        body: new Uint8Array(randomBytes(9)),
        query: { checksumAlgorithm: 'CRC32', checksum: '00000000' },
      },
    ],
    [
      'with an unknown algorithm',
      400,
      'artifact.unknown-algorithm',
      { body: new Uint8Array(randomBytes(9)), query: { checksumAlgorithm: 'SHA1' } },
    ],
    [
      'with an unknown algorithm, when it is large',
      400,
      'artifact.unknown-algorithm',
      { body: new Uint8Array(8_000_000), query: { checksumAlgorithm: 'SHA1' } },
    ],
  ])('%s', async (_what, status, code, asked) => {
    const before = await kept()
    expectProblem(await ask(platform, 'uploadArtifact', asked), status, code)
    expect(await kept()).toEqual(before)
  })

  test.each([
    ['announced by its length', ['Content-Length: 1000000'], ''],
    ['sent in chunks', ['Transfer-Encoding: chunked'], '30d40\r\n'],
  ])('when it is cut half-way, %s', async (_what, headers, prefix) => {
    const before = await kept()
    const socket = await rawUpload(headers)
    socket.write(prefix)
    socket.write(randomBytes(200_000))
    await expect.poll(async () => (await kept()).incoming.length).toBe(1)
    socket.destroy()
    await expect.poll(kept).toEqual(before)
  })
})

describe('a download', () => {
  const bytes = randomBytes(300_000)
  let id: string
  beforeAll(async () => {
    id = await platform.addRelease({
      title: 'app',
      version: '1',
      profile: 'P',
      bytes: new Uint8Array(bytes),
      fileName: 'äpp "1".bin',
    })
  })
  const get = (headers: Record<string, string> = {}, method = 'GET') =>
    fetch(`${platform.url}/api/releases/${id}/artifact`, {
      method,
      headers: { authorization: `Bearer ${ADMIN_TOKEN}`, ...headers },
    })

  test('gives the bytes, whole or a range of them, and only announces them to HEAD', async () => {
    const whole = await get()
    expect(Buffer.compare(Buffer.from(await whole.arrayBuffer()), bytes)).toBe(0)
    expect(whole.headers.get('accept-ranges')).toBe('bytes')
    const etag = whole.headers.get('etag') ?? ''
    const range = await get({ range: 'bytes=100-199', 'if-range': etag })
    expect(range.status).toBe(206)
    expect(range.headers.get('content-range')).toBe('bytes 100-199/300000')
    expect(Buffer.compare(Buffer.from(await range.arrayBuffer()), bytes.subarray(100, 200))).toBe(0)
    const head = await get({}, 'HEAD')
    expect(head.status).toBe(200)
    expect(head.headers.get('content-length')).toBe('300000')
    expect(head.headers.get('etag')).toBe(etag)
    expect((await head.arrayBuffer()).byteLength).toBe(0)
    expect((await get({ range: 'bytes=300000-' })).status).toBe(416)
    expect((await get({ 'if-none-match': etag })).status).toBe(304)
  })

  test('is for those who may read releases', async () => {
    expectProblem(
      await ask(platform, 'downloadRelease', { params: { id }, token: null }),
      401,
      'access.unauthenticated',
    )
    const head = await get({ authorization: 'Bearer nobody' }, 'HEAD')
    expect(head.status).toBe(401)
  })

  test('of what is kept elsewhere is refused with its address', async () => {
    const { json } = await ask(platform, 'createRelease', {
      body: { title: 'app', version: '2', profile: 'P', url: 'https://files.example/a' },
    })
    const answer = await ask(platform, 'downloadRelease', { params: { id: json.id } })
    expect(expectProblem(answer, 404, 'release.external')).toMatchObject({
      url: 'https://files.example/a',
    })
  })
})
