/** The cluster of Astarte that serves a realm's devices in place of this server. */
import * as shapes from '../shapes.ts'
import type { Route } from './route.ts'

export const CLUSTER_ROUTES = {
  showCluster: {
    method: 'GET',
    path: '/realm/cluster',
    summary: "The cluster of Astarte that serves the realm's devices, and how we get on with it",
    tag: 'realm',
    permission: 'realm.read',
    response: shapes.Cluster,
  },
  setCluster: {
    method: 'PUT',
    path: '/realm/cluster',
    summary: "Have a cluster of Astarte serve the realm's devices; it is brought to what is needed",
    tag: 'realm',
    permission: 'realm.write',
    body: shapes.ClusterDraft,
    response: shapes.Cluster,
  },
  removeCluster: {
    method: 'DELETE',
    path: '/realm/cluster',
    summary: "Have no cluster serve the realm's devices; the devices stay known here",
    tag: 'realm',
    permission: 'realm.write',
    response: shapes.ClusterRemoved,
  },
  checkCluster: {
    method: 'POST',
    path: '/realm/cluster/check',
    summary: 'Try all that is needed of the cluster, now; nothing is changed',
    tag: 'realm',
    permission: 'realm.write',
    response: shapes.ClusterCheck,
  },
} as const satisfies Record<string, Route>
