import { Select } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { read } from '../data/queries.ts'

/** Chooses one of the artifact stores by its name; null is the default one, whichever that is. */
export function ArtifactStoreSelect({
  value,
  onChange,
}: {
  value: string | null
  onChange: (name: string | null) => void
}) {
  const stores = useQuery(read('clouds', 'listArtifactStores', {}))
  const names = (stores.data?.items ?? []).map(({ name }) => name)
  // One that is configured no more is still what the cloud says.
  if (value !== null && !names.includes(value)) names.push(value)
  return (
    <Select
      label="Artifact store"
      description="The one its devices fetch files from."
      placeholder="The default one"
      data={names}
      value={value}
      onChange={onChange}
      searchable
      clearable
    />
  )
}
