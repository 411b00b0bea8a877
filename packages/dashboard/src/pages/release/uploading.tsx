/** A file on its way: how far, how fast, how long yet; and what can be done about it. */
import { ActionIcon, Button, Tooltip } from '@mantine/core'
import {
  type Icon,
  IconAlertTriangle,
  IconCheck,
  IconFile,
  IconPlayerPause,
  IconPlayerPlay,
  IconPlugConnectedX,
  IconX,
} from '@tabler/icons-react'
import {
  type UploadControl,
  type UploadState,
  type UploadStep,
  useUploadState,
} from '../../data/upload.ts'
import { Progress } from '../../parts/progress.tsx'
import { size } from '../../words/numbers.ts'
import type { Look } from '../../words/states.tsx'
import { span } from '../../words/time.ts'
import '../../parts/state-badge.css'

const LOOKS: Readonly<Record<UploadStep['kind'], { look: Look; Icon: Icon }>> = {
  sending: { look: 'DOWNLOADING', Icon: IconFile },
  checking: { look: 'DOWNLOADING', Icon: IconFile },
  paused: { look: 'HELD_BACK', Icon: IconPlayerPause },
  broken: { look: 'NEEDS_ATTENTION', Icon: IconPlugConnectedX },
  refused: { look: 'FAILED', Icon: IconAlertTriangle },
  done: { look: 'UPDATED', Icon: IconCheck },
}

export function Uploading({ upload }: { upload: UploadControl }) {
  const state = useUploadState(upload, (now) => now)
  return state && <OnItsWay state={state} control={upload} />
}

function OnItsWay({ state, control }: { state: UploadState; control: UploadControl }) {
  const { file, step, sentBytes, resumedAtBytes } = state
  const { look, Icon } = LOOKS[step.kind]
  const isOver = step.kind === 'done' || step.kind === 'checking'
  const percent = file.size === 0 ? 0 : (sentBytes / file.size) * 100
  return (
    <div className="card add-upload look" data-look={look} data-step={step.kind}>
      <Icon size={20} aria-hidden className="add-upload-mark" />
      <div className="add-upload-name truncate" title={file.name}>
        {file.name}
      </div>
      <div className="add-upload-actions">
        {step.kind === 'sending' && (
          <Action label="Pause" Icon={IconPlayerPause} onClick={control.pause} />
        )}
        {step.kind === 'paused' && (
          <Action label="Go on" Icon={IconPlayerPlay} onClick={control.goOn} />
        )}
        {(step.kind === 'broken' || step.kind === 'refused') && (
          <Button size="compact-xs" variant="default" onClick={control.goOn}>
            Try again
          </Button>
        )}
        <Action
          label={step.kind === 'done' ? 'Take another file' : 'Cancel the upload'}
          Icon={IconX}
          onClick={control.abandon}
        />
      </div>
      <div className="add-upload-rest">
        {step.kind !== 'done' && (
          <Progress
            percent={Math.floor(percent * 10) / 10}
            look={look}
            label={`${file.name} on its way`}
          />
        )}
        <div className="add-upload-words">
          <span className="figure">
            {isOver ? size(file.size) : `${size(sentBytes)} of ${size(file.size)}`}
          </span>
          <span className="figure">{paceOf(state)}</span>
        </div>
        <div role="status" className="add-upload-said" data-look={look}>
          {wordsOf(step, resumedAtBytes)}
        </div>
        {step.kind === 'done' && (
          <div className="quiet truncate mono" title={step.artifact.sha256}>
            SHA256 {step.artifact.sha256}
          </div>
        )}
      </div>
    </div>
  )
}

const Action = ({ label, Icon, onClick }: { label: string; Icon: Icon; onClick: () => void }) => (
  <Tooltip label={label}>
    <ActionIcon variant="subtle" color="gray" aria-label={label} onClick={onClick}>
      <Icon size={18} />
    </ActionIcon>
  </Tooltip>
)

function paceOf({ file, step, sentBytes }: UploadState): string {
  if (step.kind !== 'sending' || !step.bytesPerSecond) return ''
  const seconds = (file.size - sentBytes) / step.bytesPerSecond
  return `${size(step.bytesPerSecond)}/s, ${span(Math.max(1, seconds))} left`
}

function wordsOf(step: UploadStep, resumedAtBytes: number): string {
  switch (step.kind) {
    case 'sending':
      return resumedAtBytes > 0 ? `Goes on where it was, at ${size(resumedAtBytes)}.` : ''
    case 'checking':
      return 'All is sent. The server reads it through.'
    case 'paused':
      return 'Paused. What was sent stays on the server for a day.'
    case 'broken':
      return 'The connection broke. It goes on by itself; nothing that was sent is lost.'
    case 'refused':
      return step.message
    case 'done':
      return 'It is on the server.'
  }
}
