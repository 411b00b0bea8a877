/** Adds a channel, or changes one: its name, and the groups it holds. */
import { MultiSelect } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import type { Output } from '@updraft/api/client'
import { useState } from 'react'
import { useChange } from '../../data/changes.ts'
import { read } from '../../data/queries.ts'
import { Dialog } from '../../parts/dialog.tsx'
import { NameField } from '../../parts/name-field.tsx'
import { HandleField, handleFor } from './handle-field.tsx'

const NOUNS = ['groups'] as const

export function ChannelDialog({
  channel,
  onClose,
}: {
  /** None adds one. */
  channel?: Output<'showChannel'>
  onClose: () => void
}) {
  const navigate = useNavigate()
  const [name, setName] = useState(channel?.name ?? '')
  const [handle, setHandle] = useState(channel?.handle ?? '')
  const [groupIds, setGroupIds] = useState(channel?.groups.map(({ id }) => id) ?? [])
  const groups = useQuery(read('groups', 'listGroups', { query: { sort: 'name', limit: 500 } }))
  const create = useChange('createChannel', { touches: NOUNS })
  const change = useChange('changeChannel', { touches: NOUNS, done: 'Changed.' })
  const items = groups.data?.items ?? []
  const body = { name, handle, groupIds }
  return (
    <Dialog
      title={channel ? `Change ${channel.name}` : 'Add a channel'}
      verb={channel ? 'Change' : 'Add the channel'}
      isBusy={create.isPending || change.isPending}
      onSubmit={() =>
        channel
          ? change.mutate({ params: { id: channel.id }, body }, { onSuccess: onClose })
          : create.mutate(
              { body },
              { onSuccess: ({ id }) => void navigate({ to: `/groups/channel/${id}` }) },
            )
      }
      onClose={onClose}
    >
      <NameField
        placeholder="Stable"
        value={name}
        onChange={(to) => {
          if (!channel && (handle === '' || handle === handleFor(name))) setHandle(handleFor(to))
          setName(to)
        }}
      />
      <HandleField value={handle} onChange={setHandle} />
      <MultiSelect
        label="Groups"
        description="A group is in one channel at most."
        placeholder={groups.data && items.length === 0 ? 'There is none yet' : undefined}
        data={items.map(({ id, name, channel: other }) => ({
          value: id,
          label: other && other.id !== channel?.id ? `${name} (in ${other.name})` : name,
          disabled: other !== null && other.id !== channel?.id,
        }))}
        value={groupIds}
        onChange={setGroupIds}
        searchable
      />
    </Dialog>
  )
}
