/** Clusters of Astarte on which devices of a tenant live, and what is known of how we get on with them. */

/** How a realm's key signs. */
export type KeyAlgorithm = 'ES256' | 'ES384' | 'ES512' | 'RS256'

/** What is needed to speak with a cluster. The key never leaves this server. */
export interface ClusterAccess {
  /** Without a slash at the end. */
  readonly baseUrl: string
  /** As the cluster calls it. */
  readonly realm: string
  readonly privateKey: string
}

export interface Cluster extends ClusterAccess {
  readonly tenantId: string
  /** As it is called here: in the address its triggers call. */
  readonly name: string
  /** Of devices nobody knew before. */
  readonly defaultProfileId: string
  /** What those triggers show. */
  readonly webhookSecret: string
  readonly changedAt: Date
}

/** How the realm was last found and set right. */
export interface ClusterState {
  readonly lookedAt: Date | null
  /** When all was well last. */
  readonly wellAt: Date | null
  /** Of Astarte, as it says. */
  readonly version: string | null
  /** What was done the last time anything had to be. */
  readonly done: readonly string[]
  /** Why it is not well; null when it is. */
  readonly error: string | null
}

export interface ClusterView {
  readonly baseUrl: string
  readonly realm: string
  readonly algorithm: KeyAlgorithm
  readonly createdAt: Date
  readonly changedAt: Date
  readonly state: ClusterState
}

/** Of one tenant: one at most. */
export interface Clusters {
  /**
   * In place of the one before; what its triggers show stays as it is. Refuses with realm.none, or realm.in-use while
   * devices are paired here.
   */
  put(
    cluster: ClusterAccess & { webhookSecret: string; algorithm: KeyAlgorithm },
    now: Date,
  ): Promise<void>
  /** Null when its devices are served here. */
  find(): Promise<ClusterView | null>
  /** The same with its key, for whoever speaks with it. */
  access(): Promise<ClusterAccess | null>
  /** Answers false when there was none. */
  remove(): Promise<boolean>
}

/** Clusters of all tenants, for whoever speaks with them. */
export interface ClustersAtWork {
  all(): Promise<readonly Cluster[]>
  /** By the name of the realm here; null when there is none, or its devices are served here. */
  ofRealm(name: string): Promise<Cluster | null>
  /**
   * This server alone holds the lines of its devices until then. Answers false when another does. One that holds them
   * already holds them longer.
   */
  hold(tenantId: string, holder: string, range: { now: Date; until: Date }): Promise<boolean>
  letGo(tenantId: string, holder: string): Promise<void>
  /** Nothing comes of it when the cluster was changed meanwhile. */
  note(cluster: Pick<Cluster, 'tenantId' | 'changedAt'>, state: ClusterState): Promise<void>
  /** The next devices that are on the line there, in the order of their ids. */
  connected(
    tenantId: string,
    after: string | null,
    limit: number,
  ): Promise<readonly ClusterDevice[]>
  /**
   * A device came on the line or left it, by the cluster's clock. Answers false when that is known, or something newer.
   */
  heardOfLine(deviceId: string, line: LineWord): Promise<boolean>
}

export interface ClusterDevice {
  readonly tenantId: string
  readonly deviceId: string
  readonly profileId: string
  readonly astarteId: string
}

export interface LineWord {
  readonly isConnected: boolean
  readonly at: Date
  readonly address: string | null
}

/** Signs what a realm's key lets us do at a cluster. */
export interface ClusterTokens {
  /** Refuses with cluster.invalid for what is no private key, or one that cannot sign. */
  algorithmOf(privateKey: string): KeyAlgorithm
  /** A JWT for that long from then on. */
  sign(
    privateKey: string,
    claims: Readonly<Record<string, unknown>>,
    range: { readonly now: Date; readonly seconds: number },
  ): Promise<string>
}
