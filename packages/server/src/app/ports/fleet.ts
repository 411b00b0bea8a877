/** Profiles and devices, and figures over all of them. */
import type {
  ComponentType,
  HawkbitSettings,
  Installed,
  JsonObject,
  Profile,
  ProvisioningStrategy,
  Snapshot,
  State,
} from '@updraft/core'
import type { Program } from '@updraft/core/expression'
import type { AudienceName } from './audience.ts'
import type { ReleaseName } from './catalogue.ts'
import type { NewCredential } from './credentials.ts'
import type { Page, PageQuery } from './paging.ts'
import type { CustomerName } from './people.ts'
import type { KnownAuthority } from './secrets.ts'

export interface ProfileView extends Profile {
  readonly deviceCount: number
  /** Null when devices may not enrol themselves, and to a customer. */
  readonly provisioning: {
    readonly key: string
    readonly strategy: ProvisioningStrategy
    /** With the key alone devices are claimed without a person. */
    readonly claimsAtOnce: boolean
  } | null
  readonly assignments: Readonly<Record<ComponentType, ReleaseName>>
}

export interface NewDevice {
  readonly id: string
  readonly profileId: string
  /** Who owns it; the tenant itself when absent. */
  readonly customerId?: string
  /** Where it is served from. */
  readonly cloudId?: string
  readonly name: string
  readonly labels: readonly string[]
  readonly attributes: JsonObject
  readonly credentials: readonly NewCredential[]
  /** When it enrolled itself; absent for one that others added. */
  readonly provisionedAt?: Date
  readonly createdAt: Date
}

/** Devices still to be looked at because what is meant for them changed: one, or all of a profile. */
export type Spread = { readonly deviceId: string } | { readonly profileId: string }

export interface Profiles {
  insert(profile: Profile): Promise<void>
  /** Refuses with profile.unknown. */
  get(id: string): Promise<ProfileView>
  /** Refuses with profile.unknown. */
  byName(name: string): Promise<ProfileView>
  /** Those of them there are, in no order. */
  several(ids: readonly string[]): Promise<readonly ProfileView[]>
  page(query: PageQuery & { name?: string }): Promise<Page<ProfileView>>
  /** Refuses with provisioning.key-taken. */
  setProvisioning(
    id: string,
    to: {
      key: string
      secretHash: Buffer
      strategy: ProvisioningStrategy
      claimsAtOnce?: boolean
    } | null,
  ): Promise<void>
  /** What is set for its devices that speak hawkBit's language. Refuses with profile.unknown. */
  hawkbit(id: string): Promise<HawkbitSettings>
  setHawkbit(id: string, settings: HawkbitSettings): Promise<void>
  /** Of the authorities named there, those whose certificate is known. */
  authorities(id: string): Promise<readonly KnownAuthority[]>
  /** Adds these, and forgets all that are not among the fingerprints. */
  setAuthorities(
    id: string,
    fingerprints: readonly string[],
    added: readonly KnownAuthority[],
  ): Promise<void>
  /** Refuses with profile.in-use. */
  remove(id: string): Promise<void>
}

export interface InstalledSince {
  readonly type: ComponentType
  readonly installed: Installed
  readonly at: Date
}

/** Which devices; all that is said must hold. */
export interface DeviceFilter {
  readonly name?: string
  readonly profile?: string
  /** Name of the one who owns it. */
  readonly customer?: string
  /** Name of the one that serves it. */
  readonly cloud?: string
  /** One of these. */
  readonly cloudIds?: readonly string[]
  readonly label?: string
  /** Of the newest operation of one of its components. */
  readonly states?: readonly State[]
  /** What that operation is about. */
  readonly releaseId?: string
  /** Text within its name. */
  readonly search?: string
  /** For which an expression holds. */
  readonly asked?: Asked
}

/** Expressions of which one at least must hold, at that moment. */
export interface Asked {
  readonly any: readonly Program[]
  readonly now: Date
}

export interface Devices {
  /** All or none. Refuses with device.duplicate or credential.taken. */
  insert(devices: readonly NewDevice[]): Promise<void>
  /** Which of these names and credentials others have already. */
  taken(
    devices: readonly NewDevice[],
  ): Promise<{ readonly names: readonly string[]; readonly lookupHashes: readonly Buffer[] }>
  /** Refuses with device.unknown. */
  get(id: string): Promise<DeviceView>
  /** Those of them there are, in no order. */
  several(ids: readonly string[]): Promise<readonly DeviceView[]>
  page(query: PageQuery & DeviceFilter): Promise<Page<DeviceView>>
  count(filter: DeviceFilter): Promise<number>
  /** All of them, in the order of their ids. */
  ids(filter: DeviceFilter): Promise<readonly string[]>
  /** Refuses with device.unknown, or request.version-mismatch when `revision` is given and differs. */
  change(
    id: string,
    to: {
      name?: string
      profileId?: string
      /** Null gives it back to the tenant. */
      customerId?: string | null
      /** Null for none. */
      cloudId?: string | null
      labels?: readonly string[]
      attributes?: JsonObject
    },
    revision?: number,
  ): Promise<void>
  /**
   * Notes that the device of that name and profile has enrolled itself, and answers its id. Refuses with device.unknown,
   * or provisioning.repeated when it has before.
   */
  provision(profileId: string, name: string, at: Date): Promise<string>
  remove(id: string): Promise<void>
  /** Which of these there are. */
  owned(ids: readonly string[]): Promise<ReadonlySet<string>>
  /** What a device runs, and since when it says so. */
  installed(id: string): Promise<readonly InstalledSince[]>
  /** What devices are labelled with, by name, and how many with each. */
  labels(): Promise<readonly { readonly label: string; readonly devices: number }[]>
  countByState(): Promise<{ devices: number; states: Partial<Record<State, number>> }>
}

export interface DeviceView {
  readonly snapshot: Snapshot
  /** Who owns it; null for the tenant itself. */
  readonly customer: CustomerName | null
  /** What its part number says it is. */
  readonly systemModel: AudienceName | null
  readonly hardwareType: AudienceName | null
  /** Under which it is paired in the tenant's realm; null when it is not. */
  readonly astarteId: string | null
  /** What it called itself when it registered by itself; null when it did not. */
  readonly registeredAs: string | null
  readonly revision: number
}

/** Counted over all devices. */
export interface Figures {
  /** Updates that ended in each step from `since` on, by how they ended; every step is there. */
  endsByTime(range: {
    since: Date
    until: Date
    stepSeconds: number
  }): Promise<readonly { readonly at: Date; readonly updated: number; readonly failed: number }[]>
  /** What devices say they run, the most frequent first. */
  installed(): Promise<
    readonly {
      readonly type: ComponentType
      readonly title: string
      readonly version: string
      readonly devices: number
    }[]
  >
  /** Releases whose update failed on devices and was not followed by another, with the error heard most. */
  failures(limit: number): Promise<
    readonly {
      readonly releaseId: string | null
      readonly type: ComponentType
      readonly title: string
      readonly version: string
      readonly devices: number
      readonly error: string | null
      readonly latestAt: Date
    }[]
  >
  seen(since: Date): Promise<{
    readonly recently: number
    readonly earlier: number
    readonly never: number
  }>
}
