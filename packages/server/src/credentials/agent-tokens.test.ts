import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { agentTokens } from './agent-tokens.ts'

const NOW = new Date('2026-03-01T12:00:00Z')
const SECONDS = NOW.getTime() / 1000
const RULES = ['.*::.*']

const inPem = ({ publicKey, privateKey }: { publicKey: KeyObject; privateKey: KeyObject }) => ({
  publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
})
const onCurve = (namedCurve: string) => inPem(generateKeyPairSync('ec', { namedCurve }))
const ofRsa = (modulusLength: number) => inPem(generateKeyPairSync('rsa', { modulusLength }))
const p256 = onCurve('prime256v1')
const p384 = onCurve('secp384r1')
const p521 = onCurve('secp521r1')
const koblitz = onCurve('secp256k1')
const rsa = ofRsa(2048)
const weak = ofRsa(1024)
const edwards = inPem(generateKeyPairSync('ed25519'))
const stranger = onCurve('prime256v1')

const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const RSA_PSS = 6
const SALT_OF_DIGEST = -1
/** A token as somebody makes it who holds the key and may write what they like around it. */
function token(
  algorithm: string,
  key: string,
  { claims = {}, header = {} }: { claims?: object; header?: object } = {},
): string {
  const body = `${encoded({ alg: algorithm, typ: 'JWT', ...header })}.${encoded({ a_pa: RULES, ...claims })}`
  const digest = `sha${algorithm.slice(2)}`
  const how = {
    ES: { key, dsaEncoding: 'ieee-p1363' },
    PS: { key, padding: RSA_PSS, saltLength: SALT_OF_DIGEST },
    RS: { key },
  }[algorithm.slice(0, 2)]
  const signature = how
    ? sign(digest, Buffer.from(body), how as Parameters<typeof sign>[2])
    : Buffer.alloc(0)
  return `${body}.${signature.toString('base64url')}`
}
const read = (text: string, ...keys: string[]) => agentTokens.read(text, keys, NOW)

test('what is signed here says who it is for, and until when', async () => {
  const key = agentTokens.newKey()
  const until = new Date(NOW.getTime() + 60_000)
  const said = { realm: 'fleet', rules: RULES, profile: 'Gate', issuedAt: NOW, expiresAt: until }
  const made = await agentTokens.sign(key, said)
  const publicKey = agentTokens.publicKeyOf(key)
  expect(await read(made, publicKey)).toEqual({ rules: RULES, profile: 'Gate' })
  const later = new Date(until.getTime() + 61_000)
  expect(await agentTokens.read(made, [publicKey], later)).toBeNull()
  expect(await read(made, agentTokens.publicKeyOf(agentTokens.newKey()))).toBeNull()
})

test.each([
  ['ES256', p256],
  ['ES384', p384],
  ['ES512', p521],
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'].map((name) => [name, rsa] as const),
] as const)(
  'a token signed by %s is good, also with another key of the realm beside it',
  async (name, keys) => {
    const made = token(name, keys.privateKey, { claims: { exp: SECONDS + 60, iat: SECONDS } })
    expect(await read(made, keys.publicKey)).toEqual({ rules: RULES })
    expect(await read(made, stranger.publicKey, keys.publicKey)).toEqual({ rules: RULES })
  },
)

const signedWith = (keys: typeof p256, claims: object, header = {}) =>
  token('ES256', keys.privateKey, { claims, header })
const mac = (secret: string) => {
  const body = `${encoded({ alg: 'HS256', typ: 'JWT' })}.${encoded({ a_pa: RULES })}`
  return `${body}.${createHmac('sha256', secret).update(body).digest('base64url')}`
}

describe('a token is nobody’s', () => {
  const good = signedWith(p256, {})
  const [head = '', body = '', signature = ''] = good.split('.')
  test.each<[string, string, string?]>([
    ['without a signature', token('none', '')],
    ['that says none and is signed', `${encoded({ alg: 'none' })}.${body}.${signature}`],
    ['that says None', `${encoded({ alg: 'None' })}.${body}.`],
    ['whose signature was cut off', `${head}.${body}.`],
    ['whose signature is another', `${head}.${body}.${'A'.repeat(86)}`],
    ['whose signature is all zero', `${head}.${body}.${Buffer.alloc(64).toString('base64url')}`],
    [
      'whose claims were changed',
      `${head}.${encoded({ a_pa: ['.*::.*'], profile: 'x' })}.${signature}`,
    ],
    ['of another key', token('ES256', stranger.privateKey)],
    ['with the public key as a secret', mac(p256.publicKey)],
    ['with the public key of RSA as a secret', mac(rsa.publicKey), rsa.publicKey],
    ['of a key that comes in its header', signedWith(stranger, {}, { jwk: { kty: 'EC' } })],
    [
      'of a key at an address in its header',
      signedWith(stranger, {}, { jku: 'http://127.0.0.1/' }),
    ],
    ['that asks for what we do not know', signedWith(p256, {}, { crit: ['x'], x: 1 })],
    ['of a weak key', token('RS256', weak.privateKey), weak.publicKey],
    ['of a curve that is none of ours', token('ES256', koblitz.privateKey), koblitz.publicKey],
    ['of a key of Edwards’', good, edwards.publicKey],
    ['with the algorithm of another kind of key', good, rsa.publicKey],
    ['that is over', signedWith(p256, { exp: SECONDS - 61 })],
    ['that is not good yet', signedWith(p256, { nbf: SECONDS + 61 })],
    ['that was issued in the future', signedWith(p256, { iat: SECONDS + 61 })],
    ['whose end is no number', signedWith(p256, { exp: 'never' })],
    ['whose issue is no number', signedWith(p256, { iat: 'now' })],
    ['that is no token', 'garbage'],
    ['with too many parts', `${good}.x`],
    ['of nothing but points', '..'],
    ['that is much too long', signedWith(p256, { pad: 'x'.repeat(9000) })],
    ['whose claims are no object', `${head}.${encoded([])}.${signature}`],
  ])('%s', async (_what, text, key = p256.publicKey) => {
    expect(await read(text, key)).toBeNull()
  })
})

test.each([
  ['nothing', {}],
  ['no list', { a_pa: '.*::.*' }],
  ['what is no text', { a_pa: [1, null, {}] }],
])('a token whose rules are %s allows nothing', async (_what, claims) => {
  const bare = { a_pa: undefined, ...claims }
  expect(await read(signedWith(p256, bare), p256.publicKey)).toEqual({ rules: [] })
})

test('clocks may differ by a minute', async () => {
  for (const claims of [{ exp: SECONDS - 59 }, { iat: SECONDS + 59 }, { nbf: SECONDS + 59 }]) {
    expect(await read(signedWith(p256, claims), p256.publicKey)).not.toBeNull()
  }
})

test('a key is taken as others print it, and none that is weak or private', () => {
  for (const { publicKey } of [p256, p384, p521, rsa]) {
    expect(agentTokens.checkedPublicKey(`\n${publicKey}`)).toBe(publicKey)
  }
  const no = [koblitz.publicKey, weak.publicKey, edwards.publicKey, p256.privateKey, '', 'x']
  for (const pem of [...no, p256.publicKey.slice(0, 60)]) {
    expect(() => agentTokens.checkedPublicKey(pem)).toThrow(
      expect.objectContaining({ code: 'realm.invalid' }),
    )
  }
})
