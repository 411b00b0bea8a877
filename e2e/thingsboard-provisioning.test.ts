import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { mqttClient, welcomed } from '@updraft/server/transports/mqtt-client.test-helper'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasCommand } from '../tools/services.mjs'
import { type Certificate, makeCertificate } from './certificate.ts'
import { COAP_CLIENT, coap } from './coap-client.ts'
import { curl } from './curl.ts'
import { type TestPlatform, testPlatform } from './platform.ts'

const call = promisify(execFile)

interface Answer {
  readonly status: 'SUCCESS' | 'NOT_FOUND' | 'FAILURE'
  readonly credentialsType?: string
  readonly credentialsValue?: string
  readonly errorMsg?: string
}

let platform: TestPlatform
let folder: string
let server: Certificate
let tls: { hostname: string; port: string }
/** By strategy. */
const keys: Record<string, object> = {}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'updraft-provisioning-'))
  server = await makeCertificate(folder, 'server')
  platform = await testPlatform({ mqttTls: { ...server, port: 0, clientCa: undefined } })
  for (const strategy of ['create-new', 'check-pre-provisioned'] as const) {
    const id = await platform.addProfile(strategy)
    // What stands in the firmware already.
    const body = { strategy, key: `key of ${strategy}`, secret: `secret of ${strategy}` }
    const made = await platform.api('enableProvisioning', { params: { id }, body })
    expect(made).toEqual({ ...body, claimsAtOnce: false })
    keys[strategy] = { provisionDeviceKey: made.key, provisionDeviceSecret: made.secret }
  }
  const endpoints = await readFile(join(platform.dataFolder, 'endpoints.json'), 'utf8')
  tls = new URL(JSON.parse(endpoints).mqtts)
})
afterAll(async () => {
  await platform.stop()
  await rm(folder, { recursive: true })
})

const overHttp = async (body: object): Promise<Answer> => {
  const words = ['-X', 'POST', '-H', 'Content-Type: application/json']
  const url = `${platform.url}/api/v1/provision`
  const answer = await curl(...words, '-d', JSON.stringify(body), url)
  expect(answer.status).toBe(200)
  return answer.json()
}
const overMqtt = async (body: object): Promise<Answer> => {
  const { host, port } = platform.mqtt
  const at = ['-h', host, '-p', String(port), '-u', 'provision', '-W', '20']
  const topics = ['-t', '/provision/request', '-e', '/provision/response']
  const { stdout } = await call('mosquitto_rr', [...at, ...topics, '-m', JSON.stringify(body)])
  return JSON.parse(stdout)
}
const overCoap = async (body: object): Promise<Answer> => {
  const text = encodeURI(JSON.stringify(body))
  const url = `${platform.coap}/api/v1/provision`
  const { refusal, words, body: answer } = await coap('-m', 'post', '-e', text, url)
  const json: Answer = JSON.parse(refusal ? words : answer.toString())
  expect(refusal).toBe(json.status === 'SUCCESS' ? undefined : '4.00')
  return json
}

describe.skipIf(!hasCommand('mosquitto_rr') || !hasCommand(COAP_CLIENT)).each([
  ['curl', overHttp],
  ['mosquitto', overMqtt],
  ["libcoap's client", overCoap],
])('over %s', (way, provision) => {
  test('a new device is made, with a token of its own if it brings one', async () => {
    const request = { ...keys['create-new'], deviceName: `new, ${way}` }
    const { credentialsValue, ...answer } = await provision(request)
    expect(answer).toEqual({ status: 'SUCCESS', credentialsType: 'ACCESS_TOKEN' })
    const known = await curl(`${platform.url}/api/v1/${credentialsValue}/attributes`)
    expect(known.status).toBe(200)
    const again = await provision(request)
    expect(again).toEqual({ status: 'FAILURE', errorMsg: expect.stringContaining('already') })
    const token = `own ${way}`
    const gateway = { ...keys['create-new'], token, gateway: true, deviceName: `gate, ${way}` }
    expect(await provision(gateway)).toMatchObject({ credentialsValue: token })
    expect((await platform.device(`gate, ${way}`)).attributes).toEqual({ gateway: true })
  })

  test('a wrong key or secret is not found', async () => {
    const wrong = { ...keys['create-new'], provisionDeviceSecret: 'no' }
    expect(await provision(wrong)).toEqual({ status: 'NOT_FOUND', errorMsg: expect.any(String) })
    expect(await provision({ deviceName: 'x' })).toMatchObject({ status: 'FAILURE' })
  })

  test('a device that was added enrols once, by name, and where it belongs', async () => {
    const name = `added, ${way}`
    await platform.addDevice(name, 'check-pre-provisioned')
    const request = { ...keys['check-pre-provisioned'], deviceName: name }
    const { credentialsValue, status } = await provision(request)
    expect(status).toBe('SUCCESS')
    const known = await curl(`${platform.url}/api/v1/${credentialsValue}/attributes`)
    expect(known.status).toBe(200)
    for (const deviceName of [name, 'nobody', `new, ${way}`]) {
      expect(await provision({ ...request, deviceName })).toEqual({
        status: 'FAILURE',
        errorMsg: expect.any(String),
      })
    }
  })

  test('names and a password for MQTT are what the device comes with', async () => {
    const names = { clientId: `c ${way}`, username: `u ${way}`, password: 'p' }
    const request = { ...keys['create-new'], ...names, credentialsType: 'MQTT_BASIC' }
    expect(await provision({ ...request, deviceName: `basic, ${way}` })).toEqual({
      status: 'SUCCESS',
      credentialsType: 'MQTT_BASIC',
      credentialsValue: { clientId: names.clientId, userName: names.username, password: 'p' },
    })
    const { clientId, username } = names
    const right = await welcomed({
      ...platform.mqtt,
      clientId,
      username,
      password: Buffer.from('p'),
    })
    right.end()
    const wrong = mqttClient({ ...platform.mqtt, clientId, username, password: Buffer.from('q') })
    expect(await wrong.next('connack')).toMatchObject({ returnCode: 5 })
  })

  test('a certificate is what the device comes with', async () => {
    const own = await makeCertificate(folder, way.replaceAll(/\W/g, ''))
    const hash = own.pem.replaceAll(/-----.*-----|\s/g, '')
    const request = { ...keys['create-new'], hash, credentialsType: 'X509_CERTIFICATE' }
    expect(await provision({ ...request, deviceName: `x509, ${way}` })).toEqual({
      status: 'SUCCESS',
      credentialsType: 'X509_CERTIFICATE',
      credentialsValue: hash,
    })
    const at = ['-h', tls.hostname, '-p', tls.port, '--cafile', server.certificate]
    const shown = ['--cert', own.certificate, '--key', own.key]
    const topic = 'v1/devices/me/attributes'
    const asked = ['-t', `${topic}/request/1`, '-e', `${topic}/response/1`, '-m', '{}']
    const { stdout } = await call('mosquitto_rr', [...at, ...shown, ...asked, '-W', '20'])
    expect(stdout.trim()).toBe('{}')
  })
})
