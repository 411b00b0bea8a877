/** Clouds: where sets of devices are served from, and the tokens by which their devices come in. */
import { Button, Group, Menu, Stack, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconCloud, IconKey, IconPencil, IconPlus } from '@tabler/icons-react'
import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { useChange } from '../../data/changes.ts'
import { type ItemOf, list } from '../../data/queries.ts'
import { useMay } from '../../data/session.ts'
import { ArtifactStoreSelect } from '../../parts/artifact-store-select.tsx'
import { addedColumn, nameColumn } from '../../parts/columns.tsx'
import { type Column, DataTable } from '../../parts/data-table.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { Empty } from '../../parts/empty.tsx'
import { MoreMenu } from '../../parts/more-menu.tsx'
import { NameField } from '../../parts/name-field.tsx'
import { counted } from '../../words/numbers.ts'
import { CloudTokens } from './cloud-tokens.tsx'

type Cloud = ItemOf<'listClouds'>

const COLUMNS: readonly Column<Cloud>[] = [
  nameColumn(),
  {
    key: 'url',
    head: 'Its devices are told',
    rank: 2,
    cell: ({ publicUrl }) =>
      publicUrl === null ? (
        <span className="quiet">what all are told</span>
      ) : (
        <span className="mono" title={publicUrl}>
          {publicUrl}
        </span>
      ),
  },
  {
    key: 'store',
    head: 'Artifact store',
    width: '150px',
    rank: 2,
    cell: ({ artifactStore }) => artifactStore ?? <span className="quiet">the default one</span>,
  },
  {
    key: 'region',
    head: 'Region',
    width: '130px',
    rank: 3,
    cell: ({ region }) => region ?? <span className="quiet">—</span>,
  },
  {
    key: 'devices',
    head: 'Devices',
    width: '96px',
    isNumeric: true,
    cell: ({ name, deviceCount }) => (
      <Link to="/devices" search={{ cloud: name }} className="plain-link">
        {counted(deviceCount)}
      </Link>
    ),
  },
  addedColumn({ rank: 3 }),
]

export function Clouds() {
  const query = useInfiniteQuery(list('clouds', 'listClouds', { query: { limit: 100 } }))
  const may = useMay()
  const [isAdding, adding] = useDisclosure()
  const columns = may('cloud.write')
    ? [
        ...COLUMNS,
        {
          key: 'more',
          head: '',
          width: '56px',
          cell: (cloud: Cloud) => <CloudMenu cloud={cloud} />,
        },
      ]
    : COLUMNS
  const add = may('cloud.write') && (
    <Button leftSection={<IconPlus size={16} />} onClick={adding.open}>
      Add a cloud
    </Button>
  )
  return (
    <Stack>
      <Group justify="flex-end">{add}</Group>
      <DataTable
        label="Clouds"
        query={query}
        columns={columns}
        empty={
          <Empty Icon={IconCloud} title="No clouds">
            A cloud is where a set of devices is served from: the address they are told, and the
            store they fetch files from. Devices of no cloud are served from here.
          </Empty>
        }
      />
      {isAdding && <CloudDialog onClose={adding.close} />}
    </Stack>
  )
}

function CloudMenu({ cloud }: { cloud: Cloud }) {
  const [isEditing, editing] = useDisclosure()
  const [isAtTokens, tokens] = useDisclosure()
  const remove = useChange('removeCloud', {
    touches: ['clouds', 'devices'],
    done: `${cloud.name} was removed.`,
  })
  return (
    <>
      <MoreMenu
        label={`${cloud.name}: more`}
        removal={{
          what: 'cloud',
          title: `Remove ${cloud.name}?`,
          body: 'Its tokens end at once. It can be removed while no device is of it.',
          isBusy: remove.isPending,
          onYes: (over) => remove.mutate({ params: { id: cloud.id } }, { onSettled: over }),
        }}
      >
        <Menu.Item leftSection={<IconPencil size={16} />} onClick={editing.open}>
          Change
        </Menu.Item>
        <Menu.Item leftSection={<IconKey size={16} />} onClick={tokens.open}>
          Tokens
        </Menu.Item>
      </MoreMenu>
      {isEditing && <CloudDialog cloud={cloud} onClose={editing.close} />}
      {isAtTokens && <CloudTokens cloud={cloud} onClose={tokens.close} />}
    </>
  )
}

/** Adds one, or changes the one given. What is left empty is as with all devices. */
function CloudDialog({ cloud, onClose }: { cloud?: Cloud; onClose: () => void }) {
  const [name, setName] = useState(cloud?.name ?? '')
  const [publicUrl, setPublicUrl] = useState(cloud?.publicUrl ?? '')
  const [artifactStore, setArtifactStore] = useState(cloud?.artifactStore ?? null)
  const [region, setRegion] = useState(cloud?.region ?? '')
  const touches = ['clouds', 'devices'] as const
  const create = useChange('createCloud', { touches, done: `${name} was added.` })
  const change = useChange('changeCloud', { touches, done: 'Changed.' })
  const body = {
    name,
    publicUrl: publicUrl.trim() || null,
    artifactStore,
    region: region.trim() || null,
  }
  return (
    <Dialog
      title={cloud ? `Change ${cloud.name}` : 'Add a cloud'}
      verb={cloud ? 'Change' : 'Add the cloud'}
      isBusy={create.isPending || change.isPending}
      onSubmit={() =>
        cloud
          ? change.mutate({ params: { id: cloud.id }, body }, { onSuccess: onClose })
          : create.mutate({ body }, { onSuccess: onClose })
      }
      onClose={onClose}
    >
      <NameField placeholder="eu-west" value={name} onChange={setName} />
      <TextInput
        label="Public URL"
        description="What its devices are told of this server. Empty: what all are told."
        placeholder="https://eu.updates.example.com"
        type="url"
        value={publicUrl}
        onChange={(event) => setPublicUrl(event.currentTarget.value)}
      />
      <ArtifactStoreSelect value={artifactStore} onChange={setArtifactStore} />
      <TextInput
        label="Region"
        description="A word for people."
        placeholder="Frankfurt"
        value={region}
        onChange={(event) => setRegion(event.currentTarget.value)}
      />
    </Dialog>
  )
}
