import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { decodeProtectedHeader, jwtVerify } from 'jose'
import { describe, expect, test } from 'vitest'
import { clusterTokens } from './cluster-tokens.ts'

const NOW = new Date('2026-03-01T12:00:00.000Z')
const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve }).privateKey
const rsa = (modulusLength: number) => generateKeyPairSync('rsa', { modulusLength }).privateKey
const pem = (key: KeyObject, type: 'pkcs8' | 'sec1' | 'pkcs1') =>
  key.export({ type, format: 'pem' } as never) as string

describe('tokens for a cluster', () => {
  test.each([
    ['P-256 in PKCS #8', pem(ec('P-256'), 'pkcs8'), 'ES256'],
    ['P-256 as OpenSSL writes it', pem(ec('P-256'), 'sec1'), 'ES256'],
    ['P-384', pem(ec('P-384'), 'pkcs8'), 'ES384'],
    ['P-521', pem(ec('P-521'), 'pkcs8'), 'ES512'],
    ['RSA in PKCS #8', pem(rsa(2048), 'pkcs8'), 'RS256'],
    ['RSA as OpenSSL writes it', pem(rsa(2048), 'pkcs1'), 'RS256'],
  ])('%s signs by its kind', async (_, key, algorithm) => {
    expect(clusterTokens.algorithmOf(key)).toBe(algorithm)
    const token = await clusterTokens.sign(key, { a_aea: ['.*::.*'] }, { now: NOW, seconds: 300 })
    expect(decodeProtectedHeader(token).alg).toBe(algorithm)
    const { payload } = await jwtVerify(token, createPublicKey(key), { currentDate: NOW })
    expect(payload).toEqual({
      a_aea: ['.*::.*'],
      iss: 'updraft',
      iat: NOW.getTime() / 1000,
      exp: NOW.getTime() / 1000 + 300,
    })
  })

  test.each([
    ['no PEM at all', 'hello'],
    [
      'a public key',
      createPublicKey(ec('P-256')).export({ type: 'spki', format: 'pem' }) as string,
    ],
    ['a key that signs otherwise', pem(generateKeyPairSync('ed25519').privateKey, 'pkcs8')],
    ['another curve', pem(ec('secp256k1'), 'pkcs8')],
    ['a weak one', pem(rsa(1024), 'pkcs8')],
    [
      'one with a passphrase',
      ec('P-256').export({
        type: 'pkcs8',
        format: 'pem',
        cipher: 'aes-256-cbc',
        passphrase: 'secret',
      }) as string,
    ],
  ])('%s is refused, and not repeated', (_, key) => {
    expect(() => clusterTokens.algorithmOf(key)).toThrow(
      expect.objectContaining({
        code: 'cluster.invalid',
        message: expect.not.stringContaining(key.trim().split('\n')[1] ?? key),
      }),
    )
  })
})
