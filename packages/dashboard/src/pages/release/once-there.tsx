/** What a dialog does with a file is done as soon as that is there; it may be asked for while the file is on its way. */
import { Button, Text } from '@mantine/core'
import type { Artifact } from '@updraft/api/shapes'
import { type ReactNode, useEffect, useEffectEvent, useState } from 'react'
import { type UploadControl, type UploadState, useUploadState } from '../../data/upload.ts'

export interface Uploaded {
  readonly artifact: Artifact
  readonly name: string
  readonly type: string
}

interface OnceThere {
  /** A file was chosen. */
  readonly isBegun: boolean
  /** It is there, or on its way; what is kept elsewhere always is. */
  readonly mayCome: boolean
  /** It was asked for, and is not done yet. */
  readonly isWanted: boolean
  setWanted(isWanted: boolean): void
  /** What to say while it waits for the file. */
  waiting(sentence: string): ReactNode
}

/** `act` is given null for what is kept elsewhere. */
export function useOnceThere(
  upload: UploadControl,
  source: 'file' | 'url',
  act: (file: Uploaded | null) => void,
): OnceThere {
  const [isWanted, setWanted] = useState(false)
  const fileStep = useUploadState(upload, (state) => state?.step.kind)
  const step = source === 'file' ? fileStep : 'done'
  const onStep = useEffectEvent((now: typeof step) => {
    if (now === 'done' || now === undefined || now === 'refused') setWanted(false)
    if (now === 'done') act(source === 'file' ? uploaded(upload.state()) : null)
  })
  useEffect(() => {
    if (isWanted) onStep(step)
  }, [isWanted, step])
  return {
    isBegun: fileStep !== undefined,
    mayCome: step !== undefined && step !== 'refused',
    isWanted,
    setWanted,
    waiting: (sentence) =>
      isWanted &&
      step !== 'done' && (
        <Text size="sm" role="status">
          {sentence}{' '}
          <Button variant="subtle" color="gray" size="compact-sm" onClick={() => setWanted(false)}>
            Not yet
          </Button>
        </Text>
      ),
  }
}

function uploaded(state: UploadState | null): Uploaded | null {
  if (state?.step.kind !== 'done') return null
  return { artifact: state.step.artifact, name: state.file.name, type: state.file.type }
}
