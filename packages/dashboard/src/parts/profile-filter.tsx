import { Select } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { read } from '../data/queries.ts'
import { useListState } from './list-query.ts'

/** All profiles by name, for choosing one. */
export function useProfiles() {
  const profiles = useQuery(read('profiles', 'listProfiles', { query: { limit: 500 } }))
  return profiles.data?.items ?? []
}

/** Only what belongs to one profile. */
export function ProfileFilter() {
  const { state, change } = useListState()
  return (
    <Select
      aria-label="Profile"
      placeholder="Any profile"
      data={useProfiles().map(({ name }) => name)}
      value={state.profile ?? null}
      onChange={(profile) => change({ profile: profile ?? undefined })}
      searchable
      clearable
    />
  )
}
