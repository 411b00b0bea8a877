/** Tokens by which agents register devices: JSON Web Tokens, signed with a key of the realm. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { DomainError } from '@updraft/core'
import { errors, jwtVerify, SignJWT } from 'jose'
import type { AgentClaims, AgentTokens } from '../app/ports.ts'

/** The algorithms a key may be used with: never that of another kind of key, and none without a key. */
const BY_CURVE: Readonly<Record<string, readonly string[]>> = {
  prime256v1: ['ES256'],
  secp384r1: ['ES384'],
  secp521r1: ['ES512'],
}
const BY_RSA = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']
const LEAST_RSA_BITS = 2048
/** Checking costs its square. */
const MOST_RSA_BITS = 8192

/** Clocks differ. */
const TOLERANCE_SECONDS = 60
const MAX_TOKEN_LENGTH = 8192
const OURS = 'ES256'

export const agentTokens: AgentTokens = {
  newKey: () =>
    generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
      .privateKey.export({ type: 'pkcs8', format: 'pem' })
      .toString(),
  publicKeyOf: (signingKey) => pemOf(createPublicKey(signingKey)),
  checkedPublicKey: (pem) => {
    const key = publicKeyOf(pem)
    if (key && algorithmsOf(key).length > 0) return pemOf(key)
    throw new DomainError(
      'realm.invalid',
      'The key is a public one in PEM: of RSA with 2048 to 8192 bits, or on the curve P-256, P-384 or P-521.',
    )
  },
  sign: (signingKey, { realm, rules, profile, issuedAt, expiresAt }) =>
    new SignJWT({ a_pa: [...rules], ...(profile !== undefined && { profile }) })
      .setProtectedHeader({ alg: OURS, typ: 'JWT' })
      .setIssuer(realm)
      .setIssuedAt(issuedAt)
      .setExpirationTime(expiresAt)
      .sign(createPrivateKey(signingKey)),
  read: async (token, keys, now) => {
    if (token.length > MAX_TOKEN_LENGTH) return null
    for (const pem of keys) {
      const claims = await claimsOf(token, createPublicKey(pem), now)
      if (claims) return claims
    }
    return null
  },
}

/** Null when it was not signed with that key, or is not good now. */
async function claimsOf(token: string, key: KeyObject, now: Date): Promise<AgentClaims | null> {
  const algorithms = [...algorithmsOf(key)]
  if (algorithms.length === 0) return null
  try {
    const { payload } = await jwtVerify(token, key, {
      algorithms,
      currentDate: now,
      clockTolerance: TOLERANCE_SECONDS,
    })
    const { a_pa: rules, profile, iat } = payload
    // The library looks at the time of issue only together with an age.
    if (iat !== undefined && iat > now.getTime() / 1000 + TOLERANCE_SECONDS) return null
    return {
      rules: Array.isArray(rules) ? rules.filter((rule) => typeof rule === 'string') : [],
      ...(typeof profile === 'string' && { profile }),
    }
  } catch (error) {
    if (error instanceof errors.JOSEError || error instanceof TypeError) return null
    throw error
  }
}

function algorithmsOf({
  type,
  asymmetricKeyType,
  asymmetricKeyDetails,
}: KeyObject): readonly string[] {
  if (type !== 'public') return []
  if (asymmetricKeyType === 'ec') return BY_CURVE[asymmetricKeyDetails?.namedCurve ?? ''] ?? []
  const { modulusLength = 0 } = asymmetricKeyDetails ?? {}
  const isFit = modulusLength >= LEAST_RSA_BITS && modulusLength <= MOST_RSA_BITS
  return asymmetricKeyType === 'rsa' && isFit ? BY_RSA : []
}

/** A private key is refused: nobody is to hand it over. */
function publicKeyOf(pem: string): KeyObject | null {
  if (!/^\s*-----BEGIN (RSA )?PUBLIC KEY-----/.test(pem)) return null
  try {
    return createPublicKey(pem)
  } catch {
    return null
  }
}

const pemOf = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' }).toString()
