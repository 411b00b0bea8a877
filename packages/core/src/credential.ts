/** What devices are known by, and what they show to be let in. */
import { DomainError } from './errors.ts'

/** A text of its own; client identifier, user name and password as MQTT has them; a certificate. */
export const CREDENTIAL_KINDS = ['token', 'mqtt-basic', 'x509'] as const
export type CredentialKind = (typeof CREDENTIAL_KINDS)[number]

/** One way for a device to say who it is. */
export type Proof =
  | { readonly kind: 'token'; readonly token: string }
  | (MqttNames & { readonly kind: 'mqtt-basic'; readonly password: Uint8Array | null })
  /** The certificate in DER; that its key is the device's own is for the transport to know. */
  | { readonly kind: 'x509'; readonly certificate: Uint8Array }

/** At least one of them is there. */
export interface MqttNames {
  readonly clientId: string | null
  readonly userName: string | null
}

/** A credential to be. A token that is left out is made up; a certificate is PEM, or its Base64 alone. */
export type CredentialDraft =
  | { readonly kind: 'token'; readonly token?: string }
  | {
      readonly kind: 'mqtt-basic'
      readonly clientId?: string
      readonly userName?: string
      readonly password?: string
    }
  | { readonly kind: 'x509'; readonly certificate: string }

/** What is shown of a certificate; `fingerprint` is its SHA-256, in hex with colons as openssl prints it. */
export interface CertificateFacts {
  readonly subject: string
  readonly fingerprint: string
  readonly validFrom: Date
  readonly validTo: Date
}

/** One in use, and its successor. */
export const MAX_OF_A_KIND = 2

/** They stand in paths, packets and columns of tables. */
const MAX_TEXT_LENGTH = 255
const MAX_PASSWORD_LENGTH = 1024

/** The draft, empty texts taken for none. Refuses with request.malformed. */
export function checkedCredential(draft: CredentialDraft): CredentialDraft {
  if (draft.kind === 'x509') return draft
  if (draft.kind === 'token') {
    const { kind, token } = draft
    return token === undefined ? { kind } : { kind, token: checkedText('token', token) }
  }
  const { kind, clientId, userName, password } = draft
  if (!clientId && !userName) {
    throw new DomainError('request.malformed', 'A client id or a user name is needed, or both.')
  }
  if (password && password.length > MAX_PASSWORD_LENGTH) {
    const message = `A password has ${MAX_PASSWORD_LENGTH} characters at most.`
    throw new DomainError('request.malformed', message)
  }
  return {
    kind,
    clientId: clientId ? checkedText('client id', clientId) : undefined,
    userName: userName ? checkedText('user name', userName) : undefined,
    password: password || undefined,
  }
}

/** As it is: what a device shows is compared letter for letter. */
function checkedText(what: string, text: string): string {
  if (text === '' || text.length > MAX_TEXT_LENGTH || /[\0\p{Cs}]/u.test(text)) {
    throw new DomainError(
      'request.malformed',
      `A ${what} has 1 to ${MAX_TEXT_LENGTH} characters, and neither NUL nor half a surrogate pair.`,
    )
  }
  return text
}
