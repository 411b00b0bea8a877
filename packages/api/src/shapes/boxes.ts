/** Boxes: gateways that fetch their handlers as one archive. */
import { z } from 'zod'
import { named } from './words.ts'

const url = z.string().describe('scheme and host by which boxes of the profile reach the server')
const series = z
  .string()
  .describe('the series of their code that they are to follow: 17.0, saas~17.4 or master')

export const BoxServer = named(
  'BoxServer',
  z.object({
    url,
    series,
    tokens: z
      .object({
        pipes: z.string().nullable().describe('for boxes before 18.0; null where no key fits'),
        url: z.string().describe('for boxes from 18.0 on'),
      })
      .nullable()
      .describe('pasted into a box so that it comes; null while devices may not enrol themselves'),
  }),
)
export type BoxServer = z.infer<typeof BoxServer>

export const BoxServerDraft = named(
  'BoxServerDraft',
  z.object({ url: url.max(2048), series: series.max(64) }),
)
