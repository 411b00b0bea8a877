/** Tenants, customers, people, and how they come in. */
import type { ChosenSettings, ProvisioningStrategy, Role, SettingsChange } from '@updraft/core'
import type { Page, PageQuery } from './paging.ts'

export interface CustomerName {
  readonly id: string
  readonly name: string
}

export interface OperatorRecord {
  readonly id: string
  readonly tenantId: string
  readonly name: string
  readonly role: Role
  /** The customer whose user it is; null for everyone else. */
  readonly customer: CustomerName | null
  readonly createdAt: Date
}

/** The people of one tenant, or of one customer. Names are unique among all tenants: people sign in with nothing else. */
export interface Operators {
  /** Refuses with operator.duplicate or customer.unknown. */
  insert(operator: {
    id: string
    name: string
    role: Role
    customerId: string | null
    passwordHash: string
    createdAt: Date
  }): Promise<void>
  /** Refuses with operator.unknown. */
  get(id: string): Promise<OperatorRecord>
  page(
    query: PageQuery & { name?: string; role?: Role; customer?: string },
  ): Promise<Page<OperatorRecord>>
  /** Refuses with customer.unknown. */
  setRole(id: string, to: { role: Role; customerId: string | null }): Promise<void>
  setPassword(id: string, passwordHash: string): Promise<void>
  /** Its sessions and tokens go with it. */
  remove(id: string): Promise<void>
  /** The session with that secret; nothing to do if it is over. */
  endSession(id: string, secretHash: Buffer): Promise<void>
  /** Ends the sessions, but for the one with that secret. */
  endSessions(id: string, but?: Buffer): Promise<void>
  revokeTokens(id: string, at: Date): Promise<void>
  /** Whoever else changes people of this tenant waits until this unit of work is over. */
  lock(): Promise<void>
  /** How many have one of these roles. */
  count(roles: readonly Role[]): Promise<number>
}

export interface CustomerView extends CustomerName {
  readonly deviceCount: number
  readonly userCount: number
  readonly createdAt: Date
}

export interface Customers {
  /** Refuses with customer.duplicate. */
  insert(customer: CustomerName & { createdAt: Date }): Promise<void>
  /** Refuses with customer.unknown. */
  get(id: string): Promise<CustomerView>
  page(query: PageQuery & { name?: string }): Promise<Page<CustomerView>>
  /** Refuses with customer.duplicate. */
  rename(id: string, name: string): Promise<void>
  /** Refuses with customer.in-use. */
  remove(id: string): Promise<void>
}

/** Which devices may be claimed by a customer that knows a secret, and until when. */
export interface Claiming {
  /** Replaces what the device said before. */
  allow(said: { deviceId: string; secretHash: Buffer; expiresAt: Date }): Promise<void>
  /** What the device of that name said last, whoever owns it by now; nobody else changes its owner meanwhile. */
  find(deviceName: string): Promise<{
    readonly deviceId: string
    readonly customerId: string | null
    readonly secretHash: Buffer
    readonly expiresAt: Date
  } | null>
  /** Makes it the device of the customer whose unit of work this is. */
  take(deviceId: string): Promise<void>
  /** Makes it the tenant's own again, which nobody may claim until it says so anew. */
  giveBack(deviceId: string): Promise<void>
}

export interface Tenant {
  readonly id: string
  readonly name: string
  readonly createdAt: Date
}

/** All tenants: that they are there, and nothing that is theirs. */
export interface Tenants {
  /** With its first administrator. Refuses with tenant.duplicate or operator.duplicate. */
  insert(
    tenant: Tenant,
    administrator: { id: string; name: string; passwordHash: string },
  ): Promise<void>
  /** Refuses with tenant.unknown. */
  get(id: string): Promise<Tenant>
  page(query: PageQuery & { name?: string }): Promise<Page<Tenant>>
  /** Refuses with tenant.duplicate. */
  rename(id: string, name: string): Promise<void>
  /** With its people and its audit log. Refuses with tenant.in-use while it has profiles or customers. */
  remove(id: string): Promise<void>
}

export interface TokenRecord {
  readonly id: string
  readonly name: string
  readonly operatorName: string
  readonly role: Role
  readonly createdAt: Date
  readonly lastUsedAt: Date | null
  readonly revokedAt: Date | null
}

export interface Tokens {
  insert(token: {
    id: string
    operatorId: string
    name: string
    /** What it may do at most. */
    role: Role
    secretHash: Buffer
    createdAt: Date
  }): Promise<void>
  page(query: PageQuery & { operatorId?: string }): Promise<Page<TokenRecord>>
  /** Refuses with token.unknown, also where it is not that operator's. */
  revoke(id: string, at: Date, operatorId?: string): Promise<TokenRecord>
}

/** What a tenant has set for itself. */
export interface Settings {
  get(): Promise<{ readonly tenantName: string; readonly chosen: ChosenSettings }>
  /** What is not named stays; null goes back to what the server has. */
  change(to: SettingsChange): Promise<void>
}

/** Sign-in and tokens are looked up before it is known whose tenant it is. */
export interface Accounts {
  /** The first tenant and its administrator, made if there is none yet; answers true if it was made. */
  ensureFirst(first: {
    tenantId: string
    operatorId: string
    passwordHash: string
    now: Date
  }): Promise<boolean>
  hasFirst(): Promise<boolean>
  firstAdministrator(): Promise<OperatorRecord>
  operatorByName(name: string): Promise<(OperatorRecord & { passwordHash: string }) | null>
  /** Answers false if that is no longer the operator's password, or there is no such operator any more. */
  insertSession(session: {
    secretHash: Buffer
    tenantId: string
    operatorId: string
    passwordHash: string
    csrfToken: string
    expiresAt: Date
    now: Date
  }): Promise<boolean>
  /** Unless it is over, or nobody used it since then; notes the use now and then. */
  session(
    secretHash: Buffer,
    at: { now: Date; usedSince: Date },
  ): Promise<{ operator: OperatorRecord; csrfToken: string; expiresAt: Date } | null>
  /** The operator whose token it is, in the role the token acts in, unless revoked; notes the use now and then. */
  operatorByToken(
    secretHash: Buffer,
    now: Date,
  ): Promise<{ operator: OperatorRecord; token: { id: string; name: string } } | null>
  /** The profile devices may enrol into with that key. */
  provisioningProfile(key: string): Promise<{
    tenantId: string
    profileId: string
    secretHash: Buffer
    strategy: ProvisioningStrategy
  } | null>
}
