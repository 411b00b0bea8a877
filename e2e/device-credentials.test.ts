import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Options, welcomed } from '@updraft/server/transports/mqtt-client.test-helper'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasCommand } from '../tools/services.mjs'
import { type Certificate, makeCertificate } from './certificate.ts'
import { type TestPlatform, testPlatform } from './platform.ts'

const call = promisify(execFile)
const isAble = hasCommand('openssl') && hasCommand('mosquitto_rr')

let platform: TestPlatform
let folder: string
let server: Certificate
let tls: { hostname: string; port: string }

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'updraft-certificates-'))
  if (isAble) server = await makeCertificate(folder, 'server')
  platform = await testPlatform({
    ...(server && { mqttTls: { ...server, port: 0, clientCa: undefined } }),
  })
  await platform.addProfile('pump')
  const endpoints = await readFile(join(platform.dataFolder, 'endpoints.json'), 'utf8')
  tls = new URL(JSON.parse(endpoints).mqtts ?? 'mqtts://none:0')
})
afterAll(async () => {
  await platform.stop()
  await rm(folder, { recursive: true })
})

type Draft = Parameters<typeof platform.api<'addCredential'>>[1]['body']['credential']

/** A device that is known by these, and by nothing else. */
const addDevice = async (name: string, ...credentials: Draft[]): Promise<string> => {
  const attributes = { name }
  const { id } = await platform.api('createDevice', {
    body: { name, profile: 'pump', credentials, attributes },
  })
  return id
}
const credentialsOf = async (id: string) =>
  (await platform.api('listCredentials', { params: { id } })).items

/** Who mosquitto is taken for: the attribute `name` of the device, or the reason it was refused for. */
async function whoIs(...words: string[]): Promise<string> {
  const topic = 'v1/devices/me/attributes'
  const asked = ['-t', `${topic}/request/1`, '-e', `${topic}/response/1`, '-m', '{}', '-W', '20']
  const isSecure = words.includes('--cafile')
  const { host, port } = platform.mqtt
  const at = isSecure ? ['-h', tls.hostname, '-p', tls.port] : ['-h', host, '-p', String(port)]
  return call('mosquitto_rr', [...at, ...words, ...asked]).then(
    ({ stdout }) => JSON.parse(stdout).shared?.name ?? stdout,
    ({ code }) => `refused with ${code}`,
  )
}
const within = (shown?: Certificate) => [
  ...['--cafile', server.certificate],
  ...(shown ? ['--cert', shown.certificate, '--key', shown.key] : []),
]

describe.skipIf(!isAble)('mosquitto', () => {
  test.concurrent('is known by a certificate that signed itself, and by no other', async () => {
    const [own, other] = await Promise.all(
      ['own', 'other'].map((name) => makeCertificate(folder, name)),
    )
    await addDevice('certified', { kind: 'x509', certificate: own?.pem ?? '' })
    expect(await whoIs(...within(own))).toBe('certified')
    expect(await whoIs(...within(own), '-u', 'any', '-P', 'any', '-i', 'any')).toBe('certified')
    expect(await whoIs(...within(other))).toMatch(/^refused with \d+$/)
    expect(await whoIs(...within())).toMatch(/^refused with \d+$/)
  })

  test.concurrent('is known by one that an authority signed, and by a token whatever it shows', async () => {
    const authority = await makeCertificate(folder, 'authority')
    const signed = await makeCertificate(folder, 'signed', { signedBy: authority })
    await addDevice('signed', { kind: 'x509', certificate: signed.pem })
    await addDevice('by token', { kind: 'token', token: 'a token/?&#' })
    expect(await whoIs(...within(signed))).toBe('signed')
    expect(await whoIs(...within(authority), '-u', 'a token/?&#')).toBe('by token')
    expect(await whoIs(...within(), '-u', 'a token/?&#')).toBe('by token')
  })

  test.concurrent('is known by client identifier, user name and password, as far as they are set', async () => {
    await addDevice('only id', { kind: 'mqtt-basic', clientId: 'one' })
    await addDevice('both', { kind: 'mqtt-basic', clientId: 'two', userName: 'u', password: 'p' })
    await addDevice('only name', { kind: 'mqtt-basic', userName: 'ü ser', password: 'p ä' })
    const answers = {
      'only id': ['-i', 'one'],
      both: ['-i', 'two', '-u', 'u', '-P', 'p'],
      'only name': ['-i', 'any', '-u', 'ü ser', '-P', 'p ä'],
    }
    for (const version of ['mqttv311', 'mqttv5']) {
      for (const [name, words] of Object.entries(answers)) {
        expect(await whoIs('-V', version, ...words)).toBe(name)
      }
      for (const words of [
        ['-i', 'two', '-u', 'u', '-P', 'P'],
        ['-i', 'one', '-u', 'u', '-P', 'p'],
        ['-u', 'ü ser'],
        ['-i', 'nobody'],
      ]) {
        expect(await whoIs('-V', version, ...words)).toMatch(
          /refused|not authori|bad user|invalid/i,
        )
      }
    }
  })
})

describe('a credential', () => {
  const at = () => ({ ...platform.mqtt, version: 5 }) as const satisfies Partial<Options>

  test.concurrent('gives way to another without the device being lost, and its session ends with it', async () => {
    const id = await addDevice('rotated', { kind: 'token', token: 'rotated, old' })
    const old = await welcomed({ ...at(), username: 'rotated, old' })
    await platform.api('addCredential', {
      params: { id },
      body: { credential: { kind: 'token', token: 'rotated, new' } },
    })
    expect((await credentialsOf(id)).map(({ firstUsedAt }) => firstUsedAt !== null)).toEqual([
      true,
      false,
    ])
    // The same device, so the one that comes ends the other.
    const fresh = await welcomed({ ...at(), username: 'rotated, new' })
    expect(await old.closed).toBe(0x8e)
    const again = await welcomed({ ...at(), username: 'rotated, old' })
    expect(await fresh.closed).toBe(0x8e)
    const [first, second] = await credentialsOf(id)
    expect(second?.firstUsedAt).not.toBeNull()
    const gone = { id, credentialId: first?.id ?? '' }
    await platform.api('removeCredential', { params: gone })
    expect(await again.closed).toBe(0x87)
    const known = await welcomed({ ...at(), username: 'rotated, new' })
    expect(await known.publish('v1/devices/me/telemetry', '{}', 1)).toBe(0)
    known.end()
  })

  test.concurrent('that is not of the kind of a session leaves it alone', async () => {
    const id = await addDevice(
      'two ways',
      { kind: 'token', token: 'two ways' },
      { kind: 'mqtt-basic', clientId: 'two ways' },
    )
    const session = await welcomed({ ...at(), clientId: 'two ways' })
    await platform.api('replaceDeviceToken', { params: { id }, body: {} })
    expect(await session.publish('v1/devices/me/telemetry', '{}', 1)).toBe(0)
    session.end()
    const url = `${platform.url}/api/v1/${encodeURIComponent('two ways')}/telemetry`
    const asked = { method: 'POST', body: '{}' }
    expect((await fetch(url, asked)).status).toBe(401)
  })
})
