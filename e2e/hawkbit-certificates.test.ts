/** Devices of hawkBit's language that show a certificate to the server itself. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { type RequestOptions, request } from 'node:https'

import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ConnectionOptions, TLSSocket } from 'node:tls'
import { createClient } from '@updraft/api/client'
import type { DeploymentDocument, PollAnswer } from '@updraft/wire/hawkbit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { chainOf, type MadeCertificate, makeTestCertificate } from '../tools/test-certificates.ts'
import { curl } from './curl.ts'
import { random } from './firmware.ts'
import { actionIn } from './hawkbit-device.ts'
import { query } from './operator.ts'
import { otherTenant } from './other-tenant.ts'
import { type TestPlatform, testPlatform } from './platform.ts'

let platform: TestPlatform
let https: string
/** The server's authority, and the devices' maker. */
let serverCa: string
let root: MadeCertificate
let works: MadeCertificate
let gw1: MadeCertificate
let profileId: string
let token: string
let folder: string

beforeAll(async () => {
  platform = await testPlatform()
  https = platform.url.replace('http:', 'https:')
  serverCa = (await platform.api('showDeviceAuthority', {})).certificate
  root = await makeTestCertificate('CN=A maker', { isAuthority: true })
  works = await makeTestCertificate('CN=Works 1', { isAuthority: true, signedBy: root })
  gw1 = await makeTestCertificate('CN=gw-1', { signedBy: works })
  profileId = await platform.addProfile('gateways')
  token = await platform.addDevice('gw-1', 'gateways')
  await platform.addDevice('gw-2', 'gateways')
  await trust([root.certificate])
  folder = await mkdtemp(join(tmpdir(), 'updraft-certificates-'))
})
afterAll(async () => {
  await platform.stop()
  await rm(folder, { recursive: true, force: true })
})

const trust = (authorities: string[], id = profileId) =>
  platform.api('changeHawkbitSettings', { params: { id }, body: { authorities } })

interface Shown {
  /** Its own first. */
  readonly shows?: readonly MadeCertificate[]
  readonly headers?: Record<string, string>
  readonly tenant?: string
  readonly session?: Buffer
}

/** A poll over a connection of its own. */
const poll = (
  name: string,
  { shows = [gw1, works], headers, tenant = 'default', session }: Shown = {},
) =>
  new Promise<{ status: number; body: string; isReused: boolean; session: Buffer | undefined }>(
    (resolve, reject) => {
      const asked = request(
        `${https}/${tenant}/controller/v1/${encodeURIComponent(name)}`,
        {
          agent: false,
          ca: serverCa,
          headers,
          session,
          ...(shows[0] && { cert: chainOf(...shows), key: shows[0].key }),
        } as RequestOptions & ConnectionOptions,
        async (answer) => {
          const body = (await answer.setEncoding('utf8').toArray()).join('')
          resolve({ status: answer.statusCode ?? 0, body, isReused, session: kept })
        },
      )
      let kept: Buffer | undefined
      let isReused = false
      asked.once('socket', (socket) => {
        socket.on('session', (ticket: Buffer) => {
          kept = ticket
        })
        socket.once('secureConnect', () => {
          isReused = (socket as TLSSocket).isSessionReused()
        })
      })
      asked.once('error', reject)
      asked.end()
    },
  )
const statusOf = async (name: string, shown?: Shown) => (await poll(name, shown)).status

describe('a device is known by its certificate', () => {
  test('in the name of an authority whose certificate its profile was told', async () => {
    expect(await statusOf('gw-1')).toBe(200)
    expect((await platform.device('gw-1')).dialect).toBe('hawkbit')
    const { authorities, knownAuthorities } = await platform.api('showHawkbitSettings', {
      params: { id: profileId },
    })
    expect(authorities).toEqual([root.fingerprint])
    expect(knownAuthorities).toMatchObject([
      { fingerprint: root.fingerprint, subject: 'CN=A maker' },
    ])
  })

  test('in the name of one of whom the fingerprint was told, if the device brings it along', async () => {
    const id = await platform.addProfile('by fingerprint')
    await platform.addDevice('by-fingerprint', 'by fingerprint')
    await trust([`SHA256 Fingerprint=${root.fingerprint.toUpperCase()}`], id)
    const own = await makeTestCertificate('CN=by-fingerprint', { signedBy: works })
    expect(await statusOf('by-fingerprint', { shows: [own, works] })).toBe(401)
    expect(await statusOf('by-fingerprint', { shows: [own, works, root] })).toBe(200)
    await trust([works.fingerprint], id)
    expect(await statusOf('by-fingerprint', { shows: [own, works] })).toBe(200)
  })

  test('whatever signs its name has', async () => {
    const id = await platform.addProfile('odd')
    await trust([root.certificate], id)
    for (const name of ['a:b/c', '%2F', "it's", 'Ventil-ä']) {
      await platform.addDevice(name, 'odd')
      const own = await makeTestCertificate(`CN="${name}"`, { signedBy: root })
      expect([name, await statusOf(name, { shows: [own] })]).toEqual([name, 200])
    }
  })

  test('by the very certificate it was given as its own, whoever signed that', async () => {
    await platform.addDevice('own', 'gateways')
    const own = await makeTestCertificate('CN=anything')
    expect(await statusOf('own', { shows: [own] })).toBe(401)
    const { id } = await platform.device('own')
    await platform.api('addCredential', {
      params: { id },
      body: { credential: { kind: 'x509', certificate: own.certificate } },
    })
    expect(await statusOf('own', { shows: [own] })).toBe(200)
    expect(await statusOf('gw-1', { shows: [own] })).toBe(401)
  })

  test('also when it takes up its session again, in which it shows its own alone', async () => {
    const { session, ...first } = await poll('gw-1')
    expect(first).toMatchObject({ status: 200, isReused: false })
    expect(await poll('gw-1', { session })).toMatchObject({ status: 200, isReused: true })
    expect(await poll('gw-2', { session })).toMatchObject({ status: 401, isReused: true })
  })
})

describe('nobody is let in', () => {
  test.each<[string, () => Promise<Shown> | Shown]>([
    ['without a certificate', () => ({ shows: [] })],
    ['with that of another', async () => ({ shows: [gw1, works] })],
    [
      'whose certificate has ended',
      async () => ({
        shows: [await makeTestCertificate('CN=gw-2', { signedBy: root, from: -3, to: -1 })],
      }),
    ],
    [
      'whose certificate has not begun',
      async () => ({ shows: [await makeTestCertificate('CN=gw-2', { signedBy: root, from: 2 })] }),
    ],
    [
      'whose certificate it signed itself',
      async () => ({ shows: [await makeTestCertificate('CN=gw-2')] }),
    ],
    [
      'whose certificate it signed itself, as an authority',
      async () => ({ shows: [await makeTestCertificate('CN=gw-2', { isAuthority: true })] }),
    ],
    [
      'whose certificate has no name',
      async () => ({ shows: [await makeTestCertificate('O=gw-2', { signedBy: root })] }),
    ],
    [
      'whose certificate has several',
      async () => ({ shows: [await makeTestCertificate('CN=gw-2, CN=gw-1', { signedBy: root })] }),
    ],
    [
      'whose certificate another device signed',
      async () => ({
        shows: [await makeTestCertificate('CN=gw-2', { signedBy: gw1 }), gw1, works],
      }),
    ],
    [
      'who does not show all between it and the authority',
      async () => ({ shows: [await makeTestCertificate('CN=gw-2', { signedBy: works })] }),
    ],
    [
      'whose authority is another of the same name',
      async () => {
        const other = await makeTestCertificate('CN=A maker', { isAuthority: true })
        return { shows: [await makeTestCertificate('CN=gw-2', { signedBy: other }), other] }
      },
    ],
    [
      'for whom a proxy that is none vouches',
      () => ({
        shows: [gw1, works],
        headers: { 'x-controller-id': 'gw-2', 'x-authority': root.fingerprint },
      }),
    ],
  ])('%s', async (_who, shown) => {
    expect(await poll('gw-2', await shown())).toMatchObject({ status: 401, body: '' })
  })

  test('with a good certificate and a wrong token, and the right token needs no certificate', async () => {
    const wrong = { headers: { authorization: 'TargetToken wrong' } }
    expect(await statusOf('gw-1', wrong)).toBe(401)
    const right = { headers: { authorization: `TargetToken ${token}` } }
    expect(await statusOf('gw-1', { ...right, shows: [] })).toBe(200)
    expect(await statusOf('gw-1', right)).toBe(200)
  })

  test('who was removed, nor in the name of an authority that is trusted no more', async () => {
    const id = await platform.addProfile('short-lived')
    await trust([works.certificate], id)
    await platform.addDevice('removed', 'short-lived')
    const own = await makeTestCertificate('CN=removed', { signedBy: works })
    const shown = { shows: [own, works] }
    expect(await statusOf('removed', shown)).toBe(200)
    await trust([], id)
    expect(await statusOf('removed', shown)).toBe(401)
    await trust([works.certificate], id)
    expect(await statusOf('removed', shown)).toBe(200)
    const { id: deviceId } = await platform.device('removed')
    await platform.api('removeDevice', { params: { id: deviceId } })
    expect(await statusOf('removed', shown)).toBe(401)
  })

  test('where a proxy is believed, beside the word of the proxy', async () => {
    const behind = await testPlatform({ trustProxy: true })
    try {
      const id = await behind.addProfile('p')
      await behind.addDevice('gw-1', 'p')
      const body = { authorities: [root.certificate] }
      await behind.api('changeHawkbitSettings', { params: { id }, body })
      const ask = (headers: Record<string, string>) =>
        curl(
          '--insecure',
          ...['--cert', join(folder, 'gw.pem'), '--key', join(folder, 'gw.key')],
          ...Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]),
          `${behind.url.replace('http:', 'https:')}/default/controller/v1/gw-1`,
        )
      await writeFile(join(folder, 'gw.pem'), chainOf(gw1, works))
      await writeFile(join(folder, 'gw.key'), gw1.key)
      expect((await ask({})).status).toBe(200)
      const vouched = { 'x-authority': root.fingerprint }
      expect((await ask({ ...vouched, 'x-controller-id': 'gw-1' })).status).toBe(200)
      expect((await ask({ ...vouched, 'x-controller-id': 'gw-2' })).status).toBe(401)
    } finally {
      await behind.stop()
    }
  })
})

test('what is no authority is refused in words', async () => {
  await expect(trust([gw1.certificate])).rejects.toMatchObject({
    problem: expect.objectContaining({
      detail: expect.stringContaining('CN=gw-1 is the certificate of no authority.'),
    }),
  })
})

test('of several tenants with one name and one authority, the address says which', async () => {
  const elsewhere = await otherTenant(platform, { name: 'elsewhere', administrator: 'eve' })
  const there = createClient({ url: platform.url, token: elsewhere.token })
  const { id } = await there('createProfile', { body: { name: 'theirs' } })
  await there('createDevice', { body: { name: 'gw-2', profile: 'theirs' } })
  const shows = [await makeTestCertificate('CN=gw-2', { signedBy: root })]
  expect(await statusOf('gw-2', { shows })).toBe(200)
  const body = { authorities: [root.certificate] }
  await there('changeHawkbitSettings', { params: { id }, body })
  expect(await statusOf('gw-2', { shows })).toBe(401)
  const text = 'select tenant_id from profiles where id = any($1)'
  const tenants = await query<{ tenant_id: string }>(platform.connectionString, text, [
    [id, profileId],
  ])
  for (const { tenant_id: tenant } of tenants) {
    expect(await statusOf('gw-2', { shows, tenant })).toBe(200)
  }
  await there('changeHawkbitSettings', { params: { id }, body: { authorities: [] } })
})

test('curl with nothing but a certificate goes the whole way', async () => {
  const file = (name: string) => join(folder, name)
  await Promise.all([
    writeFile(file('gw-1.pem'), chainOf(gw1, works)),
    writeFile(file('gw-1.key'), gw1.key),
    writeFile(file('server-ca.pem'), serverCa),
  ])
  const ask = (url: string, ...more: string[]) =>
    curl(
      ...['--cert', file('gw-1.pem'), '--key', file('gw-1.key'), '--cacert', file('server-ca.pem')],
      ...['-H', 'Accept: application/hal+json'],
      ...more,
      url,
    )
  const bytes = random(300_000)
  const release = { title: 'os', version: '2.0', profile: 'gateways', bytes, fileName: 'os.raucb' }
  await platform.assign(await platform.addRelease(release), { device: 'gw-1' })
  const base = `${https}/default/controller/v1/gw-1`

  const { _links: links } = (await ask(base)).json<PollAnswer>()
  const deployment = links?.deploymentBase?.href ?? ''
  expect(deployment).toMatch(new RegExp(`^${base}/deploymentBase/`))
  const body = JSON.stringify({ mode: 'merge', data: { serial: '1' } })
  const json = ['-H', 'Content-Type: application/json', '-H', 'Expect: 100-continue']
  expect((await ask(`${base}/configData`, '-X', 'PUT', ...json, '-d', body)).status).toBe(200)
  const document = (await ask(deployment)).json<DeploymentDocument>()
  const link = document.deployment?.chunks[0]?.artifacts[0]?._links['download-http']?.href ?? ''
  expect(link).toMatch(/^https:/)
  const part = file('os.raucb')
  const got = await ask(link, '--range', '0-99999', '-o', part)
  expect(got.status).toBe(206)
  expect((await ask(link, '--continue-at', '-', '-o', part)).status).toBe(206)
  expect(await readFile(part)).toEqual(Buffer.from(bytes))
  const withoutKey = await curl('--cacert', file('server-ca.pem'), link)
  expect(withoutKey.status).toBe(401)
  const said = {
    id: actionIn(deployment),
    status: { execution: 'closed', result: { finished: 'success' } },
  }
  const feedback = `${base}/deploymentBase/${actionIn(deployment)}/feedback`
  expect((await ask(feedback, '-X', 'POST', ...json, '-d', JSON.stringify(said))).status).toBe(200)
  expect((await platform.device('gw-1')).operation?.state).toBe('UPDATED')
})
