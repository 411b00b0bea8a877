/** Updates, and those that have gone silent. */
import type { Operation, Step } from '@updraft/core'
import type { Page, PageQuery } from './paging.ts'

/** What an operation names as its release once that was removed: no release has this id. */
export const REMOVED_RELEASE = '00000000-0000-0000-0000-000000000000'

export interface OperationView {
  readonly operation: Operation
  /** Null when the release has none, or is no more. */
  readonly releaseTag: string | null
  readonly steps: readonly Step[]
}

export interface Operations {
  /** Refuses with operation.unknown. */
  get(id: string): Promise<OperationView>
  pageOfDevice(deviceId: string, query: PageQuery): Promise<Page<OperationView>>
}

/** Finds updates of which nothing was heard for too long, of all tenants. */
export interface Silences {
  /**
   * The next devices, in order of their ids, that were told of an update and have passed their tenant's deadline;
   * `deadlineSeconds` is that of tenants that set none. Whether a device is there to be told again is not known here.
   */
  overdue(which: {
    readonly now: Date
    readonly deadlineSeconds: number
    readonly after: string | null
    readonly limit: number
  }): Promise<readonly { readonly tenantId: string; readonly deviceId: string }[]>
}
