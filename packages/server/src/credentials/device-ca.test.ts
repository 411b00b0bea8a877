import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  X509Certificate,
} from 'node:crypto'
import { expect, test } from 'vitest'
import { deviceAuthority, newDeviceAuthority } from './device-ca.ts'

const NOW = new Date('2026-03-01T12:00:00Z')
const kept = newDeviceAuthority(NOW)
const authority = deviceAuthority({ kept: () => kept, now: () => NOW })

test('a device is given a key and a certificate that others can check', async () => {
  const { certificate, key } = await authority.issue('DEV0000001')
  const [own, above] = [
    new X509Certificate(certificate),
    new X509Certificate(await authority.authority()),
  ]
  expect(own.subject).toBe('CN=DEV0000001')
  expect(own.checkIssued(above)).toBe(true)
  expect(own.verify(above.publicKey)).toBe(true)
  expect(own.checkPrivateKey(createPrivateKey(key))).toBe(true)
  expect([own.ca, above.ca]).toEqual([false, true])
  expect(own.validFromDate < NOW && NOW < own.validToDate).toBe(true)
  expect(own.validToDate <= above.validToDate).toBe(true)
})

test('each has its own key and number, and a name with a comma stays one name', async () => {
  const all = await Promise.all(['a', 'a', 'b, O=other'].map((name) => authority.issue(name)))
  const read = all.map(({ certificate }) => new X509Certificate(certificate))
  expect(new Set(read.map(({ serialNumber }) => serialNumber)).size).toBe(3)
  expect(new Set(all.map(({ key }) => key)).size).toBe(3)
  expect(read[2]?.subject.split('\n')).toHaveLength(1)
})

test.each([
  '#04',
  'a"b\\c',
  ' in spaces ',
  '"quoted"',
  'CN=x+O=y',
  'Ventil für Öl',
  'x'.repeat(255),
])('a device that is called %s stands in its certificate as just that', async (name) => {
  const { certificate } = await authority.issue(name)
  const { CN } = new X509Certificate(certificate).toLegacyObject().subject
  expect(CN).toBe(name)
})

test('a request of a device is signed with the name it is known by', async () => {
  const x509 = await import('@peculiar/x509')
  const { webcrypto } = await import('node:crypto')
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: 'CN=whoever',
    keys,
    signingAlgorithm: algorithm,
  })
  const signed = new X509Certificate(await authority.sign('DEV1', request.toString('pem')))
  expect(signed.subject).toBe('CN=DEV1')
  const spki = Buffer.from(await webcrypto.subtle.exportKey('spki', keys.publicKey))
  const own = createPublicKey({ key: spki, format: 'der', type: 'spki' })
  expect(signed.publicKey.equals(own)).toBe(true)
  expect(
    signed.publicKey.equals(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey),
  ).toBe(false)
})
