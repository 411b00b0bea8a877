/** X.509 as devices show it: whether a certificate is good, and which authorities vouch for it (RFC 5280, section 6). */
import { X509Certificate } from 'node:crypto'
import { DomainError } from '@updraft/core'
import type { CertificateChains, JudgedChain } from '../app/ports.ts'

/** Purposes, RFC 5280, section 4.2.1.12. */
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2'
const ANY_PURPOSE = '2.5.29.37.0'
/** keyUsage, subjectAltName, basicConstraints, certificatePolicies, extKeyUsage: what is heeded here, or asks for nothing. */
const UNDERSTOOD = ['2.5.29.15', '2.5.29.17', '2.5.29.19', '2.5.29.32', '2.5.29.37']
/** An authority that may vouch for some names only: which, is not read here. */
const NAME_CONSTRAINTS = '2.5.29.30'
const MAX_ABOVE = 8
const MAX_REMEMBERED = 10_000
const PEM = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g

export type TimeFault = 'expired' | 'not-yet-valid'

export function timeFault(
  { validFromDate, validToDate }: X509Certificate,
  now: Date,
): TimeFault | null {
  if (now > validToDate) return 'expired'
  return now < validFromDate ? 'not-yet-valid' : null
}

/** It says so itself. */
export const namesClients = ({ keyUsage }: X509Certificate): boolean =>
  keyUsage?.includes(CLIENT_AUTH) ?? false

/** One that names no purpose is for any. */
const isForClients = (certificate: X509Certificate): boolean =>
  certificate.keyUsage === undefined ||
  namesClients(certificate) ||
  certificate.keyUsage.includes(ANY_PURPOSE)

export const isSignedBy = (certificate: X509Certificate, issuer: X509Certificate): boolean =>
  certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)

/** As it is written down: pairs of small hex digits with colons between. */
const fingerprintOf = ({ fingerprint256 }: X509Certificate): string => fingerprint256.toLowerCase()

const parsed = (der: Uint8Array): X509Certificate | null => {
  try {
    return new X509Certificate(der)
  } catch {
    return null
  }
}

export function certificateChains(): CertificateChains {
  /** What came with a certificate that let its device in. */
  const remembered = new Map<string, readonly Uint8Array[]>()

  return {
    readAuthorities: (pem) => {
      const blocks = pem.match(PEM) ?? []
      if (blocks.length === 0) throw invalid('An authority that is told by PEM is a certificate.')
      return blocks.map((block) => {
        const certificate = readPem(block)
        if (!certificate.ca) {
          throw invalid(`${oneLine(certificate.subject)} is the certificate of no authority.`)
        }
        return {
          fingerprint: fingerprintOf(certificate),
          subject: oneLine(certificate.subject),
          validTo: certificate.validToDate,
          certificate: certificate.raw,
        }
      })
    },
    judge: async (chain, known, now) => {
      const [first, ...shown] = chain
      const own = first ? parsed(first) : null
      if (!own) return { commonName: null, fault: 'unreadable', authorities: [] }
      const fault = faultOf(own, now)
      const commonName = commonNameOf(own)
      if (fault) return { commonName, fault, authorities: [] }
      const brought = shown.length > 0 ? shown : (remembered.get(fingerprintOf(own)) ?? [])
      const authorities = await above(own, [...brought, ...known], now)
      return { commonName, fault: authorities.length > 0 ? null : 'nobody-vouches', authorities }
    },
    remember: ([first, ...others]) => {
      const own = others.length > 0 && first ? parsed(first) : null
      if (!own) return
      const key = fingerprintOf(own)
      remembered.delete(key)
      remembered.set(key, others)
      const [oldest] = remembered.keys()
      if (remembered.size > MAX_REMEMBERED && oldest !== undefined) remembered.delete(oldest)
    },
  }
}

function faultOf(own: X509Certificate, now: Date): JudgedChain['fault'] {
  if (own.ca) return 'is-authority'
  return timeFault(own, now) ?? (isForClients(own) ? null : 'not-for-clients')
}

/** The fingerprints of all that vouch for it, by others or themselves; the nearest first. */
async function above(
  own: X509Certificate,
  candidates: readonly Uint8Array[],
  now: Date,
): Promise<string[]> {
  const pool = new Map<string, X509Certificate>()
  for (const der of candidates) {
    const certificate = parsed(der)
    if (certificate) pool.set(fingerprintOf(certificate), certificate)
  }
  const found: string[] = []
  let level = [own]
  for (let between = 0; level.length > 0 && between < MAX_ABOVE; between += 1) {
    const next: X509Certificate[] = []
    for (const [fingerprint, authority] of pool) {
      const below = level.filter((each) => authority.subject === each.issuer)
      if (!below.some((each) => isSignedBy(each, authority))) continue
      if (!(await mayVouch(authority, between, now))) continue
      pool.delete(fingerprint)
      found.push(fingerprint)
      next.push(authority)
    }
    level = next
  }
  return found
}

/** Whether an authority may stand above so many others, and the certificate of a client. */
async function mayVouch(authority: X509Certificate, between: number, now: Date): Promise<boolean> {
  if (!authority.ca || timeFault(authority, now) || !isForClients(authority)) return false
  await import('reflect-metadata')
  const { BasicConstraintsExtension, X509Certificate: Readable } = await import('@peculiar/x509')
  const { extensions } = new Readable(new Uint8Array(authority.raw))
  const isUnderstood = extensions.every(
    ({ critical, type }) => type !== NAME_CONSTRAINTS && (!critical || UNDERSTOOD.includes(type)),
  )
  const constraints = extensions.find((each) => each instanceof BasicConstraintsExtension)
  return isUnderstood && between <= (constraints?.pathLength ?? MAX_ABOVE)
}

/** Null where it has none, or several. */
function commonNameOf(certificate: X509Certificate): string | null {
  const name: unknown = certificate.toLegacyObject().subject?.CN
  return typeof name === 'string' && name !== '' ? name : null
}

function readPem(block: string): X509Certificate {
  try {
    return new X509Certificate(block)
  } catch (error) {
    throw invalid('The certificate of an authority cannot be read.', error)
  }
}

const oneLine = (name: string): string => name.replaceAll('\n', ', ')

const invalid = (message: string, cause?: unknown) =>
  new DomainError('settings.invalid', message, {}, cause)
