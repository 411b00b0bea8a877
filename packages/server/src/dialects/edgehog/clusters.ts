/**
 * Devices that live on clusters of Astarte: events come in by its triggers, whichever server they reach; requests go out
 * from the one server that holds the lines of that cluster's devices.
 */
import type { Cluster, ClusterDesk } from '../../app/cluster-desk.ts'
import type { Dialect } from '../dialect.ts'
import { type ClusterAtWork, clusterAtWork } from './cluster-at-work.ts'
import type { ClusterClient } from './cluster-client.ts'
import { type HearNeeds, hearing } from './cluster-hear.ts'
import { ClusterLine, type ClusterLineNeeds } from './cluster-line.ts'
import { clusterWebhook } from './cluster-webhook.ts'

/** A server that is gone is missed after so long. */
const HELD_MS = 30_000

export interface EdgehogClusters extends Dialect {
  /** Takes up what is due, of all clusters. */
  round(): Promise<void>
  /** Lets go of all lines, for another server to hold. */
  stop(): Promise<void>
}

export interface EdgehogClustersNeeds
  extends Omit<HearNeeds, 'clusters' | 'desk' | 'clientOf' | 'onLine'>,
    Omit<ClusterLineNeeds, 'client' | 'calls' | 'clusters' | 'onError'> {
  readonly clusters: ClusterDesk
  readonly clientFor: (cluster: Cluster) => ClusterClient
  /** What the triggers of a realm call. */
  readonly triggersCall: (realm: string) => string
  readonly clock: { now(): Date }
  /** This run of this server. */
  readonly holder: string
  readonly onError: (error: unknown) => void
}

export function edgehogClusters(needs: EdgehogClustersNeeds): EdgehogClusters {
  const { clusters, clientFor, triggersCall, clock, holder, onError } = needs
  const atWork = new Map<string, ClusterAtWork>()
  let isStopped = false
  let isDue = false
  let running: Promise<void> | null = null

  /** One for each, so that its token is used again. */
  const clients = new Map<string, { readonly changedMs: number; readonly client: ClusterClient }>()
  const clientOf = (cluster: Cluster): ClusterClient => {
    const changedMs = cluster.changedAt.getTime()
    const known = clients.get(cluster.tenantId)
    if (known?.changedMs === changedMs) return known.client
    const client = clientFor(cluster)
    clients.set(cluster.tenantId, { changedMs, client })
    return client
  }

  const letGo = async (tenantId: string) => {
    const gone = atWork.get(tenantId)
    atWork.delete(tenantId)
    await gone?.stop()
  }

  const takeUp = async (cluster: Cluster) => {
    const { tenantId, changedAt } = cluster
    const now = clock.now()
    const until = new Date(now.getTime() + HELD_MS)
    if (!(await clusters.hold(tenantId, holder, { now, until }))) return letGo(tenantId)
    if (atWork.get(tenantId)?.changedAt.getTime() !== changedAt.getTime()) await letGo(tenantId)
    if (isStopped) return
    const client = clientOf(cluster)
    const held =
      atWork.get(tenantId) ??
      clusterAtWork({
        cluster,
        client,
        clusters,
        triggersCall: () => triggersCall(cluster.name),
        clock,
        openLine: (device, calls) => new ClusterLine(device, { ...needs, client, calls }),
        onError,
      })
    atWork.set(tenantId, held)
    held.look()
  }

  const roundOnce = async () => {
    const all = await clusters.all()
    const there = new Set(all.map(({ tenantId }) => tenantId))
    const gone = [...atWork.keys()].filter((tenantId) => !there.has(tenantId))
    const done = await Promise.allSettled([...all.map(takeUp), ...gone.map(letGo)])
    for (const each of done) if (each.status === 'rejected') onError(each.reason)
  }

  const hear = hearing({
    ...needs,
    clientOf,
    onLine: (cluster, device, isConnected) =>
      atWork.get(cluster.tenantId)?.heardOfLine(device, isConnected),
  })

  return {
    name: 'edgehog-clusters',
    http: clusterWebhook({ clusters, hear }),
    round: () => {
      isDue = true
      running ??= (async () => {
        while (isDue && !isStopped) {
          isDue = false
          await roundOnce()
        }
      })().finally(() => {
        running = null
      })
      return running
    },
    stop: async () => {
      isStopped = true
      await running?.catch(onError)
      const held = [...atWork.keys()]
      await Promise.all(held.map(letGo))
      await Promise.all(held.map((tenantId) => clusters.letGo(tenantId, holder)))
    },
  }
}
