/** Secrets: made, hashed, compared. */
import type { CertificateFacts, CredentialKind, Proof } from '@updraft/core'

/** Makes, hashes and compares secrets. */
export interface Secrets {
  /** A new token, unguessable, safe in a URL and a header. */
  newToken(): string
  /** A new password a person can type. */
  newPassword(): string
  /** What is stored of a token; equal tokens give equal hashes, so that it can be looked up. */
  hashToken(token: string): Buffer
  isEqual(a: Uint8Array, b: Uint8Array): boolean
  hashPassword(password: string): Promise<string>
  verifyPassword(password: string, hash: string): Promise<boolean>
  /** A download ticket for those bytes, valid until `expiresAt`, stable within a day. */
  signTicket(ticket: Ticket): string
  /** Refuses with artifact.bad-ticket. */
  readTicket(text: string, now: Date): Ticket
}

/** What a download address stands for. */
export interface Ticket {
  readonly sha256: string
  readonly expiresAt: Date
}

/** What a proof is looked up by, and what is kept of its password. */
export interface Claim {
  readonly kind: CredentialKind
  readonly lookupHash: Buffer
  /** Null when there is no password. */
  readonly passwordHash: Buffer | null
}

/** What devices are known by. */
export interface Proofs {
  /** Equal proofs give equal claims, so that they can be looked up. */
  claim(proof: Proof): Claim
  /** Whether that time is within the certificate's own. */
  isValidAt(certificate: Uint8Array, now: Date): boolean
  /** A certificate as an operator or a device gives it. Refuses with request.malformed. */
  readCertificate(text: string): { readonly der: Uint8Array; readonly facts: CertificateFacts }
}
