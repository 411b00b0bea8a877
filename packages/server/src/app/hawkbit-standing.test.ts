import { type ProofOfLife, STANDARD_HANDLING } from '@updraft/core'
import { expect, test } from 'vitest'
import type { HawkbitClient } from './hawkbit-entry.ts'
import { confirmedBy } from './hawkbit-standing.ts'
import type { HawkbitAction } from './ports.ts'

test.each<
  [string, ProofOfLife | null, string | null, readonly (ProofOfLife | null)[], ProofOfLife]
>([
  ['nothing is said: as is usual for the client', null, null, [null], 'next-poll'],
  ['the profile says it', 'report', null, [null], 'report'],
  ['a campaign wants more than the profile', 'report', null, ['next-poll'], 'next-poll'],
  ['a campaign wants less than the profile', 'version-attribute', 'version', ['report'], 'report'],
  [
    'of several parts, the most counts',
    'report',
    'version',
    [null, 'version-attribute', 'next-poll'],
    'version-attribute',
  ],
  ['without an attribute, that it comes again', null, null, ['version-attribute'], 'next-poll'],
])('%s', (_, ofProfile, versionAttribute, wanted, proof) => {
  const settings = { confirmedBy: ofProfile, versionAttribute }
  const chunks = wanted.map((confirmedBy) => ({ handling: { ...STANDARD_HANDLING, confirmedBy } }))
  const client = { hawkbit: { settings } } as HawkbitClient
  expect(confirmedBy(client, { client: 'rauc', chunks } as unknown as HawkbitAction)).toBe(proof)
})
