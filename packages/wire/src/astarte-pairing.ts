/**
 * Astarte's pairing over HTTP: how a device comes to its credentials ("Pairing" in docs/dialects/edgehog.md). Below
 * an address that ends in `/pairing` by custom. Clients compare the status codes literally.
 */
import { z } from 'zod'

/** Below the address the client was given. */
export const PATHS = {
  health: '/health',
  realmHealth: (realm: string) => `/v1/${realm}/health`,
  version: (realm: string) => `/v1/${realm}/version`,
  register: (realm: string) => `/v1/${realm}/agent/devices`,
  unregister: (realm: string, id: string) => `/v1/${realm}/agent/devices/${id}`,
  device: (realm: string, id: string) => `/v1/${realm}/devices/${id}`,
  credentials: (realm: string, id: string) =>
    `/v1/${realm}/devices/${id}/protocols/astarte_mqtt_v1/credentials`,
  verify: (realm: string, id: string) =>
    `/v1/${realm}/devices/${id}/protocols/astarte_mqtt_v1/credentials/verify`,
} as const

const wrapped = <T extends z.ZodType>(data: T) => z.object({ data })

const versionNumber = z.int().min(0)
const MAX_INTERFACES = 1_000
const MAX_PEM_LENGTH = 16_384

export const RegisterRequest = wrapped(
  z.object({
    hw_id: z.string().min(1).max(255),
    initial_introspection: z
      .record(z.string().max(128), z.object({ major: versionNumber, minor: versionNumber }))
      .refine((all) => Object.keys(all).length <= MAX_INTERFACES)
      .nullish(),
  }),
)
export type RegisterRequest = z.infer<typeof RegisterRequest>

/** With 201. */
export const RegisterAnswer = wrapped(z.object({ credentials_secret: z.string().min(1) }))
export type RegisterAnswer = z.infer<typeof RegisterAnswer>

export const PAIRING_STATUSES = ['pending', 'confirmed', 'inhibited'] as const
export type PairingStatus = (typeof PAIRING_STATUSES)[number]

/** With 200. All of it is read strictly, and the address of the broker needs a port that is written out. */
export const DeviceAnswer = wrapped(
  z.object({
    version: z.string(),
    status: z.enum(PAIRING_STATUSES),
    protocols: z.object({ astarte_mqtt_v1: z.object({ broker_url: z.string() }) }),
  }),
)
export type DeviceAnswer = z.infer<typeof DeviceAnswer>

export const CredentialsRequest = wrapped(z.object({ csr: z.string().min(1).max(MAX_PEM_LENGTH) }))
export type CredentialsRequest = z.infer<typeof CredentialsRequest>

/** With 201, and exactly one certificate. */
export const CredentialsAnswer = wrapped(z.object({ client_crt: z.string().min(1) }))
export type CredentialsAnswer = z.infer<typeof CredentialsAnswer>

export const VerifyRequest = wrapped(
  z.object({ client_crt: z.string().min(1).max(MAX_PEM_LENGTH) }),
)
export type VerifyRequest = z.infer<typeof VerifyRequest>

/** What is wrong with a certificate. */
export const VERIFY_CAUSES = [
  'EXPIRED',
  'INVALID_ISSUER',
  'INVALID_SIGNATURE',
  'INVALID_KEY_USAGE',
  'INVALID',
] as const
export type VerifyCause = (typeof VERIFY_CAUSES)[number]

/** With 200, whichever it is: another status keeps a device from connecting. */
export const VerifyAnswer = wrapped(
  z.union([
    z.object({ valid: z.literal(true), timestamp: z.string(), until: z.string() }),
    z.object({
      valid: z.literal(false),
      timestamp: z.string(),
      cause: z.string(),
      details: z.string().nullable(),
    }),
  ]),
)
export type VerifyAnswer = z.infer<typeof VerifyAnswer>

/** What is said with all other statuses: one sentence, or some for each field. */
export const ErrorAnswer = z.object({
  errors: z.union([z.object({ detail: z.string() }), z.record(z.string(), z.array(z.string()))]),
})
export type ErrorAnswer = z.infer<typeof ErrorAnswer>
