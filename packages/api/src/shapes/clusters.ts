/** Clusters of Astarte that serve a realm's devices in place of this server. */
import { z } from 'zod'
import { named, Time } from './words.ts'

const baseUrl = z.string().max(255).describe("the root of the cluster's API")
const realm = z
  .string()
  .regex(/^[a-z][a-z0-9]{0,47}$/)
  .describe('what the cluster calls the realm')

export const Cluster = named(
  'Cluster',
  z.object({
    baseUrl,
    realm,
    algorithm: z
      .enum(['ES256', 'ES384', 'ES512', 'RS256'])
      .describe("how the realm's key signs; the key itself is never told"),
    triggersCall: z.string().describe('what triggers of the cluster call when something happens'),
    createdAt: Time,
    changedAt: Time,
    lookedAt: Time.nullable().describe('when the realm was last looked at'),
    wellAt: Time.nullable().describe('when all was well there last'),
    version: z.string().nullable().describe('of Astarte'),
    done: z.array(z.string()).describe('what was done to it the last time anything had to be'),
    error: z.string().nullable().describe('why it is not well; null when it is'),
  }),
)
export type Cluster = z.infer<typeof Cluster>

export const ClusterDraft = named(
  'ClusterDraft',
  z.object({
    baseUrl,
    realm: realm.optional().describe('what the cluster calls the realm; its name here if absent'),
    privateKey: z
      .string()
      .min(1)
      .max(20_000)
      .optional()
      .describe("the realm's private key in PEM; the one before if absent"),
  }),
)

export const ClusterRemoved = named(
  'ClusterRemoved',
  z.object({
    untakenBack: z
      .string()
      .nullable()
      .describe('why what calls us could not be taken back at the cluster; null when it was'),
  }),
)

export const ClusterCheck = named(
  'ClusterCheck',
  z.object({
    isWell: z.boolean(),
    items: z.array(
      z.object({
        what: z.string().describe('what was tried'),
        isWell: z.boolean(),
        message: z.string(),
      }),
    ),
  }),
)
export type ClusterCheck = z.infer<typeof ClusterCheck>
