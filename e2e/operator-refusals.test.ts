import { randomUUID } from 'node:crypto'
import type { RouteName } from '@updraft/api/routes'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Asked, ask, expectProblem, query, send } from './operator.ts'
import { type TestPlatform, testPlatform } from './platform.ts'

let platform: TestPlatform
let profile: string
let other: string
let device: string
let release: string

const NOBODY = '01900000-0000-7000-8000-000000000000'
const BYTES = new Uint8Array([1, 2, 3])

beforeAll(async () => {
  platform = await testPlatform()
  profile = await platform.addProfile('P')
  other = await platform.addProfile('other')
  await platform.addDevice('d1', 'P')
  device = (await platform.device('d1')).id
  release = await platform.addRelease({ title: 'app', version: '1', profile: 'P', bytes: BYTES })
})
afterAll(() => platform.stop())

const id = (value: string, more: Record<string, string> = {}) => ({
  params: { id: value, ...more },
})
const draft = (changes: Record<string, unknown> = {}) => ({
  body: {
    title: 'app',
    version: randomUUID(),
    profile: 'P',
    url: 'https://x.example/a',
    ...changes,
  },
})
const firmware = { type: 'firmware' }

const TABLE: readonly [string, number, string, RouteName, () => Asked][] = [
  ['an unknown profile', 404, 'profile.unknown', 'showProfile', () => id(NOBODY)],
  ['an unknown device', 404, 'device.unknown', 'showDevice', () => id(NOBODY)],
  [
    'operations of an unknown device',
    404,
    'device.unknown',
    'listDeviceOperations',
    () => id(NOBODY),
  ],
  ['an unknown release', 404, 'release.unknown', 'showRelease', () => id(NOBODY)],
  ['the bytes of an unknown release', 404, 'release.unknown', 'downloadRelease', () => id(NOBODY)],
  ['an unknown operation', 404, 'operation.unknown', 'showOperation', () => id(NOBODY)],
  [
    'cancelling an unknown operation',
    404,
    'operation.unknown',
    'cancelOperation',
    () => id(NOBODY),
  ],
  ['an unknown token', 404, 'token.unknown', 'revokeToken', () => id(NOBODY)],
  ['removing an unknown device', 404, 'device.unknown', 'removeDevice', () => id(NOBODY)],
  ['removing an unknown profile', 404, 'profile.unknown', 'removeProfile', () => id(NOBODY)],
  ['removing an unknown release', 404, 'release.unknown', 'removeRelease', () => id(NOBODY)],
  [
    'provisioning of an unknown profile',
    404,
    'profile.unknown',
    'enableProvisioning',
    () => id(NOBODY),
  ],
  [
    'a token for an unknown device',
    404,
    'device.unknown',
    'replaceDeviceToken',
    () => ({ ...id(NOBODY), body: {} }),
  ],
  ['an id that is no UUID', 400, 'request.malformed', 'showDevice', () => id('d1')],
  ['an id of SQL', 400, 'request.malformed', 'showDevice', () => id("' or 1=1 --")],
  [
    'no assignment to withdraw',
    404,
    'assignment.none',
    'unassignFromDevice',
    () => id(device, firmware),
  ],
  [
    'a profile of a name that is taken',
    409,
    'profile.duplicate',
    'createProfile',
    () => ({ body: { name: 'P' } }),
  ],
  [
    'a profile without a name',
    400,
    'request.malformed',
    'createProfile',
    () => ({ body: { name: '   ' } }),
  ],
  [
    'a device of a name that is taken',
    409,
    'device.duplicate',
    'createDevice',
    () => ({ body: { name: 'd1', profile: 'P' } }),
  ],
  [
    'a device of an unknown profile',
    404,
    'profile.unknown',
    'createDevice',
    () => ({ body: { name: 'd2', profile: 'Q' } }),
  ],
  [
    'a device without a profile',
    400,
    'request.malformed',
    'createDevice',
    () => ({ body: { name: 'd2' } }),
  ],
  [
    'a device with NUL in an attribute',
    400,
    'request.malformed',
    'createDevice',
    () => ({ body: { name: 'd2', profile: 'P', attributes: { a: '\0' } } }),
  ],
  [
    'a device with half a pair in an attribute',
    400,
    'request.malformed',
    'createDevice',
    () => ({ body: { name: 'd2', profile: 'P', attributes: { a: '\ud800' } } }),
  ],
  [
    'a device moved to an unknown profile',
    404,
    'profile.unknown',
    'changeDevice',
    () => ({ ...id(device), body: { profileId: NOBODY } }),
  ],
  ['a profile with devices removed', 409, 'profile.in-use', 'removeProfile', () => id(profile)],
  [
    'a release of a title and version that are taken',
    409,
    'release.duplicate',
    'createRelease',
    () => draft({ version: '1' }),
  ],
  [
    'a release of an unknown profile',
    404,
    'profile.unknown',
    'createRelease',
    () => draft({ profile: 'Q' }),
  ],
  [
    'a release of no profile',
    422,
    'release.invalid',
    'createRelease',
    () => draft({ profile: undefined }),
  ],
  [
    'a release of an unknown file',
    404,
    'artifact.unknown',
    'createRelease',
    () => draft({ url: undefined, sha256: 'f'.repeat(64) }),
  ],
  [
    'a release of nothing',
    422,
    'release.no-content',
    'createRelease',
    () => draft({ url: undefined }),
  ],
  [
    'a release of a file and a URL',
    422,
    'release.invalid',
    'createRelease',
    () => draft({ sha256: sha256() }),
  ],
  [
    'a release at a URL nobody could fetch',
    422,
    'release.invalid',
    'createRelease',
    () => draft({ url: 'javascript:alert(1)' }),
  ],
  [
    'a release with another checksum than its file',
    422,
    'artifact.checksum-mismatch',
    'createRelease',
    () => draft({ url: undefined, sha256: sha256(), checksum: '0'.repeat(64) }),
  ],
  [
    'a release with an unknown algorithm',
    400,
    'artifact.unknown-algorithm',
    'createRelease',
    () => draft({ checksumAlgorithm: 'SHA1', checksum: 'ab' }),
  ],
  [
    'a release with a requirement that cannot be read',
    422,
    'version.invalid-requirement',
    'createRelease',
    () => draft({ requirement: 'newer' }),
  ],
  [
    'a release of a type that is no name',
    422,
    'release.invalid',
    'createRelease',
    () => draft({ type: 'Firm Ware' }),
  ],
  [
    'a release with a content type that is a header',
    422,
    'release.invalid',
    'createRelease',
    () => draft({ url: undefined, sha256: sha256(), contentType: 'a/b\r\nset-cookie: x=y' }),
  ],
  [
    'a release for another profile',
    422,
    'release.other-profile',
    'assignToProfile',
    () => ({ ...id(other, firmware), body: { releaseId: release } }),
  ],
  [
    'a release of another type',
    422,
    'release.other-type',
    'assignToDevice',
    () => ({ ...id(device, { type: 'software' }), body: { releaseId: release } }),
  ],
  [
    'an unknown release to assign',
    404,
    'release.unknown',
    'assignToDevice',
    () => ({ ...id(device, firmware), body: { releaseId: NOBODY } }),
  ],
  [
    'an unknown device to assign to',
    404,
    'device.unknown',
    'assignToDevice',
    () => ({ ...id(NOBODY, firmware), body: { releaseId: release } }),
  ],
  [
    'a token without a name',
    400,
    'request.malformed',
    'createToken',
    () => ({ body: { name: ' ' } }),
  ],
  [
    'a search for NUL',
    400,
    'request.malformed',
    'listDevices',
    () => ({ query: { search: '\0' } }),
  ],
  [
    'a sort field there is not',
    400,
    'request.malformed',
    'listDevices',
    () => ({ query: { sort: 'constructor' } }),
  ],
  [
    'a cursor that was made up',
    400,
    'request.malformed',
    'listDevices',
    () => ({ query: { cursor: 'abc' } }),
  ],
  ['a page of nothing', 400, 'request.malformed', 'listDevices', () => ({ query: { limit: 0 } })],
  [
    'a page of everything',
    400,
    'request.malformed',
    'listDevices',
    () => ({ query: { limit: 501 } }),
  ],
  [
    'a state there is not',
    400,
    'request.malformed',
    'listDevices',
    () => ({ query: { state: 'LOST' } }),
  ],
]
const sha256 = () => '039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81'

test.each(TABLE)('%s is refused: %i %s', async (_what, status, code, name, asked) => {
  expectProblem(await ask(platform, name, asked()), status, code)
})

describe('a request that cannot be read', () => {
  test.each([
    ['{', 'application/json'],
    ['', 'application/json'],
    ['[]', 'application/json'],
    ['"text"', 'application/json'],
    ['{"name":1}', 'application/json'],
    ['name=x', 'application/x-www-form-urlencoded'],
    ['<name/>', 'text/xml'],
  ])('is refused in words: %s', async (body, contentType) => {
    const headers = { 'content-type': contentType }
    const answer = await ask(platform, 'createProfile', { body, headers })
    const { detail } = expectProblem(answer, 400, 'request.malformed')
    expect(detail).not.toMatch(/FST_|undefined|\bat \//)
  })

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'application/json; charset=utf-8'])(
    'is read as JSON though it claims to be %s',
    async (contentType) => {
      const body = JSON.stringify({ name: `from ${contentType}`, __proto__: { a: 1 } })
      const headers = { 'content-type': contentType }
      const answer = await ask(platform, 'createProfile', { body, headers })
      expect(answer.status).toBe(201)
    },
  )

  test.each<[string, RouteName, Asked]>([
    ['name', 'createProfile', { body: { name: 5 } }],
    ['name', 'createProfile', { body: {} }],
    ['labels.1', 'createDevice', { body: { name: 'x', profile: 'P', labels: ['a', 7] } }],
    [
      'devices.1.name',
      'importDevices',
      { body: { devices: [{ name: 'x', profile: 'P' }, { profile: 'P' }] } },
    ],
    ['id', 'showDevice', { params: { id: 'x' } }],
    ['limit', 'listDevices', { query: { limit: 'many' } }],
  ])('is told where it is wrong: %s', async (where, name, asked) => {
    const { detail } = expectProblem(await ask(platform, name, asked), 400, 'request.malformed')
    expect(detail).toMatch(new RegExp(`^${where.replaceAll('.', '\\.')}: `))
  })

  test('is refused when it is larger than anyone needs', async () => {
    const body = { name: 'x', description: 'x'.repeat(5_000_000) }
    expectProblem(await ask(platform, 'createProfile', { body }), 413, 'request.too-large')
  })
})

test('an import with one bad device adds none, and says which', async () => {
  const devices = [
    { name: 'n0', profile: 'P' },
    { name: 'n1', profile: 'P' },
  ]
  const bad = [
    [{ name: 'n2', profile: 'Q' }, 404, 'profile.unknown'],
    [{ name: 'd1', profile: 'P' }, 409, 'device.duplicate'],
    [{ name: 'n0', profile: 'P' }, 409, 'device.duplicate'],
    [{ name: 'n2' }, 400, 'request.malformed'],
    [{ name: '  ', profile: 'P' }, 400, 'request.malformed'],
    [{ name: 'n2', profile: 'P', labels: [' '] }, 400, 'request.malformed'],
  ] as const
  for (const [draft, status, code] of bad) {
    const answer = await ask(platform, 'importDevices', { body: { devices: [...devices, draft] } })
    expect(expectProblem(answer, status, code).index, JSON.stringify(draft)).toBe(2)
  }
  const { json } = await ask(platform, 'listDevices', { query: { search: 'n' } })
  expect(json.items).toEqual([])
})

test('what nobody answers at is told apart from what is gone', async () => {
  for (const [method, path] of [
    ['GET', '/api/nothing'],
    ['PUT', '/api/devices'],
    ['POST', '/api/devices/x/y/z'],
  ] as const) {
    expectProblem(await send(`${platform.url}${path}`, method), 404, 'route.unknown')
  }
})

describe('who does not say who they are', () => {
  test.each([
    ['nothing', null, {}],
    ['a token nobody has', 'nobody', {}],
    ['a token cut short', 'an-administrator-of-a-tes', {}],
    ['another scheme', null, { authorization: 'Basic YWRtaW46YWRtaW4=' }],
    ['an empty token', null, { authorization: 'Bearer ' }],
    ['a session nobody has', null, { cookie: 'updraft_session=nobody' }],
  ])('but sends %s is refused', async (_what, token, headers) => {
    const answer = await ask(platform, 'listDevices', { token, headers })
    expectProblem(answer, 401, 'access.unauthenticated')
    expect(answer.headers.get('www-authenticate')).toBe('Bearer')
  })

  test('is refused before what they send is read', async () => {
    const answer = await ask(platform, 'uploadArtifact', {
      token: 'nobody',
      body: new Uint8Array(3_000_000),
    })
    expectProblem(answer, 401, 'access.unauthenticated')
  })

  test('is shown no trace of a bug', async () => {
    await query(platform.connectionString, 'alter table profiles rename column description to d')
    const answer = await ask(platform, 'listProfiles')
    await query(platform.connectionString, 'alter table profiles rename column d to description')
    const { detail } = expectProblem(answer, 500, 'internal')
    expect(answer.text).not.toMatch(/column|description|select|node_modules/)
    expect(detail).toMatch(/^Look for request \S+ in the server's log\.$/)
  })
})

describe('what is needed is not removed', () => {
  test('a release while it is assigned, nor while it is under way', async () => {
    await platform.assign(release, { device: 'd1' })
    expectProblem(await ask(platform, 'removeRelease', id(release)), 409, 'release.in-use')
    await platform.until('d1', ({ operation }) => operation?.state === 'QUEUED')
    await platform.api('assignToDevice', {
      params: { id: device, type: 'firmware' },
      body: {
        releaseId: await platform.addRelease({
          title: 'app',
          version: '2',
          profile: 'P',
          bytes: BYTES,
        }),
      },
    })
    // The first one was taken back for the second, so nothing holds it any more.
    await platform.until('d1', ({ operation }) => operation?.release.version === '2')
    expect((await ask(platform, 'removeRelease', id(release))).status).toBe(204)
    await platform.api('unassignFromDevice', { params: { id: device, type: 'firmware' } })
  })

  test('a profile while a release is made for it', async () => {
    await platform.addRelease({ title: 'of other', version: '1', profile: 'other', bytes: BYTES })
    const { detail } = expectProblem(
      await ask(platform, 'removeProfile', id(other)),
      409,
      'profile.in-use',
    )
    expect(detail).toMatch(/Releases/)
  })
})

describe('a change that is meant for what was read', () => {
  test('is refused when the device was changed since', async () => {
    const shown = await ask(platform, 'showDevice', id(device))
    const etag = shown.headers.get('etag') ?? ''
    expect(etag).toMatch(/^"\d+"$/)
    const change = (tag: string, labels: string[]) =>
      ask(platform, 'changeDevice', {
        ...id(device),
        body: { labels },
        headers: { 'if-match': tag },
      })
    const changed = await change(etag, ['mine'])
    expect(changed.status).toBe(200)
    expectProblem(await change(etag, ['theirs']), 412, 'request.version-mismatch')
    expect((await platform.device('d1')).labels).toEqual(['mine'])
    expect((await change(changed.headers.get('etag') ?? '', ['again'])).status).toBe(200)
    expect((await change('*', ['anyway'])).status).toBe(200)
    expectProblem(await change('W/"1"', []), 412, 'request.version-mismatch')
  })

  test('of two at once, one is refused', async () => {
    const { headers } = await ask(platform, 'showDevice', id(device))
    const tag = { 'if-match': headers.get('etag') ?? '' }
    const answers = await Promise.all(
      ['a', 'b'].map((label) =>
        ask(platform, 'changeDevice', { ...id(device), body: { labels: [label] }, headers: tag }),
      ),
    )
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 412])
  })

  test('is refused when the release was changed since', async () => {
    const { json } = await ask(platform, 'createRelease', draft())
    const { headers } = await ask(platform, 'showRelease', id(json.id))
    const describe = () =>
      ask(platform, 'changeRelease', {
        ...id(json.id),
        body: { description: 'd' },
        headers: { 'if-match': headers.get('etag') ?? '' },
      })
    expect((await describe()).status).toBe(200)
    expectProblem(await describe(), 412, 'request.version-mismatch')
  })
})

describe('a request with an Idempotency-Key', () => {
  const keyed = (key: string, body: unknown, name: RouteName = 'createProfile') =>
    ask(platform, name, { body, headers: { 'idempotency-key': key } })

  test('is answered the same when it is repeated, and refused when it is another one', async () => {
    const key = randomUUID()
    const first = await keyed(key, { name: 'once' })
    expect(first.status).toBe(201)
    expect(first.headers.get('idempotency-replayed')).toBeNull()
    const second = await keyed(key, { name: 'once' })
    expect([second.status, second.json]).toEqual([201, first.json])
    expect(second.headers.get('idempotency-replayed')).toBe('true')
    expectProblem(await keyed(key, { name: 'twice' }), 409, 'request.idempotency-reused')
    expectProblem(
      await ask(platform, 'createToken', {
        body: { name: 'once' },
        headers: { 'idempotency-key': key },
      }),
      409,
      'request.idempotency-reused',
    )
  })

  test('that comes ten times at once is done once', async () => {
    const key = randomUUID()
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => keyed(key, { name: 'at once' })),
    )
    for (const answer of answers) {
      if (answer.status !== 201) expectProblem(answer, 409, 'request.idempotency-reused')
    }
    expect(
      new Set(answers.flatMap(({ json, status }) => (status === 201 ? [json.id] : []))).size,
    ).toBe(1)
    const { json } = await ask(platform, 'listProfiles', { query: { name: 'at once' } })
    expect(json.items).toHaveLength(1)
  })

  test('that was refused may be tried again', async () => {
    const key = randomUUID()
    const body = { name: 'later', profile: 'of later' }
    expectProblem(await keyed(key, body, 'createDevice'), 404, 'profile.unknown')
    await platform.addProfile('of later')
    expect((await keyed(key, body, 'createDevice')).status).toBe(201)
  })

  test('is not told its secret twice, and the secret is not kept', async () => {
    const key = randomUUID()
    const first = await keyed(key, { name: 'secret' }, 'createToken')
    const second = await keyed(key, { name: 'secret' }, 'createToken')
    expectProblem(second, 409, 'request.idempotency-reused')
    const kept = await query(
      platform.connectionString,
      'select to_jsonb(r)::text as row from idempotent_requests r',
    )
    expect(JSON.stringify(kept)).not.toContain(first.json.token)
  })

  test('whose key is longer than keys are is refused', async () => {
    expectProblem(await keyed('k'.repeat(256), { name: 'k' }), 400, 'request.malformed')
  })
})
