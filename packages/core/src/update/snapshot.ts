/** What one visit is given, and what it answers with: a device with all that counts for it, and its changes. */
import { restraintsOf } from '../box-form.ts'
import type { Target, TargetMove } from '../campaign/target.ts'
import type { Device, JsonObject } from '../device.ts'
import type { DomainEvent } from '../events.ts'
import type { DeviceFacts } from '../expression/language.ts'
import type { Candidate, Fared, Standing } from '../policy.ts'
import type { Reason } from '../reason.ts'
import type { ComponentType, Installed, Release } from '../release.ts'
import type { Arrival, Assignment, Choice, PolicyStanding, Situation, Standings } from './choose.ts'
import type { Spoken } from './handling.ts'
import type { Circumstances, Operation, Step } from './operation.ts'

/** One device with all that counts for its updates. */
export interface Snapshot {
  readonly tenantId: string
  readonly device: Device
  /** By component type: those assigned, under way, installed, or ever updated. */
  readonly components: Readonly<Record<ComponentType, Component>>
  /** How it stands with policies, by the ids of their releases; also with such as are none of its candidates. */
  readonly standings: Standings
  /** What only expressions ask for; null where no policy asks for it. */
  readonly belongings: Belongings | null
  /** The operation of this device that a report or an operator names, if it is none of the above. */
  readonly addressed: Operation | null
}

export type Belongings = Omit<DeviceFacts, 'device'>

export const NO_BELONGINGS: Belongings = { customer: null, systemModel: null, hardwareType: null }

export interface Component {
  readonly deviceAssignment: Assignment | null
  readonly profileAssignment: Assignment | null
  readonly underWay: Operation | null
  /** What the operation under way is about, as long as that release exists. */
  readonly underWayRelease?: Release | null
  /** The newest operation that has ended. */
  readonly latestEnded: Operation | null
  /** Of campaigns that are not over, the oldest campaign first, and whichever asked for the operation under way. */
  readonly targets: readonly Target[]
  /** What a campaign or an operator's hand brought last. */
  readonly arrival: Arrival | null
  /** The enabled policies of its profile, in the order in which they are asked. */
  readonly policies: readonly Candidate[]
}

export const NO_COMPONENT: Component = {
  deviceAssignment: null,
  profileAssignment: null,
  underWay: null,
  underWayRelease: null,
  latestEnded: null,
  targets: [],
  arrival: null,
  policies: [],
}

/** What is to be decided on for one component of a device, here or away. */
export const situationOf = (
  snapshot: Pick<Snapshot, 'device' | 'components' | 'standings' | 'belongings'>,
  type: ComponentType,
  {
    isHere,
    isAsked = false,
    speaks = null,
    facts = factsOf(snapshot),
  }: { isHere: boolean; isAsked?: boolean; speaks?: Spoken | null; facts?: DeviceFacts },
): Situation => {
  const { profileId, profileName, attributes, installed } = facts.device
  const component = snapshot.components[type] ?? NO_COMPONENT
  const form = restraintsOf(facts.device)
  const ofDevice = { profileId, profileName, attributes, isHere, isAsked, speaks, facts, form }
  return {
    ...ofDevice,
    type,
    installed: installed[type],
    ...component,
    standings: snapshot.standings,
  }
}

/** What expressions are asked of. */
export const factsOf = ({
  device,
  belongings,
}: Pick<Snapshot, 'device' | 'belongings'>): DeviceFacts => ({
  device,
  ...(belongings ?? NO_BELONGINGS),
})

/** It stands otherwise with a policy than before. */
export interface PolicyMove {
  readonly releaseId: string
  readonly from: PolicyStanding | null
  /** Null: it is neither offered the release nor kept back any more. */
  readonly to: {
    readonly standing: Standing
    /** Null: as it was. */
    readonly because: Reason | null
    readonly fared: Fared | null
  } | null
  readonly at: Date
}

/** What is to be written, all of it or nothing. */
export interface Changes {
  readonly installed: Readonly<Record<ComponentType, Installed>>
  readonly inventory: JsonObject | null
  /** New or moved operations, each in its last state. */
  readonly operations: readonly Operation[]
  readonly steps: readonly Step[]
  readonly targets: readonly TargetMove[]
  readonly arrivals: Readonly<Record<ComponentType, Arrival>>
  readonly policies: readonly PolicyMove[]
  readonly events: readonly DomainEvent[]
}

export const NO_CHANGES: Changes = {
  installed: {},
  inventory: null,
  operations: [],
  steps: [],
  targets: [],
  arrivals: {},
  policies: [],
  events: [],
}

export const isNothing = (changes: Changes): boolean =>
  changes.inventory === null &&
  changes.operations.length === 0 &&
  changes.steps.length === 0 &&
  changes.targets.length === 0 &&
  changes.policies.length === 0 &&
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
