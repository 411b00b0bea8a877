/** ThingsBoard's own MQTT clients for devices, enrolment and gateways, from PyPI and as it is, against the running platform. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { pythonWith } from '../../tools/services.mjs'
import { type Certificate, makeCertificate } from '../certificate.ts'
import { random } from '../firmware.ts'
import { addWithOwn, assignOwn } from '../own-release.ts'
import { type TestPlatform, testPlatform } from '../platform.ts'
import { pythonApart } from '../python.ts'

const client = await pythonWith('tb-mqtt-client')

let platform: TestPlatform
let folder: string
let server: Certificate
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'updraft-compat-'))
  server = await makeCertificate(folder, 'server')
  platform = await testPlatform({ mqttTls: { ...server, port: 0, clientCa: undefined } })
  await platform.addProfile('pump')
})
afterAll(async () => {
  await platform.stop()
  await rm(folder, { recursive: true })
})

const run = (name: string, ...args: readonly string[]) =>
  pythonApart(client ?? '', { within: platform.dataFolder, name, args })
const at = () => [platform.mqtt.host, String(platform.mqtt.port)]
const device = (command: string, ...args: readonly string[]) =>
  run('thingsboard_mqtt', command, ...at(), ...args)

describe.skipIf(!client)("ThingsBoard's own client", () => {
  test.concurrent.each([
    ['in chunks', 4096, 10_000],
    ['as a whole', 0, 10_000],
    ['as a whole of more than a piece', 0, 3_000_000],
    ['in one chunk larger than the file', 20_000, 10_000],
    ['in chunks that go into the file without a rest', 4096, 8192],
  ])('fetches firmware %s and ends UPDATED', async (how, chunkSize, sizeBytes) => {
    const name = `device ${how}`
    const bytes = random(sizeBytes)
    const token = await addWithOwn(platform, name, { bytes })
    const running = await device('update', token, String(chunkSize), `for ${name}`, '1.10')
    await running.ended
    const written = await readFile(join(running.cwd, `for ${name}`))
    expect(Buffer.compare(written, bytes)).toBe(0)
    expect(await platform.device(name)).toMatchObject({
      dialect: 'thingsboard',
      installed: { firmware: { title: `for ${name}`, version: '1.10' } },
      operation: { state: 'UPDATED', progress: 100, error: null },
    })
    expect(await platform.history(name)).toEqual([
      ['QUEUED', 'INITIATED', 'DOWNLOADING', 'DOWNLOADED', 'VERIFIED', 'UPDATING', 'UPDATED'],
    ])
  })

  test.concurrent('is told while it only listens, and updates', async () => {
    const name = 'a listener'
    const bytes = random(10_000)
    const token = await platform.addDevice(name, 'pump')
    const running = await device('listen', token, '4096', `for ${name}`, '1.10')
    expect(await running.next()).toBe('connected')
    await assignOwn(platform, name, { bytes })
    await running.ended
    expect(Buffer.compare(await readFile(join(running.cwd, `for ${name}`)), bytes)).toBe(0)
    expect((await platform.history(name)).map((states) => states.at(-1))).toEqual(['UPDATED'])
  })

  test.concurrent('that was away when it was assigned is told when it listens again', async () => {
    const name = 'a sleeper'
    const token = await addWithOwn(platform, name, { bytes: random(10_000) })
    await platform.until(name, ({ operation }) => operation?.state === 'QUEUED')
    const running = await device('listen', token, '0', `for ${name}`, '1.10')
    await running.ended
    expect((await platform.history(name)).map((states) => states.at(-1))).toEqual(['UPDATED'])
  })

  test.concurrent('with nothing assigned is content, and stays so', async () => {
    const token = await platform.addDevice('idle', 'pump')
    const running = await device('look', JSON.stringify({ username: token }))
    expect(await running.next()).toEqual({})
    const initial = { current_fw_title: 'Initial', current_fw_version: 'v0', fw_state: 'IDLE' }
    expect(await running.next()).toEqual(initial)
    await running.ended
    expect(await platform.history('idle')).toEqual([])
    expect((await platform.device('idle')).installed).toEqual({
      firmware: { title: 'Initial', version: 'v0' },
    })
  })

  test.concurrent('is not disturbed by an attribute that goes while it updates, and hears of it after', async () => {
    const name = 'undisturbed'
    const bytes = random(10_000)
    const token = await addWithOwn(platform, name, { bytes })
    const { id } = await platform.device(name)
    const params = { id }
    await platform.api('changeDevice', { params, body: { attributes: { interval: 30, a: 1 } } })
    const running = await device('update', token, '4096', `for ${name}`, '1.10')
    expect(await running.next()).toBe('connected')
    await platform.until(name, ({ operation }) => operation?.state === 'DOWNLOADING')
    await platform.api('changeDevice', { params, body: { attributes: { interval: 30 } } })
    await platform.until(name, ({ operation }) => operation?.state === 'UPDATING')
    await platform.api('changeDevice', { params, body: { attributes: { interval: 60 } } })
    await running.ended
    expect(Buffer.compare(await readFile(join(running.cwd, `for ${name}`)), bytes)).toBe(0)
    expect(await platform.history(name)).toEqual([
      ['QUEUED', 'INITIATED', 'DOWNLOADING', 'DOWNLOADED', 'VERIFIED', 'UPDATING', 'UPDATED'],
    ])
    expect(await running.next()).toEqual({ told: { deleted: ['a'] } })
    expect(await running.next()).toEqual({ told: { interval: 60 } })
  })

  describe('enrols a device', () => {
    let key: object
    beforeAll(async () => {
      const id = await platform.addProfile('enrolled')
      const made = await platform.api('enableProvisioning', { params: { id } })
      key = { provision_device_key: made.key, provision_device_secret: made.secret }
    })
    const enrol = async (request: object) =>
      (await device('provision', JSON.stringify({ ...key, ...request }))).next()
    /** Whether it gets in with that; the client itself would try for ever. */
    const looks = async (login: object, [host, port] = at()) => {
      const args = [host ?? '', port ?? '', JSON.stringify(login)]
      await (await run('thingsboard_mqtt', 'look', ...args)).ended
    }

    test.concurrent('with a token, once for each name, or is told why not', async () => {
      const newcomer = { device_name: 'newcomer' }
      expect(await enrol(newcomer)).toEqual({
        status: 'SUCCESS',
        credentialsType: 'ACCESS_TOKEN',
        credentialsValue: expect.any(String),
      })
      expect(await platform.device('newcomer')).toMatchObject({ profile: 'enrolled' })
      expect(await enrol(newcomer)).toBeNull()
      expect(await enrol({ device_name: 'no', provision_device_secret: 'wrong' })).toBeNull()
      const own = { device_name: 'own', access_token: 'its own' }
      expect(await enrol(own)).toMatchObject({ credentialsValue: 'its own' })
      await looks({ username: 'its own' })
    })

    test.concurrent('with names and a password', async () => {
      const names = { client_id: 'c1', username: 'u1', password: 'p1' }
      expect(await enrol({ device_name: 'basic', ...names })).toEqual({
        status: 'SUCCESS',
        credentialsType: 'MQTT_BASIC',
        credentialsValue: { clientId: 'c1', userName: 'u1', password: 'p1' },
      })
      await looks(names)
      expect((await platform.device('basic')).installed.firmware?.title).toBe('Initial')
    })

    test.concurrent('with a certificate', async () => {
      const own = await makeCertificate(folder, 'device')
      const hash = own.pem.replaceAll(/-----.*-----|\s/g, '')
      expect(await enrol({ device_name: 'certified', hash })).toEqual({
        status: 'SUCCESS',
        credentialsType: 'X509_CERTIFICATE',
        credentialsValue: hash,
      })
      const { certificate: cert_file, key: key_file } = own
      const tls = { ca_certs: server.certificate, cert_file, key_file }
      const endpoints = await readFile(join(platform.dataFolder, 'endpoints.json'), 'utf8')
      const { hostname, port } = new URL(JSON.parse(endpoints).mqtts)
      await looks({ username: '', tls }, [hostname, port])
      expect((await platform.device('certified')).installed.firmware?.title).toBe('Initial')
    })
  })
})

test.skipIf(!client)(
  "ThingsBoard's own gateway client speaks for a device and is told for it",
  async () => {
    const token = await platform.addDevice('box', 'pump')
    const { id } = await platform.device('box')
    await platform.api('changeDevice', { params: { id }, body: { attributes: { gateway: true } } })
    const child = await platform.addDevice('child', 'pump')
    expect(child).toBeTruthy()
    const attributes = { interval: 30 }
    const childId = (await platform.device('child')).id
    await platform.api('changeDevice', { params: { id: childId }, body: { attributes } })
    const gateway = await run('thingsboard_gateway', ...at(), token, 'child', 'pump')
    expect(await gateway.next()).toEqual({ id: 1, device: 'child', values: { interval: 30 } })
    expect(await gateway.next()).toEqual({ id: 2, device: 'child', values: { serial: 'C1' } })
    expect((await platform.device('child')).installed.firmware).toMatchObject({ version: '1' })
    await assignOwn(platform, 'child', { bytes: random(100) })
    expect(await gateway.next()).toEqual({
      device: 'child',
      data: {
        fw_title: 'for child',
        fw_version: '1.10',
        fw_size: 100,
        fw_checksum_algorithm: 'SHA256',
        fw_checksum: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
    })
    await gateway.ended
    expect((await platform.history('child')).map((states) => states.at(-1))).toEqual(['UPDATED'])
  },
)
