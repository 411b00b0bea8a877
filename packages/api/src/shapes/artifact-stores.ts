/** Where the files of releases are kept. */
import { z } from 'zod'
import { Name, named } from './words.ts'

export const ArtifactStore = named(
  'ArtifactStore',
  z.object({
    name: z.string(),
    kind: z.enum(['file', 's3']),
    isDefault: z
      .boolean()
      .describe('files come in here, and devices without a cloud fetch from it'),
    progress: z
      .object({
        toCome: z.int().describe('files still to be copied into it'),
        toLeave: z
          .int()
          .describe('files that were moved away, and go when no address is good any more'),
        error: z.string().nullable().describe('why the last copy that failed did'),
      })
      .nullable()
      .describe('over all tenants; null to those who see no other'),
  }),
)
export type ArtifactStore = z.infer<typeof ArtifactStore>

export const ArtifactMove = named('ArtifactMove', z.object({ from: Name, to: Name }))
export const ArtifactMoveBegun = named(
  'ArtifactMoveBegun',
  z.object({ artifacts: z.int().describe('how many files are on their way') }),
)
