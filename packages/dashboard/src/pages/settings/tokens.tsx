/** API tokens: for scripts, in one's own name. */
import { Button, Group, Select, Stack } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconKey, IconPlus } from '@tabler/icons-react'
import { useInfiniteQuery } from '@tanstack/react-query'
import { type Role, rolesWithin } from '@updraft/core'
import { useState } from 'react'
import { useChange } from '../../data/changes.ts'
import { type ItemOf, list } from '../../data/queries.ts'
import { useSession } from '../../data/session.ts'
import { addedColumn, nameColumn } from '../../parts/columns.tsx'
import { Confirm, type Question } from '../../parts/confirm.tsx'
import { type Column, DataTable } from '../../parts/data-table.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { Empty } from '../../parts/empty.tsx'
import { NameField } from '../../parts/name-field.tsx'
import { Secret } from '../../parts/secret.tsx'
import { TimeAgo } from '../../parts/time-ago.tsx'
import { roleWord } from '../../words/roles.ts'

type Token = ItemOf<'listTokens'>

export function Tokens() {
  const query = useInfiniteQuery(list('accounts', 'listTokens', { query: { limit: 100 } }))
  const [isAdding, adding] = useDisclosure()
  const [question, ask] = useState<Question | null>(null)
  const revoke = useChange('revokeToken', { touches: ['accounts'], done: 'The token was revoked.' })
  const columns: readonly Column<Token>[] = [
    nameColumn(),
    { key: 'operator', head: 'Of', rank: 1, cell: ({ operator }) => operator },
    { key: 'role', head: 'May do as', rank: 1, cell: ({ role }) => roleWord(role) },
    addedColumn({ head: 'Made', rank: 2 }),
    {
      key: 'used',
      head: 'Last used',
      width: '120px',
      cell: ({ lastUsedAt }) => <TimeAgo at={lastUsedAt} never="never" />,
    },
    {
      key: 'revoke',
      head: '',
      width: '130px',
      cell: ({ id, name, revokedAt }) =>
        revokedAt ? (
          <span className="quiet">
            revoked <TimeAgo at={revokedAt} />
          </span>
        ) : (
          <Button
            size="xs"
            variant="default"
            onClick={() =>
              ask({
                title: `Revoke ${name}?`,
                body: 'Whatever uses it is refused from then on.',
                yes: 'Revoke the token',
                isDangerous: true,
                onYes: () => revoke.mutate({ params: { id } }, { onSettled: () => ask(null) }),
              })
            }
          >
            Revoke
          </Button>
        ),
    },
  ]
  const add = (
    <Button leftSection={<IconPlus size={16} />} onClick={adding.open}>
      Make a token
    </Button>
  )
  return (
    <Stack>
      <Group justify="flex-end">{add}</Group>
      <DataTable
        label="API tokens"
        query={query}
        columns={columns}
        empty={<Empty Icon={IconKey} title="No API tokens" />}
      />
      <Confirm question={question} isBusy={revoke.isPending} onClose={() => ask(null)} />
      {isAdding && <MakeToken onClose={adding.close} />}
    </Stack>
  )
}

function MakeToken({ onClose }: { onClose: () => void }) {
  const { operator } = useSession()
  const [name, setName] = useState('')
  const [role, setRole] = useState<Role>(operator.role)
  const make = useChange('createToken', { touches: ['accounts'] })
  if (make.data) {
    return <Secret title={name} secret={make.data.token} what="token" onClose={onClose} />
  }
  return (
    <Dialog
      title="Make an API token"
      verb="Make the token"
      isBusy={make.isPending}
      onSubmit={() => make.mutate({ body: { name, role } })}
      onClose={onClose}
    >
      <NameField placeholder="build server" value={name} onChange={setName} />
      <Select
        label="May do as"
        data={rolesWithin(operator.role).map((each) => ({ value: each, label: roleWord(each) }))}
        value={role}
        onChange={(value) => value && setRole(value as Role)}
        allowDeselect={false}
      />
    </Dialog>
  )
}
