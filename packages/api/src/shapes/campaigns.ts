/** Campaigns: one release for many devices, in waves. */
import {
  CAMPAIGN_OUTCOMES,
  CAMPAIGN_STATUSES,
  FORECASTS,
  STANDARD_CAMPAIGN_SETTINGS,
  TARGET_STATUSES,
} from '@updraft/core'
import { z } from 'zod'
import { Handling } from './handling.ts'
import { StateName } from './operations.ts'
import { ListQuery } from './paging.ts'
import { ReleaseRef } from './releases.ts'
import { Id, Name, named, Reason, Time, TypeName } from './words.ts'

export const CampaignStatus = named('CampaignStatus', z.enum(CAMPAIGN_STATUSES))
export const CampaignOutcome = named('CampaignOutcome', z.enum(CAMPAIGN_OUTCOMES))
export const TargetStatus = named('TargetStatus', z.enum(TARGET_STATUSES))
export type CampaignStatus = z.infer<typeof CampaignStatus>
export type CampaignOutcome = z.infer<typeof CampaignOutcome>
export type TargetStatus = z.infer<typeof TargetStatus>

export const Audience = named(
  'Audience',
  z.union([
    z.strictObject({ channelId: Id }).describe('the groups of that channel'),
    z.strictObject({ groupIds: z.array(Id).min(1).max(100) }).describe('some groups'),
    z.strictObject({ expression: z.string() }).describe('devices the expression holds for'),
  ]),
)
export type Audience = z.infer<typeof Audience>

const WaveSize = z.union([
  z.strictObject({ count: z.number() }),
  z.strictObject({ percentage: z.number() }),
])

const wave = {
  size: WaveSize.describe('so many devices, or that share of all'),
  successPercentage: z.number().describe('so many of the wave must be updated before it goes on'),
  soakSeconds: z.number().describe('how long it is watched after that'),
  needsApproval: z.boolean().describe('whether a person then has to let it go on'),
}

const settings = {
  maxInProgress: z.number().describe('so many devices are at it at most'),
  maxFailurePercentage: z
    .number()
    .describe('of all devices: when more have failed the campaign ends as a failure'),
  stopRule: z
    .object({
      failurePercentage: z.number().describe('failed among those that have ended'),
      minFinished: z.number().describe('so many must have ended before it counts'),
    })
    .nullable(),
  requestRetries: z.number().describe('how often a device that says nothing is asked again'),
  requestTimeoutSeconds: z.number().describe('how long it may say nothing; 30 at least'),
  progressTimeoutSeconds: z
    .number()
    .nullable()
    .describe('how long one that has begun may say nothing further before it has failed'),
  forceDowngrade: z
    .boolean()
    .describe('also over newer versions, and over those the release may not start from'),
  windows: z
    .string()
    .max(2048)
    .describe('maintenance windows such as "Mon-Fri 22:00-04:00 Europe/Berlin; Sat 00:00-24:00"'),
  windowAttribute: z
    .string()
    .max(255)
    .nullable()
    .describe('attribute in which a device has windows of its own'),
  urgency: Handling.shape.urgency,
  forcedFrom: Handling.shape.forcedFrom,
  isDownloadOnly: Handling.shape.isDownloadOnly,
  confirmedBy: Handling.shape.confirmedBy,
  isDynamic: z.boolean().describe('devices the audience comes to hold later on join'),
  rollsBackOnStop: z
    .boolean()
    .describe('when it stops by itself, devices it has updated go back to what they had'),
}

export const CampaignSettings = named(
  'CampaignSettings',
  z.object({ ...settings, waves: z.array(z.object(wave)) }),
)
export type CampaignSettings = z.infer<typeof CampaignSettings>

export const CampaignSettingsDraft = named(
  'CampaignSettingsDraft',
  z
    .object({
      ...settings,
      waves: z
        .array(
          z
            .object(wave)
            .partial({ successPercentage: true, soakSeconds: true, needsApproval: true }),
        )
        .describe('without any said, one device goes first where there are many; [] has none'),
    })
    .partial()
    .describe(`What is not said is ${JSON.stringify(STANDARD_CAMPAIGN_SETTINGS)}`),
)

export const CampaignDraft = named(
  'CampaignDraft',
  z.object({
    name: Name,
    releaseId: Id,
    audience: Audience,
    settings: CampaignSettingsDraft.default({}),
    scheduledAt: Time.nullable().optional().describe('at once where it is not said'),
  }),
)
export type CampaignDraft = z.input<typeof CampaignDraft>

export const CampaignChange = named(
  'CampaignChange',
  z.object({
    name: Name.optional(),
    releaseId: Id.optional(),
    audience: Audience.optional(),
    settings: CampaignSettingsDraft.optional(),
    scheduledAt: Time.nullable().optional(),
  }),
)

export const Tally = named(
  'Tally',
  z.object({
    idle: z.int(),
    'in-progress': z.int(),
    successful: z.int(),
    failed: z.int(),
    skipped: z.int(),
  }),
)
export type Tally = z.infer<typeof Tally>

export const Wave = named(
  'Wave',
  z.object({
    size: z.int(),
    asked: z.int().describe('how many have had their turn'),
    successful: z.int(),
    failed: z.int(),
    skipped: z.int(),
    openedAt: Time.nullable(),
    passedAt: Time.nullable().describe('when enough of them were updated'),
    approvedAt: Time.nullable(),
    successPercentage: z
      .number()
      .nullable()
      .describe('null for the last one, which nothing follows'),
    soakSeconds: z.number(),
    needsApproval: z.boolean(),
  }),
)
export type Wave = z.infer<typeof Wave>

export const Campaign = named(
  'Campaign',
  z.object({
    id: Id,
    name: z.string(),
    type: TypeName,
    release: ReleaseRef,
    audience: Audience,
    settings: CampaignSettings,
    status: CampaignStatus,
    outcome: CampaignOutcome.nullable(),
    because: z.string().describe('why it is as it is'),
    reason: Reason,
    gate: Reason.nullable().describe('why no more devices are asked right now; null when they are'),
    total: z.int(),
    tally: Tally,
    waves: z.array(Wave),
    canApprove: z.boolean().describe('a wave waits for a person'),
    rollsBack: Id.nullable().describe('the campaign whose devices it takes back'),
    createdBy: z.string(),
    createdAt: Time,
    scheduledAt: Time.nullable(),
    startedAt: Time.nullable(),
    finishedAt: Time.nullable(),
  }),
)
export type Campaign = z.infer<typeof Campaign>

/** One of them, or several with commas between. */
const severalOf = (statuses: readonly string[]) => {
  const one = `(${statuses.join('|')})`
  return z.string().regex(new RegExp(`^${one}(,${one})*$`), {
    error: `Not statuses: they are ${statuses.join(', ')}, with commas between.`,
  })
}

export const CampaignQuery = ListQuery.extend({
  name: z.string().optional().describe('exactly this name'),
  status: severalOf(CAMPAIGN_STATUSES).optional(),
  outcome: CampaignOutcome.optional(),
  releaseId: Id.optional(),
  channelId: Id.optional(),
  deviceId: Id.optional().describe('those this device is a target of'),
})

export const Target = named(
  'Target',
  z.object({
    device: z.object({
      id: Id,
      name: z.string().nullable().describe('null once it was removed'),
    }),
    status: TargetStatus,
    because: z.string(),
    reason: Reason,
    wave: z.int().nullable().describe('from 1; null before its turn'),
    before: ReleaseRef.omit({ id: true })
      .extend({ title: z.string().nullable(), version: z.string().nullable() })
      .nullable()
      .describe('what it ran when it was asked'),
    askedAt: Time.nullable(),
    endedAt: Time.nullable(),
    operation: z
      .object({
        id: Id,
        state: StateName,
        progress: z.number().describe('percent'),
        error: z.string().nullable(),
        code: z.string().nullable(),
        retries: z.int().describe('how often it was asked again or began again'),
      })
      .nullable(),
  }),
)
export type Target = z.infer<typeof Target>

export const TargetQuery = ListQuery.extend({
  status: severalOf(TARGET_STATUSES).optional(),
  wave: z.coerce.number().int().min(1).optional(),
})

export const TargetDots = named(
  'TargetDots',
  z.object({
    items: z.array(z.object({ device: Id, status: TargetStatus, state: StateName.nullable() })),
  }),
)
export type TargetDots = z.infer<typeof TargetDots>

export const DotQuery = z.object({
  limit: z.coerce.number().int().min(1).max(10_000).default(10_000),
})

export const ForecastQuery = z.object({
  limit: z.coerce.number().int().min(1).max(500).default(100),
  cursor: Id.optional(),
})

export const Forecast = named(
  'Forecast',
  z.object({
    device: z.object({ id: Id, name: z.string() }),
    would: z
      .enum(FORECASTS)
      .describe('be asked, wait, or be settled like that without being asked'),
    because: z.string(),
    reason: Reason,
  }),
)
export type Forecast = z.infer<typeof Forecast>

export const ForecastCounts = named(
  'ForecastCounts',
  z.object({
    devices: z.int(),
    would: z.record(z.enum(FORECASTS), z.int()),
    isComplete: z
      .boolean()
      .describe('false: only so many devices of a larger audience were looked at'),
  }),
)
export type ForecastCounts = z.infer<typeof ForecastCounts>

export const RollBack = named('RollBack', z.object({ name: Name.optional() }))
