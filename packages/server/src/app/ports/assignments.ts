/** What devices and profiles are to run. */
import type { ComponentType, Handling } from '@updraft/core'
import type { ReleaseName } from './catalogue.ts'
import type { Spread } from './fleet.ts'
import type { Page, PageQuery } from './paging.ts'

export interface AssignmentView {
  readonly deviceId: string | null
  readonly profileId: string | null
  readonly type: ComponentType
  readonly release: ReleaseName
  readonly handling: Handling
  readonly assignedAt: Date
  readonly assignedBy: string
}

export interface Assignments {
  put(
    to: Spread,
    assignment: Omit<AssignmentView, 'deviceId' | 'profileId' | 'release' | 'handling'> & {
      id: string
      releaseId: string
      /** As ever where it is not said. */
      handling?: Handling
    },
  ): Promise<void>
  /** Answers false when nothing was assigned. */
  withdraw(from: Spread, type: ComponentType): Promise<boolean>
  page(query: PageQuery & { releaseId?: string }): Promise<Page<AssignmentView>>
  /** How many devices of the profile have none of their own of that type. */
  countAffected(profileId: string, type: ComponentType): Promise<number>
}
