/**
 * The installation's own authority over devices: it gives out a key with its certificate, or signs a request that a
 * device made with a key of its own.
 */
import { createHash, createPrivateKey, randomBytes, webcrypto } from 'node:crypto'
import type { DeviceCertificates, IssuedCertificate } from '../app/ports.ts'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const AUTHORITY_YEARS = 30
const DEVICE_YEARS = 10
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

  const sign = async (commonName: string, publicKey: webcrypto.CryptoKey): Promise<string> => {
    const { x509, authority, signingKey } = await ready()
    const at = now().getTime()
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: newSerialNumber(),
      // As a bare text the library would take `#` for hex, and undo backslashes.
      subject: new x509.Name([{ CN: [{ utf8String: commonName }] }]),
      issuer: authority.subject,
      notBefore: new Date(at - SKEW_MS),
      notAfter: new Date(Math.min(at + DEVICE_YEARS * YEAR_MS, authority.notAfter.getTime())),
      publicKey,
      signingKey,
      signingAlgorithm: ALGORITHM,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth]),
        await x509.AuthorityKeyIdentifierExtension.create(authority),
      ],
    })
    return certificate.toString('pem')
  }

  return {
    authority: async () => (await ready()).authority.toString('pem'),
    issue: async (commonName): Promise<IssuedCertificate> => {
      const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
      const key = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
      return {
        certificate: await sign(commonName, keys.publicKey),
        key: toPem(Buffer.from(key)),
      }
    },
    sign: async (commonName, request) => {
      const { x509 } = await ready()
      const csr = new x509.Pkcs10CertificateRequest(request)
      if (!(await csr.verify())) throw new Error('The request is not signed with its own key.')
      return sign(commonName, await csr.publicKey.export())
    },
  }
}

const toPem = (pkcs8: Buffer): string =>
  createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })
    .export({ type: 'pkcs8', format: 'pem' })
    .toString()

/** A positive number of 16 bytes, as RFC 5280 wants one; unguessable. */
const newSerialNumber = (): string =>
  createHash('sha256').update(randomBytes(32)).digest('hex').slice(0, 32).replace(/^./, '4')
