/** System models and hardware types, which part numbers stand for. */
import { z } from 'zod'
import { Handle, Id, Name, named, Ref, Time } from './words.ts'

const PartNumber = z.string().min(1).max(255)
const partNumbers = z
  .array(PartNumber)
  .min(1)
  .max(500)
  .describe('no other one has them; what a device tells must be the same to the letter')
const deviceCount = z.int().describe('how many devices are of it now')

const marks = { id: Id, handle: z.string(), name: z.string(), partNumbers: z.array(z.string()) }

export const HardwareType = named('HardwareType', z.object({ ...marks, createdAt: Time }))
export type HardwareType = z.infer<typeof HardwareType>

export const HardwareTypeWithCount = named(
  'HardwareTypeWithCount',
  HardwareType.extend({ deviceCount }),
)
export type HardwareTypeWithCount = z.infer<typeof HardwareTypeWithCount>

export const HardwareTypeDraft = named(
  'HardwareTypeDraft',
  z.object({ handle: Handle, name: Name, partNumbers }),
)
export const HardwareTypeChange = named('HardwareTypeChange', HardwareTypeDraft.partial())

export const SystemModel = named(
  'SystemModel',
  z.object({
    ...marks,
    hardwareType: Ref.nullable(),
    profile: z
      .object({ id: Id, name: z.string() })
      .nullable()
      .describe('what its devices get when they are added without a profile'),
    createdAt: Time,
  }),
)
export type SystemModel = z.infer<typeof SystemModel>

export const SystemModelWithCount = named(
  'SystemModelWithCount',
  SystemModel.extend({ deviceCount }),
)
export type SystemModelWithCount = z.infer<typeof SystemModelWithCount>

export const SystemModelDraft = named(
  'SystemModelDraft',
  HardwareTypeDraft.extend({
    hardwareTypeId: Id.optional().describe('it stays so for ever'),
    profileId: Id.optional(),
  }),
)
export const SystemModelChange = named(
  'SystemModelChange',
  HardwareTypeDraft.partial().extend({
    profileId: Id.nullable().optional().describe('null for none'),
  }),
)
