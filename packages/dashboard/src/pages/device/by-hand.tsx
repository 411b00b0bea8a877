/** Brings one device a file, or what is at an address, by hand and once: whether it fits is not checked. */
import { Alert, Autocomplete, TextInput } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import { IconAlertTriangle } from '@tabler/icons-react'
import { KNOWN_COMPONENT_TYPES } from '@updraft/core'
import { useState } from 'react'
import { useChange } from '../../data/changes.ts'
import { useUpload } from '../../data/upload.ts'
import { Dialog } from '../../parts/dialog.tsx'
import { messageOf } from '../../parts/trouble.tsx'
import type { DeviceData } from '../device.tsx'
import type { Refusal } from '../release/add.tsx'
import { ReleaseContent } from '../release/content.tsx'
import { contentOf, type Field, fieldOf } from '../release/draft.ts'
import { useDropsAnywhere } from '../release/drops.ts'
import { Caution } from '../release/fields.tsx'
import { guessFromName } from '../release/guess.ts'
import { type Uploaded, useOnceThere } from '../release/once-there.tsx'
import '../release/add.css'

export function UpdateByHand({ device, onClose }: { device: DeviceData; onClose: () => void }) {
  const types = Object.keys(device.components).sort()
  const isNarrow = useMediaQuery('(max-width: 640px)')
  const [draft, setDraft] = useState({
    source: 'file' as 'file' | 'url',
    url: '',
    sizeBytes: null as number | null,
    title: '',
    version: '',
    type: types[0] ?? 'firmware',
  })
  const [refusal, setRefusal] = useState<Refusal | null>(null)
  const upload = useUpload()
  const update = useChange('updateByHand', {
    touches: ['devices', 'operations', 'overview'],
    done: `${device.name} will be offered it.`,
    onRefused: (error) => setRefusal({ field: fieldOf(error), message: messageOf(error) }),
  })
  const change = (to: Partial<typeof draft>) => {
    setDraft((now) => ({ ...now, ...to }))
    setRefusal(null)
  }
  const take = (file: File) => {
    upload.begin(file)
    const { title, version } = guessFromName(file.name)
    change({ source: 'file', title: draft.title || title, version: draft.version || version })
  }
  const bring = (file: Uploaded | null) => {
    const { title, version, type } = draft
    update.mutate(
      {
        params: { id: device.id },
        body: { title, version, type: type.trim(), ...contentOf(draft, file) },
      },
      {
        onSuccess: () => {
          upload.abandon()
          onClose()
        },
      },
    )
  }
  const { isBegun, mayCome, isWanted, setWanted, waiting } = useOnceThere(
    upload,
    draft.source,
    bring,
  )
  useDropsAnywhere(take)

  const text = (field: 'title' | 'version') => ({
    value: draft[field],
    onChange: (event: { currentTarget: { value: string } }) =>
      change({ [field]: event.currentTarget.value }),
    error: errorOf(field),
    maxLength: 255,
    required: true,
  })
  const errorOf = (field: Field) => refusal?.field === field && refusal.message
  const runs = device.installed[draft.type.trim()]
  const isThere = runs?.title === draft.title.trim() && runs.version === draft.version.trim()
  const said = [draft.title, draft.version, draft.type, draft.source === 'url' ? draft.url : '-']
  const isShown = ['title', 'version', 'type', 'url'].includes(refusal?.field ?? '')

  return (
    <Dialog
      title={`Update ${device.name} from a file`}
      verb="Update it, unchecked"
      size={620}
      fullScreen={isNarrow}
      closeOnClickOutside={!isBegun}
      className="add-release"
      isBusy={update.isPending || isWanted}
      isIncomplete={!said.every((each) => each.trim()) || !mayCome}
      status={waiting('It is brought as soon as the file is there.')}
      onSubmit={() => {
        setRefusal(null)
        setWanted(true)
      }}
      onClose={onClose}
    >
      <Alert color="orange" variant="light" icon={<IconAlertTriangle />} title="Nothing is checked">
        Not whether the file is made for {device.profile}, nor whether the device can start from
        what it runs. It is tried once, for this device alone, and kept here until that is over.
      </Alert>
      <ReleaseContent
        draft={draft}
        upload={upload}
        refusal={refusal}
        onFile={take}
        onChange={change}
      />
      <div>
        <div className="add-pair">
          <TextInput label="Title" {...text('title')} />
          <TextInput label="Version" {...text('version')} />
        </div>
        <Caution
          text={
            isThere
              ? `${device.name} says it runs this already: it would be over before it began.`
              : null
          }
        />
      </div>
      <Autocomplete
        label="Type"
        data={[...new Set([...types, ...KNOWN_COMPONENT_TYPES.slice(0, 2)])]}
        value={draft.type}
        onChange={(type) => change({ type })}
        error={errorOf('type')}
        required
      />
      {refusal && !isShown && (
        <Alert color="red" variant="light" role="alert">
          {refusal.message}
        </Alert>
      )}
    </Dialog>
  )
}
