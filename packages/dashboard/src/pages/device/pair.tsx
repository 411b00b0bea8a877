import { Text } from '@mantine/core'
import { astarteIdOf } from '@updraft/core'
import { useState } from 'react'
import { useChange } from '../../data/changes.ts'
import { AstarteIdField } from '../../parts/astarte-id-field.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { PairedSecret } from '../../parts/paired-secret.tsx'
import type { DeviceData } from '../device.tsx'

/** Pairs a device that has been known by something else so far. */
export function PairDevice({
  device,
  realm,
  onClose,
}: {
  device: DeviceData
  /** Its name. */
  realm: string
  onClose: () => void
}) {
  const [astarteId, setAstarteId] = useState('')
  const pair = useChange('pairDevice', { touches: ['devices', 'realm'] })
  if (pair.data) {
    return <PairedSecret title={device.name} realm={realm} device={pair.data} onClose={onClose} />
  }
  return (
    <Dialog
      title={`Pair ${device.name}`}
      verb="Pair it"
      isBusy={pair.isPending}
      isIncomplete={astarteIdOf(astarteId) === null}
      onSubmit={() => pair.mutate({ params: { id: device.id }, body: { astarteId } })}
      onClose={onClose}
    >
      <Text size="sm" className="quiet">
        It can then come as a device of Astarte's in realm {realm}, too. What it is known by now
        stays good.
      </Text>
      <AstarteIdField value={astarteId} onChange={setAstarteId} />
    </Dialog>
  )
}
