/**
 * Adds a package: a file, sent while the rest is being filled in, or the address of one elsewhere. What the server
 * refuses stands beside the field it is about.
 */
import { Alert, Text } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useChange } from '../../data/changes.ts'
import { useUpload } from '../../data/upload.ts'
import { Dialog } from '../../parts/dialog.tsx'
import { messageOf } from '../../parts/trouble.tsx'
import { ReleaseContent } from './content.tsx'
import { bodyOf, type Draft, EMPTY, type Field, fieldOf, isSaid, mistakeInNeeds } from './draft.ts'
import { useDropsAnywhere } from './drops.ts'
import { ReleaseFields } from './fields.tsx'
import { guessFromName } from './guess.ts'
import { type Uploaded, useOnceThere } from './once-there.tsx'
import './add.css'

export interface Refusal {
  /** Null when it is about none of the fields. */
  readonly field: Field | null
  readonly message: string
}

export function AddRelease({ onClose }: { onClose: () => void }) {
  const navigate = useNavigate()
  const isNarrow = useMediaQuery('(max-width: 640px)')
  const [draft, setDraft] = useState(EMPTY)
  /** What was typed is not guessed over. */
  const [isTyped, setTyped] = useState({ title: false, version: false })
  const [refusal, setRefusal] = useState<Refusal | null>(null)
  const upload = useUpload()
  const create = useChange('createRelease', {
    touches: ['releases', 'profiles'],
    onRefused: (error) => setRefusal({ field: fieldOf(error), message: messageOf(error) }),
  })

  const change = (to: Partial<Draft>) => {
    setDraft((now) => ({ ...now, ...to }))
    setTyped((now) => ({
      title: now.title || Boolean(to.title),
      version: now.version || Boolean(to.version),
    }))
    if (refusal && (refusal.field === null || refusal.field in to)) setRefusal(null)
  }
  const take = (file: File) => {
    upload.begin(file)
    const guess = guessFromName(file.name)
    setRefusal(null)
    setDraft((now) => ({
      ...now,
      source: 'file',
      title: isTyped.title ? now.title : guess.title,
      version: isTyped.version ? now.version : guess.version,
    }))
  }
  const add = (file: Uploaded | null) =>
    create.mutate(
      { body: bodyOf(draft, file) },
      {
        onSuccess: ({ id }) => {
          upload.abandon()
          void navigate({ to: '/packages/$releaseId', params: { releaseId: id } })
        },
      },
    )
  const { isBegun, mayCome, isWanted, setWanted, waiting } = useOnceThere(upload, draft.source, add)
  useDropsAnywhere(take)

  return (
    <Dialog
      title="Add a package"
      verb="Add the package"
      size={620}
      fullScreen={isNarrow}
      closeOnClickOutside={!isBegun}
      className="add-release"
      isBusy={create.isPending || isWanted}
      isIncomplete={!isSaid(draft) || !mayCome}
      note={
        <Text size="sm" className="quiet">
          All but the description is fixed for ever: devices rely on it.
        </Text>
      }
      status={waiting('It is added as soon as the file is there.')}
      onSubmit={() => {
        const mistake = mistakeInNeeds(draft)
        setRefusal(mistake === null ? null : { field: 'needs', message: mistake })
        if (mistake === null) setWanted(true)
      }}
      onClose={onClose}
    >
      <ReleaseContent
        draft={draft}
        upload={upload}
        refusal={refusal}
        onFile={take}
        onChange={change}
      />
      <ReleaseFields draft={draft} refusal={refusal} onChange={change} />
      {refusal?.field === null && (
        <Alert color="red" variant="light" role="alert">
          {refusal.message}
        </Alert>
      )}
    </Dialog>
  )
}
