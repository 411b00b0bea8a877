/** Realms: a tenant as devices of Astarte call it, and the keys by which agents register devices there. */

export interface Realm {
  readonly tenantId: string
  readonly name: string
  /** Of devices that register themselves. */
  readonly defaultProfileId: string
}

export interface RealmView extends Realm {
  readonly defaultProfileName: string
  readonly signingKeyMadeAt: Date
  readonly createdAt: Date
  readonly deviceCount: number
}

export interface RealmKey {
  readonly id: string
  readonly name: string
  /** In PEM. */
  readonly publicKey: string
  readonly createdAt: Date
}

/** The one of a tenant. All but `find` refuse with realm.none while there is none. */
export interface Realms {
  find(): Promise<RealmView | null>
  get(): Promise<RealmView>
  /** Refuses with realm.duplicate when another tenant has that name, with profile.unknown, or realm.exists. */
  insert(realm: Omit<Realm, 'tenantId'> & { signingKey: string; createdAt: Date }): Promise<void>
  /** Refuses with realm.duplicate or profile.unknown. */
  change(to: { name?: string; defaultProfileId?: string }): Promise<void>
  /** Its keys go with it. Refuses with realm.in-use while devices are paired. */
  remove(): Promise<void>
  signingKey(): Promise<string>
  setSigningKey(signingKey: string, at: Date): Promise<void>
  /** The newest first. */
  keys(): Promise<readonly RealmKey[]>
  /** Refuses with realm.key-duplicate. */
  insertKey(key: RealmKey): Promise<void>
  /** Answers what it was. Refuses with realm.key-unknown. */
  removeKey(id: string): Promise<RealmKey>
}

/** Realms as devices meet them: looked up before it is known whose tenant it is. */
export interface RealmsAtWork {
  /** Null when there is none of that name. */
  named(name: string): Promise<Realm | null>
  /** Null when the tenant has none. */
  ofTenant(tenantId: string): Promise<Realm | null>
  /** All keys by which its agents' tokens may be signed, in PEM: our own private one first, then public ones. */
  keysOf(tenantId: string): Promise<{ readonly own: string; readonly others: readonly string[] }>
}
