/** Who comes in by hawkBit's language, and what is asked wrongly: against the platform. */
import { createClient } from '@updraft/api/client'
import type { DeploymentDocument } from '@updraft/wire/hawkbit'
import { encode } from 'cborg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { random } from './firmware.ts'
import { actionIn, hawkbitDevice } from './hawkbit-device.ts'
import { query } from './operator.ts'
import { otherTenant } from './other-tenant.ts'
import { type TestPlatform, testPlatform } from './platform.ts'
import { rawHttp, rawRequest, statuses } from './raw-http.ts'

let platform: TestPlatform
let token: string
beforeAll(async () => {
  platform = await testPlatform({ trustProxy: true })
  await platform.addProfile('doors')
  token = await platform.addDevice('door', 'doors')
})
afterAll(() => platform.stop())

const door = (authorization?: string, controllerId = 'door', tenant = 'default') =>
  hawkbitDevice({ url: platform.url, controllerId, tenant, authorization })
const mine = () => door(`TargetToken ${token}`)

const gateway = async (profile: string, more: object) => {
  const id = await platform.addProfile(profile)
  const key = `key of ${profile}`
  await platform.api('enableProvisioning', { params: { id }, body: { key, ...more } })
  await platform.api('changeHawkbitSettings', { params: { id }, body: { gatewayToken: true } })
  return { id, key }
}

describe('who comes', () => {
  test.each([
    ['nothing', undefined],
    ['another scheme', () => `Bearer ${token}`],
    ['the scheme in small letters', () => `targettoken ${token}`],
    ['two spaces', () => `TargetToken  ${token}`],
    ['its token as that of a gateway', () => `GatewayToken ${token}`],
    ['the token in other letters', () => `TargetToken ${token.toLowerCase()}x`],
  ])('with %s hears 401 and no more', async (_case, authorization) => {
    const { status, text } = await door(authorization?.()).ask('GET', '')
    expect([status, text]).toEqual([401, ''])
  })

  test('with its token is let in by its own name only, and by its tenant or the one that all can name', async () => {
    for (const tenant of ['default', 'DEFAULT', 'Default']) {
      const { status } = await door(`TargetToken ${token}`, 'door', tenant).ask('GET', '')
      expect(status).toBe(200)
    }
    await platform.addDevice('other-door', 'doors')
    for (const [name, tenant] of [
      ['other-door', 'default'],
      ['door', 'elsewhere'],
      ['nobody', 'default'],
    ] as const) {
      const { status } = await door(`TargetToken ${token}`, name, tenant).ask('GET', '')
      expect(status).toBe(401)
    }
  })

  test('is not let in by its token where its profile says so', async () => {
    const id = await platform.addProfile('closed')
    const own = await platform.addDevice('closed', 'closed')
    const device = door(`TargetToken ${own}`, 'closed')
    expect((await device.ask('GET', '')).status).toBe(200)
    const body = { targetToken: false }
    await platform.api('changeHawkbitSettings', { params: { id }, body })
    expect((await device.ask('GET', '')).status).toBe(401)
  })

  test('with the key of a profile is one of its devices, and becomes one', async () => {
    const { key } = await gateway('gate', { claimsAtOnce: true })
    await platform.addDevice('known', 'gate')
    const known = await door(`GatewayToken ${key}`, 'known').ask('GET', '')
    expect(known.status).toBe(200)
    const odd = ['new', 'a:b/c', "it's", 'ä', 'ü'.repeat(256), '%2F', 'x'.repeat(256)]
    for (const controllerId of odd) {
      const device = door(`GatewayToken ${key}`, controllerId)
      expect([controllerId, (await device.ask('GET', '')).status]).toEqual([controllerId, 200])
      expect(await device.linked('configData')).toBe(`${device.base}/configData`)
      expect((await platform.device(controllerId)).dialect).toBe('hawkbit')
    }
    expect((await door(`GatewayToken ${key}`, 'door').ask('GET', '')).status).toBe(200)
    expect((await platform.device('door')).profile).toBe('doors')
  })

  test.each(['a b', 'tab\t', 'y'.repeat(257)])(
    '%j is no name of a device',
    async (controllerId) => {
      expect((await door(`TargetToken ${token}`, controllerId).ask('GET', '')).status).toBe(400)
    },
  )

  test('waits where its profile wants that, and is told nothing', async () => {
    const { key, id } = await gateway('wait', {})
    const device = door(`GatewayToken ${key}`, 'waiting')
    expect(await device.poll()).toEqual({ config: { polling: { sleep: '00:05:00' } } })
    expect((await device.ask('PUT', '/configData', { body: { data: { a: '1' } } })).status).toBe(
      404,
    )
    await platform.api('changeHawkbitSettings', { params: { id }, body: { gatewayToken: false } })
    expect((await device.ask('GET', '')).status).toBe(401)
  })

  test('is vouched for by a proxy in the name of an authority that its profile trusts', async () => {
    const id = await platform.addProfile('vouched')
    await platform.addDevice('vouched', 'vouched')
    const body = { authorities: ['AB:CD'] }
    await platform.api('changeHawkbitSettings', { params: { id }, body })
    const ask = async (headers: Record<string, string>) =>
      (await door(undefined, 'vouched').ask('GET', '', { headers })).status
    expect(await ask({ 'x-controller-id': 'vouched', 'x-authority': 'ff; ab:cd' })).toBe(200)
    expect(await ask({ 'x-controller-id': 'vouched', 'x-authority-3': 'AB:CD' })).toBe(200)
    expect(await ask({ 'x-ssl-client-cn': 'vouched', 'x-ssl-issuer-hash-1': 'ab:cd' })).toBe(200)
    expect(await ask({ 'x-controller-id': 'vouched', 'x-authority': 'ff' })).toBe(401)
    expect(await ask({ 'x-controller-id': 'door', 'x-authority': 'ab:cd' })).toBe(401)
    expect(await ask({ 'x-controller-id': 'vouched' })).toBe(401)
  })
})

test("tenants whose devices go by one name do not stand in each other's way", async () => {
  const shared = 'shared'
  const elsewhere = await otherTenant(platform, { name: 'elsewhere', administrator: 'eve' })
  const there = createClient({ url: platform.url, token: elsewhere.token })
  const { id: theirs } = await there('createProfile', { body: { name: shared } })
  const { token: theirToken } = await there('createDevice', {
    body: { name: shared, profile: shared },
  })
  const ours = await platform.addProfile(shared)
  const own = await platform.addDevice(shared, shared)
  const body = { authorities: ['ee:ff'] }
  await there('changeHawkbitSettings', { params: { id: theirs }, body })
  await platform.api('changeHawkbitSettings', { params: { id: ours }, body })

  const release = { title: shared, version: '1', profile: shared, bytes: random(10) }
  await platform.assign(await platform.addRelease(release), { profile: shared })
  const mine = door(`TargetToken ${own}`, shared)
  const link = (await mine.linked('deploymentBase')) ?? ''
  const { deployment } = (await mine.ask('GET', link)).json as DeploymentDocument
  const file = deployment?.chunks[0]?.artifacts[0]?._links['download-http']?.href ?? ''
  const other = door(`TargetToken ${theirToken}`, shared)
  expect((await mine.ask('GET', file)).status).toBe(200)
  expect((await other.poll())._links).toEqual({ configData: expect.anything() })
  for (const href of [link, file, `${file}.MD5SUM`]) {
    expect([href, (await other.ask('GET', href)).status]).toEqual([href, 404])
  }
  expect((await other.feedback(actionIn(link), 'closed', 'success')).status).toBe(404)
  expect((await platform.device(shared)).operation?.state).not.toBe('UPDATED')

  const headers = { 'x-controller-id': shared, 'x-authority': 'ee:ff' }
  const vouched = (tenant?: string) => door(undefined, shared, tenant).ask('GET', '', { headers })
  const tenantOf = async (profile: string) => {
    const text = 'select tenant_id from profiles where id = $1'
    const [row] = await query<{ tenant_id: string }>(platform.connectionString, text, [profile])
    return row?.tenant_id ?? ''
  }
  const [hereId, thereId] = [await tenantOf(ours), await tenantOf(theirs)]
  expect((await vouched()).status).toBe(401)
  expect((await vouched(hereId.toUpperCase())).text).toContain('deploymentBase')
  const answer = await vouched(thereId)
  expect([answer.status, answer.text.includes('deploymentBase')]).toEqual([200, false])
})

test('nobody is believed what only a proxy may say where there is none', async () => {
  const alone = await testPlatform()
  try {
    const id = await alone.addProfile('alone')
    await alone.addDevice('alone', 'alone')
    await alone.api('changeHawkbitSettings', { params: { id }, body: { authorities: ['ab'] } })
    const device = hawkbitDevice({ url: alone.url, controllerId: 'alone' })
    const headers = { 'x-controller-id': 'alone', 'x-authority': 'ab' }
    expect((await device.ask('GET', '', { headers })).status).toBe(401)
  } finally {
    await alone.stop()
  }
})

describe('what is asked', () => {
  test('is answered in JSON or CBOR, as it is wanted', async () => {
    const asking = (accept: string) => mine().ask('GET', '', { headers: { accept } })
    expect((await asking('*/*')).headers.get('content-type')).toContain('application/hal+json')
    expect((await asking('application/json;charset=UTF-8')).headers.get('content-type')).toContain(
      'application/json',
    )
    expect((await asking('application/cbor')).headers.get('content-type')).toBe('application/cbor')
    expect((await asking('text/html')).status).toBe(406)
  })

  test('is read as JSON or CBOR, as it is said', async () => {
    const put = async (body: unknown, type: string) =>
      (await mine().ask('PUT', '/configData', { body, headers: { 'content-type': type } })).status
    const data = { data: { a: '1' } }
    const json = JSON.stringify(data)
    expect(await put(json, 'application/json;charset=UTF-8')).toBe(200)
    expect(await put(encode(data), 'application/cbor')).toBe(200)
    expect(await put(encode(data), 'application/json')).toBe(400)
    expect(await put(json, 'application/cbor')).toBe(400)
    expect(await put(json, 'application/hal+json')).toBe(415)
    expect(await put('{"data":', 'application/json')).toBe(400)
    expect(await put('{}', 'application/json')).toBe(400)
    expect(await put(`{"data":{"a":"1"},"log":"${'x'.repeat(300_000)}"}`, 'application/json')).toBe(
      200,
    )
    expect(await put('x'.repeat(1_100_000), 'application/json')).toBe(413)
  })

  test('by another method is 405, and what is not there 404, in the shape of an error', async () => {
    const wrong = await mine().ask('POST', '', { body: {} })
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'GET'])
    expect(wrong.json).toMatchObject({
      exceptionClass: expect.any(String),
      errorCode: expect.stringMatching(/^hawkbit\.server\.error\./),
      message: expect.any(String),
    })
    for (const path of [
      '/deploymentBase/1',
      '/deploymentBase/5000000000',
      '/deploymentBase/x',
      '/cancelAction/1',
      '/installedBase/1',
      '/softwaremodules/1/artifacts',
    ]) {
      expect([path, (await mine().ask('GET', path)).status]).toEqual([path, 404])
    }
    expect((await mine().feedback('1', 'closed', 'success')).status).toBe(404)
    expect((await mine().feedback('1', 'closed', 'success', { at: 'cancelAction' })).status).toBe(
      405,
    )
  })

  test.each<[string, string, number, string?]>([
    ['an address nobody knows', 'GET HERE/nothing', 404],
    ['a slash behind', 'GET HERE/', 404],
    ['a slash behind a path', 'PUT HERE/configData/', 404],
    ['two slashes', 'GET HERE//confirmationBase', 404],
    ['a path in other letters', 'PUT HERE/CONFIGDATA', 404],
    ['dots that go up', 'GET HERE/../door', 404],
    ['dots that go up, encoded', 'GET HERE/..%2f..%2fapi', 404],
    ['dots for its name', 'GET /default/controller/v1/..%2fdoor', 401],
    ['bytes that are no text', 'GET HERE/%ff', 400],
    ['bytes that are no text for its name', 'GET /default/controller/v1/%ff', 400],
    ['half an escape', 'GET HERE/%2', 400],
    ['an end of text in its name', 'GET /default/controller/v1/door%00', 400],
    ['a number with a sign', 'GET HERE/deploymentBase/-1', 404],
    ['a number of another kind', 'GET HERE/deploymentBase/1e1', 404],
    ['a number encoded', 'GET HERE/deploymentBase/%31', 404],
    ['a file of no module', 'GET HERE/softwaremodules/1/artifacts/..%2f..%2fetc', 404],
    ['a body where none is read', 'DELETE HERE', 405, 'GET'],
    ['POST for PUT', 'POST HERE/configData', 405, 'PUT'],
    ['GET for POST', 'GET HERE/deploymentBase/1/feedback', 405, 'POST'],
    ['PUT for GET', 'PUT HERE/deploymentBase/1', 405, 'GET'],
    ['PATCH for PUT', 'PATCH HERE/installedBase', 405, 'PUT'],
    ['OPTIONS', 'OPTIONS HERE/cancelAction/1', 405, 'GET'],
    ['POST for a file', 'POST HERE/softwaremodules/1/artifacts/a', 405, 'GET, HEAD'],
  ])('as %s is told so in words of its own: %s is %i', async (_case, line, status, allow) => {
    const asked = async (authorization: string) => {
      const connection = await rawHttp(platform.url)
      const headers = { authorization, accept: 'application/json', connection: 'close' }
      connection.send(rawRequest(line.replace('HERE', '/default/controller/v1/door'), headers))
      const received = await connection.until(() => false)
      const [head = '', body = ''] = received.split('\r\n\r\n')
      return { status: statuses(received)[0], allow: /^allow: (.*)$/im.exec(head)?.[1], body }
    }
    const own = await asked(`TargetToken ${token}`)
    expect([own.status, own.allow]).toEqual([status, allow])
    if (status !== 401) {
      const told = JSON.parse(own.body)
      expect(Object.keys(told)).toEqual(['exceptionClass', 'errorCode', 'message'])
      expect(told.errorCode).toMatch(/^hawkbit\.server\.error\./)
    } else expect(own.body).toBe('')
    // A stranger learns nothing but what it could know by itself.
    const stranger = await asked('TargetToken wrong')
    const isPlain = status === 400
    expect([stranger.status, stranger.allow]).toEqual([isPlain ? 400 : 401, undefined])
    if (!isPlain) expect(stranger.body).toBe('')
  })

  test('is known by a tag: what has not changed is not told again', async () => {
    await platform.addProfile('tagged')
    const own = await platform.addDevice('tagged', 'tagged')
    const device = door(`TargetToken ${own}`, 'tagged')
    const upload = { title: 'tagged', version: '1', profile: 'tagged', bytes: random(10) }
    await platform.assign(await platform.addRelease(upload), { profile: 'tagged' })
    const link = (await device.linked('deploymentBase')) ?? ''
    const asking = (headers: Record<string, string> = {}) =>
      device.ask('GET', link, { headers: { accept: 'application/json', ...headers } })
    const first = await asking()
    const etag = first.headers.get('etag') ?? ''
    expect(etag).toMatch(/^"[^"]{20,}"$/)
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const again = await asking({ 'if-none-match': known })
      expect([known, again.status, again.text]).toEqual([known, 304, ''])
      expect(again.headers.get('etag')).toBe(etag)
    }
    const other = await asking({ 'if-none-match': '"other"' })
    expect([other.status, other.text]).toEqual([200, first.text])
    // The same in another spelling is another answer.
    const cbor = await asking({ accept: 'application/cbor', 'if-none-match': etag })
    expect([cbor.status, cbor.headers.get('etag') === etag]).toEqual([200, false])
    const hash = cbor.headers.get('etag') ?? ''
    expect((await asking({ accept: 'application/cbor', 'if-none-match': hash })).status).toBe(304)
    // What is no reading has none, and one that is refused neither.
    const said = await device.ask('PUT', '/configData', {
      body: { data: { a: '1' } },
      headers: { 'if-none-match': '*' },
    })
    expect([said.status, said.headers.get('etag')]).toEqual([200, null])
    const none = await device.ask('GET', '/deploymentBase/1', {
      headers: { 'if-none-match': '*' },
    })
    expect([none.status, none.headers.get('etag')]).toEqual([404, null])
  })

  test('of the action of another device is 404, and with words that nobody knows 400', async () => {
    const profile = 'others'
    await platform.addProfile(profile)
    const [one, two] = await Promise.all(
      ['one', 'two'].map(async (name) =>
        door(`TargetToken ${await platform.addDevice(name, profile)}`, name),
      ),
    )
    const id = await platform.addRelease({ title: 't', version: '1', profile, bytes: random(10) })
    await platform.assign(id, { profile })
    const action = actionIn(await one?.linked('deploymentBase'))
    expect((await two?.feedback(action, 'closed', 'success'))?.status).toBe(404)
    expect((await two?.ask('GET', `/deploymentBase/${action}`))?.status).toBe(404)
    expect((await one?.feedback(action, 'perhaps', 'success'))?.status).toBe(400)
    expect((await one?.feedback(action, 'closed', 'perhaps'))?.status).toBe(400)
    const empty = await one?.ask('POST', `/deploymentBase/${action}/feedback`)
    expect(empty?.status).toBe(400)
    expect((await platform.device('one')).operation?.state).toBe('QUEUED')
    expect((await one?.feedback(action, 'closed', 'success'))?.status).toBe(200)
  })

  test('with a type on a GET, or with an Expect, is answered all the same', async () => {
    const headers = { 'content-type': 'application/json' }
    expect((await mine().ask('GET', '', { headers })).status).toBe(200)
    const connection = await rawHttp(platform.url)
    const body = '{"data":{"a":"1"}}'
    const head = [
      'PUT /default/controller/v1/door/configData HTTP/1.1',
      'host: x',
      `authorization: TargetToken ${token}`,
      'content-type: application/json',
      `content-length: ${body.length}`,
      'expect: 100-continue',
    ]
    connection.send(`${head.join('\r\n')}\r\n\r\n`)
    await connection.until((received) => received.includes('100 Continue'))
    connection.send(body)
    const received = await connection.until((received) => received.includes('200 OK'))
    expect(statuses(received)).toContain(200)
    connection.socket.destroy()
  })

  test('in a body made to do harm harms nobody', async () => {
    await platform.addProfile('hostile')
    const own = await platform.addDevice('hostile', 'hostile')
    const device = door(`TargetToken ${own}`, 'hostile')
    const upload = { title: 'h', version: '1', profile: 'hostile', bytes: random(10) }
    await platform.assign(await platform.addRelease(upload), { profile: 'hostile' })
    const path = `/deploymentBase/${actionIn(await device.linked('deploymentBase'))}/feedback`
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
    const feedback = (more: string) =>
      `{"status":{"execution":"proceeding","result":{"finished":"none"}${more}}}`
    const bytes = (text: string) => Buffer.from(text, 'latin1')
    const json = 'application/json'
    const cbor = 'application/cbor'
    for (const [what, body, type, status] of [
      ['nothing but depth', deep, json, 400],
      ['a line of much depth', feedback(`,"details":[${deep}]`), json, 200],
      ['a code of much depth', feedback(`,"code":${deep}`), json, 200],
      ['many lines', feedback(`,"details":[${'0,'.repeat(400_000)}0]`), json, 200],
      ['bytes that are no UTF-8', bytes(feedback(',"details":["\xff\x00\x80"]')), json, 200],
      ['a text that never ends', `{"status":"${'\\"'.repeat(500_000)}`, json, 400],
      ['lists in lists', Buffer.alloc(500_000, 0x81), cbor, 400],
      ['lists without an end', Buffer.alloc(500_000, 0x9f), cbor, 400],
      ['a map of billions', bytes('\xbb\0\0\0\0\xff\xff\xff\xff'), cbor, 400],
      ['a text of gigabytes', bytes('\x7b\0\0\0\0\xff\xff\xff\xff'), cbor, 400],
      ['ten megabytes', 'x'.repeat(10_000_000), json, 413],
    ] as const) {
      const headers = { 'content-type': type }
      const answer = await device.ask('POST', path, { body, headers })
      expect([what, answer.status]).toEqual([what, status])
    }
    expect((await platform.device('hostile')).operation?.state).toBe('DOWNLOADING')
  })

  test('ten times a second is answered ten times', async () => {
    const device = mine()
    const answers = await Promise.all(Array.from({ length: 100 }, () => device.ask('GET', '')))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
  })
})

test('links go where a proxy that is trusted says that it was asked; nobody else is believed', async () => {
  const headers = {
    'x-forwarded-host': 'ota.example:8443',
    'x-forwarded-proto': 'https',
    'x-forwarded-for': '192.0.2.7',
  }
  const hrefOf = async (url: string, own: string, more: Record<string, string>) => {
    const authorization = `TargetToken ${own}`
    const device = hawkbitDevice({ url, controllerId: 'door', authorization })
    const { json } = await device.ask('GET', '', { headers: more })
    return (json as { _links: { configData: { href: string } } })._links.configData.href
  }
  const path = '/default/controller/v1/door/configData'
  const body = { data: { asks: 'anew' } }
  expect((await mine().ask('PUT', '/configData', { body })).status).toBe(200)
  const alone = await testPlatform()
  try {
    await alone.addProfile('doors')
    const own = await alone.addDevice('door', 'doors')
    expect(await hrefOf(alone.url, own, headers)).toBe(alone.url + path)
  } finally {
    await alone.stop()
  }
  const id = (await platform.device('door')).id
  await query(
    platform.connectionString,
    'update hawkbit_devices set wants_attributes = true where device_id = $1',
    [id],
  )
  expect(await hrefOf(platform.url, token, headers)).toBe(`https://ota.example:8443${path}`)
  expect(await hrefOf(platform.url, token, {})).toBe(platform.url + path)
  // Of several, the proxy that is ours has written the last.
  const chained = { ...headers, 'x-forwarded-host': 'evil.example, ota.example' }
  expect(await hrefOf(platform.url, token, chained)).toBe(`https://ota.example${path}`)
})

test('links have the public address, whatever the request came by', async () => {
  const open = await testPlatform({ publicUrl: 'https://ota.example' })
  try {
    await open.addProfile('public')
    const own = await open.addDevice('public', 'public')
    const authorization = `TargetToken ${own}`
    const device = hawkbitDevice({
      url: open.url,
      controllerId: 'public',
      tenant: 'DEFAULT',
      authorization,
    })
    expect(await device.linked('configData')).toBe(
      'https://ota.example/DEFAULT/controller/v1/public/configData',
    )
  } finally {
    await open.stop()
  }
})
