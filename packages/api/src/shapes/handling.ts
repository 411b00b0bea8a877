/** How an update is to be brought. */
import { PROOFS_OF_LIFE, URGENCIES } from '@updraft/core'
import { z } from 'zod'
import { named, Time } from './words.ts'

const handling = {
  urgency: z
    .enum(URGENCIES)
    .nullable()
    .describe('soft: the device updates when it likes; null: as is usual for its profile'),
  forcedFrom: Time.nullable().describe('from then on what is soft is forced'),
  isDownloadOnly: z.boolean().describe('the device fetches it and installs nothing'),
  confirmedBy: z
    .enum(PROOFS_OF_LIFE)
    .nullable()
    .describe(
      'when an update of hawkBit’s devices counts: as the device reports it, when it comes again, or when its version attribute says so; null: as is usual for its profile',
    ),
  windows: z
    .string()
    .max(2048)
    .describe(
      'when it may begin, such as "Mon-Fri 22:00-04:00 Europe/Berlin" or "cron 0 0 22 ? * MON-FRI for 06:00:00 UTC"',
    ),
}

export const Handling = named('Handling', z.object(handling))
export const HandlingDraft = named(
  'HandlingDraft',
  z.strictObject(handling).partial().describe('what is not said is as ever'),
)
export type Handling = z.infer<typeof Handling>
