/** Clusters of Astarte, on which devices of some realms live. */
import { DomainError } from '@updraft/core'
import { clusterDesk } from '../app/cluster-desk.ts'
import { triggersCall } from '../app/clusters.ts'
import { rounds } from '../app/rounds.ts'
import { clusterTokens } from '../credentials/cluster-tokens.ts'
import { ClusterError } from '../dialects/edgehog/cluster-client.ts'
import { edgehogClusters } from '../dialects/edgehog/clusters.ts'
import { clustersAtWork } from '../store/clusters.ts'
import type { DeviceSide } from './device-side.ts'
import type { Foundation } from './foundation.ts'

const EVERY_MS = 10_000

/** `publicUrl`: the server's root, once it listens; it is not asked before it is started. */
export function clusterSide(
  { clock, database, every, feed, ids, log, report, secrets, work }: Foundation,
  { clusterClientFor, desk, giveUpClusterCalls, pace, sessions }: DeviceSide,
  publicUrl: () => string,
) {
  const onError = (error: unknown) => {
    const isForeseen = error instanceof ClusterError || error instanceof DomainError
    if (isForeseen) log.warn({ error: error.message }, 'a cluster of Astarte could not be served')
    else report('a cluster of Astarte could not be served')(error)
  }
  const clusters = edgehogClusters({
    clusters: clusterDesk({
      clock,
      clusters: clustersAtWork(database),
      pairing: desk,
      secrets,
      tokens: clusterTokens,
      work,
    }),
    desk,
    liveSessions: sessions,
    pacer: pace,
    clock,
    log,
    clientFor: clusterClientFor,
    triggersCall: (realm) => triggersCall(publicUrl(), realm),
    rootFor: async (device) => (await desk.cloudOf(device))?.publicUrl ?? publicUrl(),
    holder: ids.next(),
    onError,
  })
  const regular = rounds({
    everyMs: EVERY_MS,
    every,
    isDueAtStart: true,
    work: clusters.round,
    onError,
  })
  let unsubscribe: (() => void) | undefined

  return {
    ...clusters,
    start: () => {
      regular.start()
      unsubscribe = feed.subscribe((delivered) => {
        if (delivered.some(({ kind }) => kind.startsWith('realm.'))) clusters.round().catch(onError)
      })
    },
    stop: async () => {
      unsubscribe?.()
      giveUpClusterCalls()
      await regular.stop()
      await clusters.stop()
    },
  }
}
