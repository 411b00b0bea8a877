import { CloseButton, TextInput } from '@mantine/core'
import { IconSearch } from '@tabler/icons-react'
import { useSearchField } from './list-query.ts'

/** Searches the list of the page it stands on; what is typed goes into the address. */
export function SearchField({ label, placeholder }: { label: string; placeholder: string }) {
  const { value, onChange } = useSearchField()
  return (
    <TextInput
      aria-label={label}
      placeholder={placeholder}
      leftSection={<IconSearch size={16} />}
      rightSection={
        value && <CloseButton size="sm" onClick={() => onChange('')} aria-label="Clear" />
      }
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  )
}
