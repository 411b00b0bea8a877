/** What can be done with a device as a whole. */
import { Menu, TagsInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconPencil, IconUpload } from '@tabler/icons-react'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useChange } from '../../data/changes.ts'
import { useMay } from '../../data/session.ts'
import { CloudSelect } from '../../parts/cloud-select.tsx'
import { CustomerSelect } from '../../parts/customer-select.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { MoreMenu } from '../../parts/more-menu.tsx'
import { NameField } from '../../parts/name-field.tsx'
import type { DeviceData } from '../device.tsx'
import { UpdateByHand } from './by-hand.tsx'

export function DeviceMenu({ device }: { device: DeviceData }) {
  const navigate = useNavigate()
  const may = useMay()
  const [isEditing, editing] = useDisclosure()
  const [isUpdating, updating] = useDisclosure()
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
              { onSuccess: () => void navigate({ to: '/devices' }), onSettled: over },
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
      </MoreMenu>
      {isUpdating && <UpdateByHand device={device} onClose={updating.close} />}
      {isEditing && <EditDevice device={device} onClose={editing.close} />}
    </>
  )
}

function EditDevice({ device, onClose }: { device: DeviceData; onClose: () => void }) {
  const [name, setName] = useState(device.name)
  const [customerId, setCustomerId] = useState(device.customerId)
  const [cloudId, setCloudId] = useState(device.cloudId)
  const [labels, setLabels] = useState<string[]>([...device.labels])
  const may = useMay()
  const change = useChange('changeDevice', {
    touches: ['devices', 'accounts', 'clouds'],
    done: 'Changed.',
  })
  return (
    <Dialog
      title={`Change ${device.name}`}
      verb="Change"
      isBusy={change.isPending}
      onSubmit={() =>
        change.mutate(
          { params: { id: device.id }, body: { name, customerId, cloudId, labels } },
          { onSuccess: onClose },
        )
      }
      onClose={onClose}
    >
      <NameField value={name} onChange={setName} />
      {may('customer.read') && <CustomerSelect value={customerId} onChange={setCustomerId} />}
      <CloudSelect value={cloudId} onChange={setCloudId} />
      <TagsInput label="Labels" value={labels} onChange={setLabels} />
    </Dialog>
  )
}
