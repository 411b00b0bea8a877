/** The people of the tenant and of its customers, and their roles. */
import { ActionIcon, Button, Group, Menu, Modal, Select, Stack, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconDots, IconPlus, IconUsers } from '@tabler/icons-react'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { grantableRoles, type Role } from '@updraft/core'
import { useState } from 'react'
import { useChange } from '../../data/changes.ts'
import { type ItemOf, list, read } from '../../data/queries.ts'
import { useMay, useSession } from '../../data/session.ts'
import { Confirm, type Question } from '../../parts/confirm.tsx'
import { type Column, DataTable } from '../../parts/data-table.tsx'
import { Empty } from '../../parts/empty.tsx'
import { Secret } from '../../parts/secret.tsx'
import { TimeAgo } from '../../parts/time-ago.tsx'
import { roleMeaning, roleWord } from '../../words/roles.ts'

type Person = ItemOf<'listOperators'>

export function People() {
  const query = useInfiniteQuery(list('accounts', 'listOperators', { query: { limit: 100 } }))
  const may = useMay()
  const [isAdding, adding] = useDisclosure()
  const columns: readonly Column<Person>[] = [
    { key: 'name', head: 'Name', cell: ({ name }) => <span className="strong">{name}</span> },
    { key: 'role', head: 'Role', cell: ({ role }) => roleWord(role) },
    { key: 'customer', head: 'Customer', rank: 1, cell: ({ customer }) => customer },
    {
      key: 'added',
      head: 'Added',
      width: '120px',
      rank: 2,
      cell: ({ createdAt }) => <TimeAgo at={createdAt} />,
    },
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
  const [question, ask] = useState<Question | null>(null)
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
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon variant="subtle" color="gray" aria-label={`${person.name}: more`}>
            <IconDots size={18} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
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
          <Menu.Item
            color="red"
            onClick={() =>
              ask({
                title: `Remove ${person.name}?`,
                body: 'Their sessions and API tokens end at once. What they did stays in the audit log.',
                yes: 'Remove the person',
                isDangerous: true,
                onYes: () =>
                  remove.mutate({ params: { id: person.id } }, { onSettled: () => ask(null) }),
              })
            }
          >
            Remove
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <Confirm question={question} isBusy={remove.isPending} onClose={() => ask(null)} />
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
  const customers = useQuery(read('accounts', 'listCustomers', { query: { limit: 500 } }))
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
    <Modal opened onClose={onClose} title="Add a person">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          const customer = isOfCustomer && customerId ? { customerId } : {}
          create.mutate({ body: { name, role, ...customer } })
        }}
      >
        <Stack>
          <TextInput
            label="Name"
            description="To sign in with."
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            maxLength={255}
            required
            data-autofocus
          />
          <Select
            label="Role"
            description={roleMeaning(role)}
            data={grantableRoles(operator).map((each) => ({ value: each, label: roleWord(each) }))}
            value={role}
            onChange={(value) => value && setRole(value as Role)}
            allowDeselect={false}
          />
          {isOfCustomer && (
            <Select
              label="Customer"
              placeholder={customers.data?.items.length === 0 ? 'There is none yet' : undefined}
              data={(customers.data?.items ?? []).map((each) => ({
                value: each.id,
                label: each.name,
              }))}
              value={customerId}
              onChange={setCustomerId}
              required
            />
          )}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Leave it
            </Button>
            <Button
              type="submit"
              loading={create.isPending}
              disabled={isOfCustomer && customerId === null}
            >
              Add the person
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
