/** Tokens for a cluster of Astarte, signed with the private key of a realm as its operators keep it: in PEM. */
import { createPrivateKey, type KeyObject } from 'node:crypto'
import { DomainError } from '@updraft/core'
import { SignJWT } from 'jose'
import type { ClusterTokens, KeyAlgorithm } from '../app/ports.ts'

/** By the name OpenSSL has for the curve. */
const CURVES: Readonly<Record<string, KeyAlgorithm>> = {
  prime256v1: 'ES256',
  secp384r1: 'ES384',
  secp521r1: 'ES512',
}
const MIN_RSA_BITS = 2048

const ISSUER = 'updraft'

export const clusterTokens: ClusterTokens = {
  algorithmOf: (privateKey) => algorithmOf(read(privateKey)),
  sign: (privateKey, claims, { now, seconds }) => {
    const key = read(privateKey)
    const issuedAt = Math.floor(now.getTime() / 1000)
    return new SignJWT({ ...claims })
      .setProtectedHeader({ alg: algorithmOf(key), typ: 'JWT' })
      .setIssuer(ISSUER)
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + seconds)
      .sign(key)
  },
}

function read(privateKey: string): KeyObject {
  try {
    return createPrivateKey(privateKey)
  } catch {
    // What the library says of it may repeat a part of it.
    throw invalid('This is no private key in PEM, or it has a passphrase.')
  }
}

function algorithmOf(key: KeyObject): KeyAlgorithm {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key
  const curve = type === 'ec' ? CURVES[details?.namedCurve ?? ''] : undefined
  if (curve) return curve
  if (type === 'rsa' && (details?.modulusLength ?? 0) >= MIN_RSA_BITS) return 'RS256'
  throw invalid(
    `A realm signs with a key on P-256, P-384 or P-521, or RSA of ${MIN_RSA_BITS} bits at least.`,
  )
}

const invalid = (message: string) => new DomainError('cluster.invalid', message)
