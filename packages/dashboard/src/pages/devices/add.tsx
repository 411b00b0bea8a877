/** Adds a device, and shows once what it is known by, with the commands that bring it in. */
import {
  Alert,
  Button,
  Group,
  Input,
  Modal,
  SegmentedControl,
  Select,
  Stack,
  TagsInput,
} from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { astarteIdOf } from '@updraft/core'
import { useState } from 'react'
import { useChange } from '../../data/changes.ts'
import { usePairingRealm } from '../../data/realm.ts'
import { AstarteIdField } from '../../parts/astarte-id-field.tsx'
import { Copyable } from '../../parts/copyable.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { NameField } from '../../parts/name-field.tsx'
import { PairedSecret } from '../../parts/paired-secret.tsx'
import { useProfiles } from '../../parts/profile-filter.tsx'
import { WaysIn } from '../../parts/ways-in.tsx'

type Kind = 'token' | 'astarte'

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
  const [kind, setKind] = useState<Kind>('token')
  const [astarteId, setAstarteId] = useState('')
  const realm = usePairingRealm()
  const isOfAstarte = kind === 'astarte' && realm !== null
  const create = useChange('createDevice', {
    touches: ['devices', 'overview', 'profiles', 'realm'],
  })
  const names = useProfiles().map((each) => each.name)

  if (create.data) {
    const { id, token, astarteId: known, credentialsSecret } = create.data
    const watch = (
      <Button onClick={() => void navigate({ to: '/devices/$deviceId', params: { deviceId: id } })}>
        Watch the device
      </Button>
    )
    if (known !== null && credentialsSecret !== null && realm) {
      const device = { astarteId: known, credentialsSecret }
      return (
        <PairedSecret
          title={name}
          realm={realm.name}
          device={device}
          next={watch}
          onClose={onClose}
        />
      )
    }
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
            {watch}
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
      isIncomplete={profile === null || (isOfAstarte && astarteIdOf(astarteId) === null)}
      onSubmit={() => {
        if (profile === null) return
        const body = { name, profile, labels, ...(isOfAstarte && { astarteId }) }
        create.mutate({ body })
      }}
      onClose={onClose}
    >
      {realm && (
        <Input.Wrapper label="What it speaks" labelElement="div">
          <SegmentedControl
            fullWidth
            aria-label="What it speaks"
            data={[
              { value: 'token', label: 'Anything with a token' },
              { value: 'astarte', label: 'Edgehog (Astarte)' },
            ]}
            value={kind}
            onChange={(to) => setKind(to as Kind)}
          />
        </Input.Wrapper>
      )}
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
      {isOfAstarte && <AstarteIdField value={astarteId} onChange={setAstarteId} />}
      <TagsInput label="Labels" value={labels} onChange={setLabels} />
    </Dialog>
  )
}
