/** Kinds of devices, and what each of them is assigned. */
import { Button, Textarea } from '@mantine/core'
import { IconPlus, IconTemplate } from '@tabler/icons-react'
import { useInfiniteQuery } from '@tanstack/react-query'
import { Outlet, useNavigate, useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { useChange } from '../data/changes.ts'
import { type ItemOf, list } from '../data/queries.ts'
import { useMay } from '../data/session.ts'
import { addedColumn, nameColumn } from '../parts/columns.tsx'
import { type Column, DataTable } from '../parts/data-table.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { Empty } from '../parts/empty.tsx'
import { useListState } from '../parts/list-query.ts'
import { NameField } from '../parts/name-field.tsx'
import { Page } from '../parts/page.tsx'
import { counted } from '../words/numbers.ts'

type Profile = ItemOf<'listProfiles'>

const COLUMNS: readonly Column<Profile>[] = [
  nameColumn({ sort: 'name' }),
  {
    key: 'assigned',
    head: 'Assigned',
    cell: ({ assignments }) => <Assigned assignments={assignments} />,
  },
  {
    key: 'devices',
    head: 'Devices',
    width: '100px',
    isNumeric: true,
    cell: ({ deviceCount }) => counted(deviceCount),
  },
  {
    key: 'description',
    head: 'Description',
    rank: 2,
    cell: ({ description }) => <span className="quiet">{description}</span>,
  },
  addedColumn({ sort: 'createdAt', rank: 1 }),
]

export function Profiles() {
  const { state, change } = useListState()
  const navigate = useNavigate()
  const may = useMay()
  const { profileId } = useParams({ strict: false }) as { profileId?: string }
  const sort = state.sort ?? 'name'
  const query = useInfiniteQuery(list('profiles', 'listProfiles', { query: { sort, limit: 100 } }))
  const add = (
    <Button leftSection={<IconPlus size={16} />} onClick={() => change({ add: 'profile' })}>
      Add a profile
    </Button>
  )
  return (
    <Page title="Profiles" fills actions={may('profile.write') && add}>
      <DataTable
        label="Profiles"
        query={query}
        columns={COLUMNS}
        sort={sort}
        onSort={(wanted) => change({ sort: wanted })}
        openId={profileId}
        onOpen={({ id }) => void navigate({ href: `/profiles/${id}${location.search}` })}
        empty={
          <Empty Icon={IconTemplate} title="No profiles yet" action={may('profile.write') && add}>
            A profile stands for devices of one kind: packages are made for it, and assigning one to
            it updates them all.
          </Empty>
        }
      />
      {state.add !== undefined && may('profile.write') && (
        <AddProfile onClose={() => change({ add: undefined })} />
      )}
      <Outlet />
    </Page>
  )
}

function Assigned({ assignments }: { assignments: Profile['assignments'] }) {
  const types = Object.keys(assignments).sort()
  if (types.length === 0) return <span className="quiet">nothing</span>
  return types.map((type) => {
    const release = assignments[type]
    return (
      release && (
        <span key={type} className="assigned">
          {release.title} <span className="mono">{release.version}</span>
          {type !== 'firmware' && <span className="quiet"> {type}</span>}
        </span>
      )
    )
  })
}

function AddProfile({ onClose }: { onClose: () => void }) {
  const navigate = useNavigate()
  const [name, setName] = useState('')
  const [description, setDescription] = useState('')
  const create = useChange('createProfile', { touches: ['profiles'] })
  return (
    <Dialog
      title="Add a profile"
      verb="Add the profile"
      isBusy={create.isPending}
      onSubmit={() =>
        create.mutate(
          { body: { name, description: description.trim() || undefined } },
          { onSuccess: ({ id }) => void navigate({ to: `/profiles/${id}` }) },
        )
      }
      onClose={onClose}
    >
      <NameField
        placeholder="sensor-v2"
        description="Devices of one kind, which the same packages fit."
        value={name}
        onChange={setName}
      />
      <Textarea
        label="Description"
        value={description}
        onChange={(event) => setDescription(event.currentTarget.value)}
        autosize
        minRows={2}
      />
    </Dialog>
  )
}
