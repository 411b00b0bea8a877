import { Select } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { read } from '../data/queries.ts'

/** Chooses one of the customers by its id; null is the tenant itself, unless one is `required`. */
export function CustomerSelect({
  value,
  onChange,
  required = false,
}: {
  value: string | null
  onChange: (id: string | null) => void
  required?: boolean
}) {
  const customers = useQuery(read('accounts', 'listCustomers', { query: { limit: 500 } }))
  const items = customers.data?.items ?? []
  const isNone = customers.data !== undefined && items.length === 0
  return (
    <Select
      label="Customer"
      placeholder={isNone ? 'There is none yet' : required ? undefined : 'None: your own'}
      data={items.map(({ id, name }) => ({ value: id, label: name }))}
      value={value}
      onChange={onChange}
      searchable
      clearable={!required}
      required={required}
    />
  )
}
