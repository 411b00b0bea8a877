/** Clouds: where sets of devices are served from. */
import { z } from 'zod'
import { Id, Name, named, Time } from './words.ts'

const publicUrl = z
  .string()
  .max(255)
  .nullable()
  .describe('what its devices are told of the server; null for what all are told')
const artifactStore = Name.nullable().describe(
  'name of the artifact store they fetch from; null for the default one',
)
const region = Name.nullable().describe('a word for people')

export const Cloud = named(
  'Cloud',
  z.object({
    id: Id,
    name: z.string(),
    publicUrl,
    artifactStore,
    region,
    deviceCount: z.int(),
    createdAt: Time,
  }),
)
export type Cloud = z.infer<typeof Cloud>

export const CloudDraft = named(
  'CloudDraft',
  z.object({
    name: Name,
    publicUrl: publicUrl.optional(),
    artifactStore: artifactStore.optional(),
    region: region.optional(),
  }),
)
export const CloudChange = named('CloudChange', CloudDraft.partial())

export const CloudToken = named('CloudToken', z.object({ id: Id, createdAt: Time }))
export type CloudToken = z.infer<typeof CloudToken>

export const NewCloudToken = named(
  'NewCloudToken',
  CloudToken.extend({ token: z.string().describe('shown this once') }),
)
