/** Policies: a release says for itself which devices are to get it. */
import { z } from 'zod'
import { ListQuery } from './paging.ts'
import { ReleaseRef } from './releases.ts'
import { Id, named, Reason, Time, TypeName } from './words.ts'

/** Read by the core, which says where a mistake is. */
export const PolicyText = z
  .string()
  .max(65_536)
  .describe(
    'CEL over what is known of a device, such as `device.region == "us"`; "" is every older device',
  )

const limits = {
  maxDevices: z.int().nullable().describe('so many devices are offered it at most'),
  percentage: z
    .number()
    .nullable()
    .describe('of the devices of the profile, and of the clouds: that share at most, rounded up'),
  rate: z.int().nullable().describe('so many devices in a period; goes with periodSeconds'),
  periodSeconds: z.int().nullable().describe('how long a period is; goes with rate'),
}

export const PolicyLimits = named('PolicyLimits', z.object(limits))
export type PolicyLimits = z.infer<typeof PolicyLimits>

export const PolicyCounts = named(
  'PolicyCounts',
  z.object({
    population: z.int().describe('devices of the profile and clouds, as last counted'),
    offered: z.int().describe('devices that were offered the release; what limits count'),
    deferred: z.int().describe('devices it holds for that a limit held back when they last asked'),
    started: z.int().describe('devices that began, however they fared'),
    succeeded: z.int(),
    failed: z.int(),
  }),
)
export type PolicyCounts = z.infer<typeof PolicyCounts>

export const Policy = named(
  'Policy',
  z.object({
    release: ReleaseRef.extend({ id: Id }),
    type: TypeName,
    profile: z.string(),
    profileId: Id,
    expression: PolicyText,
    isEnabled: z.boolean(),
    limits: PolicyLimits,
    cloudIds: z.array(Id).describe('only devices of these clouds; empty for all'),
    counts: PolicyCounts,
    warnings: z.array(Reason).describe('what may not be meant, such as a downgrade'),
    publishedAt: Time.describe('when it was last enabled, or what it holds for was changed'),
    createdAt: Time,
    createdBy: z.string(),
  }),
)
export type Policy = z.infer<typeof Policy>

export const PolicyDraft = named(
  'PolicyDraft',
  z.object({
    expression: PolicyText.default(''),
    limits: PolicyLimits.partial().default({}).describe('what is not said is not limited'),
    cloudIds: z.array(Id).max(100).default([]),
    isEnabled: z.boolean().default(true),
  }),
)
export type PolicyDraft = z.input<typeof PolicyDraft>

export const PolicyQuery = ListQuery.extend({
  profileId: Id.optional(),
  profile: z.string().optional().describe('name of the profile'),
  type: z.string().optional(),
  isEnabled: z.enum(['true', 'false']).optional(),
})

const written = { releaseId: Id, expression: PolicyText }

export const PolicyCheckRequest = named('PolicyCheckRequest', z.object(written))
export const PolicyCheck = named('PolicyCheck', z.object({ warnings: z.array(Reason) }))
export type PolicyCheck = z.infer<typeof PolicyCheck>

export const PolicyCountRequest = named(
  'PolicyCountRequest',
  z.object({ ...written, cloudIds: z.array(Id).max(100).default([]) }),
)
export const PolicyMatches = named(
  'PolicyMatches',
  z.object({
    count: z.int().describe('devices it holds for now, those that run the release left out'),
    population: z.int().describe('devices of the profile and clouds'),
    sample: z
      .array(z.object({ id: Id, name: z.string(), version: z.string().nullable() }))
      .describe('up to ten of them, by name'),
  }),
)
export type PolicyMatches = z.infer<typeof PolicyMatches>

export const PolicyTryRequest = named(
  'PolicyTryRequest',
  z.object({
    releaseId: Id,
    deviceId: Id,
    expression: PolicyText.optional().describe('the one the release has when absent'),
  }),
)
export const PolicyTrial = named(
  'PolicyTrial',
  z.object({
    holds: z.boolean(),
    because: z.string().nullable().describe('why it cannot be decided; null when it can'),
    version: z.string().nullable().describe('what the device runs'),
    newVersion: z.string(),
    would: z.enum(['offer', 'under-way', 'nothing']),
    release: ReleaseRef.nullable().describe('what the device would be offered, or is meant for it'),
    reason: Reason.describe('why it would be offered that, or nothing'),
  }),
)
export type PolicyTrial = z.infer<typeof PolicyTrial>

export const PolicyStatistics = named(
  'PolicyStatistics',
  z.object({
    release: ReleaseRef.extend({ id: Id }),
    type: TypeName,
    profile: z.string(),
    profileId: Id,
    isEnabled: z.boolean(),
    requests: z
      .int()
      .describe('devices of the profile and clouds that have asked since it was published'),
    offered: z.int(),
    deferred: z.object({ maxDevices: z.int(), percentage: z.int(), rate: z.int() }),
    started: z.int(),
    succeeded: z.int(),
    failed: z.int(),
  }),
)
export type PolicyStatistics = z.infer<typeof PolicyStatistics>

export const STANDINGS = ['offered', 'deferred'] as const
export const FARED = ['started', 'succeeded', 'failed'] as const

export const PolicyDevice = named(
  'PolicyDevice',
  z.object({
    device: z.object({ id: Id, name: z.string() }),
    standing: z.enum(STANDINGS),
    because: Reason,
    at: Time.describe('since when'),
    fared: z.enum(FARED).nullable().describe('how its update went; null before it began'),
  }),
)
export type PolicyDevice = z.infer<typeof PolicyDevice>

export const PolicyDeviceQuery = ListQuery.pick({ limit: true, cursor: true }).extend({
  standing: z.enum(STANDINGS).optional(),
  fared: z.enum(FARED).optional(),
})
