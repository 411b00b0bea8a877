/** Policies, and how devices stand with them. */
import type { ComponentType, Fared, Policy, PolicyCounts, Reason, Standing } from '@updraft/core'
import type { ReleaseName } from './catalogue.ts'
import type { Page, PageQuery } from './paging.ts'

/** How the devices stand that it was asked for. */
export interface PolicyTally {
  readonly deferred: number
  readonly started: number
  readonly succeeded: number
  readonly failed: number
}

interface OfRelease {
  readonly release: ReleaseName
  readonly type: ComponentType
  readonly profile: { readonly id: string; readonly name: string }
}

export interface PolicyView extends OfRelease {
  readonly policy: Policy
  readonly counts: PolicyCounts
  readonly tally: PolicyTally
  readonly createdBy: string
  readonly revision: number
}

export interface PolicyFigures extends OfRelease {
  readonly isEnabled: boolean
  /** Devices of the profile and clouds that have asked since it was published. */
  readonly requests: number
  readonly offered: number
  readonly deferred: {
    readonly maxDevices: number
    readonly percentage: number
    readonly rate: number
  }
  readonly started: number
  readonly succeeded: number
  readonly failed: number
}

export interface PolicyDeviceView {
  readonly device: { readonly id: string; readonly name: string }
  readonly standing: Standing
  readonly because: Reason
  readonly at: Date
  readonly fared: Fared | null
}

export interface PolicyFilter {
  readonly profileId?: string
  readonly profile?: string
  readonly type?: string
  readonly isEnabled?: boolean
}

/** One a release; its id is the release's. */
export interface Policies {
  /** Null when the release has none. */
  find(releaseId: string): Promise<PolicyView | null>
  /** Refuses with policy.unknown. */
  get(releaseId: string): Promise<PolicyView>
  page(query: PageQuery & PolicyFilter): Promise<Page<PolicyView>>
  /**
   * In place of the one the release has, if it has one; its population is counted. Refuses with
   * request.version-mismatch when `revision` is given and differs.
   */
  put(
    policy: Policy,
    of: { readonly profileId: string; readonly type: ComponentType; readonly createdBy: string },
    revision?: number,
  ): Promise<void>
  /** Refuses with policy.unknown. Nobody is held back by one that is disabled. */
  enable(releaseId: string, isEnabled: boolean, publishedAt: Date): Promise<void>
  remove(releaseId: string): Promise<void>
  figures(query: PageQuery & PolicyFilter): Promise<Page<PolicyFigures>>
  devices(
    releaseId: string,
    query: PageQuery & { readonly standing?: Standing; readonly fared?: Fared },
  ): Promise<Page<PolicyDeviceView>>
  /** Devices of that profile, and of those clouds if any are given. */
  population(profileId: string, cloudIds: readonly string[]): Promise<number>
}

/** Policies of all tenants, for whoever keeps their counts. */
export interface PolicyWork {
  /** Counts populations anew, and lets go whom a policy holds back that was disabled in the same moment. */
  recount(): Promise<void>
}
