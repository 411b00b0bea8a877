/** Adds a device, and shows its token once with the commands that bring it in. */
import { Alert, Button, Group, Modal, Select, Stack, TagsInput, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useChange } from '../../data/changes.ts'
import { read } from '../../data/queries.ts'
import { Copyable } from '../../parts/copyable.tsx'
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
  const [profile, setProfile] = useState<string | null>(initialProfile ?? null)
  const [labels, setLabels] = useState<string[]>([])
  const profiles = useQuery(read('profiles', 'listProfiles', { query: { limit: 500 } }))
  const create = useChange('createDevice', { touches: ['devices', 'overview', 'profiles'] })
  const names = (profiles.data?.items ?? []).map((each) => each.name)

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
    <Modal opened onClose={onClose} title="Add a device">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (profile !== null) create.mutate({ body: { name, profile, labels } })
        }}
      >
        <Stack>
          <TextInput
            label="Name"
            placeholder="sensor-0001"
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            maxLength={255}
            required
            data-autofocus
          />
          <Select
            label="Profile"
            placeholder={names.length > 0 ? 'What kind it is' : 'Add a profile first'}
            data={names}
            value={profile}
            onChange={setProfile}
            searchable
            required
          />
          <TagsInput label="Labels" value={labels} onChange={setLabels} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Leave it
            </Button>
            <Button type="submit" loading={create.isPending} disabled={profile === null}>
              Add the device
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
