/** Customers, who own devices. */
import { Button, Group, Stack } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconBuilding, IconPlus } from '@tabler/icons-react'
import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useChange } from '../../data/changes.ts'
import { type ItemOf, list } from '../../data/queries.ts'
import { useMay } from '../../data/session.ts'
import { addedColumn, nameColumn } from '../../parts/columns.tsx'
import { type Column, DataTable } from '../../parts/data-table.tsx'
import { Empty } from '../../parts/empty.tsx'
import { counted } from '../../words/numbers.ts'
import { NameDialog } from './named.tsx'

type Customer = ItemOf<'listCustomers'>

export function Customers() {
  const query = useInfiniteQuery(list('accounts', 'listCustomers', { query: { limit: 100 } }))
  const may = useMay()
  const [isAdding, adding] = useDisclosure()
  const create = useChange('createCustomer', { touches: ['accounts'], done: 'Added.' })
  const remove = useChange('removeCustomer', { touches: ['accounts'], done: 'Removed.' })
  const columns: readonly Column<Customer>[] = [
    nameColumn(),
    {
      key: 'devices',
      head: 'Devices',
      width: '100px',
      isNumeric: true,
      cell: ({ name, deviceCount }) => (
        <Link to="/devices" search={{ customer: name }} className="plain-link">
          {counted(deviceCount)}
        </Link>
      ),
    },
    {
      key: 'users',
      head: 'People',
      width: '100px',
      isNumeric: true,
      rank: 1,
      cell: ({ userCount }) => counted(userCount),
    },
    addedColumn({ rank: 1 }),
    {
      key: 'remove',
      head: '',
      width: '110px',
      cell: ({ id, deviceCount, userCount }) =>
        may('customer.write') &&
        deviceCount + userCount === 0 && (
          <Button size="xs" variant="default" onClick={() => remove.mutate({ params: { id } })}>
            Remove
          </Button>
        ),
    },
  ]
  return (
    <Stack>
      {may('customer.write') && (
        <Group justify="flex-end">
          <Button leftSection={<IconPlus size={16} />} onClick={adding.open}>
            Add a customer
          </Button>
        </Group>
      )}
      <DataTable
        label="Customers"
        query={query}
        columns={columns}
        empty={
          <Empty Icon={IconBuilding} title="No customers">
            A customer owns devices; its people see those and nothing else.
          </Empty>
        }
      />
      {isAdding && (
        <NameDialog
          title="Add a customer"
          verb="Add the customer"
          isBusy={create.isPending}
          onSubmit={(name) => create.mutate({ body: { name } }, { onSuccess: adding.close })}
          onClose={adding.close}
        />
      )}
    </Stack>
  )
}
