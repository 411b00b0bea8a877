/** Certificates for tests, good and bad, without openssl. */
import 'reflect-metadata'
import { randomBytes, webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const HOUR_MS = 3_600_000

export interface MadeCertificate {
  /** PEM. */
  readonly certificate: string
  readonly key: string
  readonly der: Buffer
  /** SHA-256, pairs of small hex digits with colons between. */
  readonly fingerprint: string
  readonly name: string
  readonly keys: webcrypto.CryptoKeyPair
}

export interface Wanted {
  /** Itself when not given. */
  readonly signedBy?: MadeCertificate
  readonly isAuthority?: boolean
  readonly pathLength?: number
  /** Hours from now. */
  readonly from?: number
  readonly to?: number
  /** What else stands in it, and what it is for. */
  readonly extensions?: readonly x509.Extension[]
}

/** One for that name, `CN=…`, which may have more to it. */
export async function makeTestCertificate(
  name: string,
  { signedBy, isAuthority = false, pathLength, from = -1, to = 1000, extensions = [] }: Wanted = {},
): Promise<MadeCertificate> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const made = await x509.X509CertificateGenerator.create({
    serialNumber: `4${randomBytes(15).toString('hex')}`,
    subject: name,
    issuer: signedBy?.name ?? name,
    notBefore: new Date(Date.now() + from * HOUR_MS),
    notAfter: new Date(Date.now() + to * HOUR_MS),
    publicKey: keys.publicKey,
    signingKey: (signedBy?.keys ?? keys).privateKey,
    signingAlgorithm: ALGORITHM,
    extensions: [new x509.BasicConstraintsExtension(isAuthority, pathLength, true), ...extensions],
  })
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey))
  const fingerprint = Buffer.from(await made.getThumbprint('SHA-256')).toString('hex')
  return {
    certificate: made.toString('pem'),
    key: `-----BEGIN PRIVATE KEY-----\n${pkcs8.toString('base64')}\n-----END PRIVATE KEY-----\n`,
    der: Buffer.from(made.rawData),
    fingerprint: (fingerprint.match(/../g) ?? []).join(':'),
    name,
    keys,
  }
}

/** What a client shows: all of them, its own first. */
export const chainOf = (...certificates: readonly MadeCertificate[]): string =>
  certificates.map(({ certificate }) => certificate).join('\n')

export const forServers = new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth])
export const forClients = new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth])
export const mayNotSign = new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true)
/** An authority for names below a domain, and one with a demand that nobody knows. */
export const namesOnly = new x509.Extension('2.5.29.30', true, Buffer.from('3000', 'hex'))
export const unheardOf = new x509.Extension('1.2.3.4', true, Buffer.from('0500', 'hex'))
