/** Devices that register by themselves: those that wait for somebody to claim them, and those that were claimed. */
import type { JsonObject, ProvisioningStrategy } from '@updraft/core'
import type { CloudName } from './clouds.ts'
import type { Page, PageQuery } from './paging.ts'

/** A device as it stands before the door. */
export interface Caller {
  readonly tenantId: string
  readonly profileId: string
  /** By whose token it came; null when it came with none. */
  readonly cloudId: string | null
  /** What it calls itself. */
  readonly saidId: string
  readonly version: string | null
  readonly facts: JsonObject
}

export interface WaitingDevice extends Omit<Caller, 'tenantId' | 'cloudId'> {
  readonly id: string
  readonly profileName: string
  readonly cloud: CloudName | null
  /** How often it came, as far as was counted. */
  readonly times: number
  readonly firstSeenAt: Date
  readonly lastSeenAt: Date
}

export interface Registration {
  readonly tenantId: string
  readonly deviceId: string
  readonly saidId: string
  /** Which of the tokens derived for it is good. */
  readonly generation: number
}

/** The profile of a product, as a device names it. */
export interface ProductProfile {
  readonly tenantId: string
  readonly profileId: string
  /** Null when devices may not enrol themselves. */
  readonly strategy: ProvisioningStrategy | null
  readonly claimsAtOnce: boolean
}

/** Of one tenant. */
export interface Registrations {
  /** Devices that wait; the one that came last first. */
  page(query: PageQuery & { profile?: string }): Promise<Page<WaitingDevice>>
  /** Those of them that still wait; nobody else claims them before this transaction is over. */
  waiting(ids: readonly string[]): Promise<readonly WaitingDevice[]>
  /** Answers how many there were. */
  forget(ids: readonly string[]): Promise<number>
  insert(registration: { deviceId: string; profileId: string; saidId: string }): Promise<void>
  /** Counts up the generation of those that registered, and answers what they are now. */
  renew(deviceIds: readonly string[]): Promise<readonly Registration[]>
}

/** Before it is known whose tenant it is. */
export interface RegistrationsAtWork {
  /** By the key; or within a tenant also by the name. */
  profileOf(product: string, tenantId: string | null): Promise<ProductProfile | null>
  find(profileId: string, saidId: string): Promise<Registration | null>
  /** All of a tenant's that call themselves so, whatever their profile. */
  called(tenantId: string, saidId: string): Promise<readonly Registration[]>
  /** Whose operation that is; null when it is none of the tenant's. */
  deviceOfOperation(tenantId: string, operationId: string): Promise<string | null>
  /** Notes that it came so often more. The one that was silent for longest gives way when there are too many. */
  wait(id: string, caller: Caller, seen: { times: number; at: Date; most: number }): Promise<void>
  /** The tenant of that id or name, and its cloud of that id or name. */
  cloudNamed(account: string, cloud: string): Promise<{ tenantId: string; cloudId: string } | null>
  /** Forgets those that were not seen since, and answers how many. */
  forgetSilent(before: Date): Promise<number>
}
