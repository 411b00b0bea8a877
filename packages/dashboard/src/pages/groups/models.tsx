/** System models and hardware types: what part numbers stand for. */
import { Menu } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconCpu2, IconPencil } from '@tabler/icons-react'
import { useInfiniteQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { useChange } from '../../data/changes.ts'
import { type ItemOf, list } from '../../data/queries.ts'
import { useMay } from '../../data/session.ts'
import { addedColumn, nameColumn } from '../../parts/columns.tsx'
import { type Column, DataTable } from '../../parts/data-table.tsx'
import { Empty } from '../../parts/empty.tsx'
import { MoreMenu } from '../../parts/more-menu.tsx'
import { HardwareTypeDialog, SystemModelDialog } from './model-dialogs.tsx'

type SystemModel = ItemOf<'listSystemModels'>
type HardwareType = ItemOf<'listHardwareTypes'>

const none = <span className="quiet">—</span>

const handle = {
  key: 'handle',
  head: 'Handle',
  width: '16%',
  rank: 1,
  cell: ({ handle }: { handle: string }) => <span className="mono">{handle}</span>,
} as const

const partNumbers = {
  key: 'partNumbers',
  head: 'Part numbers',
  cell: ({ partNumbers }: { partNumbers: readonly string[] }) => (
    <span className="mono" title={partNumbers.join(', ')}>
      {partNumbers.join(', ')}
    </span>
  ),
} as const

export function SystemModels({ add }: { add: ReactNode }) {
  const columns: readonly Column<SystemModel>[] = [
    nameColumn(),
    handle,
    partNumbers,
    {
      key: 'hardwareType',
      head: 'Hardware type',
      rank: 2,
      cell: ({ hardwareType }) => hardwareType?.name ?? none,
    },
    { key: 'profile', head: 'Profile', rank: 2, cell: ({ profile }) => profile?.name ?? none },
    {
      key: 'menu',
      head: '',
      width: '56px',
      cell: (model) => <SystemModelMenu model={model} />,
    },
  ]
  return (
    <DataTable
      label="System models"
      query={useInfiniteQuery(
        list('groups', 'listSystemModels', { query: { sort: 'name', limit: 100 } }),
      )}
      columns={columns}
      empty={
        <Empty Icon={IconCpu2} title="No system models yet" action={add}>
          Devices that tell a part number are of the system model that has it. Expressions ask for
          it, and devices added without a profile get the model's.
        </Empty>
      }
    />
  )
}

export function HardwareTypes({ add }: { add: ReactNode }) {
  const columns: readonly Column<HardwareType>[] = [
    nameColumn(),
    handle,
    partNumbers,
    addedColumn({ rank: 2 }),
    {
      key: 'menu',
      head: '',
      width: '56px',
      cell: (type) => <HardwareTypeMenu type={type} />,
    },
  ]
  return (
    <DataTable
      label="Hardware types"
      query={useInfiniteQuery(
        list('groups', 'listHardwareTypes', { query: { sort: 'name', limit: 100 } }),
      )}
      columns={columns}
      empty={
        <Empty Icon={IconCpu2} title="No hardware types yet" action={add}>
          A hardware type is what several system models have in common, such as one board.
        </Empty>
      }
    />
  )
}

function SystemModelMenu({ model }: { model: SystemModel }) {
  const [isEditing, editing] = useDisclosure()
  const remove = useChange('removeSystemModel', {
    touches: ['groups', 'devices'],
    done: `${model.name} was removed.`,
  })
  return (
    <>
      <RowMenu
        name={model.name}
        what="system model"
        body="Devices of it stay as they are; they are of no system model then."
        isBusy={remove.isPending}
        onChange={editing.open}
        onRemove={(over) => remove.mutate({ params: { id: model.id } }, { onSettled: over })}
      />
      {isEditing && <SystemModelDialog model={model} onClose={editing.close} />}
    </>
  )
}

function HardwareTypeMenu({ type }: { type: HardwareType }) {
  const [isEditing, editing] = useDisclosure()
  const remove = useChange('removeHardwareType', {
    touches: ['groups', 'devices'],
    done: `${type.name} was removed.`,
  })
  return (
    <>
      <RowMenu
        name={type.name}
        what="hardware type"
        body="It can be removed while no system model is of it."
        isBusy={remove.isPending}
        onChange={editing.open}
        onRemove={(over) => remove.mutate({ params: { id: type.id } }, { onSettled: over })}
      />
      {isEditing && <HardwareTypeDialog type={type} onClose={editing.close} />}
    </>
  )
}

function RowMenu({
  name,
  what,
  body,
  isBusy,
  onChange,
  onRemove,
}: {
  name: string
  what: string
  body: string
  isBusy: boolean
  onChange: () => void
  onRemove: (over: () => void) => void
}) {
  const may = useMay()
  if (!may('model.write')) return null
  return (
    <MoreMenu
      label={`${name}: more`}
      removal={{ what, title: `Remove ${name}?`, body, isBusy, onYes: onRemove }}
    >
      <Menu.Item leftSection={<IconPencil size={16} />} onClick={onChange}>
        Change
      </Menu.Item>
    </MoreMenu>
  )
}
