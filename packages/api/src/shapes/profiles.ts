/** Device profiles, and how devices enrol into them. */
import { PROVISIONING_STRATEGIES } from '@updraft/core'
import { z } from 'zod'
import { ReleaseRef } from './releases.ts'
import { Id, Name, named, Time, Token255 } from './words.ts'

const claimsAtOnce = z
  .boolean()
  .describe('devices that register with the key alone are claimed at once, and need not wait')

export const Profile = named(
  'Profile',
  z.object({
    id: Id,
    name: z.string(),
    description: z.string().nullable(),
    deviceCount: z.int(),
    assignments: z.record(z.string(), ReleaseRef).describe('by component type'),
    provisioning: z
      .object({ key: z.string(), strategy: z.enum(PROVISIONING_STRATEGIES), claimsAtOnce })
      .nullable()
      .describe('set when devices may enrol themselves'),
    createdAt: Time,
  }),
)
export type Profile = z.infer<typeof Profile>

export const ProfileDraft = named(
  'ProfileDraft',
  z.object({ name: Name, description: z.string().max(65_536).optional() }),
)

export const ProvisioningDraft = named(
  'ProvisioningDraft',
  z.object({
    strategy: z
      .enum(PROVISIONING_STRATEGIES)
      .optional()
      .describe(
        'create-new: devices that are not known are added; check-pre-provisioned: those that were added enrol once each',
      ),
    key: Token255.optional().describe('made up when absent'),
    secret: Token255.optional().describe('made up when absent'),
    claimsAtOnce: claimsAtOnce.optional(),
  }),
)

export const Provisioning = named(
  'Provisioning',
  z.object({
    key: z.string(),
    secret: z.string().describe('shown this once'),
    strategy: z.enum(PROVISIONING_STRATEGIES),
    claimsAtOnce,
  }),
)
export type Provisioning = z.infer<typeof Provisioning>
