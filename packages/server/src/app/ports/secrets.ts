/** Secrets: made, hashed, compared. */
import type { CertificateFacts, CredentialKind, Proof } from '@updraft/core'

/** Makes, hashes and compares secrets. */
export interface Secrets {
  /** A new token, unguessable, safe in a URL and a header. */
  newToken(): string
  /** A new id for a device: 16 letters and digits that are not mistaken for each other, 80 bits. */
  newSerial(): string
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

/**
 * Tokens that are derived and not drawn, of devices that ask for theirs at every start: nothing of them is kept that
 * could be read back, and each server of the installation answers the same.
 */
export interface DeviceTokens {
  /** Another for each generation: counting up takes the one before back. */
  of(deviceId: string, generation: number): string
}

/** Certificates for devices, by an authority of the installation's own. All in PEM. */
export interface DeviceCertificates {
  /** The authority's own certificate, by which others know those it gave out. */
  authority(): Promise<string>
  /** A new key with its certificate. */
  issue(commonName: string): Promise<IssuedCertificate>
  /** The same for a server of ours that is reached by these names and addresses; for so many days. */
  issueForServer(names: readonly string[], days: number): Promise<IssuedCertificate>
  /**
   * A certificate for the key with which that PKCS #10 request is signed, whatever name it asks for; for so many days,
   * or else for long. Refuses with certificate-request.invalid.
   */
  sign(commonName: string, request: string, days?: number): Promise<string>
  /** What is to be thought of a certificate that a device shows as one of ours. */
  examine(certificate: string, now: Date): Promise<ExaminedCertificate>
}

export type CertificateFault =
  | 'unreadable'
  | 'other-issuer'
  | 'bad-signature'
  | 'not-yet-valid'
  | 'expired'
  | 'not-for-clients'

export interface ExaminedCertificate {
  readonly fault: CertificateFault | null
  /** As in CertificateFacts; null when it cannot be read. */
  readonly fingerprint: string | null
  readonly validTo: Date | null
}

/** Certificates that devices show with those above them, their own first, and who vouches for them. All in DER. */
export interface CertificateChains {
  /** The authorities in a PEM text. Refuses with settings.invalid. */
  readAuthorities(pem: string): readonly KnownAuthority[]
  /**
   * What is to be thought of a chain, with authorities that are known besides. What an authority's certificate says it may
   * do is heeded; whether it is trusted is for others to say.
   */
  judge(chain: readonly Uint8Array[], known: readonly Uint8Array[], now: Date): Promise<JudgedChain>
  /** A device came in with it, and may show its own certificate alone when it takes up its session again. */
  remember(chain: readonly Uint8Array[]): void
}

export interface KnownAuthority {
  /** SHA-256 of its certificate: pairs of small hex digits with colons between. */
  readonly fingerprint: string
  readonly subject: string
  readonly validTo: Date
  readonly certificate: Uint8Array
}

export interface JudgedChain {
  /** Null where there is none, or several. */
  readonly commonName: string | null
  readonly fault:
    | 'unreadable'
    | 'expired'
    | 'not-yet-valid'
    | 'not-for-clients'
    | 'is-authority'
    | 'nobody-vouches'
    | null
  /** Fingerprints of all that vouch for it. */
  readonly authorities: readonly string[]
}

export interface IssuedCertificate {
  readonly certificate: string
  readonly key: string
}

/** What a download address stands for. */
export interface Ticket {
  readonly sha256: string
  readonly expiresAt: Date
  /** For whose update they are fetched, where that is to be seen. */
  readonly whose?: {
    readonly tenantId: string
    readonly deviceId: string
    readonly operationId: string
  }
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

/** Tokens by which agents register devices in a realm. Keys are PEM. */
export interface AgentTokens {
  /** A private key to sign with. */
  newKey(): string
  publicKeyOf(signingKey: string): string
  /** A public key as an operator brings it. Refuses with realm.invalid. */
  checkedPublicKey(pem: string): string
  sign(
    signingKey: string,
    token: AgentClaims & {
      readonly realm: string
      readonly issuedAt: Date
      readonly expiresAt: Date
    },
  ): Promise<string>
  /** What it says, when one of those public keys signed it and it is good now; otherwise null. */
  read(token: string, publicKeys: readonly string[], now: Date): Promise<AgentClaims | null>
}

export interface AgentClaims {
  /** What it allows: see `allowsAgent`. */
  readonly rules: readonly string[]
  /** Name of the profile that new devices get; the realm's default one when absent. */
  readonly profile?: string
}
