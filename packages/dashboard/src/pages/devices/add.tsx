/** Adds a device, and shows its token once with the commands that bring it in. */
import { Alert, Button, Group, Modal, Select, Stack, TagsInput } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useChange } from '../../data/changes.ts'
import { Copyable } from '../../parts/copyable.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { NameField } from '../../parts/name-field.tsx'
import { useProfiles } from '../../parts/profile-filter.tsx'
import { WaysIn } from '../../parts/ways-in.tsx'

export function AddDevice({
  initialProfile,
  onClose,
}: {
  /** Its name, where one was chosen already. */
  initialProfile?: string
  onClose: () => void
}) {
  const navigate = useNavigate()
  const [name, setName] = useState('')
  const [chosen, choose] = useState<string | null>()
  // The profiles may be read only after this has opened.
  const profile = chosen === undefined ? (initialProfile ?? null) : chosen
  const [labels, setLabels] = useState<string[]>([])
  const create = useChange('createDevice', { touches: ['devices', 'overview', 'profiles'] })
  const names = useProfiles().map((each) => each.name)

  if (create.data) {
    const { id, token } = create.data
    return (
      <Modal opened onClose={onClose} title={name} size="lg" closeOnClickOutside={false}>
        <Stack>
          <Alert color="green">The token is shown once. Put it on the device now.</Alert>
          {token !== null && (
            <>
              <Copyable text={token} what="token" />
              <WaysIn token={token} />
            </>
          )}
          <Group justify="flex-end" gap="xs">
            <Button
              onClick={() => void navigate({ to: '/devices/$deviceId', params: { deviceId: id } })}
            >
              Watch the device
            </Button>
          </Group>
        </Stack>
      </Modal>
    )
  }
  return (
    <Dialog
      title="Add a device"
      verb="Add the device"
      isBusy={create.isPending}
      isIncomplete={profile === null}
      onSubmit={() => {
        if (profile !== null) create.mutate({ body: { name, profile, labels } })
      }}
      onClose={onClose}
    >
      <NameField placeholder="sensor-0001" value={name} onChange={setName} />
      <Select
        label="Profile"
        placeholder={names.length > 0 ? 'What kind it is' : 'Add a profile first'}
        data={names}
        value={profile}
        onChange={choose}
        searchable
        required
      />
      <TagsInput label="Labels" value={labels} onChange={setLabels} />
    </Dialog>
  )
}
