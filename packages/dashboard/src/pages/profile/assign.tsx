/** Chooses a release for all devices of a profile, and says how many that are before it is done. */
import { Alert, Button, Group, Modal, Select, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useChange } from '../../data/changes.ts'
import { read } from '../../data/queries.ts'
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
  const releases = useQuery(
    read('releases', 'listReleases', {
      query: { profile: profile.name, sort: '-createdAt', limit: 200 },
    }),
  )
  const items = releases.data?.items ?? []
  const release = items.find(({ id }) => id === releaseId)
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
    <Modal opened onClose={onClose} title={`Assign a release to ${profile.name}`}>
      <Stack>
        <Select
          label="Release"
          placeholder={items.length > 0 ? 'Choose one' : `No package is made for ${profile.name}`}
          data={items.map(({ id, title, version, type: of }) => ({
            value: id,
            label: `${title} ${version}${of === 'firmware' ? '' : ` (${of})`}`,
          }))}
          value={releaseId}
          onChange={setReleaseId}
          searchable
          data-autofocus={initialId === null || undefined}
        />
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
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            Leave it
          </Button>
          <Button
            disabled={!release || affected.data === undefined}
            data-autofocus={initialId !== null || undefined}
            loading={assign.isPending}
            onClick={() =>
              release &&
              assign.mutate(
                {
                  params: { id: profile.id, type: release.type },
                  body: { releaseId: release.id },
                },
                { onSuccess: onClose },
              )
            }
          >
            {affected.data && release
              ? `Update ${plural(affected.data.devices, 'device')}`
              : 'Assign'}
          </Button>
        </Group>
      </Stack>
    </Modal>
  )
}
