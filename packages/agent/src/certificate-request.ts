/**
 * A request for a certificate: PKCS #10 (RFC 2986), with a new key on the curve P-256 and one name. It is six
 * structures of DER, so they are written here.
 */
import { generateKeyPair, sign } from 'node:crypto'
import { promisify } from 'node:util'

export interface CertificateRequest {
  /** PKCS #8, in PEM. */
  readonly key: string
  /** In PEM. */
  readonly request: string
}

/** Tags of X.690, section 8. */
const TAG = { bits: 0x03, id: 0x06, utf8: 0x0c, sequence: 0x30, set: 0x31, attributes: 0xa0 }

const VERSION = Buffer.from([0x02, 0x01, 0x00])
/** 2.5.4.3 */
const COMMON_NAME = Buffer.from([0x55, 0x04, 0x03])
/** 1.2.840.10045.4.3.2 */
const ECDSA_WITH_SHA256 = Buffer.from([0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02])

const newKeys = promisify(generateKeyPair)

export async function requestCertificate(commonName: string): Promise<CertificateRequest> {
  const { publicKey, privateKey } = await newKeys('ec', { namedCurve: 'P-256' })
  const name = sequence(
    der(TAG.set, sequence(der(TAG.id, COMMON_NAME), der(TAG.utf8, Buffer.from(commonName)))),
  )
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  const about = sequence(VERSION, name, spki, der(TAG.attributes))
  const signature = sign('sha256', about, privateKey)
  // Of the bits in the last byte none is left over.
  const signed = sequence(
    about,
    sequence(der(TAG.id, ECDSA_WITH_SHA256)),
    der(TAG.bits, Buffer.from([0]), signature),
  )
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    request: pem('CERTIFICATE REQUEST', signed),
  }
}

const sequence = (...parts: readonly Buffer[]): Buffer => der(TAG.sequence, ...parts)

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  return Buffer.concat([Buffer.from([tag, ...lengthOf(content)]), content])
}

/** One byte, or how many bytes follow and those. */
function lengthOf({ length }: Buffer): number[] {
  if (length < 0x80) return [length]
  return length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
}

const pem = (label: string, bytes: Buffer): string => {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}
