/** The doors outwards, as interfaces: what the use cases need of the world, and nothing of how it is done. */
import type {
  CertificateFacts,
  Changes,
  ChecksumAlgorithm,
  ChosenSettings,
  ComponentType,
  CredentialKind,
  DomainEvent,
  EventKind,
  Installed,
  JsonObject,
  MqttNames,
  Operation,
  OperatorActor,
  Profile,
  Proof,
  ProvisioningStrategy,
  Release,
  Result,
  Role,
  SettingsChange,
  Snapshot,
  State,
  Step,
  SubjectKind,
} from '@updraft/core'

export interface Clock {
  now(): Date
}

/**
 * Has work done again and again, so many milliseconds apart, until what it answers is called. Who moves a clock
 * has a hand on this too.
 */
export type Every = (ms: number, work: () => void) => () => void

/** New UUIDv7 texts, in order of time. */
export interface Ids {
  next(): string
}

/** What an operation names as its release once that was removed: no release has this id. */
export const REMOVED_RELEASE = '00000000-0000-0000-0000-000000000000'

/** Bytes that are stored: named by their SHA-256, with every checksum that was computed of them so far. */
export interface StoredArtifact {
  readonly sha256: string
  readonly sizeBytes: number
  readonly checksums: Readonly<Partial<Record<ChecksumAlgorithm, string>>>
}

/**
 * An artifact opened for reading. Many readers share one; each gives it back with `release()`. Reads are by
 * position, so readers do not disturb each other.
 */
export interface ArtifactHandle {
  readonly sha256: string
  readonly sizeBytes: number
  /** Bytes from `start` up to, not including, `end`; both within the file. */
  read(start: number, end: number): Promise<Buffer>
  /**
   * The same range as a stream in large pieces, for ranges too big to hold. With `isBorrowed` a piece is good only
   * until the next one is pulled, and leaves no garbage.
   */
  stream(start: number, end: number, isBorrowed?: boolean): AsyncIterable<Buffer>
  release(): void
}

/** Where the bytes of releases are kept. */
export interface ArtifactStore {
  /**
   * Takes the bytes in, in constant memory, and answers when they are durably stored, once, whoever sent them
   * before. Refuses with artifact.empty, artifact.incomplete (the source broke off or is shorter than
   * `expectedSizeBytes`), artifact.checksum-mismatch, or store.full; then nothing is left behind.
   */
  receive(
    source: AsyncIterable<Uint8Array>,
    expected: {
      /** Computed besides SHA-256. */
      readonly algorithm: ChecksumAlgorithm
      /** Hex in any letter case; compared when given. */
      readonly checksum?: string
      readonly sizeBytes?: number
    },
  ): Promise<StoredArtifact>
  /** Refuses with artifact.unknown. */
  open(sha256: string): Promise<ArtifactHandle>
  /** The checksum of stored bytes, computed by reading them through. Refuses with artifact.unknown. */
  checksum(sha256: string, algorithm: ChecksumAlgorithm): Promise<string>
  /** Removes bytes, unless they were stored again since. Open handles stay readable. */
  remove(sha256: string, storedBefore: Date): Promise<void>
  /** Names of all that is stored, for the sweep of what nobody refers to, with the time each was stored. */
  list(): AsyncIterable<{ readonly sha256: string; readonly storedAt: Date }>
}

/** Who began an upload; to everyone else it is unknown. */
export interface Uploader {
  readonly tenantId: string
  readonly operatorId: string
}

/** A file that comes in piece by piece. */
export interface NewUpload {
  readonly id: string
  readonly sizeBytes: number
  readonly fileName: string | null
}

export interface Upload extends NewUpload {
  /** How much of it there is. */
  readonly offsetBytes: number
  /** What it has become, once all of it was there. */
  readonly artifact: StoredArtifact | null
}

/**
 * Files of one person on their way in, piece by piece, over broken connections and restarts. All but `begin` refuse
 * with upload.unknown. Whoever settles, appends to or removes an upload takes it over: a request that still waits for
 * bytes of it is broken off, as its connection may be long dead.
 */
export interface Uploads {
  begin(upload: NewUpload): Promise<void>
  /** As it stands; disturbs nobody. */
  get(id: string): Promise<Upload>
  /** As it is on the disk: where it may go on. */
  settle(id: string): Promise<Upload>
  /**
   * Adds bytes at that offset until the source ends or breaks, and answers when they are durably there. Refuses with
   * upload.other-offset, with artifact.incomplete when more comes than was announced, or with store.full; what came
   * before stays.
   */
  append(id: string, offsetBytes: number, source: AsyncIterable<Uint8Array>): Promise<Upload>
  /**
   * Makes an artifact of a whole upload, has `record` note it, and remembers it. Cut off, it is called again and goes
   * on from there; so may `record` be.
   */
  finish(id: string, record: (artifact: StoredArtifact) => Promise<void>): Promise<Upload>
  /** Forgets it, and its bytes unless they have become an artifact. */
  remove(id: string): Promise<void>
}

export interface UploadStore {
  of(uploader: Uploader): Uploads
  /** Removes those that nobody went on with since. */
  removeIdle(since: Date): Promise<void>
}

/** Makes, hashes and compares secrets. */
export interface Secrets {
  /** A new token, unguessable, safe in a URL and a header. */
  newToken(): string
  /** A new password a person can type. */
  newPassword(): string
  /** What is stored of a token; equal tokens give equal hashes, so that it can be looked up. */
  hashToken(token: string): Buffer
  isEqual(a: Uint8Array, b: Uint8Array): boolean
  hashPassword(password: string): Promise<string>
  verifyPassword(password: string, hash: string): Promise<boolean>
  /** A download ticket for those bytes, valid until `expiresAt`, stable within a day. */
  signTicket(ticket: Ticket): string
  /** Refuses with artifact.bad-ticket. */
  readTicket(text: string, now: Date): Ticket
}

/** What a download address stands for. */
export interface Ticket {
  readonly sha256: string
  readonly expiresAt: Date
}

/** What a proof is looked up by, and what is kept of its password. */
export interface Claim {
  readonly kind: CredentialKind
  readonly lookupHash: Buffer
  /** Null when there is no password. */
  readonly passwordHash: Buffer | null
}

/** What devices are known by. */
export interface Proofs {
  /** Equal proofs give equal claims, so that they can be looked up. */
  claim(proof: Proof): Claim
  /** Whether that time is within the certificate's own. */
  isValidAt(certificate: Uint8Array, now: Date): boolean
  /** A certificate as an operator or a device gives it. Refuses with request.malformed. */
  readCertificate(text: string): { readonly der: Uint8Array; readonly facts: CertificateFacts }
}

export interface PageQuery {
  readonly limit: number
  readonly cursor?: string
  readonly sort?: string
  readonly search?: string
}

export interface Page<T> {
  readonly items: readonly T[]
  readonly nextCursor: string | null
}

export interface ProfileView extends Profile {
  readonly deviceCount: number
  /** Null when devices may not enrol themselves, and to a customer. */
  readonly provisioning: { readonly key: string; readonly strategy: ProvisioningStrategy } | null
  readonly assignments: Readonly<Record<ComponentType, ReleaseName>>
}

export interface ReleaseName {
  readonly id: string
  readonly title: string
  readonly version: string
}

export interface ReleaseView extends Release {
  readonly profileName: string
  readonly revision: number
}

export interface AssignmentView {
  readonly deviceId: string | null
  readonly profileId: string | null
  readonly type: ComponentType
  readonly release: ReleaseName
  readonly assignedAt: Date
  readonly assignedBy: string
}

export interface CustomerName {
  readonly id: string
  readonly name: string
}

export interface NewDevice {
  readonly id: string
  readonly profileId: string
  /** Who owns it; the tenant itself when absent. */
  readonly customerId?: string
  readonly name: string
  readonly labels: readonly string[]
  readonly attributes: JsonObject
  readonly credentials: readonly NewCredential[]
  /** When it enrolled itself; absent for one that others added. */
  readonly provisionedAt?: Date
  readonly createdAt: Date
}

export interface NewCredential extends Claim, MqttNames {
  readonly id: string
  readonly certificate: CertificateFacts | null
  readonly createdAt: Date
}

export interface CredentialView extends MqttNames {
  readonly id: string
  readonly kind: CredentialKind
  readonly hasPassword: boolean
  readonly certificate: CertificateFacts | null
  readonly createdAt: Date
  /** When the device first came with it. */
  readonly firstUsedAt: Date | null
  /** From then on nobody is known by it; null: until it is taken back. */
  readonly expiresAt: Date | null
}

/** Devices still to be looked at because what is meant for them changed: one, or all of a profile. */
export type Spread = { readonly deviceId: string } | { readonly profileId: string }

export interface Profiles {
  insert(profile: Profile): Promise<void>
  /** Refuses with profile.unknown. */
  get(id: string): Promise<ProfileView>
  /** Refuses with profile.unknown. */
  byName(name: string): Promise<ProfileView>
  page(query: PageQuery & { name?: string }): Promise<Page<ProfileView>>
  /** Refuses with provisioning.key-taken. */
  setProvisioning(
    id: string,
    to: { key: string; secretHash: Buffer; strategy: ProvisioningStrategy } | null,
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
  readonly label?: string
  /** Of the newest operation of one of its components. */
  readonly states?: readonly State[]
  /** What that operation is about. */
  readonly releaseId?: string
  /** Text within its name. */
  readonly search?: string
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
  page(query: PageQuery & DeviceFilter): Promise<Page<DeviceView>>
  count(filter: DeviceFilter): Promise<number>
  /** Refuses with device.unknown, or request.version-mismatch when `revision` is given and differs. */
  change(
    id: string,
    to: {
      name?: string
      profileId?: string
      /** Null gives it back to the tenant. */
      customerId?: string | null
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
  countByState(): Promise<{ devices: number; states: Partial<Record<State, number>> }>
}

export interface Credentials {
  /** Refuses with device.unknown or credential.taken. */
  insert(deviceId: string, credentials: readonly NewCredential[]): Promise<void>
  /**
   * Those that are not over, oldest first. `lock`: nobody else changes them before this transaction is over. Refuses
   * with device.unknown.
   */
  ofDevice(deviceId: string, now: Date, options?: { lock: boolean }): Promise<CredentialView[]>
  /** They are over at that time, unless they are before. */
  end(deviceId: string, ids: readonly string[], at: Date): Promise<void>
  /** Answers how many there were. */
  remove(deviceId: string, ids: readonly string[]): Promise<number>
}

export interface DeviceView {
  readonly snapshot: Snapshot
  /** Who owns it; null for the tenant itself. */
  readonly customer: CustomerName | null
  readonly revision: number
}

export interface Catalogue {
  /** Notes that the tenant has these bytes; checksums are added to those known. */
  recordArtifact(artifact: StoredArtifact, storedAt: Date): Promise<void>
  /** Refuses with artifact.unknown. */
  artifact(sha256: string): Promise<StoredArtifact>
  /** Refuses with release.duplicate. */
  insert(release: Release): Promise<void>
  /** Refuses with release.unknown. */
  get(id: string): Promise<ReleaseView>
  page(
    query: PageQuery & {
      title?: string
      version?: string
      profile?: string
      profileId?: string
      type?: string
    },
  ): Promise<Page<ReleaseView>>
  describe(id: string, description: string | null, revision?: number): Promise<void>
  /** Refuses with release.in-use. The bytes stay until they are swept. */
  remove(id: string): Promise<void>
}

export interface Assignments {
  put(
    to: Spread,
    assignment: Omit<AssignmentView, 'deviceId' | 'profileId' | 'release'> & {
      id: string
      releaseId: string
    },
  ): Promise<void>
  /** Answers false when nothing was assigned. */
  withdraw(from: Spread, type: ComponentType): Promise<boolean>
  page(query: PageQuery & { releaseId?: string }): Promise<Page<AssignmentView>>
  /** How many devices of the profile have none of their own of that type. */
  countAffected(profileId: string, type: ComponentType): Promise<number>
}

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

/** An event as it is read back. */
export interface StoredEvent extends DomainEvent {
  readonly id: string
}

export interface EventQuery extends PageQuery {
  /** A kind, or its first part: `operation`. */
  readonly kind?: string
  /** Name of an operator. */
  readonly actor?: string
  readonly subjectKind?: string
  readonly subjectId?: string
  readonly deviceId?: string
  readonly result?: Result
  /** Not before this time. */
  readonly since?: Date
  /** Before this time. */
  readonly until?: Date
}

export interface Events {
  append(events: readonly DomainEvent[]): Promise<void>
  page(query: EventQuery): Promise<Page<StoredEvent>>
  /** The newest one about that subject. */
  latestOf(subject: {
    readonly kind: SubjectKind
    readonly id: string
  }): Promise<StoredEvent | null>
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

/** The rooms of one tenant, or what one customer sees of them, within one transaction. */
export interface Stores {
  readonly profiles: Profiles
  readonly devices: Devices
  readonly credentials: Credentials
  readonly catalogue: Catalogue
  readonly assignments: Assignments
  readonly operations: Operations
  readonly operators: Operators
  readonly claiming: Claiming
  readonly customers: Customers
  readonly tenants: Tenants
  readonly tokens: Tokens
  readonly events: Events
  readonly figures: Figures
  readonly settings: Settings
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
   * Loads the device under a lock, lets `decide` answer, and stores the changes it answers with before it
   * resolves. `decide` must be pure: it may be called again. Refuses with device.unknown, and with whatever
   * `decide` throws.
   */
  settle<T extends { readonly changes: Changes }>(
    target: { readonly tenantId: string; readonly deviceId: string; readonly operationId?: string },
    decide: (snapshot: Snapshot) => T,
  ): Promise<T>
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
  }): Promise<boolean>
  session(
    secretHash: Buffer,
    now: Date,
  ): Promise<{ operator: OperatorRecord; csrfToken: string; expiresAt: Date } | null>
  removeSession(secretHash: Buffer): Promise<void>
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

/** Carries events, after their commit, to whoever asked for them in this process and in others. */
export interface EventFeed {
  subscribe(listener: (events: readonly DeliveredEvent[]) => void): () => void
}

/**
 * An event as it is delivered: what happened, and to whom. From another process only that comes; `event` is null
 * then.
 */
export interface DeliveredEvent {
  readonly tenantId: string
  readonly kind: EventKind
  readonly deviceId: string | null
  readonly subjectId: string
  readonly event: DomainEvent | null
}

/** What has happened, for whoever removes it when it is old. */
export interface HistorySweep {
  tenantIds(): Promise<readonly string[]>
  /** Removes the oldest events before that time; answers how many. Fewer than `limit`: there are no more. */
  removeEvents(
    tenantId: string,
    batch: { readonly before: Date; readonly limit: number },
  ): Promise<number>
  /**
   * Looks through operations that ended before that time, from where the last batch ended, and removes them with
   * their steps; but for the newest of each component of a device, and attempts that count for what is assigned.
   * `last` is where to go on, null at the end.
   */
  removeOperations(
    tenantId: string,
    batch: { readonly before: Date; readonly after: string | null; readonly limit: number },
  ): Promise<{ readonly removed: number; readonly last: string | null }>
  /** Removes sessions that are over, and answers no repeated request is given any more. */
  removeExpired(now: Date): Promise<void>
}

/** Finds uploads that nobody made a release of, and tells whether bytes are still somebody's. */
export interface ArtifactSweep {
  /** Forgets artifacts stored before that time which no release names. */
  dropUnused(before: Date): Promise<void>
  /** Which of these are still some tenant's. */
  referenced(sha256s: readonly string[]): Promise<ReadonlySet<string>>
}

/** Finds credentials whose time is over, whoever's they are. */
export interface CredentialSweep {
  over(now: Date, limit: number): Promise<readonly OverCredential[]>
}

export interface OverCredential {
  readonly tenantId: string
  readonly deviceId: string
  readonly credential: CredentialView
}

export type { OperatorActor }
