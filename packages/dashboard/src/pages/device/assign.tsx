/** Chooses a release for one device. */
import { Text } from '@mantine/core'
import { useState } from 'react'
import { useChange } from '../../data/changes.ts'
import { Dialog } from '../../parts/dialog.tsx'
import { ReleaseSelect, useReleases } from '../../parts/release-select.tsx'
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
  const releases = useReleases({ profile: device.profile, type })
  const assign = useChange('assignToDevice', {
    touches: ['devices', 'operations', 'overview', 'assignments'],
    done: `${device.name} is assigned it.`,
  })
  return (
    <Dialog
      title={`Assign ${type} to ${device.name}`}
      verb="Assign"
      isBusy={assign.isPending}
      isIncomplete={releaseId === null}
      onSubmit={() =>
        releaseId !== null &&
        assign.mutate(
          { params: { id: device.id, type }, body: { releaseId } },
          { onSuccess: onClose },
        )
      }
      onClose={onClose}
    >
      <ReleaseSelect
        releases={releases}
        none={`No ${type} is made for ${device.profile}`}
        value={releaseId}
        onChange={setReleaseId}
      />
      <Text size="sm" className="quiet">
        This pins the device: it beats what its profile is assigned, until it is unpinned.
      </Text>
    </Dialog>
  )
}
