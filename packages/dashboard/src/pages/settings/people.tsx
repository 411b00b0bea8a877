/** The people of the tenant and of its customers, and their roles. */
import { Button, Group, Menu, Select, Stack } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconPlus, IconUsers } from '@tabler/icons-react'
import { useInfiniteQuery } from '@tanstack/react-query'
import { grantableRoles, type Role } from '@updraft/core'
import { useState } from 'react'
import { useChange } from '../../data/changes.ts'
import { type ItemOf, list } from '../../data/queries.ts'
import { useMay, useSession } from '../../data/session.ts'
import { addedColumn, nameColumn } from '../../parts/columns.tsx'
import { CustomerSelect } from '../../parts/customer-select.tsx'
import { type Column, DataTable } from '../../parts/data-table.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { Empty } from '../../parts/empty.tsx'
import { MoreMenu } from '../../parts/more-menu.tsx'
import { NameField } from '../../parts/name-field.tsx'
import { Secret } from '../../parts/secret.tsx'
import { roleMeaning, roleWord } from '../../words/roles.ts'

type Person = ItemOf<'listOperators'>

export function People() {
  const query = useInfiniteQuery(list('accounts', 'listOperators', { query: { limit: 100 } }))
  const may = useMay()
  const [isAdding, adding] = useDisclosure()
  const columns: readonly Column<Person>[] = [
    nameColumn(),
    { key: 'role', head: 'Role', cell: ({ role }) => roleWord(role) },
    { key: 'customer', head: 'Customer', rank: 1, cell: ({ customer }) => customer },
    addedColumn({ rank: 2 }),
    {
      key: 'menu',
      head: '',
      width: '56px',
      cell: (person) => may('account.write') && <PersonMenu person={person} />,
    },
  ]
  return (
    <Stack>
      {may('account.write') && (
        <Group justify="flex-end">
          <Button leftSection={<IconPlus size={16} />} onClick={adding.open}>
            Add a person
          </Button>
        </Group>
      )}
      <DataTable
        label="People"
        query={query}
        columns={columns}
        empty={<Empty Icon={IconUsers} title="Nobody" />}
      />
      {isAdding && <AddPerson onClose={adding.close} />}
    </Stack>
  )
}

function PersonMenu({ person }: { person: Person }) {
  const { operator } = useSession()
  const remove = useChange('removeOperator', {
    touches: ['accounts'],
    done: `${person.name} was removed.`,
  })
  const reset = useChange('resetPassword', { touches: [] })
  const setRole = useChange('changeOperator', {
    touches: ['accounts'],
    done: `${person.name} has another role.`,
  })
  if (person.id === operator.id) return null
  const roles = grantableRoles(operator).filter(
    (role) => role !== person.role && role !== 'customer-user' && person.role !== 'customer-user',
  )
  return (
    <>
      <MoreMenu
        label={`${person.name}: more`}
        removal={{
          what: 'person',
          title: `Remove ${person.name}?`,
          body: 'Their sessions and API tokens end at once. What they did stays in the audit log.',
          isBusy: remove.isPending,
          onYes: (over) => remove.mutate({ params: { id: person.id } }, { onSettled: over }),
        }}
      >
        {roles.map((role) => (
          <Menu.Item
            key={role}
            onClick={() => setRole.mutate({ params: { id: person.id }, body: { role } })}
          >
            Make {roleWord(role).toLowerCase()}
          </Menu.Item>
        ))}
        {roles.length > 0 && <Menu.Divider />}
        <Menu.Item onClick={() => reset.mutate({ params: { id: person.id }, body: {} })}>
          Make a new password
        </Menu.Item>
        <Menu.Divider />
      </MoreMenu>
      {reset.data?.password && (
        <Secret
          title={`New password of ${person.name}`}
          secret={reset.data.password}
          what="password"
          onClose={reset.reset}
        />
      )}
    </>
  )
}

function AddPerson({ onClose }: { onClose: () => void }) {
  const { operator } = useSession()
  const [name, setName] = useState('')
  const [role, setRole] = useState<Role>('operator')
  const [customerId, setCustomerId] = useState<string | null>(null)
  const create = useChange('createOperator', { touches: ['accounts'] })
  if (create.data) {
    const { password } = create.data
    return password ? (
      <Secret
        title={`The first password of ${name}`}
        secret={password}
        what="password"
        onClose={onClose}
      />
    ) : null
  }
  const isOfCustomer = role === 'customer-user'
  return (
    <Dialog
      title="Add a person"
      verb="Add the person"
      isBusy={create.isPending}
      isIncomplete={isOfCustomer && customerId === null}
      onSubmit={() => {
        const customer = isOfCustomer && customerId ? { customerId } : {}
        create.mutate({ body: { name, role, ...customer } })
      }}
      onClose={onClose}
    >
      <NameField description="To sign in with." value={name} onChange={setName} />
      <Select
        label="Role"
        description={roleMeaning(role)}
        data={grantableRoles(operator).map((each) => ({ value: each, label: roleWord(each) }))}
        value={role}
        onChange={(value) => value && setRole(value as Role)}
        allowDeselect={false}
      />
      {isOfCustomer && <CustomerSelect value={customerId} onChange={setCustomerId} required />}
    </Dialog>
  )
}
