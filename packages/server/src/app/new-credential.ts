import { type CredentialDraft, checkedCredential } from '@updraft/core'
import type { Clock, Ids, NewCredential, Proofs, Secrets } from './ports.ts'

export interface MadeCredential {
  readonly row: NewCredential
  /** To be shown once; null for kinds that have none. */
  readonly token: string | null
}

/** A credential of that draft, to be stored. Refuses with request.malformed. */
export type NewCredentialOf = (draft: CredentialDraft) => MadeCredential

export function newCredentialOf({
  clock,
  ids,
  proofs,
  secrets,
}: {
  clock: Clock
  ids: Ids
  proofs: Proofs
  secrets: Secrets
}): NewCredentialOf {
  return (given) => {
    const draft = checkedCredential(given)
    const id = ids.next()
    const none = { clientId: null, userName: null, certificate: null }
    const common = { id, ...none, createdAt: clock.now() }
    switch (draft.kind) {
      case 'token': {
        const token = draft.token ?? secrets.newToken()
        return { row: { ...common, ...proofs.claim({ kind: 'token', token }) }, token }
      }
      case 'mqtt-basic': {
        const names = { clientId: draft.clientId ?? null, userName: draft.userName ?? null }
        const password = draft.password === undefined ? null : bytesOf(draft.password)
        const claim = proofs.claim({ kind: 'mqtt-basic', ...names, password })
        return { row: { ...common, ...names, ...claim }, token: null }
      }
      case 'x509': {
        const { der, facts } = proofs.readCertificate(draft.certificate)
        const claim = proofs.claim({ kind: 'x509', certificate: der })
        return { row: { ...common, ...claim, certificate: facts }, token: null }
      }
    }
  }
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
