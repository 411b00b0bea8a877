/** Devices that speak hawkBit's language: their actions by number, and what is kept of them besides. */
import type {
  ActionOutcome,
  ClientKind,
  ComponentType,
  Handling,
  HawkbitSettings,
  Operation,
  Release,
  State,
} from '@updraft/core'

/** A part of an action: one operation, as the device is told of it. */
export interface HawkbitChunk {
  /** Stands for its file in addresses. */
  readonly id: number
  readonly operationId: string
  readonly releaseId: string
  readonly type: ComponentType
  /** Null when the operation is there no more. */
  readonly state: State | null
  readonly handling: Handling
}

export interface HawkbitAction {
  readonly id: number
  readonly tenantId: string
  readonly deviceId: string
  readonly client: ClientKind
  readonly createdAt: Date
  readonly needsConfirmation: boolean
  readonly confirmedAt: Date | null
  readonly fetchedAt: Date | null
  /** The device read last that it is not to install it yet. */
  readonly isSkipped: boolean
  readonly cancelAskedAt: Date | null
  readonly cancelRefusedAt: Date | null
  readonly feedbackCount: number
  readonly closedAt: Date | null
  readonly outcome: ActionOutcome | null
  readonly isUnproven: boolean
  readonly chunks: readonly HawkbitChunk[]
}

export type HawkbitActionChange = Partial<
  Pick<
    HawkbitAction,
    | 'confirmedAt'
    | 'fetchedAt'
    | 'isSkipped'
    | 'cancelAskedAt'
    | 'cancelRefusedAt'
    | 'closedAt'
    | 'outcome'
    | 'isUnproven'
  >
>

export interface HawkbitAutoConfirm {
  readonly initiator: string | null
  readonly remark: string | null
  readonly activatedAt: Date
}

/** What counts for one device besides its snapshot. */
export interface HawkbitDevice {
  readonly settings: HawkbitSettings
  /** The realm's name of its tenant. */
  readonly realm: string | null
  /** What it called itself when it registered. */
  readonly registeredAs: string | null
  readonly wantsAttributes: boolean
  readonly autoConfirm: HawkbitAutoConfirm | null
  /** Those that are not over, the oldest first. */
  readonly actions: readonly HawkbitAction[]
  /** The newest that it finished. */
  readonly finishedId: number | null
}

/** What the device said of an action at one time. */
export interface HawkbitStatus {
  readonly at: Date
  readonly status: string
  readonly messages: readonly string[]
}

/** On single statements. */
export interface HawkbitAtWork {
  /** Refuses with device.unknown. */
  of(deviceId: string): Promise<HawkbitDevice>
  /** Also one that is over; null when it is none of the device's. */
  action(deviceId: string, id: number): Promise<HawkbitAction | null>
  /** The action of which that is a part, with the release of that part; null when it is none of the device's. */
  chunk(
    deviceId: string,
    id: number,
  ): Promise<{ readonly action: HawkbitAction; readonly release: Release } | null>
  /**
   * A new action for those operations. Null when one of them is part of an action already that is not over: somebody was
   * quicker.
   */
  open(
    device: { readonly tenantId: string; readonly deviceId: string },
    action: {
      readonly client: ClientKind
      readonly needsConfirmation: boolean
      readonly operations: readonly Pick<Operation, 'id' | 'releaseId' | 'type'>[]
      readonly at: Date
    },
  ): Promise<HawkbitAction | null>
  change(id: number, to: HawkbitActionChange): Promise<void>
  /**
   * Those of a device's actions that it has not read yet become of that client, with so many parts each at most, the
   * oldest first. A part for which none is left is one no more; an action that is left without a part is over.
   */
  bundleAnew(
    ids: readonly number[],
    to: {
      readonly client: ClientKind
      readonly needsConfirmation: boolean
      readonly most: number
      readonly at: Date
    },
  ): Promise<void>
  /** Counts one feedback up, and answers how many there were; of what was noted, the oldest goes now and then. */
  countFeedback(id: number): Promise<number>
  /** Of an action that is gone, nothing. */
  note(id: number, status: HawkbitStatus): Promise<void>
  /** The newest first. */
  statuses(id: number, limit: number): Promise<readonly HawkbitStatus[]>
  releases(ids: readonly string[]): Promise<readonly Release[]>
  releaseNamed(
    profileId: string,
    name: { readonly title: string; readonly version: string },
  ): Promise<Release | null>
  wantAttributes(device: { tenantId: string; deviceId: string }, wants: boolean): Promise<void>
  setAutoConfirm(
    device: { tenantId: string; deviceId: string },
    to: HawkbitAutoConfirm | null,
  ): Promise<void>
  /** Of the profile with that provisioning key; null when none has it. */
  gateway(key: string): Promise<{
    readonly profileId: string
    readonly settings: HawkbitSettings
  } | null>
  /** The device of that profile that goes by that name; null when there is none. */
  called(profileId: string, controllerId: string): Promise<string | null>
  /**
   * The same among all whose profile trusts one of those authorities: those of one tenant, if it is named; null also when
   * there are several.
   */
  vouchedFor(
    controllerId: string,
    among: { readonly authorities: readonly string[]; readonly tenant: string | null },
  ): Promise<string | null>
  /** Certificates of authorities that may vouch for a device of that name, in DER. */
  authoritiesFor(controllerId: string, tenant: string | null): Promise<readonly Uint8Array[]>
}

/** What some clients hold a file against. */
export interface ArtifactDigests {
  readonly sha1: string
  readonly md5: string
}

/** Reads stored bytes through. Refuses with artifact.unknown. */
export type ComputeDigests = (sha256: string) => Promise<ArtifactDigests>

export interface KeptDigests {
  find(sha256: string): Promise<ArtifactDigests | null>
  keep(sha256: string, digests: ArtifactDigests): Promise<void>
}
