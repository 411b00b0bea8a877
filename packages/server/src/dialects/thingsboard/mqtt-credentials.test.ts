import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CERTIFICATE, CERTIFICATE_DER } from '../../credentials/certificate.test-helper.ts'
import type { MqttHello, MqttSession } from '../../transports/mqtt.ts'
import { type MemoryDesk, memoryDesk } from '../memory-desk.test-helper.ts'
import { thingsboardMqtt } from './mqtt.ts'
import { refusalOf } from './mqtt-credentials.ts'

let desk: MemoryDesk
const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

/** Devices named after what they are known by, beside a token that is their name. */
beforeAll(async () => {
  desk = await memoryDesk()
  const known = [
    ['certificate', { kind: 'x509', certificate: CERTIFICATE }],
    ['client id', { kind: 'mqtt-basic', clientId: 'c' }],
    ['client id, password', { kind: 'mqtt-basic', clientId: 'cp', password: 'right' }],
    ['both', { kind: 'mqtt-basic', clientId: 'c', userName: 'u' }],
    ['both, password', { kind: 'mqtt-basic', clientId: 'c', userName: 'up', password: 'right' }],
    ['user name', { kind: 'mqtt-basic', userName: 'u2' }],
    ['user name, password', { kind: 'mqtt-basic', userName: 'up2', password: 'right' }],
    [
      'both over token',
      { kind: 'mqtt-basic', clientId: 'c', userName: 'token', password: 'right' },
    ],
  ] as const
  desk.addDevice('token')
  desk.addDevice('a/b?c&d=%20 ä\u{1f680}')
  for (const [name, credential] of known) {
    desk.addDevice(name)
    desk.addCredential(name, credential)
  }
})
afterAll(() => desk.close())

type Words = { clientId?: string; username?: string; password?: string; certificate?: Buffer }

const hello = ({ clientId = '', username, password, certificate }: Words): MqttHello => ({
  version: 4,
  clientId,
  username,
  password: password === undefined ? undefined : Buffer.from(password),
  isCleanSession: true,
  localAddress: '127.0.0.1',
  certificate: certificate ? { der: certificate, isTrusted: false } : null,
  address: '127.0.0.1',
})

/** The name of the device that was let in, or null. */
async function letIn(words: Words, at: MemoryDesk = desk): Promise<string | null> {
  const names: string[] = []
  const noting = {
    ...at.needs.desk,
    recognize: async (...shown: Parameters<typeof at.needs.desk.recognize>) => {
      const known = await at.needs.desk.recognize(...shown)
      names.push(known.device.device.name)
      return known
    },
  }
  const gate = thingsboardMqtt({ ...at.needs, desk: noting, log: quiet })
  const welcome = await gate(hello(words), { close: () => {} } as unknown as MqttSession)
  if (welcome.kind === 'accepted') welcome.visitor.closed()
  return welcome.kind === 'accepted' ? (names[0] ?? 'to enrol') : null
}

describe('who is let in', () => {
  const certificate = CERTIFICATE_DER
  const unknown = Buffer.concat([CERTIFICATE_DER.subarray(0, -1), Buffer.of(0)])

  test.each<[string | null, Words]>([
    // Somebody who wants to enrol, whatever else is shown.
    ['to enrol', { username: 'provision' }],
    ['to enrol', { username: 'provision', password: 'any', clientId: 'c', certificate }],
    ['to enrol', { username: 'token', clientId: 'provision' }],
    // A certificate before all names.
    ['certificate', { certificate }],
    ['certificate', { certificate, username: 'token', clientId: 'c' }],
    ['certificate', { certificate, username: 'up2', password: 'wrong' }],
    ['token', { certificate: unknown, username: 'token' }],
    [null, { certificate: unknown }],
    // Without a user name the client identifier.
    ['client id', { clientId: 'c' }],
    ['client id', { clientId: 'c', username: '' }],
    ['client id', { clientId: 'c', password: 'any' }],
    ['client id, password', { clientId: 'cp', password: 'right' }],
    [null, { clientId: 'cp', password: 'wrong' }],
    [null, { clientId: 'cp' }],
    [null, { clientId: 'u2' }],
    [null, { clientId: 'token' }],
    [null, {}],
    // Both names together, and then a wrong password ends it.
    ['both', { clientId: 'c', username: 'u' }],
    ['both', { clientId: 'c', username: 'u', password: 'any' }],
    ['both, password', { clientId: 'c', username: 'up', password: 'right' }],
    [null, { clientId: 'c', username: 'up', password: 'wrong' }],
    [null, { clientId: 'c', username: 'up' }],
    [null, { clientId: 'other', username: 'u' }],
    ['both over token', { clientId: 'c', username: 'token', password: 'right' }],
    [null, { clientId: 'c', username: 'token', password: 'wrong' }],
    // The user name as a token: password and client identifier may be anything.
    ['token', { username: 'token' }],
    ['token', { username: 'token', password: 'pswd' }],
    ['token', { username: 'token', password: '', clientId: 'other' }],
    ['a/b?c&d=%20 ä\u{1f680}', { username: 'a/b?c&d=%20 ä\u{1f680}' }],
    [null, { username: 'Token' }],
    // The user name alone.
    ['user name', { username: 'u2' }],
    ['user name', { username: 'u2', clientId: 'any', password: 'any' }],
    ['user name, password', { username: 'up2', password: 'right' }],
    ['user name, password', { username: 'up2', password: 'right', clientId: 'c' }],
    [null, { username: 'up2', password: 'Right' }],
    [null, { username: 'up2', password: '' }],
    [null, { username: 'up2' }],
    [null, { username: 'c' }],
  ])('%s for %j', async (name, words) => {
    expect(await letIn(words)).toBe(name)
  })

  test('not one whose certificate is not valid at the moment', async () => {
    const early = await memoryDesk({ now: new Date('2019-12-31T00:00:00Z') })
    early.addDevice('certificate')
    early.addCredential('certificate', { kind: 'x509', certificate: CERTIFICATE })
    expect(await letIn({ certificate: CERTIFICATE_DER }, early)).toBeNull()
    expect(await letIn({ certificate: CERTIFICATE_DER, username: 'certificate' }, early)).toBe(
      'certificate',
    )
    await early.close()
  })
})

describe('a session', () => {
  test.each(['x509', 'mqtt-basic', 'token'] as const)(
    'that was opened by a credential of kind %s ends with it, and with no other',
    async (kind) => {
      const own = await memoryDesk()
      own.addDevice('d')
      own.addCredential('d', { kind: 'x509', certificate: CERTIFICATE })
      own.addCredential('d', { kind: 'mqtt-basic', clientId: 'c' })
      const words: Words =
        kind === 'x509'
          ? { certificate: CERTIFICATE_DER, username: 'd' }
          : kind === 'token'
            ? { username: 'd' }
            : { clientId: 'c' }
      const closed: string[] = []
      const session = { close: (reason: string) => closed.push(reason) } as unknown as MqttSession
      const welcome = await thingsboardMqtt({ ...own.needs, log: quiet })(hello(words), session)
      expect(welcome.kind).toBe('accepted')
      for (const other of (['x509', 'mqtt-basic', 'token'] as const).filter((k) => k !== kind)) {
        own.removeCredentials('d', other)
      }
      if (welcome.kind === 'accepted') await welcome.visitor.pinged?.()
      await new Promise(setImmediate)
      expect(closed).toEqual([])
      own.removeCredentials('d', kind)
      await expect.poll(() => closed).toEqual(['not-authorized'])
      if (welcome.kind === 'accepted') welcome.visitor.closed()
      await own.close()
    },
  )
})

describe('a no', () => {
  const [name, password, clientId] = ['u', 'p', 'c']
  test.each<[number, number, Words]>([
    [0x86, 5, { username: name, password, clientId }],
    [0x86, 5, { username: name }],
    [0x86, 5, { username: name, clientId }],
    [0x86, 5, { password }],
    [0x86, 5, { password, clientId }],
    [0x86, 5, { username: name, password: '', clientId }],
    [0x85, 2, { clientId }],
    [0x85, 2, { username: '', password: '', clientId }],
    [0x87, 5, { username: name, password }],
    [0x87, 5, { username: name, password, clientId: '  ' }],
    [0x87, 5, { clientId: ' ' }],
    [0x87, 5, {}],
  ])('is reason %i to version 5, code %i before it, for %j', (reason, returnCode, words) => {
    expect(refusalOf(hello(words))).toEqual({ reason, returnCode })
  })
})
