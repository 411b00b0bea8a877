import { useClouds } from '../../parts/cloud-select.tsx'

/** Clouds by name; none named are all. */
export function CloudNames({ ids }: { ids: readonly string[] }) {
  const clouds = useClouds()
  if (ids.length === 0) return 'all'
  const names = clouds.filter(({ id }) => ids.includes(id)).map(({ name }) => name)
  return names.join(', ') || `${ids.length}`
}
