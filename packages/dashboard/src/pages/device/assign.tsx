/** Chooses a release for one device. */
import { Button, Group, Modal, Select, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useChange } from '../../data/changes.ts'
import { read } from '../../data/queries.ts'
import type { DeviceData } from '../device.tsx'

export function AssignToDevice({
  device,
  type,
  onClose,
}: {
  device: DeviceData
  type: string
  onClose: () => void
}) {
  const [releaseId, setReleaseId] = useState<string | null>(null)
  const releases = useQuery(
    read('releases', 'listReleases', {
      query: { profile: device.profile, type, sort: '-createdAt', limit: 200 },
    }),
  )
  const assign = useChange('assignToDevice', {
    touches: ['devices', 'operations', 'overview', 'assignments'],
    done: `${device.name} is assigned it.`,
  })
  const items = releases.data?.items ?? []
  return (
    <Modal opened onClose={onClose} title={`Assign ${type} to ${device.name}`}>
      <Stack>
        <Select
          label="Release"
          placeholder={items.length > 0 ? 'Choose one' : `No ${type} is made for ${device.profile}`}
          data={items.map(({ id, title, version }) => ({
            value: id,
            label: `${title} ${version}`,
          }))}
          value={releaseId}
          onChange={setReleaseId}
          searchable
          data-autofocus
        />
        <Text size="sm" className="quiet">
          This pins the device: it beats what its profile is assigned, until it is unpinned.
        </Text>
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            Leave it
          </Button>
          <Button
            disabled={releaseId === null}
            loading={assign.isPending}
            onClick={() =>
              releaseId !== null &&
              assign.mutate(
                { params: { id: device.id, type }, body: { releaseId } },
                { onSuccess: onClose },
              )
            }
          >
            Assign
          </Button>
        </Group>
      </Stack>
    </Modal>
  )
}
