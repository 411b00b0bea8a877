/** What is asked before something is done to several devices. */
import { TagsInput, Text } from '@mantine/core'
import { useState } from 'react'
import type { ItemOf } from '../../data/queries.ts'
import { CloudSelect } from '../../parts/cloud-select.tsx'
import { CustomerSelect } from '../../parts/customer-select.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { type Hold, HoldFields, NO_REASON } from '../../parts/hold-fields.tsx'
import { mayFollow, ReEnrolSwitch } from '../../parts/re-enrol-switch.tsx'
import { ReleaseSelect, useReleases } from '../../parts/release-select.tsx'
import { plural } from '../../words/numbers.ts'

export function AssignAll({
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

export function LabelAll({
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

export function HoldAll({
  count,
  onHold,
  onClose,
}: {
  count: number
  onHold: (hold: Hold) => void
  onClose: () => void
}) {
  const [hold, setHold] = useState(NO_REASON)
  return (
    <Dialog
      title={`Hold ${plural(count, 'box', 'boxes')}`}
      verb="Hold them"
      isIncomplete={hold.reason.trim() === ''}
      onSubmit={() => onHold(hold)}
      onClose={onClose}
    >
      <HoldFields hold={hold} onChange={setHold} />
      <Text size="sm" className="quiet">
        Nothing is changed on them meanwhile, not by the button on their pages either. What has
        begun comes to its end.
      </Text>
    </Dialog>
  )
}

export function GiveAll({
  count,
  onGive,
  onClose,
}: {
  count: number
  onGive: (customerId: string | null) => void
  onClose: () => void
}) {
  const [customerId, setCustomerId] = useState<string | null>(null)
  return (
    <Dialog
      title={`Customer of ${plural(count, 'device')}`}
      verb={customerId === null ? 'Take them back' : 'Give them to it'}
      onSubmit={() => onGive(customerId)}
      onClose={onClose}
    >
      <CustomerSelect value={customerId} onChange={setCustomerId} />
      <Text size="sm" className="quiet">
        {customerId === null
          ? 'They belong to you again, and no customer sees them.'
          : 'Its people see them, and what fits them. Whoever had them before does not any more.'}
      </Text>
    </Dialog>
  )
}

export function MoveAll({
  devices,
  onMove,
  onClose,
}: {
  devices: readonly ItemOf<'listDevices'>[]
  /** Those that registered by themselves may be meant to do so anew. */
  onMove: (cloudId: string | null, isToReEnrol: boolean) => void
  onClose: () => void
}) {
  const [cloudId, setCloudId] = useState<string | null>(null)
  const [isToReEnrol, setToReEnrol] = useState(true)
  const registered = devices.filter((device) => mayFollow(device, cloudId))
  return (
    <Dialog
      title={`Cloud of ${plural(devices.length, 'device')}`}
      verb={cloudId === null ? 'Serve them from here' : 'Move them there'}
      onSubmit={() => onMove(cloudId, isToReEnrol)}
      onClose={onClose}
    >
      <CloudSelect value={cloudId} onChange={setCloudId} />
      {registered.length > 0 && (
        <ReEnrolSwitch of={registered.length} checked={isToReEnrol} onChange={setToReEnrol} />
      )}
      <Text size="sm" className="quiet">
        They hear of it when they next ask. Files they fetch come from where that cloud keeps them.
      </Text>
    </Dialog>
  )
}
