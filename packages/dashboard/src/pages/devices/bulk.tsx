/** What can be done with several devices at once. */
import { Button, Progress, TagsInput, Text } from '@mantine/core'
import { IconPin, IconRefresh, IconTag, IconX } from '@tabler/icons-react'
import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api } from '../../data/client.ts'
import { doEach } from '../../data/each.ts'
import type { ItemOf } from '../../data/queries.ts'
import { useMay } from '../../data/session.ts'
import { Dialog } from '../../parts/dialog.tsx'
import { ReleaseSelect, useReleases } from '../../parts/release-select.tsx'
import { messageOf, tellDone, tellTrouble } from '../../parts/trouble.tsx'
import { plural } from '../../words/numbers.ts'

type Device = ItemOf<'listDevices'>

export function Bulk({ devices, onClear }: { devices: readonly Device[]; onClear: () => void }) {
  const may = useMay()
  const queries = useQueryClient()
  const [dialog, setDialog] = useState<'assign' | 'label' | null>(null)
  const [count, setCount] = useState<number | null>(null)

  const run = async (things: readonly Device[], act: (device: Device) => Promise<unknown>) => {
    setDialog(null)
    setCount(0)
    const { done, refused } = await doEach(things, act, setCount)
    setCount(null)
    if (done > 0) tellDone(`Done for ${plural(done, 'device')}.`)
    if (refused.length > 0) {
      tellTrouble(
        refused.length === 1
          ? refused[0]
          : new Error(`${plural(refused.length, 'device')}: ${messageOf(refused[0])}`),
      )
    }
    await queries.invalidateQueries()
    onClear()
  }

  const failed = devices.filter(
    ({ operation }) => operation && ['FAILED', 'CANCELED'].includes(operation.state),
  )
  const profiles = new Set(devices.map(({ profile }) => profile))
  const [profile] = profiles

  return (
    <div className="bulk" role="toolbar" aria-label="Selected devices">
      <Text size="sm" fw={600}>
        {plural(devices.length, 'device')}
      </Text>
      {count !== null ? (
        <Progress value={(100 * count) / devices.length} w={160} aria-label="Done" />
      ) : (
        <>
          {may('assignment.write') && (
            <Button
              size="xs"
              variant="default"
              leftSection={<IconPin size={14} />}
              disabled={profiles.size !== 1}
              title={profiles.size === 1 ? undefined : 'They are of several profiles'}
              onClick={() => setDialog('assign')}
            >
              Assign
            </Button>
          )}
          {may('operation.write') && failed.length > 0 && (
            <Button
              size="xs"
              variant="default"
              leftSection={<IconRefresh size={14} />}
              onClick={() =>
                void run(failed, async ({ operation }) => {
                  if (operation) await api('retryOperation', { params: { id: operation.id } })
                })
              }
            >
              Try {plural(failed.length, 'failed one')} again
            </Button>
          )}
          {may('device.write') && (
            <Button
              size="xs"
              variant="default"
              leftSection={<IconTag size={14} />}
              onClick={() => setDialog('label')}
            >
              Label
            </Button>
          )}
          <Button
            size="xs"
            variant="subtle"
            color="gray"
            leftSection={<IconX size={14} />}
            onClick={onClear}
          >
            Select none
          </Button>
        </>
      )}
      {dialog === 'assign' && profile !== undefined && (
        <AssignAll
          count={devices.length}
          profile={profile}
          onAssign={({ id: releaseId, type }) =>
            void run(devices, ({ id }) =>
              api('assignToDevice', { params: { id, type }, body: { releaseId } }),
            )
          }
          onClose={() => setDialog(null)}
        />
      )}
      {dialog === 'label' && (
        <LabelAll
          count={devices.length}
          onLabel={(added) =>
            void run(devices, ({ id, labels }) =>
              api('changeDevice', {
                params: { id },
                body: { labels: [...new Set([...labels, ...added])] },
              }),
            )
          }
          onClose={() => setDialog(null)}
        />
      )}
    </div>
  )
}

function AssignAll({
  count,
  profile,
  onAssign,
  onClose,
}: {
  count: number
  profile: string
  onAssign: (release: ItemOf<'listReleases'>) => void
  onClose: () => void
}) {
  const [releaseId, setReleaseId] = useState<string | null>(null)
  const releases = useReleases({ profile })
  const release = releases.find(({ id }) => id === releaseId)
  return (
    <Dialog
      title={`Assign a release to ${plural(count, 'device')}`}
      verb="Assign"
      isIncomplete={!release}
      onSubmit={() => release && onAssign(release)}
      onClose={onClose}
    >
      <ReleaseSelect
        releases={releases}
        none={`No package is made for ${profile}`}
        value={releaseId}
        onChange={setReleaseId}
      />
      <Text size="sm" className="quiet">
        Each of them is pinned to it, whatever its profile is assigned.
      </Text>
    </Dialog>
  )
}

function LabelAll({
  count,
  onLabel,
  onClose,
}: {
  count: number
  onLabel: (labels: readonly string[]) => void
  onClose: () => void
}) {
  const [labels, setLabels] = useState<string[]>([])
  return (
    <Dialog
      title={`Label ${plural(count, 'device')}`}
      verb="Label them"
      isIncomplete={labels.length === 0}
      onSubmit={() => onLabel(labels)}
      onClose={onClose}
    >
      <TagsInput label="Labels to add" value={labels} onChange={setLabels} data-autofocus />
    </Dialog>
  )
}
