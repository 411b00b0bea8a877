import { expect, test } from 'vitest'
import { type CredentialDraft, checkedCredential } from './credential.ts'

test.each<CredentialDraft>([
  { kind: 'token' },
  { kind: 'token', token: ' /?&#%ä\n\u{1f680}' },
  { kind: 'token', token: 'x'.repeat(255) },
  { kind: 'mqtt-basic', clientId: 'c' },
  { kind: 'mqtt-basic', userName: 'u', password: ' ' },
  { kind: 'mqtt-basic', clientId: 'c', userName: 'u', password: 'p' },
  { kind: 'x509', certificate: 'MIIB' },
])('%j is kept letter for letter', (draft) => {
  expect(checkedCredential(draft)).toEqual(draft)
})

test('empty texts are none', () => {
  const draft = { kind: 'mqtt-basic', clientId: 'c', userName: '', password: '' } as const
  expect(checkedCredential(draft)).toEqual({ kind: 'mqtt-basic', clientId: 'c' })
})

test.each<CredentialDraft>([
  { kind: 'token', token: '' },
  { kind: 'token', token: 'x'.repeat(256) },
  { kind: 'token', token: 'a\0b' },
  { kind: 'token', token: 'a\ud800' },
  { kind: 'mqtt-basic' },
  { kind: 'mqtt-basic', clientId: '', userName: '', password: 'p' },
  { kind: 'mqtt-basic', clientId: 'c\0' },
  { kind: 'mqtt-basic', userName: 'x'.repeat(256) },
  { kind: 'mqtt-basic', userName: 'u', password: 'x'.repeat(1025) },
])('%j is refused', (draft) => {
  expect(() => checkedCredential(draft)).toThrow(
    expect.objectContaining({ code: 'request.malformed' }),
  )
})
