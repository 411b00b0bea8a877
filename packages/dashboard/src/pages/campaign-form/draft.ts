/** What is filled in on the way to a campaign, and what that makes. */
import type { CampaignDraft } from '@updraft/api/shapes'
import {
  type CampaignSettings,
  checkedCampaignSettings,
  DomainError,
  STANDARD_CAMPAIGN_SETTINGS,
  type WaveSettings,
} from '@updraft/core'
import { localTime } from '../../words/time.ts'
import type { CampaignData } from '../campaign.tsx'

export type Whom = 'expression' | 'groups' | 'channel'
/** Automatic waves are the server's: one device goes first where there are many. */
export type WaveChoice = 'automatic' | 'none' | 'own'

export interface Draft {
  readonly name: string
  readonly releaseId: string | null
  readonly whom: Whom
  readonly expression: string
  readonly groupIds: readonly string[]
  readonly channelId: string | null
  readonly settings: Omit<CampaignSettings, 'waves'>
  readonly waveChoice: WaveChoice
  readonly waves: readonly WaveSettings[]
  /** As a field for date and time has it; empty begins at once. */
  readonly scheduledAt: string
}

export const NEW_WAVE: WaveSettings = {
  size: { percentage: 10 },
  successPercentage: 90,
  soakSeconds: 3_600,
  needsApproval: false,
}

/** From one to some to half, with time to look in between. */
export const USUAL_WAVES: readonly WaveSettings[] = [
  { ...NEW_WAVE, size: { count: 1 }, successPercentage: 100 },
  NEW_WAVE,
  { ...NEW_WAVE, size: { percentage: 40 }, needsApproval: true },
]

export const EMPTY_DRAFT: Draft = {
  name: '',
  releaseId: null,
  whom: 'expression',
  expression: '',
  groupIds: [],
  channelId: null,
  settings: STANDARD_CAMPAIGN_SETTINGS,
  waveChoice: 'automatic',
  waves: USUAL_WAVES,
  scheduledAt: '',
}

type Preset = Pick<
  CampaignSettings,
  | 'maxInProgress'
  | 'maxFailurePercentage'
  | 'stopRule'
  | 'requestRetries'
  | 'requestTimeoutSeconds'
  | 'progressTimeoutSeconds'
>

/**
 * How fast and how patient it is, to begin from; what else is filled in stays. Edgehog's asks one device after another as
 * its form says, in no waves, and waits for a device that has begun however long that takes.
 */
export const PRESETS: Readonly<
  Record<
    'usual' | 'edgehog',
    { readonly label: string; readonly settings: Preset; readonly waveChoice: WaveChoice }
  >
> = {
  usual: {
    label: 'The usual',
    settings: paceOf(STANDARD_CAMPAIGN_SETTINGS),
    waveChoice: 'automatic',
  },
  edgehog: {
    label: 'Like Edgehog',
    settings: {
      maxInProgress: 1,
      maxFailurePercentage: 0,
      stopRule: null,
      requestRetries: 3,
      requestTimeoutSeconds: 300,
      progressTimeoutSeconds: null,
    },
    waveChoice: 'none',
  },
}

export const withPreset = (
  { settings: filled }: Draft,
  { settings, waveChoice }: (typeof PRESETS)[keyof typeof PRESETS],
): Partial<Draft> => ({ settings: { ...filled, ...settings }, waveChoice })

function paceOf({
  maxInProgress,
  maxFailurePercentage,
  stopRule,
  requestRetries,
  requestTimeoutSeconds,
  progressTimeoutSeconds,
}: Preset): Preset {
  return {
    maxInProgress,
    maxFailurePercentage,
    stopRule,
    requestRetries,
    requestTimeoutSeconds,
    progressTimeoutSeconds,
  }
}

export function draftOf({
  name,
  release,
  audience,
  settings: { waves, ...settings },
  scheduledAt,
}: Pick<CampaignData, 'name' | 'release' | 'audience' | 'settings' | 'scheduledAt'>): Draft {
  return {
    ...EMPTY_DRAFT,
    name,
    releaseId: release.id,
    whom: 'channelId' in audience ? 'channel' : 'groupIds' in audience ? 'groups' : 'expression',
    ...audience,
    settings,
    waveChoice: waves.length === 0 ? 'none' : 'own',
    waves: waves.length === 0 ? USUAL_WAVES : waves,
    scheduledAt: scheduledAt === null ? '' : localTime(scheduledAt),
  }
}

/** As the API takes it; null while release or audience are not there yet. */
export function bodyOf(draft: Draft): (CampaignDraft & { settings: object }) | null {
  const { name, releaseId, settings, waveChoice, waves, scheduledAt } = draft
  const audience = audienceOf(draft)
  if (releaseId === null || audience === null) return null
  const own = waveChoice === 'automatic' ? {} : { waves: waveChoice === 'own' ? [...waves] : [] }
  return {
    name: name.trim(),
    releaseId,
    audience,
    settings: { ...settings, ...own },
    scheduledAt: scheduledAt === '' ? null : new Date(scheduledAt).toISOString(),
  }
}

function audienceOf({ whom, expression, groupIds, channelId }: Draft) {
  if (whom === 'channel') return channelId === null ? null : { channelId }
  if (whom === 'groups') return groupIds.length === 0 ? null : { groupIds: [...groupIds] }
  return expression.trim() === '' ? null : { expression }
}

/** What contradicts itself in its settings, in the server's words; null when nothing does. */
export function mistakeOf({ settings, waveChoice, waves }: Draft): string | null {
  try {
    checkedCampaignSettings({ ...settings, waves: waveChoice === 'own' ? waves : [] }, 0)
    return null
  } catch (error) {
    if (error instanceof DomainError) return error.message
    throw error
  }
}
