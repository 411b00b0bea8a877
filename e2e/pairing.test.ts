/** Devices of Astarte are paired: with curl and openssl, as an agent and a device do it step by step. */
import { execFile } from 'node:child_process'
import {
  createPrivateKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { curl } from './curl.ts'
import { askGraphql } from './graphql.ts'
import { ask, query, send } from './operator.ts'
import { ADMIN_TOKEN, type TestPlatform, testPlatform } from './platform.ts'
import { run } from './program.ts'

const call = promisify(execFile)

let one: TestPlatform
/** Another server of the same installation, that speaks no MQTT. */
let two: TestPlatform
let folder: string
let agent: string

beforeAll(async () => {
  one = await testPlatform()
  two = await testPlatform({
    databaseUrl: one.connectionString,
    artifacts: [{ name: 'default', kind: 'file', folder: join(one.dataFolder, 'artifacts') }],
    mqttPort: null,
  })
  folder = join(one.dataFolder, 'pairing')
  await mkdir(folder)
  const profileId = await one.addProfile('boards')
  await one.api('setRealm', { body: { name: 'fleet', profileId } })
  agent = (await one.api('createAgentToken', { body: {} })).token
})
afterAll(async () => {
  await two.stop()
  await one.stop()
})

const newId = () => randomBytes(16).toString('base64url')
const at = (path: string, platform = one) => `${platform.url}/pairing/v1/fleet/${path}`
const register = (
  id: string,
  {
    token = agent as string | null,
    platform = one,
    body = { data: { hw_id: id } } as unknown,
  } = {},
) => send(at('agent/devices', platform), 'POST', { token, body })
const unregister = (id: string, token = agent) =>
  send(at(`agent/devices/${id}`), 'DELETE', { token })
const info = (id: string, token: string | null, platform = one) =>
  send(at(`devices/${id}`, platform), 'GET', { token })
const CREDENTIALS = 'protocols/astarte_mqtt_v1/credentials'
const certify = (id: string, token: string | null, csr: unknown) =>
  send(at(`devices/${id}/${CREDENTIALS}`), 'POST', { token, body: { data: { csr } } })
const verify = async (id: string, token: string, certificate: string) => {
  const body = { data: { client_crt: certificate } }
  const answer = await send(at(`devices/${id}/${CREDENTIALS}/verify`), 'POST', { token, body })
  expect(answer.status, answer.text).toBe(200)
  expect(Date.parse(answer.json.data.timestamp)).not.toBeNaN()
  return answer.json.data
}
/** Registers a new device; answers its id and its secret. */
const registered = async () => {
  const id = newId()
  const { status, text, json } = await register(id)
  expect(status, text).toBe(201)
  return { id, secret: json.data.credentials_secret as string }
}
const certified = async () => {
  const device = await registered()
  const answer = await certify(device.id, device.secret, await request('ec'))
  expect(answer.status, answer.text).toBe(201)
  return { ...device, certificate: answer.json.data.client_crt as string }
}
const devicesNamed = async (name: string) =>
  (await one.api('listDevices', { query: { name } })).items

let count = 0
const KEYS = {
  ec: ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  p384: ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384'],
  rsa: ['-newkey', 'rsa:2048'],
  weak: ['-newkey', 'rsa:1024'],
  koblitz: ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:secp256k1'],
  edwards: ['-newkey', 'ed25519'],
} as const
/** As openssl makes one. */
async function request(
  kind: keyof typeof KEYS,
  subject = '/O=Devices/CN=another\\/name',
): Promise<string> {
  count += 1
  const file = (what: string) => join(folder, `${count}.${what}.pem`)
  const files = ['-nodes', '-keyout', file('key'), '-out', file('request')]
  await call('openssl', ['req', '-new', ...KEYS[kind], '-subj', subject, ...files])
  return readFile(file('request'), 'utf8')
}

test('with curl and openssl, from registration to a certificate that openssl verifies', async () => {
  const id = newId()
  const json = (body: unknown) => [
    '--header',
    'content-type: application/json',
    '--data',
    JSON.stringify(body),
  ]
  const bearer = (secret: string) => ['--header', `Authorization: Bearer ${secret}`]
  const made = await curl(...bearer(agent), ...json({ data: { hw_id: id } }), at('agent/devices'))
  expect(made.status, made.body).toBe(201)
  const secret = made.json<{ data: { credentials_secret: string } }>().data.credentials_secret
  expect(secret).toMatch(/^[A-Za-z0-9+/]{43}=$/)

  const told = await curl(...bearer(secret), at(`devices/${id}`))
  expect([told.status, told.json()]).toEqual([
    200,
    {
      data: {
        version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
        status: 'pending',
        protocols: { astarte_mqtt_v1: { broker_url: `mqtts://127.0.0.1:${one.mqtt.port}` } },
      },
    },
  ])

  const authority = join(folder, 'authority.pem')
  await writeFile(authority, (await one.api('showDeviceAuthority', {})).certificate)
  for (const kind of ['rsa', 'ec', 'p384'] as const) {
    const csr = await request(kind)
    const signed = await curl(
      ...bearer(secret),
      ...json({ data: { csr } }),
      at(`devices/${id}/${CREDENTIALS}`),
    )
    expect(signed.status, signed.body).toBe(201)
    const pem = signed.json<{ data: { client_crt: string } }>().data.client_crt
    expect(pem.match(/-----BEGIN/g)).toHaveLength(1)
    const file = join(folder, `${kind}.certificate.pem`)
    await writeFile(file, pem)
    const checked = ['verify', '-purpose', 'sslclient', '-x509_strict', '-CAfile', authority, file]
    expect((await call('openssl', checked)).stdout).toContain(': OK')
    const certificate = new X509Certificate(pem)
    expect(certificate.subject).toBe(`CN=fleet/${id}`)
    const days = (certificate.validToDate.getTime() - Date.now()) / 86_400_000
    expect(days).toBeGreaterThan(89)
    expect(days).toBeLessThan(91)
    const own = await readFile(join(folder, `${count}.key.pem`), 'utf8')
    expect(certificate.checkPrivateKey(createPrivateKey(own))).toBe(true)
  }
  expect((await info(id, secret)).json.data.status).toBe('confirmed')
})

test('a device registers again until it asks for its certificate, and after it is unregistered', async () => {
  const { id, secret: first } = await registered()
  const again = await register(id)
  const second = again.json.data.credentials_secret
  expect(again.status).toBe(201)
  expect(second).not.toBe(first)
  expect((await info(id, first)).status).toBe(401)
  const { json } = await certify(id, second, await request('ec'))
  const refused = await register(id)
  expect([refused.status, refused.json]).toEqual([
    422,
    { errors: { detail: 'Device already registered' } },
  ])
  expect((await unregister(id)).status).toBe(204)
  expect((await info(id, second)).status).toBe(401)
  const third = (await register(id)).json.data.credentials_secret
  expect((await info(id, third)).json.data.status).toBe('pending')
  expect(await verify(id, third, json.data.client_crt)).toMatchObject({
    valid: false,
    cause: 'INVALID',
  })
  const devices = await devicesNamed(id)
  expect(devices).toHaveLength(1)
  expect(devices[0]).toMatchObject({ profile: 'boards', astarteId: id })
  expect((await unregister(newId())).status).toBe(404)
})

test('many texts mean one id, and what is none is said to be none', async () => {
  const { id } = await registered()
  const long = Buffer.concat([Buffer.from(id, 'base64url'), randomBytes(16)]).toString('base64url')
  for (const text of [long, `${id}==`]) {
    const { status, json } = await register(text)
    expect(status).toBe(201)
    expect((await info(text, json.data.credentials_secret)).status).toBe(200)
    expect((await info(id, json.data.credentials_secret)).status).toBe(200)
  }
  expect(await devicesNamed(id)).toHaveLength(1)
  for (const text of ['short', 'x'.repeat(256), '../../etc', `${id.slice(1)}+`]) {
    const { status, json } = await register(text)
    expect([status, Object.keys(json.errors)], text).toEqual([422, ['hw_id']])
  }
  expect((await info('short', 'secret')).status).toBe(422)
})

test('whoever registers at two servers at once is one device', async () => {
  const id = newId()
  const answers = await Promise.all(
    [one, two, one, two, one, two].map((platform) => register(id, { platform })),
  )
  expect(answers.map(({ status }) => status)).toEqual(Array(6).fill(201))
  expect(await devicesNamed(id)).toHaveLength(1)
  const secrets = answers.map(({ json }) => json.data.credentials_secret as string)
  const statuses = await Promise.all(secrets.map(async (secret) => (await info(id, secret)).status))
  expect(statuses.filter((status) => status === 200)).toHaveLength(1)
})

test('a certificate that takes the place of another makes it void, whoever asks first', async () => {
  const { id, secret, certificate: first } = await certified()
  expect(await verify(id, secret, first)).toEqual({
    valid: true,
    timestamp: expect.any(String),
    until: new X509Certificate(first).validToDate.toISOString(),
  })
  const csr = await request('ec')
  const answers = await Promise.all([1, 2, 3].map(() => certify(id, secret, csr)))
  expect(answers.map(({ status }) => status)).toEqual([201, 201, 201])
  const verdicts = await Promise.all(
    [first, ...answers.map(({ json }) => json.data.client_crt)].map((each) =>
      verify(id, secret, each),
    ),
  )
  expect(verdicts.map(({ valid }) => valid).filter(Boolean)).toHaveLength(1)
  expect(verdicts[0]).toMatchObject({ valid: false, cause: 'INVALID', details: null })
})

test('what is wrong with a certificate is said with 200', async () => {
  const { id, secret, certificate } = await certified()
  const cause = async (pem: string) => (await verify(id, secret, pem)).cause
  expect(await cause('garbage')).toBe('INVALID')
  expect(await cause(certificate.slice(0, 200))).toBe('INVALID')
  expect(await cause((await certified()).certificate)).toBe('INVALID')
  const file = (name: string) => join(folder, name)
  const selfSigned = async (subject: string, out: string) => {
    const flags = ['-nodes', '-keyout', file('x.key'), '-out', file(out), '-days', '2']
    await call('openssl', ['req', '-x509', ...KEYS.ec, '-subj', subject, ...flags])
    return readFile(file(out), 'utf8')
  }
  expect(await cause(await selfSigned('/CN=fleet', 'other.pem'))).toBe('INVALID_ISSUER')
  expect(await cause(await selfSigned('/CN=Updraft devices', 'forged.pem'))).toBe(
    'INVALID_SIGNATURE',
  )
  expect(await cause((await one.api('showDeviceAuthority', {})).certificate)).toBe(
    'INVALID_KEY_USAGE',
  )
})

test.each(['weak', 'koblitz', 'edwards'] as const)(
  'a request with a key that is %s is not granted',
  async (kind) => {
    const { id, secret } = await registered()
    const { status, json } = await certify(id, secret, await request(kind))
    expect([status, json]).toEqual([422, { errors: { csr: [expect.stringContaining('key')] } }])
    expect((await info(id, secret)).json.data.status).toBe('pending')
  },
)

test('a request that is broken, or signed by another key, is not granted', async () => {
  const { id, secret } = await registered()
  const csr = await request('ec')
  const der = Buffer.from(csr.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64')
  const forged = Buffer.from(der)
  forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1
  const pem = (bytes: Buffer) =>
    `-----BEGIN CERTIFICATE REQUEST-----\n${bytes.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`
  for (const wrong of [
    pem(forged),
    pem(der.subarray(0, 60)),
    pem(Buffer.from('garbage')),
    pem(Buffer.alloc(0)),
    csr + csr,
    'garbage',
    (await certified()).certificate,
  ]) {
    const { status, json } = await certify(id, secret, wrong)
    expect([status, json], wrong).toEqual([422, { errors: { csr: [expect.any(String)] } }])
  }
  for (const wrong of [undefined, '', 7, null, { pem: csr }]) {
    const { status, json } = await certify(id, secret, wrong)
    expect([status, Object.keys(json.errors)]).toEqual([422, ['csr']])
  }
})

describe('who may', () => {
  const isError = (json: unknown) =>
    expect(json).toEqual({ errors: { detail: expect.any(String) } })

  test('register: nobody without a token, or with one that is another’s or does not allow it', async () => {
    const keys = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    })
    const token = (claims: object) => {
      const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
      const body = `${part({ alg: 'RS256' })}.${part(claims)}`
      return `${body}.${sign('sha256', Buffer.from(body), keys.privateKey).toString('base64url')}`
    }
    const may = token({ a_pa: ['POST::agent/devices'] })
    for (const each of [null, 'garbage', may, `${agent}x`]) {
      const { status, json } = await register(newId(), { token: each })
      expect(status).toBe(401)
      isError(json)
    }
    const key = await one.api('addRealmKey', { body: { name: 'mine', publicKey: keys.publicKey } })
    const id = newId()
    expect((await register(id, { token: may })).status).toBe(201)
    expect((await unregister(id, may)).status).toBe(403)
    const mayNot = token({ a_pa: ['GET::.*', 'POST::agent'] })
    expect((await register(id, { token: mayNot })).status).toBe(403)
    expect((await register('short', { token: mayNot })).status).toBe(403)
    await one.api('removeRealmKey', { params: { id: key.id } })
    expect((await register(id, { token: may })).status).toBe(401)
  })

  test('a token of ours puts new devices into the profile it names', async () => {
    await one.addProfile('gateways')
    const { token } = await one.api('createAgentToken', { body: { profile: 'gateways' } })
    const id = newId()
    expect((await register(id, { token })).status).toBe(201)
    expect((await devicesNamed(id))[0]?.profile).toBe('gateways')
  })

  test('a secret of a profile registers devices of that profile, and does no more', async () => {
    const id = await one.addProfile('lamps')
    const provisioning = { key: 'lamps', secret: 'the:secret of lamps' }
    await one.api('enableProvisioning', { params: { id }, body: provisioning })
    const token = `${provisioning.key}:${provisioning.secret}`
    const lamp = newId()
    expect((await register(lamp, { token })).status).toBe(201)
    expect((await register(lamp, { token })).status).toBe(201)
    expect((await devicesNamed(lamp))[0]?.profile).toBe('lamps')
    expect((await unregister(lamp, token)).status).toBe(403)
    expect((await register((await registered()).id, { token })).status).toBe(403)
    expect((await register(newId(), { token: 'lamps:another' })).status).toBe(401)
    const added = { ...provisioning, strategy: 'check-pre-provisioned' } as const
    await one.api('enableProvisioning', { params: { id }, body: added })
    expect((await register(newId(), { token })).status).toBe(403)
    const known = newId()
    await one.addDevice(known, 'lamps')
    expect((await register(known, { token })).status).toBe(201)
  })

  test('ask for anything as a device: only who has its secret', async () => {
    const { id, secret } = await registered()
    const other = await registered()
    for (const each of [null, 'wrong', other.secret, agent]) {
      for (const answer of [await info(id, each), await certify(id, each, 'x')]) {
        expect(answer.status).toBe(401)
        isError(answer.json)
      }
    }
    const unknown = await info(newId(), secret)
    expect([unknown.status, unknown.json]).toEqual([
      404,
      { errors: { detail: 'Device not found' } },
    ])
    const device = (await devicesNamed(id))[0]
    await one.api('removeDevice', { params: { id: device?.id ?? '' } })
    expect((await info(id, secret)).status).toBe(404)
  })

  test('a device that is kept outside gets no certificate, and keeps its history', async () => {
    const { id, secret } = await certified()
    const [device] = await devicesNamed(id)
    const params = { id: device?.id ?? '' }
    await one.api('changePairing', { params, body: { isInhibited: true } })
    expect((await info(id, secret)).json.data.status).toBe('inhibited')
    expect((await certify(id, secret, await request('ec'))).status).toBe(403)
    expect((await register(id)).status).toBe(403)
    await one.api('changePairing', { params, body: { isInhibited: false } })
    expect((await certify(id, secret, await request('ec'))).status).toBe(201)
  })

  test('a new key of the realm makes the tokens of before void', async () => {
    const { token } = await one.api('createAgentToken', { body: {} })
    await one.api('rotateRealmKey', {})
    expect((await register(newId(), { token })).status).toBe(401)
    agent = (await one.api('createAgentToken', { body: {} })).token
    expect((await register(newId())).status).toBe(201)
    one.advanceClock({ minutes: 366 * 24 * 60 })
    expect((await register(newId())).status).toBe(401)
    agent = (await one.api('createAgentToken', { body: {} })).token
  })
})

test('a device that was added before under its id is taken over', async () => {
  const id = newId()
  await one.addProfile('added before')
  await one.addDevice(id, 'added before', ['beta'])
  expect((await register(id)).status).toBe(201)
  const devices = await devicesNamed(id)
  expect(devices).toHaveLength(1)
  expect(devices[0]).toMatchObject({ profile: 'added before', labels: ['beta'], astarteId: id })
})

test('what a device speaks when it registers is known before it connects', async () => {
  const id = newId()
  const introspection = { 'io.edgehog.devicemanager.OTARequest': { major: 1, minor: 0 } }
  const body = { data: { hw_id: id, initial_introspection: introspection } }
  expect((await register(id, { body })).status).toBe(201)
  const [device] = await devicesNamed(id)
  const { interfaces } = await one.api('showPairing', { params: { id: device?.id ?? '' } })
  expect(interfaces).toEqual({ 'io.edgehog.devicemanager.OTARequest': '1.0' })
  const { data } = await askGraphql(
    one,
    `query ($id: ID!) { device(id: $id) { pairing { astarteId status isConnected interfaces } } }`,
    { variables: { id: device?.id } },
  )
  expect(data.device.pairing).toEqual({
    astarteId: id,
    status: 'pending',
    isConnected: false,
    interfaces,
  })
})

describe('what is wrong is said in Astarte’s words', () => {
  const detail = (text: string) => ({ errors: { detail: text } })
  test.each<[string, string, unknown, number, unknown]>([
    ['POST', 'agent/devices', '{', 400, detail('Bad Request')],
    ['POST', 'agent/devices', {}, 422, { errors: { data: ["can't be blank"] } }],
    ['POST', 'agent/devices', { data: {} }, 422, { errors: { hw_id: ["can't be blank"] } }],
    ['POST', 'agent/devices', { data: { hw_id: 7 } }, 422, { errors: { hw_id: ['is invalid'] } }],
    ['POST', 'agent/devices', [], 422, { errors: { data: ['is invalid'] } }],
    [
      'POST',
      'agent/devices',
      { data: { hw_id: 'A'.repeat(22), initial_introspection: { x: { major: -1, minor: 0 } } } },
      422,
      { errors: { initial_introspection: ['is invalid'] } },
    ],
    ['POST', 'agent/devices', 'x'.repeat(70_000), 413, detail('Request Entity Too Large')],
    ['GET', 'agent/devices', undefined, 405, detail('Method Not Allowed')],
    ['PUT', `devices/${'A'.repeat(22)}`, {}, 405, detail('Method Not Allowed')],
    ['GET', 'nowhere', undefined, 404, detail('Not Found')],
  ])('%s %s %j: %i', async (method, path, body, status, expected) => {
    const answer = await send(at(path), method, { token: agent, body })
    expect([answer.status, answer.json], answer.text).toEqual([status, expected])
  })

  test('an unknown realm', async () => {
    for (const path of ['agent/devices', `devices/${newId()}/${CREDENTIALS}`]) {
      const url = `${one.url}/pairing/v1/nobody/${path}`
      const answer = await send(url, 'POST', { token: agent, body: {} })
      expect([answer.status, answer.json]).toEqual([404, detail('There is no such realm.')])
    }
  })

  test('no broker', async () => {
    const { id, secret } = await registered()
    const answer = await info(id, secret, two)
    expect([answer.status, answer.json]).toEqual([503, detail('There is no MQTT broker here.')])
  })
})

test('on the command line the realm and what a device is to Astarte are seen', async () => {
  const { id } = await certified()
  const updraft = async (...words: string[]) => {
    const { stdout, stderr, exitCode } = await run('updraft', words, {
      UPDRAFT_URL: one.url,
      UPDRAFT_TOKEN: ADMIN_TOKEN,
    })
    expect([exitCode, stderr], stdout).toEqual([0, ''])
    return stdout
  }
  expect(await updraft('realm', 'show')).toMatch(/^Realm +fleet\nProfile +boards\n/)
  await updraft('realm', 'inhibit', id)
  expect(await updraft('device', 'show', id)).toMatch(
    new RegExp(`\nPairing\n +Astarte id +${id}\n +Status +inhibited\n +Line +down`),
  )
  await updraft('realm', 'allow', id)
  expect(await updraft('realm', 'unregister', id)).toContain('may register again')
  expect(await updraft('realm', 'register', id, id)).toMatch(/Credentials secret +\S{44}\n/)
  expect(await updraft('realm', 'authority')).toMatch(/^-----BEGIN CERTIFICATE-----\n/)
})

test('version and health are anybody’s to ask', async () => {
  for (const path of ['health', 'v1/fleet/health']) {
    expect((await send(`${one.url}/pairing/${path}`, 'GET', { token: null })).status).toBe(200)
  }
  const { json } = await send(at('version'), 'GET', { token: null })
  expect(json).toEqual({ data: expect.stringMatching(/^\d+\.\d+\.\d+$/) })
})

test('the log says what became of a device, and no secret of it', async () => {
  const { id, secret } = await certified()
  await unregister(id)
  const [device] = await devicesNamed(id)
  const events = await query<{ kind: string; all: string }>(
    one.connectionString,
    'select kind, to_jsonb(e)::text as all from events e where device_id = $1 order by id',
    [device?.id],
  )
  expect(events.map(({ kind }) => kind)).toEqual([
    'device.enrolled',
    'device.paired',
    'device.certified',
    'device.unpaired',
  ])
  expect(events.some(({ all }) => all.includes(secret))).toBe(false)
  const rows = await query<{ all: string }>(
    one.connectionString,
    'select to_jsonb(p)::text as all from pairings p',
  )
  expect(rows.some(({ all }) => all.includes(secret))).toBe(false)
})

test('another tenant’s realm knows nothing of it', async () => {
  const { id, secret } = await registered()
  const administrator = { name: 'root of others' }
  const made = await ask(one, 'createTenant', { body: { name: 'others', administrator } })
  const others = made.json.id as string
  const profile = randomBytes(16).toString('hex')
  await query(
    one.connectionString,
    `insert into profiles (id, tenant_id, name, created_at) values ($2::uuid, $1, 'P', now())`,
    [others, profile],
  )
  await query(
    one.connectionString,
    `insert into realms select $1, 'others', $2::uuid, signing_key, now(), now() from realms where name = 'fleet'`,
    [others, profile],
  )
  const theirs = `${one.url}/pairing/v1/others`
  expect((await send(`${theirs}/devices/${id}`, 'GET', { token: secret })).status).toBe(404)
  const gone = await send(`${theirs}/agent/devices/${id}`, 'DELETE', { token: agent })
  expect(gone.status).toBe(404)
  expect((await info(id, secret)).status).toBe(200)
})
