import { DomainError, type ErrorCode } from '@updraft/core'
import { expect, test } from 'vitest'
import type { EnrolmentRequest } from '../../app/enrolment.ts'
import { provision } from './provisioning.ts'

const KEY = { provisionDeviceKey: 'key', provisionDeviceSecret: 'secret' }

/** What the device is answered, and what the desk was asked. */
async function ask(body: unknown, refusal?: ErrorCode) {
  const asked: EnrolmentRequest[] = []
  const enroll = async (request: EnrolmentRequest) => {
    asked.push(request)
    if (refusal) throw new DomainError(refusal, 'because')
    const { credential, name = 'made up' } = request
    const token = credential.kind === 'token' ? (credential.token ?? 'made up') : null
    return { deviceName: name, token }
  }
  const answer = await provision({ enroll }, body)
  return { answer, asked: asked[0] }
}

test.each<[string, object, object, unknown]>([
  ['ACCESS_TOKEN', {}, { kind: 'token' }, 'made up'],
  ['ACCESS_TOKEN', { credentialsType: null, token: null }, { kind: 'token' }, 'made up'],
  ['ACCESS_TOKEN', { credentialsType: '', token: '' }, { kind: 'token' }, 'made up'],
  [
    'ACCESS_TOKEN',
    { credentialsType: 'ACCESS_TOKEN', token: 'own/?&' },
    { kind: 'token', token: 'own/?&' },
    'own/?&',
  ],
  [
    'MQTT_BASIC',
    { credentialsType: 'MQTT_BASIC', clientId: 'c', username: 'u', password: 'p' },
    { kind: 'mqtt-basic', clientId: 'c', userName: 'u', password: 'p' },
    { clientId: 'c', userName: 'u', password: 'p' },
  ],
  [
    'MQTT_BASIC',
    { credentialsType: 'MQTT_BASIC', username: 'u', clientId: null },
    { kind: 'mqtt-basic', userName: 'u' },
    { clientId: null, userName: 'u', password: null },
  ],
  [
    'X509_CERTIFICATE',
    { credentialsType: 'X509_CERTIFICATE', hash: 'MIIB' },
    { kind: 'x509', certificate: 'MIIB' },
    'MIIB',
  ],
])('a device is given %s for %j', async (credentialsType, words, credential, value) => {
  const { answer, asked } = await ask({ ...KEY, deviceName: 'd', ...words })
  expect(asked).toEqual({
    key: 'key',
    secret: 'secret',
    name: 'd',
    credential,
    isGateway: false,
  })
  expect(answer).toEqual({ status: 'SUCCESS', credentialsType, credentialsValue: value })
})

test('a gateway says so, and a name may be left out', async () => {
  const { asked } = await ask({ ...KEY, gateway: true, deviceName: '' })
  expect(asked).toMatchObject({ name: undefined, isGateway: true })
})

test.each<[string, object, ErrorCode | undefined]>([
  ['NOT_FOUND', KEY, 'provisioning.refused'],
  ['FAILURE', KEY, 'device.duplicate'],
  ['FAILURE', KEY, 'device.unknown'],
  ['FAILURE', KEY, 'provisioning.repeated'],
  ['FAILURE', KEY, 'credential.taken'],
  ['FAILURE', KEY, 'request.malformed'],
  ['FAILURE', { ...KEY, credentialsType: 'LWM2M_CREDENTIALS' }, undefined],
  ['FAILURE', { ...KEY, credentialsType: 'access_token' }, undefined],
  ['FAILURE', { ...KEY, gateway: 'yes' }, undefined],
  ['FAILURE', { ...KEY, token: 7 }, undefined],
  ['FAILURE', { provisionDeviceKey: 'key' }, undefined],
  ['FAILURE', {}, undefined],
])('%s, with words, for %j refused with %s', async (status, body, refusal) => {
  const { answer } = await ask(body, refusal)
  expect(answer).toEqual({ status, errorMsg: expect.stringMatching(/\w/) })
})

test.each([null, undefined, 7, 'text', []])('FAILURE for %j', async (body) => {
  expect((await ask(body)).answer).toMatchObject({ status: 'FAILURE' })
})

test('that the database is away is for the transport to say', async () => {
  await expect(ask(KEY, 'store.away')).rejects.toMatchObject({ code: 'store.away' })
})
