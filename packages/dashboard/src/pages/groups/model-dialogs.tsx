/** Add and change what part numbers stand for. */
import { Select, TagsInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { useChange } from '../../data/changes.ts'
import { type ItemOf, read } from '../../data/queries.ts'
import { Dialog } from '../../parts/dialog.tsx'
import { NameField } from '../../parts/name-field.tsx'
import { HandleField, handleFor } from './handle-field.tsx'

const TOUCHES = ['groups', 'devices'] as const

interface Marks {
  readonly name: string
  readonly handle: string
  readonly partNumbers: string[]
}

const NO_MARKS: Marks = { name: '', handle: '', partNumbers: [] }

export function SystemModelDialog({
  model,
  onClose,
}: {
  /** None adds one. */
  model?: ItemOf<'listSystemModels'>
  onClose: () => void
}) {
  const [hardwareTypeId, setHardwareTypeId] = useState<string | null>(null)
  const [profileId, setProfileId] = useState(model?.profile?.id ?? null)
  const hardware = useQuery(read('groups', 'listHardwareTypes', { query: { limit: 500 } }))
  const profiles = useQuery(read('profiles', 'listProfiles', { query: { limit: 500 } }))
  const create = useChange('createSystemModel', { touches: TOUCHES, done: 'Added.' })
  const change = useChange('changeSystemModel', { touches: TOUCHES, done: 'Changed.' })
  const optionsOf = (items: readonly { id: string; name: string }[] = []) =>
    items.map(({ id, name }) => ({ value: id, label: name }))
  return (
    <MarksDialog
      what="system model"
      initial={model}
      isBusy={create.isPending || change.isPending}
      onSubmit={(marks) =>
        model
          ? change.mutate(
              { params: { id: model.id }, body: { ...marks, profileId } },
              { onSuccess: onClose },
            )
          : create.mutate(
              {
                body: {
                  ...marks,
                  hardwareTypeId: hardwareTypeId ?? undefined,
                  profileId: profileId ?? undefined,
                },
              },
              { onSuccess: onClose },
            )
      }
      onClose={onClose}
    >
      {!model && (
        <Select
          label="Hardware type"
          description="It stays so for ever."
          placeholder="None"
          data={optionsOf(hardware.data?.items)}
          value={hardwareTypeId}
          onChange={setHardwareTypeId}
          searchable
          clearable
        />
      )}
      <Select
        label="Profile"
        description="What its devices get when they are added without one."
        placeholder="None"
        data={optionsOf(profiles.data?.items)}
        value={profileId}
        onChange={setProfileId}
        searchable
        clearable
      />
    </MarksDialog>
  )
}

export function HardwareTypeDialog({
  type,
  onClose,
}: {
  /** None adds one. */
  type?: ItemOf<'listHardwareTypes'>
  onClose: () => void
}) {
  const create = useChange('createHardwareType', { touches: TOUCHES, done: 'Added.' })
  const change = useChange('changeHardwareType', { touches: TOUCHES, done: 'Changed.' })
  return (
    <MarksDialog
      what="hardware type"
      initial={type}
      isBusy={create.isPending || change.isPending}
      onSubmit={(body) =>
        type
          ? change.mutate({ params: { id: type.id }, body }, { onSuccess: onClose })
          : create.mutate({ body }, { onSuccess: onClose })
      }
      onClose={onClose}
    />
  )
}

function MarksDialog({
  what,
  initial,
  isBusy,
  onSubmit,
  onClose,
  children,
}: {
  what: string
  initial?: Marks
  isBusy: boolean
  onSubmit: (marks: Marks) => void
  onClose: () => void
  children?: ReactNode
}) {
  const { name: nameNow, handle: handleNow, partNumbers: numbersNow } = initial ?? NO_MARKS
  const [{ name, handle, partNumbers }, setMarks] = useState<Marks>({
    name: nameNow,
    handle: handleNow,
    partNumbers: numbersNow,
  })
  const set = (to: Partial<Marks>) => setMarks({ name, handle, partNumbers, ...to })
  const followsName = !initial && (handle === '' || handle === handleFor(name))
  return (
    <Dialog
      title={initial ? `Change ${initial.name}` : `Add a ${what}`}
      verb={initial ? 'Change' : `Add the ${what}`}
      isBusy={isBusy}
      isIncomplete={partNumbers.length === 0}
      onSubmit={() => onSubmit({ name, handle, partNumbers })}
      onClose={onClose}
    >
      <NameField
        value={name}
        onChange={(to) => set({ name: to, ...(followsName ? { handle: handleFor(to) } : {}) })}
      />
      <HandleField value={handle} onChange={(to) => set({ handle: to })} />
      <TagsInput
        label="Part numbers"
        description="As devices tell them, to the letter; Enter ends each."
        value={partNumbers}
        onChange={(to) => set({ partNumbers: to })}
        required={partNumbers.length === 0}
      />
      {children}
    </Dialog>
  )
}
