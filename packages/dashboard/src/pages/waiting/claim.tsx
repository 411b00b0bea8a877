/** Makes devices of those that wait. Of one it shows all it tells of itself. */
import { TagsInput, Text } from '@mantine/core'
import { useState } from 'react'
import { useChange } from '../../data/changes.ts'
import { useMay } from '../../data/session.ts'
import { CloudSelect } from '../../parts/cloud-select.tsx'
import { CustomerSelect } from '../../parts/customer-select.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { JsonFacts } from '../../parts/json-facts.tsx'
import { NameField } from '../../parts/name-field.tsx'
import { plural } from '../../words/numbers.ts'
import type { WaitingDevice } from '../waiting.tsx'

export function Claim({
  devices,
  onDone,
  onClose,
}: {
  devices: readonly WaitingDevice[]
  onDone: () => void
  onClose: () => void
}) {
  const may = useMay()
  const [first] = devices
  const only = devices.length === 1 ? first : undefined
  const [name, setName] = useState(only?.saidId ?? '')
  // Undefined: each stays with the cloud it came through.
  const [cloudId, setCloudId] = useState<string | null | undefined>(undefined)
  const [customerId, setCustomerId] = useState<string | null>(null)
  const [labels, setLabels] = useState<string[]>([])
  const claim = useChange('claimWaitingDevices', {
    touches: ['registrations', 'devices', 'overview', 'profiles', 'clouds'],
    done: only ? `${name} was claimed.` : `${plural(devices.length, 'device')} were claimed.`,
  })
  const isOfOneCloud = devices.every((each) => each.cloudId === first?.cloudId)
  const body = {
    ids: devices.map(({ id }) => id),
    ...(only && { name }),
    cloudId,
    ...(customerId !== null && { customerId }),
    labels,
  }
  return (
    <Dialog
      title={only ? `Claim ${only.saidId}` : `Claim ${plural(devices.length, 'device')}`}
      verb={only ? 'Claim it' : 'Claim them'}
      isBusy={claim.isPending}
      onSubmit={() => claim.mutate({ body }, { onSuccess: onDone })}
      onClose={onClose}
    >
      {only ? (
        <div className="waiting-told">
          <JsonFacts
            json={{ product: only.profile, version: only.version, ...only.facts }}
            none=""
          />
        </div>
      ) : (
        <Text size="sm">{called(devices)}</Text>
      )}
      {only && <NameField value={name} onChange={setName} />}
      <CloudSelect
        value={cloudId === undefined && isOfOneCloud ? (first?.cloudId ?? null) : (cloudId ?? null)}
        onChange={setCloudId}
      />
      {may('customer.read') && <CustomerSelect value={customerId} onChange={setCustomerId} />}
      <TagsInput label="Labels" value={labels} onChange={setLabels} />
      <Text size="sm" className="quiet">
        {only
          ? 'It gets a token of its own when it next comes.'
          : 'Each gets a token of its own when it next comes.'}
      </Text>
    </Dialog>
  )
}

const SHOWN = 8

const called = (devices: readonly WaitingDevice[]): string =>
  devices
    .slice(0, SHOWN)
    .map(({ saidId }) => saidId)
    .join(', ') + (devices.length > SHOWN ? ` and ${devices.length - SHOWN} more` : '')
