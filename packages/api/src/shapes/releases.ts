/** Releases, the files they are of, and uploads of those. */
import { CHECKSUM_ALGORITHMS } from '@updraft/core'
import { z } from 'zod'
import { HandlingDraft } from './handling.ts'
import { Id, Name, named, Time, TypeName } from './words.ts'

export const ReleaseRef = named(
  'ReleaseRef',
  z.object({ id: Id.nullable(), title: z.string(), version: z.string() }),
)
export type ReleaseRef = z.infer<typeof ReleaseRef>

export const Artifact = named(
  'Artifact',
  z.object({
    sha256: z.string(),
    sizeBytes: z.int(),
    checksums: z.partialRecord(z.enum(CHECKSUM_ALGORITHMS), z.string()),
  }),
)
export type Artifact = z.infer<typeof Artifact>

export const Upload = named(
  'Upload',
  z.object({
    id: Id,
    sizeBytes: z.int(),
    offsetBytes: z.int().describe('how much of it there is'),
    fileName: z.string().nullable(),
    artifact: Artifact.nullable().describe('what it has become, once all of it is there'),
  }),
)
export type Upload = z.infer<typeof Upload>

const Needs = z
  .record(z.string(), z.string())
  .describe('what other components have to run for it, by type: {"image": ">= 24.10"}')

export const Release = named(
  'Release',
  z.object({
    id: Id,
    title: z.string(),
    version: z.string(),
    type: TypeName,
    profile: z.string(),
    profileId: Id,
    tag: z.string().nullable(),
    description: z.string().nullable(),
    checksumAlgorithm: z.enum(CHECKSUM_ALGORITHMS).nullable(),
    checksum: z.string().nullable(),
    sizeBytes: z.int().nullable(),
    sha256: z.string().nullable(),
    fileName: z.string().nullable(),
    contentType: z.string().nullable(),
    url: z.string().nullable().describe('where devices fetch it, when it is not kept here'),
    requirement: z.string().nullable(),
    needs: Needs,
    createdAt: Time,
  }),
)
export type Release = z.infer<typeof Release>

export const Package = named(
  'Package',
  z.object({
    title: z.string(),
    releases: z.int().describe('how many there are'),
    latestAt: Time.describe('when the newest was added'),
  }),
)
export type Package = z.infer<typeof Package>

export const ReleaseDraft = named(
  'ReleaseDraft',
  z.object({
    title: z.string(),
    version: z.string(),
    type: z.string().default('firmware'),
    profile: Name.describe('name of the profile').optional(),
    profileId: Id.optional(),
    tag: z.string().optional(),
    description: z.string().optional(),
    sha256: z.string().optional().describe('of an uploaded artifact; this or url'),
    fileName: z.string().max(255).optional(),
    contentType: z.string().max(255).optional(),
    url: z.string().optional(),
    sizeBytes: z.int().min(0).optional().describe('for a url, where it is known'),
    checksumAlgorithm: z
      .string()
      .optional()
      .describe(`one of ${CHECKSUM_ALGORITHMS.join(', ')}`),
    checksum: z.string().optional(),
    requirement: z.string().optional().describe('e.g. ~> 2.0 and >= 2.1.3'),
    needs: Needs.optional(),
  }),
)

/** What one device is brought by hand. */
export const ManualUpdate = named(
  'ManualUpdate',
  ReleaseDraft.pick({
    title: true,
    version: true,
    type: true,
    sha256: true,
    fileName: true,
    contentType: true,
    url: true,
    sizeBytes: true,
    checksumAlgorithm: true,
    checksum: true,
  })
    .extend({ handling: HandlingDraft.optional() })
    .superRefine(({ sha256, url }, context) => {
      if (Boolean(sha256) !== Boolean(url)) return
      const message = 'Either sha256, of an uploaded file, or url is needed, and not both.'
      for (const path of ['sha256', 'url']) {
        context.addIssue({ code: 'custom', path: [path], message })
      }
    }),
)
