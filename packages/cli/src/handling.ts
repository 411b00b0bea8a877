/** How an update is to be brought, as one says it on the command line. */
import { type Handling, PROOFS_OF_LIFE, type ProofOfLife } from '@updraft/core'
import { oneOf, text, time, yes } from './command.ts'
import { WrongWords } from './errors.ts'

export const urgencyFlags = {
  soft: yes('--soft', 'the device updates when it likes, where its language can say so'),
  forced: yes('--forced', "it must, also where its profile's may"),
  forcedFrom: time('--forced-from <time>', 'soft until then, e.g. 2026-07-01T22:00:00Z'),
  downloadOnly: yes('--download-only', 'the device fetches it and installs nothing'),
  confirmedBy: oneOf(
    '--confirmed-by <sign>',
    'when it counts for devices of hawkBit’s: as they report it, or when they show it',
    [...PROOFS_OF_LIFE],
  ),
}

export const handlingFlags = {
  ...urgencyFlags,
  windows: text(
    '--windows <text>',
    'only then, e.g. "Mon-Fri 22:00-04:00 Europe/Berlin" or "cron 0 0 22 ? * MON-FRI for 06:00:00 UTC"',
  ),
}

interface Said {
  readonly soft?: boolean
  readonly forced?: boolean
  readonly forcedFrom?: string
  readonly downloadOnly?: boolean
  readonly confirmedBy?: ProofOfLife
  readonly windows?: string
}
type Draft = Partial<Handling>

/** Only what was said; nothing where that is nothing. */
export function handlingOf({
  soft,
  forced,
  forcedFrom,
  downloadOnly,
  confirmedBy,
  windows,
}: Said): Draft | null {
  if (forced && (soft || forcedFrom !== undefined)) {
    throw new WrongWords('It is either --forced or --soft.')
  }
  const urgency = forced ? 'forced' : soft || forcedFrom !== undefined ? 'soft' : undefined
  const draft = {
    urgency,
    forcedFrom,
    isDownloadOnly: downloadOnly,
    confirmedBy,
    windows,
  }
  const entries = Object.entries(draft).filter(([, value]) => value !== undefined)
  return entries.length === 0 ? null : Object.fromEntries(entries)
}
