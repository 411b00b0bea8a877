/**
 * How campaigns and their targets look, wherever they are shown: in the colours of the states they come closest to,
 * each with an icon and a word of its own.
 */
import {
  type Icon,
  IconCalendarTime,
  IconCheck,
  IconCircleOff,
  IconClock,
  IconHandStop,
  IconPlayerPause,
  IconPlayerPlay,
  IconPlayerTrackNext,
  IconX,
} from '@tabler/icons-react'
import type { Campaign, Forecast, Tally } from '@updraft/api/shapes'
import type { CampaignOutcome, CampaignStatus, TargetStatus } from '@updraft/core'
import type { Look } from './states.tsx'

export interface Appearance {
  readonly word: string
  readonly Icon: Icon
  readonly look: Look
}

const STATUSES: Readonly<Record<Exclude<CampaignStatus, 'finished'>, Appearance>> = {
  scheduled: { word: 'scheduled', Icon: IconCalendarTime, look: 'QUEUED' },
  'in-progress': { word: 'in progress', Icon: IconPlayerPlay, look: 'DOWNLOADING' },
  pausing: { word: 'pausing', Icon: IconPlayerPause, look: 'HELD_BACK' },
  paused: { word: 'paused', Icon: IconPlayerPause, look: 'HELD_BACK' },
}
const OUTCOMES: Readonly<Record<CampaignOutcome, Appearance>> = {
  success: { word: 'done', Icon: IconCheck, look: 'UPDATED' },
  failure: { word: 'stopped', Icon: IconX, look: 'FAILED' },
  cancelled: { word: 'cancelled', Icon: IconCircleOff, look: 'CANCELED' },
}
const WAITS: Appearance = { word: 'needs approval', Icon: IconHandStop, look: 'NEEDS_ATTENTION' }

type Shown = Pick<Campaign, 'status' | 'outcome' | 'canApprove'>

export function appearanceOf({ status, outcome, canApprove }: Shown): Appearance {
  if (status === 'finished') return OUTCOMES[outcome ?? 'success']
  return canApprove ? WAITS : STATUSES[status]
}

/** What a list of campaigns can be narrowed to, by what the server is asked. */
export const NARROWED = {
  'under-way': { label: 'under way', query: { status: 'in-progress,pausing,paused' } },
  scheduled: { label: STATUSES.scheduled.word, query: { status: 'scheduled' } },
  done: { label: OUTCOMES.success.word, query: { outcome: 'success' } },
  stopped: { label: OUTCOMES.failure.word, query: { outcome: 'failure' } },
  cancelled: { label: OUTCOMES.cancelled.word, query: { outcome: 'cancelled' } },
} as const satisfies Record<
  string,
  { label: string; query: { status?: string; outcome?: CampaignOutcome } }
>

/** In the order in which bars and tabs have them. */
export const TARGETS = {
  successful: { word: 'successful', Icon: IconCheck, look: 'UPDATED' },
  failed: { word: 'failed', Icon: IconX, look: 'FAILED' },
  'in-progress': { word: 'in progress', Icon: IconPlayerPlay, look: 'DOWNLOADING' },
  idle: { word: 'idle', Icon: IconClock, look: 'QUEUED' },
  skipped: { word: 'skipped', Icon: IconPlayerTrackNext, look: 'CANCELED' },
} as const satisfies Record<TargetStatus, Appearance>
export const TARGET_ORDER = Object.keys(TARGETS) as readonly TargetStatus[]

/** What would come of a device, in a dry run. */
export const FORETOLD: Readonly<Record<Forecast['would'], Appearance>> = {
  asked: { word: 'asked', Icon: IconPlayerPlay, look: 'DOWNLOADING' },
  waits: { word: 'waits', Icon: IconClock, look: 'QUEUED' },
  successful: { word: 'has it already', Icon: IconCheck, look: 'UPDATED' },
  failed: { word: 'refused', Icon: IconX, look: 'FAILED' },
  skipped: { word: 'skipped', Icon: IconPlayerTrackNext, look: 'CANCELED' },
}

/** "12 successful, 3 in progress": what there is of each. */
export const tallyWords = (tally: Tally): string =>
  TARGET_ORDER.filter((status) => tally[status] > 0)
    .map((status) => `${tally[status]} ${TARGETS[status].word}`)
    .join(', ') || 'no devices'

/** How many are done, however that went. */
export const endedOf = ({ successful, failed, skipped }: Tally): number =>
  successful + failed + skipped
