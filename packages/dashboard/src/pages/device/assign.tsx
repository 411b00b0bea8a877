/** Chooses a release for one device. */
import { Text } from '@mantine/core'
import { type Handling, STANDARD_HANDLING } from '@updraft/core'
import { useState } from 'react'
import { useChange } from '../../data/changes.ts'
import { Dialog } from '../../parts/dialog.tsx'
import { HandlingField } from '../../parts/handling-field.tsx'
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
  const [handling, setHandling] = useState<Handling>(STANDARD_HANDLING)
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
          { params: { id: device.id, type }, body: { releaseId, handling } },
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
      <HandlingField value={handling} onChange={setHandling} />
      <Text size="sm" className="quiet">
        This pins the device: it beats what its profile is assigned, until it is unpinned.
      </Text>
    </Dialog>
  )
}
