/**
 * Adds a package: a file, sent while the rest is being filled in, or the address of one elsewhere. What the server
 * refuses stands beside the field it is about.
 */
import { Alert, Button, Text } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import { useNavigate } from '@tanstack/react-router'
import { useEffect, useEffectEvent, useState } from 'react'
import { useChange } from '../../data/changes.ts'
import { type UploadState, useUpload, useUploadState } from '../../data/upload.ts'
import { Dialog } from '../../parts/dialog.tsx'
import { messageOf } from '../../parts/trouble.tsx'
import { ReleaseContent } from './content.tsx'
import { bodyOf, type Draft, EMPTY, type Field, fieldOf, isSaid } from './draft.ts'
import { ReleaseFields } from './fields.tsx'
import { guessFromName } from './guess.ts'
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
  /** It was asked for, and the file is still on its way. */
  const [isWanted, setWanted] = useState(false)
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
  const add = () => {
    setWanted(false)
    create.mutate(
      { body: bodyOf(draft, draft.source === 'file' ? uploaded(upload.state()) : null) },
      {
        onSuccess: ({ id }) => {
          upload.abandon()
          void navigate({ to: '/packages/$releaseId', params: { releaseId: id } })
        },
      },
    )
  }

  const fileStep = useUploadState(upload, (state) => state?.step.kind)
  const step = draft.source === 'file' ? fileStep : 'done'
  const onStep = useEffectEvent((now: typeof step) => {
    if (now === 'done') add()
    else if (now === undefined || now === 'refused') setWanted(false)
  })
  useEffect(() => {
    if (isWanted) onStep(step)
  }, [isWanted, step])
  const onDrop = useEffectEvent(take)
  useEffect(() => takeDropsAnywhere(onDrop), [])

  return (
    <Dialog
      title="Add a package"
      verb="Add the package"
      size={620}
      fullScreen={isNarrow}
      closeOnClickOutside={fileStep === undefined}
      className="add-release"
      isBusy={create.isPending || isWanted}
      isIncomplete={!isSaid(draft) || step === undefined || step === 'refused'}
      note={
        <Text size="sm" className="quiet">
          All but the description is fixed for ever: devices rely on it.
        </Text>
      }
      status={
        isWanted &&
        step !== 'done' && (
          <Text size="sm" role="status">
            It is added as soon as the file is there.{' '}
            <Button
              variant="subtle"
              color="gray"
              size="compact-sm"
              onClick={() => setWanted(false)}
            >
              Not yet
            </Button>
          </Text>
        )
      }
      onSubmit={() => {
        setRefusal(null)
        setWanted(true)
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

function uploaded(state: UploadState | null) {
  if (state?.step.kind !== 'done') return null
  return { artifact: state.step.artifact, name: state.file.name, type: state.file.type }
}

/** The dialog is all there is now: what is dropped beside it is meant for it, and must not replace the page. */
function takeDropsAnywhere(take: (file: File) => void): () => void {
  const mark = (isOver: boolean) => {
    document.documentElement.toggleAttribute('data-dropping', isOver)
  }
  const onOver = (event: DragEvent) => {
    if (!event.dataTransfer?.types.includes('Files')) return
    event.preventDefault()
    event.dataTransfer.dropEffect = 'copy'
    mark(true)
  }
  const onLeave = (event: DragEvent) => {
    if (event.relatedTarget === null) mark(false)
  }
  const onDrop = (event: DragEvent) => {
    event.preventDefault()
    mark(false)
    const [file] = event.dataTransfer?.files ?? []
    if (file) take(file)
  }
  addEventListener('dragover', onOver)
  addEventListener('dragleave', onLeave)
  addEventListener('drop', onDrop)
  return () => {
    removeEventListener('dragover', onOver)
    removeEventListener('dragleave', onLeave)
    removeEventListener('drop', onDrop)
    mark(false)
  }
}
