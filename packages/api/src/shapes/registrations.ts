/** Devices that registered by themselves and wait to be claimed. */
import { z } from 'zod'
import { Id, JsonObject, Name, named, Time } from './words.ts'

export const WaitingDevice = named(
  'WaitingDevice',
  z.object({
    id: Id,
    saidId: z.string().describe('what it calls itself'),
    profile: z.string().describe('as the key says that it came with'),
    profileId: Id,
    cloud: z.string().nullable().describe('by whose token it came; null for none'),
    cloudId: Id.nullable(),
    version: z.string().nullable().describe('what it says it runs, where it said so'),
    facts: JsonObject.describe('what it says of itself'),
    times: z.int().describe('how often it came'),
    firstSeenAt: Time,
    lastSeenAt: Time,
  }),
)
export type WaitingDevice = z.infer<typeof WaitingDevice>

export const WaitingClaim = named(
  'WaitingClaim',
  z.object({
    ids: z.array(Id).min(1).max(500),
    name: Name.optional().describe('what the device is called, for one only; as it calls itself'),
    cloudId: Id.nullable().optional().describe('the one it came through when absent'),
    customerId: Id.optional().describe('who owns it; the tenant itself when absent'),
    labels: z.array(Name).max(64).optional(),
  }),
)

export const ClaimedDevices = named(
  'ClaimedDevices',
  z.object({
    items: z.array(z.object({ waitingId: Id, deviceId: Id, name: z.string() })),
  }),
)
export type ClaimedDevices = z.infer<typeof ClaimedDevices>

export const ReEnrolment = named(
  'ReEnrolment',
  z.object({
    deviceIds: z.array(Id).min(1).max(1000),
    cloudId: Id.nullable()
      .optional()
      .describe('where they are served from then; as before when absent'),
  }),
)
