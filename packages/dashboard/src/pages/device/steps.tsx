/** The way of one update as a line of steps, filled as far as it has come. */
import type { Output } from '@updraft/api/client'
import { STATES, type State } from '@updraft/core'
import { Progress } from '../../parts/progress.tsx'
import { StatusCode } from '../../parts/status-code.tsx'
import { TimeAgo } from '../../parts/time-ago.tsx'
import { handlingText } from '../../words/handling.ts'
import { LOOKS } from '../../words/states.tsx'

type Operation = NonNullable<Output<'showDevice'>['operation']>

const WAY: readonly State[] = [
  'QUEUED',
  'INITIATED',
  'DOWNLOADING',
  'VERIFIED',
  'UPDATING',
  'UPDATED',
]
/** Of what is only downloaded the rest of the way is none. */
const WAY_TO_FETCH: readonly State[] = ['QUEUED', 'INITIATED', 'DOWNLOADING', 'STAGED']

/** Null where it is as ever. */
function sayHandling(handling: Operation['handling']): string | null {
  const { urgency, isDownloadOnly, confirmedBy, windows } = handling
  const isSaid = urgency !== null || isDownloadOnly || confirmedBy !== null
  const how = isSaid ? `How: ${handlingText(handling)}.` : ''
  const when = windows === '' ? '' : `When: ${windows}.`
  return [how, when].filter((each) => each !== '').join(' ') || null
}

export function Steps({ operation }: { operation: Operation }) {
  const { state, release, progress, error, code, because, changedAt, restarts } = operation
  const ended = state === 'FAILED' || state === 'CANCELED'
  const reached = STATES.indexOf(state)
  const { word } = LOOKS[state]
  const said = sayHandling(operation.handling)
  return (
    <div className="steps">
      <div className="steps-head">
        <span>
          {release.title} <span className="mono">{release.version}</span>: {word}
        </span>
        <span className="quiet figure">
          {operation.endedAt === null && `${progress} % · `}
          <TimeAgo at={changedAt} />
        </span>
      </div>
      {operation.endedAt === null && (
        <Progress percent={progress} look={state} label={`${word}, ${progress} percent`} />
      )}
      <ol className="steps-way" aria-label="The way of the update">
        {(operation.handling.isDownloadOnly ? WAY_TO_FETCH : WAY).map((step) => {
          const { Icon, word: name } = LOOKS[step]
          const isDone = !ended && STATES.indexOf(step) < reached
          const isNow = step === state || (step === 'DOWNLOADING' && state === 'DOWNLOADED')
          return (
            <li
              key={step}
              className="look"
              data-look={isNow || isDone ? state : undefined}
              data-done={isDone || undefined}
              data-now={isNow || undefined}
              aria-current={isNow ? 'step' : undefined}
            >
              <Icon size={14} aria-hidden /> {name}
            </li>
          )
        })}
      </ol>
      {ended && (
        <p className="steps-error look" data-look={state}>
          {error ?? because}
          {code !== null && code !== error && <StatusCode code={code} />}
        </p>
      )}
      {said !== null && <p className="quiet">{said}</p>}
      {restarts > 0 && (
        <p className="quiet">
          It has started over {restarts} {restarts === 1 ? 'time' : 'times'}.
        </p>
      )}
    </div>
  )
}
