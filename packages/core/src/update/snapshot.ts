/** What one visit is given, and what it answers with: a device with all that counts for it, and its changes. */
import type { Device, JsonObject } from '../device.ts'
import type { DomainEvent } from '../events.ts'
import type { ComponentType, Installed, Release } from '../release.ts'
import type { Assignment, Choice } from './choose.ts'
import type { Circumstances, Operation, Step } from './operation.ts'

/** One device with all that counts for its updates. */
export interface Snapshot {
  readonly tenantId: string
  readonly device: Device
  /** By component type: those assigned, under way, installed, or ever updated. */
  readonly components: Readonly<Record<ComponentType, Component>>
  /** The operation of this device that a report or an operator names, if it is none of the above. */
  readonly addressed: Operation | null
}

export interface Component {
  readonly deviceAssignment: Assignment | null
  readonly profileAssignment: Assignment | null
  readonly underWay: Operation | null
  /** What the operation under way is about, as long as that release exists. */
  readonly underWayRelease?: Release | null
  /** The newest operation that has ended. */
  readonly latestEnded: Operation | null
}

/** What is to be written, all of it or nothing. */
export interface Changes {
  readonly installed: Readonly<Record<ComponentType, Installed>>
  readonly inventory: JsonObject | null
  /** New or moved operations, each in its last state. */
  readonly operations: readonly Operation[]
  readonly steps: readonly Step[]
  readonly events: readonly DomainEvent[]
}

export const isNothing = (changes: Changes): boolean =>
  changes.inventory === null &&
  changes.operations.length === 0 &&
  changes.steps.length === 0 &&
  changes.events.length === 0 &&
  Object.keys(changes.installed).length === 0

/** What one component of the device is to do now. */
export interface Answer {
  readonly choice: Choice
  /** Whether the device hears of it for the first time. */
  readonly isNews: boolean
  /** The operation to offer, if there is one. */
  readonly operation: Operation | null
  readonly release: Release | null
}

export interface Moment extends Circumstances {
  readonly newId: () => string
}

/** A report, addressed to an operation by id, or to a component type where the dialect knows no ids. */
export type Address = { readonly operationId: string } | { readonly type: ComponentType }
