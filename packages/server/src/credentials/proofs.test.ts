import { createHash } from 'node:crypto'
import type { Proof } from '@updraft/core'
import { describe, expect, test } from 'vitest'
import {
  CERTIFICATE,
  CERTIFICATE_DER,
  CERTIFICATE_FACTS,
  CERTIFICATE_HASH,
} from './certificate.test-helper.ts'
import { newPasswordKey, proofs } from './proofs.ts'

const prover = proofs({ passwordKey: Buffer.alloc(32, 1) })
const token = (text: string): Proof => ({ kind: 'token', token: text })
const basic = (clientId: string | null, userName: string | null, password?: string): Proof => ({
  kind: 'mqtt-basic',
  clientId,
  userName,
  password: password === undefined ? null : Buffer.from(password),
})
const lookup = (proof: Proof) => prover.claim(proof).lookupHash.toString('hex')

describe('what a proof is looked up by', () => {
  test('is of a token its SHA-256', () => {
    const text = 'a/b?c&ä \u{1f680}'
    expect(lookup(token(text))).toBe(createHash('sha256').update(text).digest('hex'))
  })

  test("is of a certificate ThingsBoard's hash", () => {
    expect(lookup({ kind: 'x509', certificate: CERTIFICATE_DER })).toBe(CERTIFICATE_HASH)
  })

  test('is of a user name alone what a token of that text has: one name, one device', () => {
    expect(lookup(basic(null, 'u'))).toBe(lookup(token('u')))
  })

  test('is never that of another, and never has to do with the password', () => {
    const all = [
      basic('c', null),
      basic(null, 'c'),
      basic('c', 'u'),
      basic('u', 'c'),
      basic('c","u', null),
      basic('cu', null),
      basic('c', 'u"'),
      token('["c","u"]'),
      token('["c",null]'),
      { kind: 'x509', certificate: Buffer.from('["c",null]') } as const,
    ].map(lookup)
    expect(new Set(all).size).toBe(all.length)
    expect(lookup(basic('c', 'u', 'p'))).toBe(lookup(basic('c', 'u')))
  })
})

describe('what is kept of a password', () => {
  const kept = (proof: Proof, by = prover) => by.claim(proof).passwordHash?.toString('hex') ?? null

  test('is nothing where there is none', () => {
    expect([token('t'), basic('c', 'u'), basic('c', 'u', '')].map((each) => kept(each))).toEqual([
      null,
      null,
      null,
    ])
  })

  test('is the same for the same, and differs by password, credential and installation', () => {
    expect(kept(basic('c', 'u', 'p'))).toBe(kept(basic('c', 'u', 'p')))
    const other = proofs({ passwordKey: newPasswordKey() })
    const all = [
      kept(basic('c', 'u', 'p')),
      kept(basic('c', 'u', 'P')),
      kept(basic('d', 'u', 'p')),
      kept(basic('c', null, 'p')),
      kept(basic('c', 'u', 'p'), other),
    ]
    expect(new Set(all).size).toBe(all.length)
  })
})

describe('a certificate', () => {
  test.each([
    ['PEM', CERTIFICATE],
    ['PEM with Windows line ends', CERTIFICATE.replaceAll('\n', '\r\n')],
    ['PEM with words around it', `Bag Attributes\n${CERTIFICATE}${CERTIFICATE}`],
    ['Base64 alone', CERTIFICATE_DER.toString('base64')],
  ])('is read as %s', (_what, text) => {
    const { der, facts } = prover.readCertificate(text)
    expect(Buffer.from(der)).toEqual(CERTIFICATE_DER)
    expect(facts).toEqual(CERTIFICATE_FACTS)
  })

  test.each(['', 'MIIB', 'not base64 at all!', CERTIFICATE.replace('MIIB', 'MIIC')])(
    '%j is none',
    (text) => {
      expect(() => prover.readCertificate(text)).toThrow(
        expect.objectContaining({ code: 'request.malformed' }),
      )
    },
  )

  test('is valid within its time only', () => {
    const isValidIn = (year: string) =>
      prover.isValidAt(CERTIFICATE_DER, new Date(`${year}-06-01T00:00:00Z`))
    expect(['2019', '2020', '2099', '2100'].map(isValidIn)).toEqual([false, true, true, false])
  })
})
