/** Realms: where devices of Astarte are paired. */
import { z } from 'zod'
import { Id, Name, named, Time } from './words.ts'

const publicKey = z.string().describe('in PEM')

export const Realm = named(
  'Realm',
  z.object({
    name: z.string(),
    profile: z.string().describe('of devices that register themselves'),
    profileId: Id,
    publicKey: publicKey.describe(
      'of the key with which tokens for agents are signed here, in PEM',
    ),
    keyMadeAt: Time,
    deviceCount: z.int(),
    createdAt: Time,
  }),
)
export type Realm = z.infer<typeof Realm>

export const RealmChange = named(
  'RealmChange',
  z.object({
    name: z
      .string()
      .max(48)
      .optional()
      .describe('small letters and digits; it stays while devices are paired'),
    profileId: Id.optional().describe('of devices that register themselves'),
  }),
)

export const RealmKey = named(
  'RealmKey',
  z.object({ id: Id, name: z.string(), publicKey, createdAt: Time }),
)
export type RealmKey = z.infer<typeof RealmKey>

export const RealmKeyDraft = named(
  'RealmKeyDraft',
  z.object({ name: Name, publicKey: publicKey.max(16_384) }),
)

export const AgentTokenRequest = named(
  'AgentTokenRequest',
  z.object({
    profile: Name.optional().describe('of the devices it registers; else that of the realm'),
    days: z.int().optional().describe('for which it is good; a year when absent'),
  }),
)

export const AgentToken = named(
  'AgentToken',
  z.object({ token: z.string().describe('shown this once, and kept nowhere'), expiresAt: Time }),
)

export const DeviceAuthority = named(
  'DeviceAuthority',
  z.object({ certificate: z.string().describe('in PEM') }),
)

export const Pairing = named(
  'Pairing',
  z.object({
    deviceId: Id,
    astarteId: z.string().describe('the id of the device to Astarte'),
    status: z.enum(['pending', 'confirmed', 'inhibited']),
    isConnected: z.boolean(),
    connectedAt: Time.nullable(),
    disconnectedAt: Time.nullable(),
    lastAddress: z.string().nullable(),
    interfaces: z
      .record(z.string(), z.string())
      .describe('those the device says it speaks, each with its version'),
    cancelling: z
      .array(Id)
      .describe('updates that were cancelled here and that it has yet to say its last word of'),
    createdAt: Time,
  }),
)
export type Pairing = z.infer<typeof Pairing>

export const PairingDraft = named(
  'PairingDraft',
  z.object({
    astarteId: z.string().max(255).describe('128 bits in base64url: 22 characters'),
  }),
)

export const NewPairing = named(
  'NewPairing',
  Pairing.extend({ credentialsSecret: z.string().describe('shown this once') }),
)

export const PairingChange = named(
  'PairingChange',
  z.object({ isInhibited: z.boolean().describe('whether it is kept outside') }),
)
