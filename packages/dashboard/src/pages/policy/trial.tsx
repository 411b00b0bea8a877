/** Asks for one device what a policy would do: whether it holds, and what the device would be offered and why. */
import { useDebouncedValue } from '@mantine/hooks'
import { IconArrowRight } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { Output } from '@updraft/api/client'
import { read } from '../../data/queries.ts'
import { type Chosen, DeviceSelect } from '../../parts/device-select.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import { messageOf } from '../../parts/trouble.tsx'
import { HOLDING, WOULD } from '../../words/policies.ts'
import { withTimes } from '../../words/time.ts'
import './policy.css'

const TYPING_MS = 300

/** Of the policy a release has, or of the expression that is being written for it; null cannot be read yet. */
export function Trial({
  releaseId,
  profile,
  expression,
  device,
  onChoose,
}: {
  releaseId: string
  profile: string
  expression?: string | null
  device: Chosen | null
  onChoose: (device: Chosen | null) => void
}) {
  return (
    <div className="trial">
      <DeviceSelect value={device} onChange={onChoose} profile={profile} />
      {device &&
        (expression === null ? (
          <p className="trial-answer quiet">Mend the expression first.</p>
        ) : (
          <Answer releaseId={releaseId} device={device} expression={expression} />
        ))}
      {!device && (
        <p className="quiet">
          Says for one device whether it holds, and what it would get and why.
        </p>
      )}
    </div>
  )
}

function Answer({
  releaseId,
  device: { id: deviceId, name },
  expression,
}: {
  releaseId: string
  device: Chosen
  expression?: string
}) {
  const [asked] = useDebouncedValue(expression, TYPING_MS)
  const { data, error } = useQuery({
    ...read('policies', 'tryPolicy', { body: { releaseId, deviceId, expression: asked } }),
    retry: false,
  })
  if (error) return <p className="trial-answer">{messageOf(error)}</p>
  if (!data) return <p className="trial-answer quiet">Asking…</p>
  const holding = data.holds ? HOLDING.yes : data.because === null ? HOLDING.no : HOLDING.undecided
  return (
    <div className="trial-answer" role="status">
      <div className="trial-head">
        <StateBadge {...holding} />
        <Versions trial={data} />
      </div>
      {data.because && <p>{data.because}</p>}
      <p>
        <strong>{WOULD[data.would]}</strong> {withTimes(data.reason.message)}
      </p>
      <p>
        <Link to="/devices/$deviceId" params={{ deviceId }} className="plain-link">
          See {name}
        </Link>
      </p>
    </div>
  )
}

const Versions = ({ trial: { version, newVersion } }: { trial: Output<'tryPolicy'> }) => (
  <span className="mono quiet">
    {version ?? 'unknown'} <IconArrowRight size={12} aria-label="to" /> {newVersion}
  </span>
)
