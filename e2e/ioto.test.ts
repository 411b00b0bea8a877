import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type TestPlatform, testPlatform } from './platform.ts'
import { rawHttp } from './raw-http.ts'

let platform: TestPlatform
let port: number

beforeAll(async () => {
  platform = await testPlatform()
  port = Number(new URL(platform.url).port)
})
afterAll(() => platform.stop())

interface Heard {
  readonly status: number
  readonly head: string
  readonly body: string
}

/** As the agent writes it: no User-Agent, its headers in its order. Reads until the server closes. */
async function agentSays(path: string, token: string, body: string): Promise<Heard> {
  return exchange(
    [
      `POST ${path} HTTP/1.1`,
      `Authorization: bearer ${token}`,
      'Content-Type: application/json',
      `Host: 127.0.0.1:${port}`,
      `Content-Length: ${Buffer.byteLength(body)}`,
    ],
    body,
  )
}

/** As the Updater in C writes it. */
async function updaterSays(path: string, token: string, body: string): Promise<Heard> {
  return exchange(
    [
      `POST ${path} HTTP/1.1`,
      `Host: 127.0.0.1:${port}`,
      `Content-Length: ${Buffer.byteLength(body)}`,
      'Content-Type: application/json',
      `Authorization: ${token}`,
    ],
    body,
  )
}

async function exchange(lines: readonly string[], body = ''): Promise<Heard> {
  const connection = await rawHttp(platform.url)
  connection.send(`${lines.join('\r\n')}\r\n\r\n${body}`)
  const received = await connection.until(() => false)
  const [head = '', ...rest] = received.split('\r\n\r\n')
  const status = Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1])
  return { status, head: head.replace(/\r\nDate: [^\r]*/, ''), body: rest.join('\r\n\r\n') }
}

const fetchImage = (url: string) =>
  exchange([`GET ${new URL(url).pathname} HTTP/1.1`, `Host: 127.0.0.1:${port}`])

const ofProduct = async (name: string, more: object = {}) => {
  const id = await platform.addProfile(name)
  const key = `key of ${name}`
  await platform.api('enableProvisioning', { params: { id }, body: { key, ...more } })
  return key
}

const waitingOf = async (saidId: string) =>
  (await platform.api('listWaitingDevices', { query: { search: saidId } })).items

const claim = async (saidId: string, more: object = {}) => {
  const [waiting] = await waitingOf(saidId)
  await platform.api('claimWaitingDevices', { body: { ids: [waiting?.id ?? ''], ...more } })
}

const deviceJson = (id: string, more: object = {}) =>
  JSON.stringify({
    id,
    name: 'Valve',
    ports: 16,
    beta: true,
    tags: ['a', 'b'],
    loc: { room: 'x' },
    created: '1970-01-01T00:00:00.000Z',
    ...more,
  })

const bytes = new TextEncoder().encode('the second firmware')
const sha256 = createHash('sha256').update(bytes).digest('hex')

const publish = async (profile: string, version = '2.0.0') => {
  const id = await platform.addRelease({ title: `of ${profile}`, version, profile, bytes })
  await platform.assign(id, { profile })
  return id
}

const HEAD = (status: string, type: string, body: string) =>
  `HTTP/1.1 ${status}\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\nConnection: close`

describe('an agent', () => {
  test('registers, waits, is claimed, checks, fetches, and is known to run the new version', async () => {
    const key = await ofProduct('valve')
    const first = await agentSays('/api/device/register', key, deviceJson('DEV0000001'))
    expect(first).toEqual({
      status: 200,
      head: HEAD('200 OK', 'application/json', '{"registered":true}'),
      body: '{"registered":true}',
    })
    expect((await agentSays('/api/device/register', key, deviceJson('DEV0000001'))).body).toBe(
      first.body,
    )
    expect(await waitingOf('DEV0000001')).toMatchObject([
      { saidId: 'DEV0000001', profile: 'valve', facts: { ports: 16, loc: { room: 'x' } } },
    ])
    await claim('DEV0000001')
    expect(await waitingOf('DEV0000001')).toEqual([])

    const claimed = await agentSays('/api/device/register', key, deviceJson('DEV0000001'))
    const told = JSON.parse(claimed.body)
    expect(claimed.body).toBe(
      `{"registered":true,"api":"http://127.0.0.1:${port}/ioto","token":"${told.token}","cloudType":"dedicated","cloudName":"default","cloudRegion":"default","id":"DEV0000001"}`,
    )
    expect((await agentSays('/api/device/register', key, deviceJson('DEV0000001'))).body).toBe(
      claimed.body,
    )

    const checks = (version: string) =>
      agentSays(
        '/ioto/tok/provision/update',
        told.token,
        deviceJson('DEV0000001', { version, iotoVersion: '3.0.0' }),
      )
    expect((await checks('1.0.0')).body).toBe('{}')
    expect(await platform.device('DEV0000001')).toMatchObject({
      installed: { firmware: { version: '1.0.0' } },
      inventory: { ports: 16, tags: ['a', 'b'], iotoVersion: '3.0.0' },
    })

    await publish('valve')
    await platform.until('DEV0000001', ({ operation }) => operation?.state === 'QUEUED')
    const offered = await checks('1.0.0')
    const { url, update } = JSON.parse(offered.body)
    expect(offered.body).toBe(
      `{"url":"${url}","checksum":"${sha256}","update":"${update}","version":"2.0.0"}`,
    )
    expect(offered.head).toBe(HEAD('200 OK', 'application/json', offered.body))
    expect((await platform.device('DEV0000001')).operation).toMatchObject({
      id: update,
      state: 'INITIATED',
    })

    const image = await fetchImage(url)
    expect(image).toMatchObject({ status: 200, body: 'the second firmware' })
    expect(image.head).toContain(`\r\nContent-Length: ${bytes.length}`)
    expect(image.head).toContain('\r\nConnection: close')
    await platform.until('DEV0000001', ({ operation }) => operation?.state === 'DOWNLOADED')

    expect((await checks('2.0.0')).body).toBe('{}')
    expect((await platform.history('DEV0000001'))[0]).toEqual([
      'QUEUED',
      'INITIATED',
      'DOWNLOADING',
      'DOWNLOADED',
      'UPDATED',
    ])
  })

  test('that fetched the image and comes back with the old version has failed', async () => {
    const key = await ofProduct('pump', { claimsAtOnce: true })
    const { token } = JSON.parse(
      (await agentSays('/device/register', key, deviceJson('PUMP1'))).body,
    )
    await publish('pump')
    const check = '{"version":"1.0.0"}'
    const { url } = JSON.parse((await agentSays('/tok/provision/update', token, check)).body)
    await fetchImage(url)
    await platform.until('PUMP1', ({ operation }) => operation?.state === 'DOWNLOADED')
    expect((await agentSays('/tok/provision/update', token, check)).body).toBe('{}')
    expect((await platform.device('PUMP1')).operation).toMatchObject({
      state: 'FAILED',
      error: expect.stringContaining('came back with version 1.0.0'),
    })
  })

  test('is made to enrol anew, at another cloud, by the one text it obeys', async () => {
    const key = await ofProduct('mover', { claimsAtOnce: true })
    const registers = async () =>
      JSON.parse((await agentSays('/device/register', key, deviceJson('MOVER1'))).body)
    const { token } = await registers()
    const cloud = await platform.api('createCloud', {
      body: { name: 'north', publicUrl: 'https://north.updates.example', region: 'n1' },
    })
    const { id } = await platform.device('MOVER1')
    await platform.api('reEnrolDevices', { body: { deviceIds: [id], cloudId: cloud.id } })
    const refused = await agentSays('/ioto/tok/provision/update', token, '{}')
    expect(refused).toEqual({
      status: 403,
      head: HEAD('403 Forbidden', 'text/plain', 'Authentication failed'),
      body: 'Authentication failed',
    })
    const anew = await registers()
    expect(anew).toMatchObject({
      api: 'https://north.updates.example/ioto',
      cloudName: 'north',
      cloudRegion: 'n1',
    })
    expect(anew.token).not.toBe(token)
    const check = '{"version":"1.0.0"}'
    expect((await agentSays('/tok/provision/update', anew.token, check)).body).toBe('{}')
    // One release for all; each is told the address of its own cloud.
    const other = JSON.parse((await agentSays('/device/register', key, deviceJson('MOVER2'))).body)
    await publish('mover')
    const told = async (its: string) =>
      JSON.parse((await agentSays('/tok/provision/update', its, check)).body).url
    expect(await told(anew.token)).toMatch('https://north.updates.example/ioto/image/')
    expect(await told(other.token)).toMatch(`http://127.0.0.1:${port}/ioto/image/`)
  })

  test('names its account and cloud, and is claimed at once', async () => {
    const key = await ofProduct('accounted')
    await platform.api('createCloud', { body: { name: 'accounted cloud' } })
    const [tenant] = (await platform.api('listTenants', {})).items
    const { id: tenantId = '', name: tenantName = '' } = tenant ?? {}
    const registers = async (id: string, account: string, cloud: string) =>
      (await agentSays('/device/register', key, deviceJson(id, { account, cloud }))).body
    const waits = '{"registered":true}'
    expect(await registers('ACCOUNT1', tenantName, 'no such cloud')).toBe(waits)
    expect(await registers('ACCOUNT2', 'nobody', 'accounted cloud')).toBe(waits)
    const { cloudName } = JSON.parse(await registers('ACCOUNT3', tenantName, 'accounted cloud'))
    expect(cloudName).toBe('accounted cloud')
    expect(await platform.device('ACCOUNT3')).toMatchObject({ cloud: 'accounted cloud' })
    expect(await registers('ACCOUNT4', tenantId, 'accounted cloud')).toContain('"token"')
  })

  test('is claimed at once where it was added beforehand, and nobody else is', async () => {
    const strategy = 'check-pre-provisioned'
    const key = await ofProduct('foreseen', { strategy, claimsAtOnce: true })
    await platform.addDevice('FORESEEN1', 'foreseen')
    const registers = async (id: string) =>
      (await agentSays('/device/register', key, deviceJson(id))).body
    expect(await registers('UNFORESEEN1')).toBe('{"registered":true}')
    const { token } = JSON.parse(await registers('FORESEEN1'))
    expect((await agentSays('/tok/provision/update', token, '{}')).status).toBe(200)
    expect(JSON.parse(await registers('FORESEEN1')).token).toBe(token)
  })

  test('whose product is none is refused in words of its own', async () => {
    expect(await agentSays('/api/device/register', 'nothing', deviceJson('LOST1'))).toMatchObject({
      status: 403,
      body: 'No such product',
    })
  })

  test('asks for its certificate, and is given one of its own', async () => {
    const key = await ofProduct('cert', { claimsAtOnce: true })
    const { token } = JSON.parse(
      (await agentSays('/device/register', key, deviceJson('CERT1'))).body,
    )
    for (const path of ['/ioto/tok/device/provision', '/ioto/tok/provision/getCerts']) {
      const { body } = await agentSays(path, token, '{"id":"CERT1"}')
      const answer = JSON.parse(body)
      expect(Object.keys(answer)).toEqual([
        'accountId',
        'certificate',
        'key',
        'endpoint',
        'port',
        'id',
        'thing',
      ])
      expect(answer).toMatchObject({ id: 'CERT1', thing: 'CERT1', endpoint: 'mqtt.invalid' })
      expect(answer.certificate).toMatch(/^-----BEGIN CERTIFICATE-----/)
      expect(answer.key).toMatch(/^-----BEGIN PRIVATE KEY-----/)
    }
    expect(await agentSays('/ioto/tok/device/getCreds', token, '')).toMatchObject({ status: 400 })
  })
})

describe('an Updater', () => {
  const cloudToken = async (name: string) => {
    const { id } = await platform.api('createCloud', { body: { name } })
    return (await platform.api('createCloudToken', { params: { id } })).token
  }

  test('comes through its cloud, is enrolled, updated, and reports', async () => {
    const token = await cloudToken('west')
    await ofProduct('lamp')
    const says = (version: string, tail = ',"pro":"true"') =>
      updaterSays(
        '/tok/provision/update',
        token,
        `{"id":"LAMP1","product":"key of lamp","version":"${version}"${tail}}`,
      )
    expect((await says('1.0.0', ',(null)')).body).toBe('{}')
    expect(await platform.device('LAMP1')).toMatchObject({ cloud: 'west', profile: 'lamp' })
    await publish('lamp')
    const { url, update } = JSON.parse((await says('1.0.0', ',')).body)
    expect((await fetchImage(url)).body).toBe('the second firmware')
    const reported = await updaterSays(
      '/tok/provision/updateReport',
      token,
      `{"success":"true","id":"LAMP1","update":"${update}"}`,
    )
    expect(reported).toMatchObject({ status: 200, body: '{}' })
    expect((await platform.device('LAMP1')).operation).toMatchObject({ state: 'UPDATED' })
    expect((await says('2.0.0')).body).toBe('{}')
  })

  test('that reports a failure without saying of what has failed', async () => {
    const token = await cloudToken('south')
    await ofProduct('fan')
    const check = '{"id":"FAN1","product":"fan","version":"1.0.0","pro":"true"}'
    await updaterSays('/tok/provision/update', token, check)
    await publish('fan')
    expect((await updaterSays('/tok/provision/update', token, check)).body).toContain('"url"')
    await updaterSays('/tok/provision/updateReport', token, '{"success":false,"id":"FAN1"}')
    expect((await platform.device('FAN1')).operation).toMatchObject({ state: 'FAILED' })
  })

  test('of a product that does not let devices in waits to be claimed', async () => {
    const token = await cloudToken('east')
    await platform.addProfile('shut')
    const check = '{"id":"SHUT1","product":"shut","version":"1.0.0"}'
    expect((await updaterSays('/tok/provision/update', token, check)).body).toBe('{}')
    expect(await waitingOf('SHUT1')).toMatchObject([
      { version: '1.0.0', cloud: 'east', profile: 'shut', times: 1 },
    ])
    await claim('SHUT1', { name: 'behind the door' })
    expect((await updaterSays('/tok/provision/update', token, check)).body).toBe('{}')
    expect(await platform.device('behind the door')).toMatchObject({
      cloud: 'east',
      installed: { firmware: { version: '1.0.0' } },
    })
  })

  test('of no product of this tenant is told nothing, and an operator finds it', async () => {
    const token = await cloudToken('lost')
    const check = '{"id":"X","product":"unheard of","version":"1.0.0"}'
    expect((await updaterSays('/tok/provision/update', token, check)).body).toBe('{}')
    const { items } = await platform.api('listEvents', { query: { kind: 'registration.refused' } })
    expect(items).toMatchObject([
      { subject: { kind: 'cloud', name: 'lost' }, reason: { code: 'profile.unknown' } },
    ])
  })
})

describe('a policy', () => {
  /** A device of a profile of its own, claimed at once; answers how it checks. */
  const deviceOf = async (key: string, id: string) => {
    const { token } = JSON.parse((await agentSays('/device/register', key, deviceJson(id))).body)
    return async (version: string, more: object = {}) => {
      const body = JSON.stringify({ id, version, ...more })
      const answer = await agentSays('/ioto/tok/provision/update', token, body)
      expect(answer.status).toBe(200)
      return JSON.parse(answer.body).version ?? 'nothing'
    }
  }
  const release = (profile: string, version: string) =>
    platform.addRelease({ title: `of ${profile}`, version, profile, bytes })
  const policy = (releaseId: string, body: object) =>
    platform.api('putPolicy', { params: { id: releaseId }, body })

  test('brings older devices the newest that fits, by what they say in that very check', async () => {
    const key = await ofProduct('policed valve', { claimsAtOnce: true })
    await policy(await release('policed valve', '1.5.0'), {})
    await policy(await release('policed valve', '2.0.0'), { expression: 'device.memory >= 256' })
    const checks = await deviceOf(key, 'POLICED1')
    expect(await checks('1.0.0', { memory: 64 })).toBe('1.5.0')
    const large = await deviceOf(key, 'POLICED2')
    expect(await large('1.0.0', { memory: 512 })).toBe('2.0.0')
    expect(await large('2.0.0', { memory: 512 })).toBe('nothing')
  })

  test('rolls a bad version back', async () => {
    const key = await ofProduct('rolled valve', { claimsAtOnce: true })
    const bad = await release('rolled valve', '1.2.3')
    await policy(bad, {})
    const checks = await deviceOf(key, 'ROLLED1')
    expect(await checks('1.2.2')).toBe('1.2.3')
    expect(await checks('1.2.3')).toBe('nothing')
    await platform.api('disablePolicy', { params: { id: bad } })
    await policy(await release('rolled valve', '1.2.2'), { expression: "version == '1.2.3'" })
    expect(await checks('1.2.3')).toBe('1.2.2')
  })

  test.each([
    ['a number of devices', { maxDevices: 1 }],
    ['a share of them', { percentage: 50 }],
    ['a rate', { rate: 1, periodSeconds: 3600 }],
  ])('defers what is beyond %s, and answers exactly nothing', async (what, limits) => {
    const profile = `valve within ${what}`
    const key = await ofProduct(profile, { claimsAtOnce: true })
    const one = await deviceOf(key, `ONE within ${what}`)
    const other = await deviceOf(key, `OTHER within ${what}`)
    await policy(await release(profile, '2.0.0'), { limits })
    expect(await one('1.0.0')).toBe('2.0.0')
    expect(await other('1.0.0')).toBe('nothing')
    // Who was offered it already is offered it again.
    expect(await one('1.0.0')).toBe('2.0.0')
  })
})
