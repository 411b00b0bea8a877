/** What devices show. */
import { CREDENTIAL_KINDS } from '@updraft/core'
import { z } from 'zod'
import { Id, named, Time, Token255 } from './words.ts'

const MqttName = z.string().max(255)

const credentialDrafts = [
  z.object({
    kind: z.literal('token'),
    token: Token255.optional().describe('made up when absent'),
  }),
  z
    .object({
      kind: z.literal('mqtt-basic'),
      clientId: MqttName.optional(),
      userName: MqttName.optional(),
      password: z.string().max(1024).optional(),
    })
    .describe('client id, user name, or both; the password is asked for if there is one'),
  z.object({
    kind: z.literal('x509'),
    certificate: z.string().max(65_536).describe('PEM, or the Base64 between its lines'),
  }),
] as const

export const CredentialDraft = named(
  'CredentialDraft',
  z.discriminatedUnion('kind', credentialDrafts),
)
export type CredentialDraft = z.infer<typeof CredentialDraft>

/** How long something stays that is to go. */
export const KeepSeconds = z.coerce.number().int().min(0).max(31_536_000)

export const CredentialAddition = named(
  'CredentialAddition',
  z.object({
    credential: CredentialDraft,
    keepOthersForSeconds: KeepSeconds.optional().describe(
      "the device's others of that kind end after that; 0: at once. When absent they stay",
    ),
  }),
)

export const Credential = named(
  'Credential',
  z.object({
    id: Id,
    kind: z.enum(CREDENTIAL_KINDS),
    clientId: z.string().nullable(),
    userName: z.string().nullable(),
    hasPassword: z.boolean(),
    certificate: z
      .object({
        subject: z.string(),
        fingerprint: z.string().describe('SHA-256'),
        validFrom: Time,
        validTo: Time,
      })
      .nullable(),
    createdAt: Time,
    firstUsedAt: Time.nullable().describe('when the device first came with it'),
    expiresAt: Time.nullable().describe('when it ends; null: when it is taken back'),
  }),
)
export type Credential = z.infer<typeof Credential>

export const CredentialWithToken = named(
  'CredentialWithToken',
  Credential.extend({
    token: z.string().nullable().describe('of a token, shown this once; null for other kinds'),
  }),
)
export type CredentialWithToken = z.infer<typeof CredentialWithToken>
