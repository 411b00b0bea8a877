/** The realm and the cluster of its devices; of either there may be none, which is an answer. */
import { queryOptions, useQuery } from '@tanstack/react-query'
import { ApiError, type Output } from '@updraft/api/client'
import { api } from './client.ts'
import { read } from './queries.ts'
import { useMay } from './session.ts'

const orNull =
  (code: string) =>
  (error: unknown): null => {
    if (error instanceof ApiError && error.code === code) return null
    throw error
  }

export const realmQuery = queryOptions({
  queryKey: ['realm', 'showRealm'],
  queryFn: ({ signal }) => api('showRealm', {}, { signal }).catch(orNull('realm.none')),
})

export const clusterQuery = queryOptions({
  queryKey: ['realm', 'showCluster'],
  queryFn: ({ signal }) => api('showCluster', {}, { signal }).catch(orNull('cluster.none')),
})

/** That a device has stopped what was cancelled need not be an event, and is looked for so often. */
const LOOK_EVERY_MS = 3_000

/** What a paired device is to Astarte. */
export const usePairing = ({ id, astarteId }: { id: string; astarteId: string | null }) =>
  useQuery({
    ...read('devices', 'showPairing', { params: { id } }),
    enabled: astarteId !== null,
    refetchInterval: ({ state }) => (state.data?.cancelling.length ? LOOK_EVERY_MS : false),
  })

/** The realm, where there is one and its devices are served from here; else null. */
export function usePairingRealm(): Output<'showRealm'> | null {
  const may = useMay()
  const realm = useQuery({ ...realmQuery, enabled: may('realm.read') })
  const cluster = useQuery({ ...clusterQuery, enabled: Boolean(realm.data) })
  return (cluster.data === null && realm.data) || null
}
