/**
 * One release for many devices: targets fixed when it is created, asked in waves, stopped when it goes wrong. What an
 * operator may do to a campaign stands here; what follows by itself is in plan.ts, what becomes of one device in target.ts.
 */
import { checkedName } from '../device.ts'
import { DomainError } from '../errors.ts'
import { type Reason, reason } from '../reason.ts'
import type { ComponentType } from '../release.ts'
import {
  type CampaignSettings,
  checkedCampaignSettings,
  type SettingsDraft,
  waveSizes,
} from './settings.ts'

export const CAMPAIGN_STATUSES = [
  'scheduled',
  'in-progress',
  'pausing',
  'paused',
  'finished',
] as const
export type CampaignStatus = (typeof CAMPAIGN_STATUSES)[number]

export const CAMPAIGN_OUTCOMES = ['success', 'failure', 'cancelled'] as const
export type CampaignOutcome = (typeof CAMPAIGN_OUTCOMES)[number]

/**
 * Idle has not been asked; skipped is none that succeeded nor one that failed: something else was meant for the device,
 * or the campaign was taken back.
 */
export const TARGET_STATUSES = ['idle', 'in-progress', 'successful', 'failed', 'skipped'] as const
export type TargetStatus = (typeof TARGET_STATUSES)[number]

/** Whom a campaign is for: the devices of a channel's groups, of some groups, or those an expression holds for. */
export type Audience =
  | { readonly channelId: string }
  | { readonly groupIds: readonly string[] }
  | { readonly expression: string }

/** How many targets are in which status. */
export type Tally = Readonly<Record<TargetStatus, number>>

export interface Wave {
  /** How many it asks. */
  readonly size: number
  /** How many have had their turn: were asked, or refused what they were to be asked. */
  readonly asked: number
  readonly successful: number
  readonly failed: number
  /** Asked, and then meant for something else. */
  readonly skipped: number
  /** Null while waves before it are not done. */
  readonly openedAt: Date | null
  /** When as many had been updated as must be. */
  readonly passedAt: Date | null
  readonly approvedAt: Date | null
}

export interface Campaign {
  readonly id: string
  readonly tenantId: string
  readonly name: string
  readonly type: ComponentType
  readonly releaseId: string
  readonly audience: Audience
  readonly settings: CampaignSettings
  readonly status: CampaignStatus
  /** Null until it is finished. */
  readonly outcome: CampaignOutcome | null
  /** Why it is as it is. */
  readonly because: Reason
  readonly scheduledAt: Date | null
  readonly createdAt: Date
  readonly startedAt: Date | null
  readonly finishedAt: Date | null
  /** The campaign whose devices it takes back to what they had. */
  readonly rollsBack: string | null
  readonly tally: Tally
  readonly waves: readonly Wave[]
}

export interface CampaignDraft {
  readonly name: string
  readonly audience: Audience
  readonly settings: SettingsDraft
  readonly scheduledAt?: Date | null
  readonly rollsBack?: string | null
}

export const NO_TARGETS: Tally = {
  idle: 0,
  'in-progress': 0,
  successful: 0,
  failed: 0,
  skipped: 0,
}

export const totalOf = (tally: Tally): number =>
  TARGET_STATUSES.reduce((sum, status) => sum + tally[status], 0)

/** The number of the wave opened last, from 0; −1 before the first. */
export const currentWave = ({ waves }: Pick<Campaign, 'waves'>): number =>
  waves.findLastIndex(({ openedAt }) => openedAt !== null)

/** A wave nobody has been asked of yet. */
const newWave = (size: number): Wave => ({
  size,
  asked: 0,
  successful: 0,
  failed: 0,
  skipped: 0,
  openedAt: null,
  passedAt: null,
  approvedAt: null,
})

/**
 * A new campaign over so many targets, all of them idle. Refuses with campaign.invalid. Nobody to update is no mistake:
 * it is finished at once, and says so.
 */
export function createCampaign(
  {
    id,
    tenantId,
    draft,
    release,
  }: {
    id: string
    tenantId: string
    draft: CampaignDraft
    release: { readonly id: string; readonly type: ComponentType }
  },
  targets: number,
  now: Date,
): Campaign {
  const isLater = draft.scheduledAt != null && draft.scheduledAt > now
  const settings = checkedCampaignSettings(draft.settings, targets)
  const campaign: Campaign = {
    id,
    tenantId,
    name: checkedName('campaign', draft.name),
    type: release.type,
    releaseId: release.id,
    audience: draft.audience,
    settings,
    status: isLater ? 'scheduled' : 'in-progress',
    outcome: null,
    because: isLater
      ? reason('campaign.scheduled', `It begins at ${draft.scheduledAt?.toISOString()}.`)
      : reason('campaign.running', 'It was begun.'),
    scheduledAt: draft.scheduledAt ?? null,
    createdAt: now,
    startedAt: isLater ? null : now,
    finishedAt: null,
    rollsBack: draft.rollsBack ?? null,
    tally: { ...NO_TARGETS, idle: targets },
    waves: waveSizes(settings, targets).map(newWave),
  }
  return targets === 0 && !settings.isDynamic
    ? {
        ...finish(campaign, 'success', reason('campaign.nobody', 'No device belongs to it.'), now),
        scheduledAt: isLater ? now : campaign.scheduledAt,
      }
    : campaign
}

export const finish = (
  campaign: Campaign,
  outcome: CampaignOutcome,
  because: Reason,
  now: Date,
): Campaign => ({ ...campaign, status: 'finished', outcome, because, finishedAt: now })

/** Nobody new is asked; those at it go on to their end. Refuses with campaign.not-now. */
export function pause(campaign: Campaign, by: string): Campaign {
  allow(campaign, ['in-progress'], 'paused')
  const because = reason('campaign.paused', `Paused by ${by}.`)
  return { ...campaign, status: 'pausing', because }
}

/** Refuses with campaign.not-now. */
export function resume(campaign: Campaign, by: string): Campaign {
  allow(campaign, ['paused', 'pausing'], 'resumed')
  const because = reason('campaign.running', `Resumed by ${by}.`)
  return { ...campaign, status: 'in-progress', because }
}

/** Ends it: nobody new is asked, and those at it are taken back where that can be. Refuses with campaign.not-now. */
export function cancelCampaign(campaign: Campaign, by: string, now: Date): Campaign {
  allow(campaign, ['scheduled', 'in-progress', 'pausing', 'paused'], 'cancelled')
  return finish(campaign, 'cancelled', reason('campaign.cancelled', `Cancelled by ${by}.`), now)
}

/** So many devices its audience has come to hold become targets. */
export function join(campaign: Campaign, newcomers: number): Campaign {
  const { tally, waves } = campaign
  const last = waves.at(-1) ?? newWave(0)
  return {
    ...campaign,
    tally: { ...tally, idle: tally.idle + newcomers },
    waves: [...waves.slice(0, -1), { ...last, size: last.size + newcomers }],
  }
}

/** Lets the next wave begin that waits for a person. Refuses with campaign.not-now. */
export function approve(campaign: Campaign, by: string, now: Date): Campaign {
  const number = currentWave(campaign)
  const wave = campaign.waves[number]
  const isDue =
    wave?.passedAt != null &&
    wave.approvedAt === null &&
    campaign.settings.waves[number]?.needsApproval === true
  if (campaign.status !== 'in-progress' || !isDue) {
    throw new DomainError('campaign.not-now', 'No wave of this campaign waits for approval.')
  }
  return {
    ...campaign,
    because: reason('campaign.running', `Wave ${number + 1} was approved by ${by}.`),
    waves: campaign.waves.with(number, { ...wave, approvedAt: now }),
  }
}

/**
 * Those that failed, or were skipped, are asked once more: that many of them are idle again. Refuses with
 * campaign.not-now while it is scheduled, and when there are none.
 */
export function retryTargets(
  campaign: Campaign,
  retried: Pick<Tally, 'failed' | 'skipped'>,
  by: string,
): Campaign {
  allow(campaign, ['in-progress', 'pausing', 'paused', 'finished'], 'tried again')
  const count = retried.failed + retried.skipped
  if (count === 0) {
    throw new DomainError('campaign.not-now', 'No device of this campaign failed.')
  }
  const { tally, settings } = campaign
  return {
    ...campaign,
    ...(campaign.status === 'finished'
      ? { status: 'in-progress' as const, outcome: null, finishedAt: null }
      : {}),
    because:
      campaign.status === 'in-progress' || campaign.status === 'finished'
        ? reason('campaign.running', `${count} tried again by ${by}.`)
        : campaign.because,
    tally: {
      ...tally,
      idle: tally.idle + count,
      failed: tally.failed - retried.failed,
      skipped: tally.skipped - retried.skipped,
    },
    // Who has looked at the failures and tries again goes on with all there are, in no waves any more.
    settings: { ...settings, waves: [] },
    waves: [
      {
        ...newWave(tally.idle + tally['in-progress'] + count),
        asked: tally['in-progress'],
      },
    ],
  }
}

/** Refuses with campaign.not-now while it goes on. */
export function checkOver(campaign: Campaign): void {
  if (campaign.status === 'finished') return
  const message = 'A campaign is rolled back once it is over; cancel it first.'
  throw new DomainError('campaign.not-now', message)
}

/**
 * Brings the devices another one has updated back to what they had: so many of them, and so many of which that is not
 * kept. Refuses with campaign.not-now while the other goes on.
 */
export function rollBackOf(
  original: Campaign,
  {
    id,
    name = `Roll back ${original.name}`,
    idle,
    skipped,
  }: { id: string; name?: string | undefined } & Pick<Tally, 'idle' | 'skipped'>,
  now: Date,
): Campaign {
  checkOver(original)
  const draft: CampaignDraft = {
    name,
    audience: original.audience,
    rollsBack: original.id,
    settings: {
      ...original.settings,
      waves: [],
      // Those still at it may be updated yet: they follow.
      isDynamic: original.tally['in-progress'] > 0,
      rollsBackOnStop: false,
      forceDowngrade: true,
      // Who goes back goes back whole: what stops on the way there would leave a fleet of two halves.
      maxFailurePercentage: 100,
      stopRule: null,
    },
  }
  const release = { id: original.releaseId, type: original.type }
  const campaign = createCampaign({ id, tenantId: original.tenantId, draft, release }, idle, now)
  return { ...campaign, tally: { ...NO_TARGETS, idle, skipped } }
}

/** Those that were still at it when they were to be brought back join; once all are done nobody else will. */
export function joinRollBack(
  campaign: Campaign,
  { idle, skipped, isOver }: Pick<Tally, 'idle' | 'skipped'> & { isOver: boolean },
): Campaign {
  const { tally, settings, ...joined } = join(campaign, idle)
  return {
    ...joined,
    settings: { ...settings, isDynamic: !isOver },
    tally: { ...tally, skipped: tally.skipped + skipped },
  }
}

/** Refuses with campaign.not-now once it has begun. */
export const checkEditable = (campaign: Campaign): void => allow(campaign, ['scheduled'], 'changed')

/** What an operator changes before it begins. Refuses with campaign.not-now once it has, and campaign.invalid. */
export function edit(
  campaign: Campaign,
  draft: CampaignDraft,
  { release, targets }: { release: { id: string; type: ComponentType }; targets: number },
  now: Date,
): Campaign {
  checkEditable(campaign)
  const edited = createCampaign({ ...campaign, draft, release }, targets, now)
  return { ...edited, createdAt: campaign.createdAt }
}

/** Refuses with campaign.not-now while devices may still be concerned. */
export const checkRemovable = (campaign: Campaign): void => {
  allow(campaign, ['scheduled', 'finished'], 'removed')
  if (campaign.tally['in-progress'] > 0) {
    const message = `${campaign.tally['in-progress']} devices are still at it; the campaign can be removed when they are done.`
    throw new DomainError('campaign.not-now', message)
  }
}

function allow(campaign: Campaign, from: readonly CampaignStatus[], what: string): void {
  if (from.includes(campaign.status)) return
  const message = `Campaign "${campaign.name}" is ${campaign.status}; only one that is ${listed(from)} can be ${what}.`
  throw new DomainError('campaign.not-now', message, { status: campaign.status })
}

const listed = (words: readonly string[]): string =>
  words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`
