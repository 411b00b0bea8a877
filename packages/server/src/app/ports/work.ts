/** Units of work, and work on single devices. */

import type { Changes, JsonObject, Snapshot } from '@updraft/core'
import type { Assignments } from './assignments.ts'
import type { Channels, Groups } from './audience.ts'
import type { Boxes } from './boxes.ts'
import type { Audiences, Campaigns } from './campaigns.ts'
import type { Catalogue } from './catalogue.ts'
import type { Clouds } from './clouds.ts'
import type { Clusters } from './clusters.ts'
import type { Credentials } from './credentials.ts'
import type { DeviceLogs } from './device-logs.ts'
import type { DistributionSets, HawkbitConfigs, SoftwareModules } from './distribution-sets.ts'
import type { Events } from './events.ts'
import type { Devices, Figures, Profiles, Spread } from './fleet.ts'
import type { HardwareTypes, SystemModels } from './models.ts'
import type { Operations } from './operations.ts'
import type { Pairings } from './pairings.ts'
import type { Claiming, Customers, Operators, Settings, Tenants, Tokens } from './people.ts'
import type { Policies } from './policies.ts'
import type { Realms } from './realms.ts'
import type { Registrations } from './registrations.ts'
import type { Claim } from './secrets.ts'

/** The rooms of one tenant, or what one customer sees of them, within one transaction. */
export interface Stores {
  readonly profiles: Profiles
  readonly devices: Devices
  readonly credentials: Credentials
  readonly deviceLogs: DeviceLogs
  readonly catalogue: Catalogue
  readonly assignments: Assignments
  readonly audiences: Audiences
  readonly boxes: Boxes
  readonly campaigns: Campaigns
  readonly operations: Operations
  readonly policies: Policies
  readonly operators: Operators
  readonly claiming: Claiming
  readonly customers: Customers
  readonly groups: Groups
  readonly channels: Channels
  readonly hardwareTypes: HardwareTypes
  readonly systemModels: SystemModels
  readonly clouds: Clouds
  readonly clusters: Clusters
  readonly registrations: Registrations
  readonly realms: Realms
  readonly pairings: Pairings
  readonly tenants: Tenants
  readonly tokens: Tokens
  readonly events: Events
  readonly figures: Figures
  readonly settings: Settings
  readonly softwareModules: SoftwareModules
  readonly distributionSets: DistributionSets
  readonly hawkbitConfigs: HawkbitConfigs
  /** Has devices looked at after the commit; survives a kill. */
  spread(to: Spread, id: string, at: Date): Promise<void>
}

/**
 * Whose things a unit of work sees and changes: all of a tenant's, or of one customer's only the devices it owns and
 * what belongs to them. An operator's actor says it for itself.
 */
export interface Within {
  readonly tenantId: string
  readonly customerId: string | null
}

/**
 * One transaction for one tenant, or for one of its customers: all that is written in it, or nothing. What is
 * outside is unknown in it. Events in it leave after the commit. `work` may be called again.
 */
export type UnitOfWork = <T>(within: Within, work: (stores: Stores) => Promise<T>) => Promise<T>

/** Work on single devices, gathered: hundreds share one statement and one commit. */
export interface DeviceWork {
  /**
   * Who is known by the first of these claims that anybody is known by, marked as seen now, durably; and which claim
   * it was. Null if nobody is, or if that claim's password is another.
   */
  arrive(claims: readonly Claim[], dialect: string, now: Date): Promise<Arrived | null>
  /**
   * The device of that name that a gateway speaks for: of its tenant, and of its customer where it has one. Marked as
   * seen now, durably, unless it speaks no dialect at the moment. Null if there is none.
   */
  arriveBehind(
    gatewayId: string,
    device: { readonly name: string; readonly dialect: string | null },
    now: Date,
  ): Promise<Snapshot | null>
  /**
   * The device of that id, for whom another house answers. Marked as seen now, durably, unless it speaks no dialect at the
   * moment. Null if there is none.
   */
  arriveVouched(deviceId: string, dialect: string | null, now: Date): Promise<Snapshot | null>
  /**
   * Loads the device under a lock, lets `decide` answer, and stores the changes it answers with before it
   * resolves. `decide` must be pure: it may be called again. Refuses with device.unknown, and with whatever
   * `decide` throws.
   */
  settle<T extends { readonly changes: Changes }>(
    target: { readonly tenantId: string; readonly deviceId: string; readonly operationId?: string },
    decide: (snapshot: Snapshot) => T,
  ): Promise<T>
  /**
   * The same for any number of one tenant's devices at once, in transactions of hundreds: how a release comes to
   * thousands. Answers those that were not settled, because there is no such device, or `decide` threw, or what it
   * answered cannot be kept; they cost the others nothing. When it rejects, some may have been settled: `decide` is to
   * find nothing left to do for those.
   */
  settleAll(
    page: { readonly tenantId: string; readonly deviceIds: readonly string[] },
    decide: (snapshot: Snapshot) => { readonly changes: Changes },
  ): Promise<readonly Unsettled[]>
}

export interface Unsettled {
  readonly deviceId: string
  readonly error: Error
}

export interface Arrived {
  readonly snapshot: Snapshot
  readonly claim: Claim
}

/** The durable list of spreads, for whoever works them off. */
export interface Spreads {
  /**
   * Has `work` look at the next page of devices of the oldest spread nobody else works on; false when there is
   * none. What `work` throws leaves the page to be taken again.
   */
  next(
    pageSize: number,
    work: (page: { tenantId: string; deviceIds: readonly string[] }) => Promise<void>,
  ): Promise<boolean>
}

/** Remembers answers for requests that are repeated with the same Idempotency-Key. */
export interface IdempotentRequests {
  /** `begun`: the caller is to do the work. Otherwise the answer given before, or that somebody is at it. */
  begin(
    tenantId: string,
    key: string,
    fingerprint: Buffer,
    now: Date,
  ): Promise<
    | { kind: 'begun' }
    | { kind: 'answered'; answer: JsonObject }
    | { kind: 'at-work' }
    | { kind: 'other' }
  >
  answer(tenantId: string, key: string, answer: JsonObject): Promise<void>
  forget(tenantId: string, key: string): Promise<void>
}
