/** Campaigns and their targets. */
import type {
  Audience,
  Campaign,
  CampaignOutcome,
  CampaignStatus,
  Installed,
  Plan,
  Reason,
  Release,
  Restraints,
  State,
  Tally,
  TargetStatus,
} from '@updraft/core'
import type { ReleaseName } from './catalogue.ts'
import type { Page, PageQuery } from './paging.ts'

export interface CampaignView {
  readonly campaign: Campaign
  /** Its id is of no release any more once that was removed. */
  readonly release: ReleaseName
  readonly createdBy: string
}

export interface CampaignFilter {
  readonly name?: string
  readonly statuses?: readonly CampaignStatus[]
  readonly outcome?: CampaignOutcome
  readonly releaseId?: string
  readonly channelId?: string
  /** One that has a target on that device. */
  readonly deviceId?: string
}

export interface TargetView {
  readonly deviceId: string
  /** Null once the device was removed. */
  readonly deviceName: string | null
  readonly status: TargetStatus
  readonly because: Reason
  /** Counted from 0; null before its turn. */
  readonly wave: number | null
  /** Name of an older campaign that is not done with that device; null when there is none, or it was asked. */
  readonly older: string | null
  /** What is set for a box that has not been asked. */
  readonly form: Restraints | null
  /** What it ran when it was asked. */
  readonly before: Installed | null
  readonly askedAt: Date | null
  readonly endedAt: Date | null
  readonly operation: {
    readonly id: string
    readonly state: State
    readonly progressPercent: number
    readonly error: string | null
    readonly code: string | null
    readonly restarts: number
  } | null
}

export interface TargetFilter {
  readonly statuses?: readonly TargetStatus[]
  readonly wave?: number
  /** Those of these devices. */
  readonly deviceIds?: readonly string[]
}

/** A target as one small square: its status, and how far its update is. */
export interface TargetDot {
  readonly deviceId: string
  readonly status: TargetStatus
  readonly state: State | null
}

export interface Campaigns {
  /** Refuses with campaign.duplicate or release.unknown. */
  insert(
    campaign: Campaign,
    release: Pick<Release, 'title' | 'version'>,
    createdBy: string,
  ): Promise<void>
  /** Refuses with campaign.unknown. */
  get(id: string): Promise<CampaignView>
  /** The same, and nobody else changes it or asks its devices before the transaction ends. */
  lock(id: string): Promise<CampaignView>
  page(query: PageQuery & CampaignFilter): Promise<Page<CampaignView>>
  /** All that is said of it, but for its devices. Refuses with campaign.duplicate. */
  save(campaign: Campaign, release?: ReleaseName): Promise<void>
  remove(id: string): Promise<void>
  /** Makes targets of these devices that are none yet; answers how many. */
  addTargets(id: string, deviceIds: readonly string[]): Promise<number>
  dropTargets(id: string): Promise<void>
  /**
   * Makes targets of the devices the other campaign has updated, but for those that are, each with the release it had
   * before; those whose is not kept here are skipped. Answers how many of which.
   */
  addPrevious(id: string, of: string, at: Date): Promise<Pick<Tally, 'idle' | 'skipped'>>
  targets(id: string, query: PageQuery & TargetFilter): Promise<Page<TargetView>>
  /** The first so many, in the order of their ids. */
  dots(id: string, limit: number): Promise<readonly TargetDot[]>
  /** Those that failed or were skipped are idle again; answers how many of which. */
  retryTargets(id: string, because: Reason, at: Date): Promise<Pick<Tally, 'failed' | 'skipped'>>
  /** That device is being removed: its targets are over. */
  forget(deviceId: string, because: Reason, at: Date): Promise<void>
}

/** Who belongs to what a campaign is for, now. */
export interface Audiences {
  /**
   * The next devices of that profile, in the order of their ids; `after` is null at the end. A page may hold fewer than
   * `limit`, or none. Refuses with channel.unknown, group.unknown or expression.invalid.
   */
  page(
    audience: Audience,
    which: {
      readonly profileId: string
      readonly after: string | null
      readonly limit: number
      readonly now: Date
    },
  ): Promise<{ readonly deviceIds: readonly string[]; readonly after: string | null }>
}

/** Campaigns of all tenants, for whoever carries them on. */
export interface CampaignWork {
  /** Those that are not over, or whose devices are still at it. */
  open(): Promise<readonly { readonly tenantId: string; readonly id: string }[]>
  /** Carries it as far as it goes by itself; null when it was removed. */
  advance(id: string, now: Date): Promise<Plan | null>
  /** Which of these devices it may still ask. */
  waiting(id: string, deviceIds: readonly string[]): Promise<readonly string[]>
  /** The next devices that were asked and have not begun, in the order of their ids. */
  notBegun(
    id: string,
    batch: { readonly after: string | null; readonly limit: number },
  ): Promise<readonly string[]>
  /** The next devices at it that have said nothing for longer than it waits. */
  overdue(
    campaign: Campaign,
    batch: { readonly now: Date; readonly after: string | null; readonly limit: number },
  ): Promise<readonly string[]>
  /** Those that stopped by themselves, are to take their devices back, and have not begun to. */
  toRollBack(): Promise<readonly { readonly tenantId: string; readonly id: string }[]>
}
