/** Uploads that go on after a broken connection, by a client that knows no more of tus than its headers. */
import { createHash, randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Answered, addOperator, expectProblem, quickHash, send } from './operator.ts'
import { ADMIN_TOKEN, type TestPlatform, testPlatform } from './platform.ts'
import { type RawConnection, rawHttp } from './raw-http.ts'
import { serverProcess } from './server-process.ts'

const sha256Of = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const tus = { 'tus-resumable': '1.0.0' }

type Server = Pick<TestPlatform, 'url' | 'dataFolder'>

/** Begins one; answers its address. */
async function begin(server: Server, sizeBytes: number, token = ADMIN_TOKEN): Promise<string> {
  const headers = { ...tus, 'upload-length': String(sizeBytes) }
  const answer = await send(`${server.url}/api/uploads`, 'POST', { headers, token })
  expect(answer.status, answer.text).toBe(201)
  const location = answer.headers.get('location') ?? ''
  expect(location).toBe(`/api/uploads/${answer.json.id}`)
  return new URL(location, server.url).href
}

async function offset(upload: string): Promise<number> {
  const answer = await send(upload, 'HEAD', { headers: tus })
  expect(answer.status).toBe(200)
  expect(answer.headers.get('cache-control')).toBe('no-store')
  return Number(answer.headers.get('upload-offset'))
}

const append = (upload: string, at: number, body: Uint8Array): Promise<Answered> =>
  send(upload, 'PATCH', { headers: { ...tus, 'upload-offset': String(at) }, body })

/** Announces `length` bytes from `at` on; the test decides how much of it comes. */
async function appendRaw(upload: string, at: number, length: number): Promise<RawConnection> {
  const connection = await rawHttp(upload)
  connection.send(
    [
      `PATCH ${new URL(upload).pathname} HTTP/1.1`,
      'Host: x',
      `Authorization: Bearer ${ADMIN_TOKEN}`,
      'Tus-Resumable: 1.0.0',
      'Content-Type: application/offset+octet-stream',
      `Upload-Offset: ${at}`,
      `Content-Length: ${length}`,
      '',
      '',
    ].join('\r\n'),
  )
  return connection
}

/** What has come of it, looked at without going on. */
const shown = async (upload: string) => (await send(upload, 'GET')).json
const hasCome = (upload: string, sizeBytes: number) =>
  expect.poll(async () => (await shown(upload)).offsetBytes).toBeGreaterThanOrEqual(sizeBytes)

async function expectArtifact(server: Server, upload: string, bytes: Uint8Array): Promise<void> {
  const sha256 = sha256Of(bytes)
  const sizeBytes = bytes.length
  expect(await shown(upload)).toMatchObject({
    offsetBytes: sizeBytes,
    artifact: { sha256, sizeBytes, checksums: { SHA256: sha256 } },
  })
  const profile = randomBytes(8).toString('hex')
  await ask(server, 'profiles', { name: profile })
  const release = await ask(server, 'releases', { title: profile, version: '1', profile, sha256 })
  const answer = await fetch(`${server.url}/api/releases/${release.id}/artifact`, {
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
  })
  expect(sha256Of(new Uint8Array(await answer.arrayBuffer()))).toBe(sha256)
}

async function ask({ url }: Server, noun: string, body: object) {
  const answer = await send(`${url}/api/${noun}`, 'POST', { body })
  expect(answer.status, answer.text).toBe(201)
  return answer.json
}

const kept = ({ dataFolder }: Server) => readdir(join(dataFolder, 'artifacts', 'uploads'))

describe('an upload in pieces', () => {
  let platform: TestPlatform
  beforeAll(async () => {
    platform = await testPlatform()
  })
  afterAll(() => platform.stop())

  test('is an artifact once its last byte has come', async () => {
    const bytes = randomBytes(700_000)
    const upload = await begin(platform, bytes.length)
    const first = await append(upload, 0, bytes.subarray(0, 300_000))
    expect(first.status).toBe(204)
    expect(first.headers.get('upload-offset')).toBe('300000')
    expect(first.headers.get('tus-resumable')).toBe('1.0.0')
    expect(await shown(upload)).toMatchObject({ offsetBytes: 300_000, artifact: null })
    const last = await append(upload, 300_000, bytes.subarray(300_000))
    expect(last.headers.get('upload-offset')).toBe('700000')
    await expectArtifact(platform, upload, bytes)
  })

  test('may come with the request that begins it', async () => {
    const body = new Uint8Array(randomBytes(5000))
    const answer = await send(`${platform.url}/api/uploads`, 'POST', {
      headers: {
        ...tus,
        'upload-length': '5000',
        'upload-metadata': `filename ${Buffer.from('äpp.bin').toString('base64')},empty`,
      },
      body,
    })
    expect(answer.json).toMatchObject({
      fileName: 'äpp.bin',
      offsetBytes: 5000,
      artifact: { sha256: sha256Of(body) },
    })
  })

  test('goes on after its connection broke, where the server says', async () => {
    const bytes = randomBytes(3_000_000)
    const upload = await begin(platform, bytes.length)
    const connection = await appendRaw(upload, 0, bytes.length)
    connection.send(bytes.subarray(0, 1_234_567))
    await hasCome(upload, 1_234_567)
    connection.socket.destroy()
    expect(await offset(upload)).toBe(1_234_567)
    expect((await append(upload, 1_234_567, bytes.subarray(1_234_567))).status).toBe(204)
    await expectArtifact(platform, upload, bytes)
  })

  test('goes on while the server still waits on a line that is dead', async () => {
    const bytes = randomBytes(1_000_000)
    const upload = await begin(platform, bytes.length)
    const dead = await appendRaw(upload, 0, bytes.length)
    dead.send(bytes.subarray(0, 400_000))
    await hasCome(upload, 400_000)
    const at = await offset(upload)
    expect(at).toBe(400_000)
    expect(await dead.until((received) => received.includes('upload.other-offset'))).toMatch(
      /^HTTP\/1.1 409 /,
    )
    expect((await append(upload, at, bytes.subarray(at))).status).toBe(204)
    await expectArtifact(platform, upload, bytes)
    dead.socket.destroy()
  })

  test('is refused at another place than where it goes on, and loses nothing', async () => {
    const bytes = randomBytes(1000)
    const upload = await begin(platform, bytes.length)
    await append(upload, 0, bytes.subarray(0, 500))
    for (const at of [0, 499, 501]) {
      const refused = await append(upload, at, bytes.subarray(500))
      expect(expectProblem(refused, 409, 'upload.other-offset')).toMatchObject({ offsetBytes: 500 })
    }
    const tooMuch = await append(upload, 500, randomBytes(501))
    expectProblem(tooMuch, 400, 'artifact.incomplete')
    expect(await offset(upload)).toBe(500)
    await append(upload, 500, bytes.subarray(500))
    await expectArtifact(platform, upload, bytes)
    expectProblem(await append(upload, 1000, randomBytes(1)), 409, 'upload.other-offset')
  })

  test('of bytes that are stored already is that artifact', async () => {
    const bytes = randomBytes(2000)
    for (let times = 0; times < 2; times += 1) {
      const upload = await begin(platform, bytes.length)
      await append(upload, 0, bytes)
      await expectArtifact(platform, upload, bytes)
    }
  })

  test.each<[string, Record<string, string>, number, string]>([
    ['of no bytes', { 'upload-length': '0' }, 422, 'artifact.empty'],
    ['of a length nobody can tell', {}, 400, 'request.malformed'],
    ['of a negative length', { 'upload-length': '-1' }, 400, 'request.malformed'],
    ['of a length beyond counting', { 'upload-length': '9'.repeat(20) }, 400, 'request.malformed'],
    [
      'in another version of the protocol',
      { 'upload-length': '3', 'tus-resumable': '0.2.2' },
      412,
      'upload.other-protocol',
    ],
  ])('%s is refused', async (_what, headers, status, code) => {
    const before = await kept(platform)
    expectProblem(await send(`${platform.url}/api/uploads`, 'POST', { headers }), status, code)
    expect(await kept(platform)).toEqual(before)
  })

  test.each(['/api/uploads', '/api/uploads/any'])(
    'tells a client what can be asked for, before it says who it is: OPTIONS %s',
    async (path) => {
      const asked = { token: null, headers: { 'tus-resumable': '0.2.2' } }
      const { status, headers, text } = await send(`${platform.url}${path}`, 'OPTIONS', asked)
      expect([status, text]).toEqual([204, ''])
      expect(Object.fromEntries(headers)).toMatchObject({
        'tus-resumable': '1.0.0',
        'tus-version': '1.0.0',
        'tus-extension': 'creation,creation-with-upload,termination',
        'tus-max-size': '9007199254740991',
      })
    },
  )

  test('is given up with all that came of it', async () => {
    const upload = await begin(platform, 1000)
    const before = await kept(platform)
    const connection = await appendRaw(upload, 0, 1000)
    connection.send(randomBytes(10))
    await hasCome(upload, 10)
    expect((await send(upload, 'DELETE', { headers: tus })).status).toBe(204)
    connection.socket.destroy()
    expectProblem(await send(upload, 'GET'), 404, 'upload.unknown')
    expect(await kept(platform)).toHaveLength(before.length - 1)
  })

  test('is unknown to everyone but who began it', async () => {
    const upload = await begin(platform, 1000)
    const other = await addOperator(platform, { name: 'another', role: 'tenant-administrator' })
    const headers = { ...tus, 'upload-offset': '0' }
    for (const method of ['GET', 'PATCH', 'DELETE']) {
      const body = method === 'PATCH' ? randomBytes(10) : undefined
      const answer = await send(upload, method, { headers, token: other, body })
      expectProblem(answer, 404, 'upload.unknown')
    }
    expect((await send(upload, 'HEAD', { headers, token: other })).status).toBe(404)
    expect(await offset(upload)).toBe(0)
  })

  test('needs the CSRF token of a session for every piece', async () => {
    const name = 'browser'
    const passwordHash = quickHash('the password of a test')
    await addOperator(platform, { name, role: 'operator', passwordHash })
    const signedIn = await send(`${platform.url}/api/session`, 'POST', {
      body: { name, password: 'the password of a test' },
      token: null,
    })
    const cookie = signedIn.headers.get('set-cookie')?.split(';')[0] ?? ''
    const session = { cookie, 'x-csrf-token': signedIn.json.csrfToken }
    const ofLength = { 'upload-length': '10' }
    const address = `${platform.url}/api/uploads`
    const begun = await send(address, 'POST', { headers: { ...session, ...ofLength }, token: null })
    const upload = `${address}/${begun.json.id}`
    const piece = { body: randomBytes(10), token: null }
    const place = { 'upload-offset': '0' }
    const without = await send(upload, 'PATCH', { ...piece, headers: { cookie, ...place } })
    expectProblem(without, 403, 'access.csrf')
    const accepted = await send(upload, 'PATCH', { ...piece, headers: { ...session, ...place } })
    expect(accepted.status).toBe(204)
  })

  test('is kept over a restart', async () => {
    const bytes = randomBytes(100_000)
    const upload = await begin(platform, bytes.length)
    await append(upload, 0, bytes.subarray(0, 60_000))
    await platform.restart()
    expect(await offset(upload)).toBe(60_000)
    await append(upload, 60_000, bytes.subarray(60_000))
    await expectArtifact(platform, upload, bytes)
  })

  test('is swept once nobody has gone on with it for a day', async () => {
    const young = await begin(platform, 1000)
    await platform.restart()
    expect(await offset(young)).toBe(0)
    platform.advanceClock({ minutes: 25 * 60 })
    await platform.restart()
    await expect.poll(() => kept(platform)).toEqual([])
    expectProblem(await send(young, 'GET'), 404, 'upload.unknown')
  })
})

test('a server that is killed in the middle of an upload goes on with it', async () => {
  const server = await serverProcess()
  try {
    const bytes = randomBytes(20_000_000)
    const upload = await begin(server, bytes.length)
    await append(upload, 0, bytes.subarray(0, 5_000_000))
    const connection = await appendRaw(upload, 5_000_000, 15_000_000)
    connection.send(bytes.subarray(5_000_000, 12_000_000))
    await hasCome(upload, 6_000_000)
    await server.kill()
    await server.start()
    const at = await offset(upload)
    expect(at).toBeGreaterThanOrEqual(6_000_000)
    expect(at).toBeLessThanOrEqual(12_000_000)
    expect((await append(upload, at, bytes.subarray(at))).status).toBe(204)
    await expectArtifact(server, upload, bytes)
  } finally {
    await server.remove()
  }
})
