/** All tenants of this installation, by name; what is within them is theirs. */
import { Button, Group, Stack } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconBuildingCommunity, IconPlus } from '@tabler/icons-react'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useChange } from '../../data/changes.ts'
import { type ItemOf, list } from '../../data/queries.ts'
import { useMay } from '../../data/session.ts'
import { addedColumn, nameColumn } from '../../parts/columns.tsx'
import { type Column, DataTable } from '../../parts/data-table.tsx'
import { Empty } from '../../parts/empty.tsx'
import { NameField } from '../../parts/name-field.tsx'
import { Secret } from '../../parts/secret.tsx'
import { NameDialog } from './named.tsx'

type Tenant = ItemOf<'listTenants'>

const COLUMNS: readonly Column<Tenant>[] = [nameColumn(), addedColumn()]

export function Tenants() {
  const query = useInfiniteQuery(list('accounts', 'listTenants', { query: { limit: 100 } }))
  const may = useMay()
  const [isAdding, adding] = useDisclosure()
  const [administrator, setAdministrator] = useState('')
  const create = useChange('createTenant', { touches: ['accounts'] })
  return (
    <Stack>
      {may('tenant.write') && (
        <Group justify="flex-end">
          <Button leftSection={<IconPlus size={16} />} onClick={adding.open}>
            Add a tenant
          </Button>
        </Group>
      )}
      <DataTable
        label="Tenants"
        query={query}
        columns={COLUMNS}
        empty={<Empty Icon={IconBuildingCommunity} title="No tenants" />}
      />
      {isAdding && (
        <NameDialog
          title="Add a tenant"
          verb="Add the tenant"
          isBusy={create.isPending}
          onSubmit={(name) =>
            create.mutate(
              { body: { name, administrator: { name: administrator } } },
              { onSuccess: adding.close },
            )
          }
          onClose={adding.close}
        >
          <NameField
            label="Its first administrator"
            description="A name to sign in with."
            value={administrator}
            onChange={setAdministrator}
            follows
          />
        </NameDialog>
      )}
      {create.data?.administrator.password && (
        <Secret
          title={`The first password of ${create.data.administrator.name}`}
          secret={create.data.administrator.password}
          what="password"
          onClose={create.reset}
        />
      )}
    </Stack>
  )
}
