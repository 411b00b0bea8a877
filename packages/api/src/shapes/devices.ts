/** Devices, and what is so of each of their components. */
import { CREDENTIAL_KINDS } from '@updraft/core'
import { z } from 'zod'
import { CredentialDraft } from './credentials.ts'
import { Handling } from './handling.ts'
import { Operation, StateNames } from './operations.ts'
import { ListQuery } from './paging.ts'
import { ReleaseRef } from './releases.ts'
import {
  ExpressionText,
  Id,
  JsonObject,
  Name,
  named,
  Reason,
  Ref,
  Time,
  Token255,
} from './words.ts'

export const Installed = named(
  'Installed',
  z.object({ title: z.string().nullable(), version: z.string().nullable() }),
)
export type Installed = z.infer<typeof Installed>

export const Component = named(
  'Component',
  z.object({
    installed: Installed.nullable(),
    assigned: z
      .object({
        scope: z.enum(['device', 'profile']),
        release: ReleaseRef,
        handling: Handling,
        at: Time,
      })
      .nullable()
      .describe("the device's own assignment, or else its profile's"),
    target: ReleaseRef.nullable().describe('the release meant for it, if any'),
    policy: ReleaseRef.nullable().describe(
      'the release whose policy brings it, or holds for the device and keeps it back',
    ),
    verdict: z.enum(['offer', 'under-way', 'nothing']),
    because: z.string().describe('why this release, or why nothing'),
    reason: Reason,
    lookAgainAt: Time.nullable(),
    held: z
      .object({
        comesIfAsked: z.boolean().describe('the button on the page of the box lets it come'),
      })
      .nullable()
      .describe('not null: the form of the box keeps it back'),
    operation: Operation.nullable().describe('under way, or else the last one'),
  }),
)
export type Component = z.infer<typeof Component>

export const Device = named(
  'Device',
  z.object({
    id: Id,
    name: z.string(),
    profile: z.string(),
    profileId: Id,
    customer: z.string().nullable().describe('who owns it; null for the tenant itself'),
    customerId: Id.nullable(),
    cloud: z.string().nullable().describe('the cloud that serves it; null for none'),
    cloudId: Id.nullable(),
    systemModel: Ref.nullable().describe('what its part number says it is'),
    hardwareType: Ref.nullable().describe("the system model's, or else the part number's own"),
    labels: z.array(z.string()),
    attributes: JsonObject,
    inventory: JsonObject,
    installed: z.record(z.string(), Installed),
    dialect: z.string().nullable(),
    astarteId: z
      .string()
      .nullable()
      .describe('under which it is paired in the realm; null when it is not'),
    registeredAs: z
      .string()
      .nullable()
      .describe('what it called itself when it registered by itself; null when it did not'),
    lastSeenAt: Time.nullable(),
    createdAt: Time,
    operation: Operation.nullable().describe('under way, or else the last one, of any type'),
    components: z.record(z.string(), Component),
  }),
)
export type Device = z.infer<typeof Device>

export const DeviceDraft = named(
  'DeviceDraft',
  z.object({
    name: Name,
    profile: Name.describe(
      'name of the profile; without one, that of the system model of the attribute partNumber',
    ).optional(),
    profileId: Id.optional(),
    token: Token255.optional().describe('made up when there is no credential of another kind'),
    credentials: z
      .array(CredentialDraft)
      .max(CREDENTIAL_KINDS.length)
      .optional()
      .describe('each of another kind'),
    customerId: Id.optional().describe('who owns it; the tenant itself when absent'),
    cloudId: Id.optional().describe('the cloud that serves it'),
    labels: z.array(Name).max(64).optional(),
    attributes: JsonObject.optional(),
  }),
)
export type DeviceDraft = z.infer<typeof DeviceDraft>

/** One alone may be paired at once, too. */
export const DeviceAddition = named(
  'DeviceAddition',
  DeviceDraft.extend({
    astarteId: z
      .string()
      .max(255)
      .optional()
      .describe('paired in the realm under it, 22 characters of base64url; no token is made up'),
  }),
)

export const DeviceWithToken = named(
  'DeviceWithToken',
  Device.extend({
    token: z.string().nullable().describe('shown this once; null when it has none'),
    credentialsSecret: z
      .string()
      .nullable()
      .describe('of a device that was paired, shown this once; else null'),
  }),
)
export type DeviceWithToken = z.infer<typeof DeviceWithToken>

export const DeviceClaim = named(
  'DeviceClaim',
  z.object({ name: Name, secretKey: z.string().max(1024).optional() }),
)

export const DeviceChange = named(
  'DeviceChange',
  z.object({
    name: Name.optional(),
    profileId: Id.optional(),
    customerId: Id.nullable().optional().describe('null gives it back to the tenant'),
    cloudId: Id.nullable().optional().describe('null for none'),
    labels: z.array(Name).max(64).optional(),
    attributes: JsonObject.optional().describe('replaces what there is'),
  }),
)

export const LabelCount = named('LabelCount', z.object({ label: z.string(), devices: z.int() }))

/** Which devices; all that is said must hold. */
export const DeviceFilter = z.object({
  name: z.string().optional().describe('exactly this name'),
  profile: z.string().optional().describe('name of the profile'),
  customer: z.string().optional().describe('name of the customer who owns it'),
  cloud: z.string().optional().describe('name of the cloud that serves it'),
  label: z.string().optional(),
  state: StateNames.optional().describe(
    'of its newest operation, of any type; several with commas between',
  ),
  releaseId: Id.optional().describe('what that operation is about'),
  search: ListQuery.shape.search,
  filter: ExpressionText.optional().describe(
    'an expression that holds for them, as groups have one',
  ),
})
