/** Chooses a release, among all or those made for a profile. */
import { Select } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { type ItemOf, read } from '../data/queries.ts'

type Release = ItemOf<'listReleases'>

/** The newest first; of one type of component, or of all. */
export function useReleases({
  profile,
  type,
}: {
  profile?: string
  type?: string
}): readonly Release[] {
  const query = { profile, type, sort: '-createdAt', limit: 200 }
  return useQuery(read('releases', 'listReleases', { query })).data?.items ?? []
}

export function ReleaseSelect({
  releases,
  none,
  value,
  onChange,
  isFirst = true,
}: {
  releases: readonly Release[]
  /** What is said when there are none. */
  none: string
  /** Its id. */
  value: string | null
  onChange: (id: string | null) => void
  /** The dialog begins with it. */
  isFirst?: boolean
}) {
  return (
    <Select
      label="Release"
      placeholder={releases.length > 0 ? 'Choose one' : none}
      data={releases.map(({ id, title, version, type }) => ({
        value: id,
        label: `${title} ${version}${type === 'firmware' ? '' : ` (${type})`}`,
      }))}
      value={value}
      onChange={onChange}
      searchable
      data-autofocus={isFirst || undefined}
    />
  )
}
