/** Whether devices can be paired here. */
import { useQuery } from '@tanstack/react-query'
import type { Output } from '@updraft/api/client'
import { ApiError } from '@updraft/api/client'
import { read } from './queries.ts'
import { useMay } from './session.ts'

/** The realm, where there is one and its devices are served from here; else null. */
export function usePairingRealm(): Output<'showRealm'> | null {
  const may = useMay()
  const enabled = may('realm.read')
  const realm = useQuery({ ...read('realm', 'showRealm', {}), enabled })
  const hasRealm = realm.data !== undefined && !isRefused(realm.error, 'realm.none')
  const cluster = useQuery({ ...read('realm', 'showCluster', {}), enabled: hasRealm })
  return hasRealm && isRefused(cluster.error, 'cluster.none') ? realm.data : null
}

export const isRefused = (error: unknown, code: string): boolean =>
  error instanceof ApiError && error.code === code
