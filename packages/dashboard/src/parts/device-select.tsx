import { Select } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { read } from '../data/queries.ts'

const TYPING_MS = 150

export interface Chosen {
  readonly id: string
  readonly name: string
}

/** Chooses one device by its name, among those of a profile; the server searches. */
export function DeviceSelect({
  value,
  onChange,
  profile,
  label = 'Device',
}: {
  value: Chosen | null
  onChange: (device: Chosen | null) => void
  profile?: string
  label?: string
}) {
  const [text, setText] = useState('')
  const [search] = useDebouncedValue(text.trim(), TYPING_MS)
  // What stands in the field when one is chosen is not searched for.
  const asked = search === value?.name ? '' : search
  const query = { profile, search: asked || undefined, sort: 'name', limit: 30 }
  const found = useQuery(read('devices', 'listDevices', { query })).data?.items ?? []
  const shown =
    value && !found.some(({ id }) => id === value.id) ? [value, ...found] : (found as Chosen[])
  return (
    <Select
      label={label}
      placeholder="Search names"
      data={shown.map(({ id, name }) => ({ value: id, label: name }))}
      // The server has searched already.
      filter={({ options }) => options}
      value={value?.id ?? null}
      onChange={(id) => onChange(shown.find((device) => device.id === id) ?? null)}
      onSearchChange={setText}
      nothingFoundMessage="No device of that name"
      searchable
      clearable
    />
  )
}
