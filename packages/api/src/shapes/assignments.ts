/** What is assigned to whom. */
import { z } from 'zod'
import { Handling } from './handling.ts'
import { ReleaseRef } from './releases.ts'
import { Id, named, Time, TypeName } from './words.ts'

export const Assignment = named(
  'Assignment',
  z.object({
    scope: z.enum(['device', 'profile']),
    deviceId: Id.nullable(),
    profileId: Id.nullable(),
    type: TypeName,
    release: ReleaseRef,
    handling: Handling,
    assignedAt: Time,
    assignedBy: z.string(),
  }),
)
export type Assignment = z.infer<typeof Assignment>
