/** What is set for the devices of a profile that speak hawkBit's language. */
import { CLIENT_KINDS, PROOFS_OF_LIFE } from '@updraft/core'
import { z } from 'zod'
import { named, TypeName } from './words.ts'

const fields = {
  client: z
    .enum(CLIENT_KINDS)
    .nullable()
    .describe('what its devices run; null: each is known by its User-Agent'),
  severalChunks: z
    .boolean()
    .describe('whether clients of no known kind take several releases at a time'),
  confirmedBy: z
    .enum(PROOFS_OF_LIFE)
    .nullable()
    .describe(
      'when an update has come to stay: as the device reports it, when it comes again, or when its version attribute says so; null: as is usual for the client',
    ),
  versionAttribute: z
    .string()
    .nullable()
    .describe('the attribute by which a device tells what version it runs'),
  versionType: TypeName.describe('the component whose version that is'),
  needsConfirmation: z
    .boolean()
    .describe('whether somebody at the device is asked before each update, where its client can'),
  handling: z.enum(['forced', 'attempt']).describe('attempt: a device updates when it likes'),
  pollSeconds: z
    .int()
    .nullable()
    .describe('how often devices come while nothing is to be done; null: as the server has it'),
  targetToken: z.boolean().describe('whether devices come in with their own tokens'),
  gatewayToken: z
    .boolean()
    .describe("whether the profile's provisioning key lets in as any device of the profile"),
  authorities: z
    .array(z.string())
    .describe(
      'who vouches for its devices: fingerprints of authorities, or what a trusted proxy calls them; a change may tell one by its certificate in PEM',
    ),
}

const KnownAuthority = named(
  'KnownAuthority',
  z.object({ fingerprint: z.string(), subject: z.string(), validTo: z.iso.datetime() }),
)

export const HawkbitSettings = named(
  'HawkbitSettings',
  z.object({
    ...fields,
    knownAuthorities: z
      .array(KnownAuthority)
      .describe(
        'of the authorities those whose certificate is known here, so that no proxy is needed',
      ),
  }),
)
export type HawkbitSettings = z.infer<typeof HawkbitSettings>

export const HawkbitSettingsChange = named('HawkbitSettingsChange', z.object(fields).partial())
