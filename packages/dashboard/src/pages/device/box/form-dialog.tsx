/** Changes what is set for a box. Of two who change it at once, the second is told. */
import { Modal, SegmentedControl, Skeleton, Switch, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { BOX_LAYERS, type BoxLayerName } from '@updraft/core'
import { useState } from 'react'
import type { BoxData } from '../../../data/boxes.ts'
import { useChange } from '../../../data/changes.ts'
import { readToChange } from '../../../data/queries.ts'
import { Dialog } from '../../../parts/dialog.tsx'
import { HoldFields, NO_REASON } from '../../../parts/hold-fields.tsx'
import { Trouble } from '../../../parts/trouble.tsx'
import { WindowsField } from '../../../parts/windows-field.tsx'
import { LAYER_WORDS } from '../../../words/boxes.ts'
import type { DeviceData } from '../../device.tsx'

type Form = BoxData['form']

export function FormDialog({ device, onClose }: { device: DeviceData; onClose: () => void }) {
  const box = useQuery(readToChange('devices', 'showBox', { params: { id: device.id } }))
  if (!box.data) {
    return (
      <Modal opened onClose={onClose} title={`What is set for ${device.name}`}>
        {box.error ? <Trouble error={box.error} /> : <Skeleton height={240} />}
      </Modal>
    )
  }
  return <Fields box={box.data.its} etag={box.data.etag} onClose={onClose} />
}

function Fields({
  box: { deviceId, name, form: initial, kind },
  etag,
  onClose,
}: {
  box: BoxData
  etag: string | null
  onClose: () => void
}) {
  const [form, setForm] = useState(initial)
  const change = (to: Partial<Form>) => setForm((now) => ({ ...now, ...to }))
  const save = useChange('setBoxForm', { touches: ['devices'], done: 'Set.', ifMatch: etag })
  const { automaticDriversUpdate, hold, windows, layers, codeFrom } = form
  const isOwn = kind === 'updraft'
  return (
    <Dialog
      title={`What is set for ${name}`}
      verb="Set it"
      size={620}
      isBusy={save.isPending}
      isIncomplete={hold !== null && hold.reason.trim() === ''}
      onSubmit={() => save.mutate({ params: { id: deviceId }, body: form }, { onSuccess: onClose })}
      onClose={onClose}
    >
      <Switch
        label="Automatic drivers update"
        description="New handlers come by themselves; off, only when somebody presses Load handlers."
        checked={automaticDriversUpdate}
        onChange={(event) => change({ automaticDriversUpdate: event.currentTarget.checked })}
      />
      <Switch
        label="Hold"
        description="Nothing is changed on the box, not by the button on its page either. What has begun comes to its end."
        checked={hold !== null}
        onChange={(event) => change({ hold: event.currentTarget.checked ? NO_REASON : null })}
      />
      {hold && <HoldFields hold={hold} onChange={(to) => change({ hold: to })} />}
      <WindowsField
        description="When updates may be installed that nobody presses a button for. Empty for any time."
        tellsMistakes
        value={windows}
        onChange={(to) => change({ windows: to })}
      />
      <fieldset className="layer-fields">
        <legend>Layers</legend>
        {BOX_LAYERS.map((layer) => (
          <LayerFields
            key={layer}
            layer={layer}
            form={layers[layer]}
            onChange={(to) => change({ layers: { ...layers, [layer]: to } })}
          />
        ))}
      </fieldset>
      {isOwn && (
        <div>
          <div id="code-from" className="form-label">
            Code comes from
          </div>
          <SegmentedControl
            mt={6}
            aria-labelledby="code-from"
            data={[
              { value: 'upstream', label: 'Upstream' },
              { value: 'server', label: 'This server' },
            ]}
            value={codeFrom}
            onChange={(to) => change({ codeFrom: to as Form['codeFrom'] })}
          />
        </div>
      )}
    </Dialog>
  )
}

function LayerFields({
  layer,
  form: { channel, updates },
  onChange,
}: {
  layer: BoxLayerName
  form: Form['layers'][BoxLayerName]
  onChange: (to: Form['layers'][BoxLayerName]) => void
}) {
  const title = LAYER_WORDS[layer]
  return (
    <div className="layer-field">
      <span>{title}</span>
      <SegmentedControl
        size="xs"
        aria-label={`${title}: updates`}
        data={[
          { value: 'automatic', label: 'Automatic' },
          { value: 'button', label: 'By button' },
        ]}
        value={updates}
        onChange={(to) => onChange({ channel, updates: to as typeof updates })}
      />
      <TextInput
        size="xs"
        aria-label={`${title}: channel`}
        placeholder="stable"
        maxLength={64}
        value={channel}
        onChange={(event) => onChange({ updates, channel: event.currentTarget.value })}
        required
      />
    </div>
  )
}
