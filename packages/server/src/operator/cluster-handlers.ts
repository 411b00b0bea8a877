/** The handlers of the routes about the cluster that serves a realm's devices. */
import type { CLUSTER_ROUTES } from '@updraft/api/routes/clusters'
import type * as api from '@updraft/api/shapes'
import type { ShownCluster } from '../app/clusters.ts'
import type { Handlers, OperatorNeeds } from './call.ts'
import { time } from './views.ts'

export function clusterHandlers({
  clusters,
}: Pick<OperatorNeeds, 'clusters'>): Pick<Handlers, keyof typeof CLUSTER_ROUTES> {
  return {
    showCluster: async ({ caller: { actor } }) => clusterView(await clusters.show(actor)),
    setCluster: async ({ input: { body }, caller: { actor } }) =>
      clusterView(await clusters.set(actor, body)),
    removeCluster: ({ caller: { actor } }) => clusters.remove(actor),
    checkCluster: async ({ caller: { actor } }) => {
      const items = await clusters.check(actor)
      return { isWell: items.every(({ isWell }) => isWell), items: [...items] }
    },
  }
}

const timeOrNull = (at: Date | null) => at && time(at)

const clusterView = ({ state, ...cluster }: ShownCluster): api.Cluster => ({
  baseUrl: cluster.baseUrl,
  realm: cluster.realm,
  algorithm: cluster.algorithm,
  triggersCall: cluster.triggersCall,
  createdAt: time(cluster.createdAt),
  changedAt: time(cluster.changedAt),
  lookedAt: timeOrNull(state.lookedAt),
  wellAt: timeOrNull(state.wellAt),
  version: state.version,
  done: [...state.done],
  error: state.error,
})
