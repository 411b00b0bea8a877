/** Whether a policy is in force; who may switch it does so here, and the others see how it stands. */
import { Switch } from '@mantine/core'
import type { Policy } from '@updraft/api/shapes'
import { useChange } from '../data/changes.ts'
import { useMay } from '../data/session.ts'
import { SWITCHED } from '../words/policies.ts'
import { StateBadge } from './state-badge.tsx'

const TOUCHES = ['policies', 'devices', 'overview'] as const

export function PolicySwitch({ policy, label }: { policy: Policy; label?: string }) {
  const { release, isEnabled } = policy
  const may = useMay()
  const name = `${release.title} ${release.version}`
  const enable = useChange('enablePolicy', {
    touches: TOUCHES,
    done: `${name} is offered to devices that ask from now on.`,
  })
  const disable = useChange('disablePolicy', {
    touches: TOUCHES,
    done: `${name} is offered to nobody new. What devices have begun goes on.`,
  })
  if (!may('policy.write')) {
    return <StateBadge {...SWITCHED[isEnabled ? 'on' : 'off']} isBare />
  }
  const change = isEnabled ? disable : enable
  return (
    <Switch
      size="sm"
      label={label}
      aria-label={label ?? `${name}: enabled`}
      checked={isEnabled}
      disabled={enable.isPending || disable.isPending}
      onClick={(event) => event.stopPropagation()}
      onChange={() => change.mutate({ params: { id: release.id } })}
    />
  )
}
