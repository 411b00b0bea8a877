/** What can be done with a device as a whole. */
import { ActionIcon, Button, Group, Menu, Modal, Stack, TagsInput, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconDots, IconPencil, IconTrash } from '@tabler/icons-react'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useChange } from '../../data/changes.ts'
import { Confirm, type Question } from '../../parts/confirm.tsx'
import type { DeviceData } from '../device.tsx'

export function DeviceMenu({ device }: { device: DeviceData }) {
  const navigate = useNavigate()
  const [isEditing, editing] = useDisclosure()
  const [question, ask] = useState<Question | null>(null)
  const remove = useChange('removeDevice', {
    touches: ['devices', 'overview', 'profiles'],
    done: `${device.name} was removed.`,
  })
  return (
    <>
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon variant="subtle" color="gray" aria-label="More">
            <IconDots size={18} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item leftSection={<IconPencil size={16} />} onClick={editing.open}>
            Change name and labels
          </Menu.Item>
          <Menu.Item
            color="red"
            leftSection={<IconTrash size={16} />}
            onClick={() =>
              ask({
                title: `Remove ${device.name}?`,
                body: 'Its history goes with it, and its credentials end at once. The device itself runs on as it is.',
                yes: 'Remove the device',
                isDangerous: true,
                onYes: () =>
                  remove.mutate(
                    { params: { id: device.id } },
                    {
                      onSuccess: () => void navigate({ to: '/devices' }),
                      onSettled: () => ask(null),
                    },
                  ),
              })
            }
          >
            Remove
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <Confirm question={question} isBusy={remove.isPending} onClose={() => ask(null)} />
      {isEditing && <EditDevice device={device} onClose={editing.close} />}
    </>
  )
}

function EditDevice({ device, onClose }: { device: DeviceData; onClose: () => void }) {
  const [name, setName] = useState(device.name)
  const [labels, setLabels] = useState<string[]>([...device.labels])
  const change = useChange('changeDevice', { touches: ['devices'], done: 'Changed.' })
  return (
    <Modal opened onClose={onClose} title={`Change ${device.name}`}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          change.mutate(
            { params: { id: device.id }, body: { name, labels } },
            { onSuccess: onClose },
          )
        }}
      >
        <Stack>
          <TextInput
            label="Name"
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            required
            data-autofocus
          />
          <TagsInput label="Labels" value={labels} onChange={setLabels} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Leave it
            </Button>
            <Button type="submit" loading={change.isPending}>
              Change
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
