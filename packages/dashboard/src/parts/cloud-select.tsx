import { Select } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { read } from '../data/queries.ts'
import { useMay } from '../data/session.ts'

/** All clouds by name; none for those who may not see them. */
export function useClouds() {
  const may = useMay()
  const clouds = useQuery({
    ...read('clouds', 'listClouds', { query: { sort: 'name', limit: 500 } }),
    enabled: may('cloud.read'),
  })
  return clouds.data?.items ?? []
}

/** Chooses one of the clouds by its id; null is none, and devices are served from here. */
export function CloudSelect({
  value,
  onChange,
}: {
  value: string | null
  onChange: (id: string | null) => void
}) {
  const clouds = useClouds()
  if (clouds.length === 0) return null
  return (
    <Select
      label="Cloud"
      placeholder="None: served from here"
      data={clouds.map(({ id, name }) => ({ value: id, label: name }))}
      value={value}
      onChange={onChange}
      searchable
      clearable
    />
  )
}
