/** Chooses a release for all devices of a profile, and says how many that are before it is done. */
import { Alert, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { type Handling, STANDARD_HANDLING } from '@updraft/core'
import { useState } from 'react'
import { useChange } from '../../data/changes.ts'
import { read } from '../../data/queries.ts'
import { Dialog } from '../../parts/dialog.tsx'
import { HandlingField } from '../../parts/handling-field.tsx'
import { ReleaseSelect, useReleases } from '../../parts/release-select.tsx'
import { plural } from '../../words/numbers.ts'
import type { ProfileData } from '../profile.tsx'

export function AssignToProfile({
  profile,
  initialId = null,
  onClose,
}: {
  profile: ProfileData
  initialId?: string | null
  onClose: () => void
}) {
  const [releaseId, setReleaseId] = useState(initialId)
  const [handling, setHandling] = useState<Handling>(STANDARD_HANDLING)
  const releases = useReleases({ profile: profile.name })
  const release = releases.find(({ id }) => id === releaseId)
  const type = release?.type ?? ''
  const affected = useQuery({
    ...read('assignments', 'countAffected', { params: { id: profile.id, type } }),
    enabled: release !== undefined,
  })
  const assign = useChange('assignToProfile', {
    touches: ['profiles', 'assignments', 'devices', 'overview'],
    done: `${profile.name} is assigned it.`,
  })
  const before = release && profile.assignments[release.type]

  return (
    <Dialog
      title={`Assign a release to ${profile.name}`}
      verb={
        affected.data && release ? `Update ${plural(affected.data.devices, 'device')}` : 'Assign'
      }
      isBusy={assign.isPending}
      isIncomplete={!release || affected.data === undefined}
      isVerbFirst={initialId !== null}
      onSubmit={() =>
        release &&
        assign.mutate(
          {
            params: { id: profile.id, type: release.type },
            body: { releaseId: release.id, handling },
          },
          { onSuccess: onClose },
        )
      }
      onClose={onClose}
    >
      <ReleaseSelect
        releases={releases}
        none={`No package is made for ${profile.name}`}
        value={releaseId}
        onChange={setReleaseId}
        isFirst={initialId === null}
      />
      <HandlingField value={handling} onChange={setHandling} />
      {release && affected.data && (
        <Alert color={affected.data.devices === 0 ? 'slate' : 'blue'}>
          This will update {plural(affected.data.devices, 'device')}
          {affected.data.devices > 0 && ', those already running it aside'}.
        </Alert>
      )}
      {before && before.id !== releaseId && (
        <Text size="sm" className="quiet">
          It takes the place of {before.title} {before.version}; devices that still wait for that
          get the new one instead.
        </Text>
      )}
    </Dialog>
  )
}
