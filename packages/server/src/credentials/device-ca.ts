/**
 * The installation's own authority over devices: it gives out a key with its certificate, or signs a request that a
 * device made with a key of its own. A server that devices meet gets its certificate from here as well, unless it has
 * another.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  randomBytes,
  webcrypto,
  X509Certificate,
} from 'node:crypto'
import { isIP } from 'node:net'
import { DomainError } from '@updraft/core'
import type { CertificateFault, DeviceCertificates, IssuedCertificate } from '../app/ports.ts'
import { namesClients, timeFault } from './certificate-chains.ts'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const AUTHORITY_YEARS = 30
const DEVICE_YEARS = 10
const DAY_MS = 86_400_000
const CURVES: readonly (string | undefined)[] = ['prime256v1', 'secp384r1']
const LEAST_RSA_BITS = 2048
/** Checking costs its square. */
const MOST_RSA_BITS = 8192
const YEAR_MS = 365.25 * 86_400_000
/** A device's clock may be behind ours. */
const SKEW_MS = 86_400_000

/** The library needs the other one to be there first; both are loaded when the first certificate is asked for. */
async function library() {
  await import('reflect-metadata')
  return import('@peculiar/x509')
}

/** The authority's certificate and key, as they are kept. */
export async function newDeviceAuthority(now: Date): Promise<Buffer> {
  const x509 = await library()
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerialNumber(),
    name: 'CN=Updraft devices',
    notBefore: new Date(now.getTime() - SKEW_MS),
    notAfter: new Date(now.getTime() + AUTHORITY_YEARS * YEAR_MS),
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  const key = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
  return Buffer.from(
    JSON.stringify({ certificate: certificate.toString('pem'), key: toPem(Buffer.from(key)) }),
  )
}

/** `kept`: what `newDeviceAuthority` made, from wherever it is kept; asked for once. */
export function deviceAuthority({
  kept,
  now,
}: {
  kept: () => Promise<Buffer>
  now: () => Date
}): DeviceCertificates {
  const open = async () => {
    const { certificate, key } = JSON.parse((await kept()).toString('utf8')) as Record<
      'certificate' | 'key',
      string
    >
    const x509 = await library()
    const der = createPrivateKey(key).export({ type: 'pkcs8', format: 'der' })
    return {
      x509,
      authority: new x509.X509Certificate(certificate),
      signingKey: await webcrypto.subtle.importKey('pkcs8', der, ALGORITHM, false, ['sign']),
    }
  }
  let opened: ReturnType<typeof open> | undefined
  const ready = () => {
    opened ??= open().catch((error) => {
      opened = undefined
      throw error
    })
    return opened
  }

  /** For a device; or, with names it is reached by, for a server. */
  const sign = async (
    commonName: string,
    publicKey: webcrypto.CryptoKey,
    lifetimeMs = DEVICE_YEARS * YEAR_MS,
    serverNames: readonly string[] = [],
  ): Promise<string> => {
    const { x509, authority, signingKey } = await ready()
    const at = now().getTime()
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: newSerialNumber(),
      // As a bare text the library would take `#` for hex, and undo backslashes.
      subject: new x509.Name([{ CN: [{ utf8String: commonName }] }]),
      issuer: authority.subject,
      notBefore: new Date(at - SKEW_MS),
      notAfter: new Date(Math.min(at + lifetimeMs, authority.notAfter.getTime())),
      publicKey,
      signingKey,
      signingAlgorithm: ALGORITHM,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([
          x509.ExtendedKeyUsage[serverNames.length > 0 ? 'serverAuth' : 'clientAuth'],
        ]),
        ...(serverNames.length > 0
          ? [new x509.SubjectAlternativeNameExtension(serverNames.map(generalName))]
          : []),
        await x509.AuthorityKeyIdentifierExtension.create(authority),
      ],
    })
    return certificate.toString('pem')
  }

  const withKey = async (
    signed: (publicKey: webcrypto.CryptoKey) => Promise<string>,
  ): Promise<IssuedCertificate> => {
    const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
    const key = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
    return { certificate: await signed(keys.publicKey), key: toPem(Buffer.from(key)) }
  }

  /** The key of a request that is signed with it. Refuses with certificate-request.invalid. */
  const requestedKey = async (request: string): Promise<webcrypto.CryptoKey> => {
    const { x509 } = await ready()
    const no = (message: string, cause?: unknown): never => {
      throw new DomainError('certificate-request.invalid', message, {}, cause)
    }
    const blocks = request.match(/-----BEGIN [^-\n]*-----/g) ?? []
    if (
      blocks.length !== 1 ||
      !/^-----BEGIN (NEW )?CERTIFICATE REQUEST-----$/.test(blocks[0] ?? '')
    ) {
      return no('is not one PKCS #10 request in PEM')
    }
    const unread = (cause: unknown) => no('cannot be read', cause)
    const csr = await Promise.resolve()
      .then(() => new x509.Pkcs10CertificateRequest(request))
      .catch(unread)
    const key = await Promise.resolve()
      .then(() =>
        createPublicKey({ key: Buffer.from(csr.publicKey.rawData), format: 'der', type: 'spki' }),
      )
      .catch(unread)
    const { namedCurve, modulusLength = 0 } = key.asymmetricKeyDetails ?? {}
    const isFit =
      key.asymmetricKeyType === 'ec'
        ? CURVES.includes(namedCurve)
        : key.asymmetricKeyType === 'rsa' &&
          modulusLength >= LEAST_RSA_BITS &&
          modulusLength <= MOST_RSA_BITS
    if (!isFit)
      return no('has a key that is too weak, or of another kind than EC P-256, P-384 and RSA')
    if (!(await csr.verify().catch(unread))) return no('is not signed with its own key')
    return csr.publicKey.export().catch(unread)
  }

  return {
    authority: async () => (await ready()).authority.toString('pem'),
    issue: (commonName) => withKey((publicKey) => sign(commonName, publicKey)),
    issueForServer: (names, days) =>
      withKey((publicKey) => sign('Updraft server', publicKey, days * DAY_MS, names)),
    sign: async (commonName, request, days) => {
      const publicKey = await requestedKey(request)
      return sign(commonName, publicKey, days && days * DAY_MS)
    },
    examine: async (text, now) => {
      const certificate = certificateOf(text)
      if (!certificate) return { fault: 'unreadable', fingerprint: null, validTo: null }
      const { authority } = await ready()
      const issuer = new X509Certificate(authority.toString('pem'))
      const { fingerprint256: fingerprint, validToDate: validTo } = certificate
      return { fault: faultOf(certificate, issuer, now), fingerprint, validTo }
    },
  }
}

const generalName = (name: string) => ({ type: isIP(name) ? 'ip' : 'dns', value: name }) as const

/** The first of a PEM text. */
function certificateOf(text: string): X509Certificate | null {
  try {
    return new X509Certificate(text)
  } catch {
    return null
  }
}

function faultOf(
  certificate: X509Certificate,
  authority: X509Certificate,
  now: Date,
): CertificateFault | null {
  if (certificate.issuer !== authority.subject) return 'other-issuer'
  if (!certificate.verify(authority.publicKey)) return 'bad-signature'
  return timeFault(certificate, now) ?? (namesClients(certificate) ? null : 'not-for-clients')
}

const toPem = (pkcs8: Buffer): string =>
  createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })
    .export({ type: 'pkcs8', format: 'pem' })
    .toString()

/** A positive number of 16 bytes, as RFC 5280 wants one; unguessable. */
const newSerialNumber = (): string =>
  createHash('sha256').update(randomBytes(32)).digest('hex').slice(0, 32).replace(/^./, '4')
