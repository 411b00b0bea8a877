/** What devices are looked up by, computed of what they show; certificates as operators give them. */
import { createHmac, hash, randomBytes, X509Certificate } from 'node:crypto'
import { DomainError, type Proof } from '@updraft/core'
import type { Claim, Proofs } from '../app/ports.ts'
import { timeFault } from './certificate-chains.ts'

const PASSWORD_KEY_BYTES = 32

export const newPasswordKey = (): Buffer => randomBytes(PASSWORD_KEY_BYTES)

/**
 * `passwordKey` is the installation's own. Passwords of devices are hashed with HMAC-SHA-256, in about a
 * microsecond. They are for machines, as a rule long and made up, and a fleet that comes back after a power cut
 * shows thousands of them a second: scrypt, which is right for people, would keep it waiting for hours. Of the same
 * password every credential has another hash, because what it is looked up by, which is its alone, is hashed with it.
 */
export function proofs({ passwordKey }: { passwordKey: Buffer }): Proofs {
  const passwordHash = (lookupHash: Buffer, password: Uint8Array | null): Buffer | null =>
    password && password.length > 0
      ? createHmac('sha256', passwordKey).update(lookupHash).update(password).digest()
      : null

  return {
    claim: (proof): Claim => {
      const lookupHash = lookupHashOf(proof)
      const password = proof.kind === 'mqtt-basic' ? proof.password : null
      return { kind: proof.kind, lookupHash, passwordHash: passwordHash(lookupHash, password) }
    },
    isValidAt: (certificate, now) => timeFault(new X509Certificate(certificate), now) === null,
    readCertificate: (text) => {
      const certificate = certificateOf(text)
      return {
        der: certificate.raw,
        facts: {
          // One name a line.
          subject: certificate.subject.replaceAll('\n', ', '),
          fingerprint: certificate.fingerprint256,
          validFrom: certificate.validFromDate,
          validTo: certificate.validToDate,
        },
      }
    },
  }
}

/**
 * No hash stands for two things: tokens and user names share one space on purpose, as at ThingsBoard, because MQTT
 * shows both in the same place, and one name may not stand for two devices there. Client identifiers and
 * certificates have another hash function, and what is hashed of them begins differently. Of a certificate it is
 * ThingsBoard's: the SHA3-256 of its DER in Base64.
 */
function lookupHashOf(proof: Proof): Buffer {
  switch (proof.kind) {
    case 'token':
      return hash('sha256', proof.token, 'buffer')
    case 'x509':
      return hash('sha3-256', Buffer.from(proof.certificate).toString('base64'), 'buffer')
    case 'mqtt-basic': {
      const { clientId, userName } = proof
      if (clientId === null) return hash('sha256', userName ?? '', 'buffer')
      return hash('sha3-256', JSON.stringify([clientId, userName]), 'buffer')
    }
  }
}

const BEGIN = '-----BEGIN CERTIFICATE-----'
const END = '-----END CERTIFICATE-----'

/** The first one of a PEM text, or the Base64 between its lines. */
function certificateOf(text: string): X509Certificate {
  const [, body = text] = text.split(BEGIN)
  const [base64 = ''] = body.split(END)
  try {
    return new X509Certificate(Buffer.from(base64, 'base64'))
  } catch (error) {
    const message = 'The certificate cannot be read: it is PEM, or the Base64 of its DER.'
    throw new DomainError('request.malformed', message, {}, error)
  }
}
