/**
 * The desk for what is heard by way of a cluster of Astarte: which clusters there are, which server speaks with each, and
 * which device of ours one of theirs is. What a device gets is decided at the other desk.
 */
import { DomainError, type Snapshot } from '@updraft/core'
import type { PairingDesk } from './pairing.ts'
import type {
  Clock,
  Cluster,
  ClusterDevice,
  ClustersAtWork,
  ClusterTokens,
  DeviceWork,
  Introspection,
  Pairing,
  Secrets,
} from './ports.ts'

export type {
  Cluster,
  ClusterAccess,
  ClusterDevice,
  ClusterState,
  Introspection,
  LineWord,
  Pairing,
} from './ports.ts'

export interface ClusterDesk extends Omit<ClustersAtWork, 'connected'> {
  readonly sign: ClusterTokens['sign']
  /** Whether that is what the cluster's triggers show. */
  isSecretOf(cluster: Cluster, shown: string): boolean
  /** All devices that are on the line there. */
  connected(cluster: Cluster): Promise<readonly ClusterDevice[]>
  /** The device of that id; made, in the realm's default profile, when there is none. */
  pairing(cluster: Cluster, astarteId: string): Promise<Pairing>
  /** As it is now. With a dialect it is marked as seen. Refuses with device.unknown. */
  device(deviceId: string, dialect: string | null): Promise<Snapshot>
  readonly followModel: PairingDesk['followModel']
  setIntrospection(deviceId: string, introspection: Introspection): Promise<void>
}

const PAGE_SIZE = 1000

export function clusterDesk({
  clock,
  clusters,
  pairing,
  secrets,
  tokens,
  work,
}: {
  clock: Clock
  clusters: ClustersAtWork
  pairing: Pick<PairingDesk, 'adoptPaired' | 'followModel' | 'pairings'>
  secrets: Pick<Secrets, 'hashToken' | 'isEqual'>
  tokens: Pick<ClusterTokens, 'sign'>
  work: Pick<DeviceWork, 'arriveVouched'>
}): ClusterDesk {
  return {
    ...clusters,
    sign: tokens.sign,
    isSecretOf: ({ webhookSecret }, shown) =>
      secrets.isEqual(secrets.hashToken(webhookSecret), secrets.hashToken(shown)),
    connected: async ({ tenantId }) => {
      const all: ClusterDevice[] = []
      for (let after: string | null = null; ; ) {
        const page: readonly ClusterDevice[] = await clusters.connected(tenantId, after, PAGE_SIZE)
        all.push(...page)
        if (page.length < PAGE_SIZE) return all
        after = page.at(-1)?.deviceId ?? null
      }
    },
    pairing: pairing.adoptPaired,
    device: async (deviceId, dialect) => {
      const device = await work.arriveVouched(deviceId, dialect, clock.now())
      if (device) return device
      throw new DomainError('device.unknown', 'There is no such device any more.')
    },
    followModel: pairing.followModel,
    setIntrospection: pairing.pairings.setIntrospection,
  }
}
