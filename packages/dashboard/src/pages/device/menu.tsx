/** What can be done with a device as a whole. */
import { Menu, TagsInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconPencil, IconPlugConnected, IconRotate2, IconUpload } from '@tabler/icons-react'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useChange } from '../../data/changes.ts'
import { usePairingRealm } from '../../data/realm.ts'
import { useMay } from '../../data/session.ts'
import { CloudSelect } from '../../parts/cloud-select.tsx'
import { Confirm } from '../../parts/confirm.tsx'
import { CustomerSelect } from '../../parts/customer-select.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { MoreMenu } from '../../parts/more-menu.tsx'
import { NameField } from '../../parts/name-field.tsx'
import { mayFollow, ReEnrolSwitch } from '../../parts/re-enrol-switch.tsx'
import type { DeviceData } from '../device.tsx'
import { UpdateByHand } from './by-hand.tsx'
import { PairDevice } from './pair.tsx'

const TOUCHES = ['devices', 'accounts', 'clouds'] as const

export function DeviceMenu({
  device,
  backTo,
}: {
  device: DeviceData
  /** The list it was opened from. */
  backTo: '/devices' | '/boxes'
}) {
  const navigate = useNavigate()
  const may = useMay()
  const [isEditing, editing] = useDisclosure()
  const [isUpdating, updating] = useDisclosure()
  const [isPairing, pairing] = useDisclosure()
  const realm = usePairingRealm()
  const [isAsked, asked] = useDisclosure()
  const reEnrol = useChange('reEnrolDevices', {
    touches: TOUCHES,
    done: `${device.name} registers anew when it next comes.`,
  })
  const remove = useChange('removeDevice', {
    touches: ['devices', 'overview', 'profiles'],
    done: `${device.name} was removed.`,
  })
  return (
    <>
      <MoreMenu
        removal={{
          what: 'device',
          title: `Remove ${device.name}?`,
          body: 'Its history goes with it, and its credentials end at once. The device itself runs on as it is.',
          isBusy: remove.isPending,
          onYes: (over) =>
            remove.mutate(
              { params: { id: device.id } },
              { onSuccess: () => void navigate({ to: backTo }), onSettled: over },
            ),
        }}
      >
        <Menu.Item leftSection={<IconPencil size={16} />} onClick={editing.open}>
          Change name, customer, cloud and labels
        </Menu.Item>
        {may('release.write') && (
          <Menu.Item leftSection={<IconUpload size={16} />} onClick={updating.open}>
            Update from a file…
          </Menu.Item>
        )}
        {realm && device.astarteId === null && (
          <Menu.Item leftSection={<IconPlugConnected size={16} />} onClick={pairing.open}>
            Pair over Astarte…
          </Menu.Item>
        )}
        {device.registeredAs !== null && (
          <Menu.Item leftSection={<IconRotate2 size={16} />} onClick={asked.open}>
            Re-enrol…
          </Menu.Item>
        )}
      </MoreMenu>
      <Confirm
        question={
          isAsked
            ? {
                title: `Re-enrol ${device.name}?`,
                body: 'Its token is taken back at once. It registers anew at its next contact, and is handed a new one. An agent that does not register while it runs stays silent until it is started again.',
                yes: 'Re-enrol it',
                isDangerous: true,
                onYes: () =>
                  reEnrol.mutate({ body: { deviceIds: [device.id] } }, { onSettled: asked.close }),
              }
            : null
        }
        isBusy={reEnrol.isPending}
        onClose={asked.close}
      />
      {isUpdating && <UpdateByHand device={device} onClose={updating.close} />}
      {isPairing && realm && (
        <PairDevice device={device} realm={realm.name} onClose={pairing.close} />
      )}
      {isEditing && <EditDevice device={device} onClose={editing.close} />}
    </>
  )
}

function EditDevice({ device, onClose }: { device: DeviceData; onClose: () => void }) {
  const [name, setName] = useState(device.name)
  const [customerId, setCustomerId] = useState(device.customerId)
  const [cloudId, setCloudId] = useState(device.cloudId)
  const [labels, setLabels] = useState<string[]>([...device.labels])
  const [isToReEnrol, setToReEnrol] = useState(true)
  const may = useMay()
  const change = useChange('changeDevice', { touches: TOUCHES, done: 'Changed.' })
  const reEnrol = useChange('reEnrolDevices', {
    touches: TOUCHES,
    done: `${device.name} registers anew when it next comes.`,
  })
  const follows = mayFollow(device, cloudId)
  const submit = async () => {
    const { id } = device
    const isAnew = follows && isToReEnrol
    const body = { name, customerId, labels, ...(!isAnew && { cloudId }) }
    await change.mutateAsync({ params: { id }, body })
    if (isAnew) await reEnrol.mutateAsync({ body: { deviceIds: [id], cloudId } })
    onClose()
  }
  return (
    <Dialog
      title={`Change ${device.name}`}
      verb="Change"
      isBusy={change.isPending || reEnrol.isPending}
      onSubmit={() => void submit().catch(() => undefined)}
      onClose={onClose}
    >
      <NameField value={name} onChange={setName} />
      {may('customer.read') && <CustomerSelect value={customerId} onChange={setCustomerId} />}
      <CloudSelect value={cloudId} onChange={setCloudId} />
      {follows && <ReEnrolSwitch of="it" checked={isToReEnrol} onChange={setToReEnrol} />}
      <TagsInput label="Labels" value={labels} onChange={setLabels} />
    </Dialog>
  )
}
