/** What a campaign that does not exist yet would do to one device. */
import { type Reason, reason } from '../reason.ts'
import type { Release } from '../release.ts'
import { choose } from '../update/choose.ts'
import { NO_COMPONENT, type Snapshot, situationOf } from '../update/snapshot.ts'
import type { Campaign } from './campaign.ts'
import { plan } from './plan.ts'
import type { Target } from './target.ts'

export const FORECASTS = ['asked', 'waits', 'successful', 'failed', 'skipped'] as const

export interface Forecast {
  /** Asked at its turn; held up by something; or settled like that without being asked. */
  readonly would: (typeof FORECASTS)[number]
  readonly because: Reason
}

/** As if its turn had come, and the device were there: waves, windows and the pace are left out of it. */
export function forecast(
  snapshot: Snapshot,
  { campaign, release }: { campaign: Campaign; release: Release },
  now: Date,
): Forecast {
  const { device, components } = snapshot
  if (device.lastSeenAt === null) {
    const message = 'It has never come, so what it runs is not known.'
    return { would: 'waits', because: reason('target.away', message) }
  }
  const { type } = release
  const component = components[type] ?? NO_COMPONENT
  const ours: Target = {
    campaign: begun(campaign, now),
    release,
    status: 'idle',
    isLost: false,
    wave: null,
    operationId: null,
    failures: 0,
  }
  const targets = [...component.targets, ours]
  const asTarget = { ...components, [type]: { ...component, targets } }
  const situation = situationOf({ ...snapshot, components: asTarget }, type, { isHere: true })
  const choice = choose(situation, now)
  const settled = choice.settles?.find(({ target }) => target === ours)
  if (settled) return { would: settled.verdict.status, because: settled.verdict.because }
  const isAsked = choice.kind === 'offer' && choice.target === ours
  return { would: isAsked ? 'asked' : 'waits', because: choice.because }
}

function begun(campaign: Campaign, now: Date): Campaign {
  const settings = { ...campaign.settings, waves: [], windows: '', windowAttribute: null }
  const open = { ...campaign, settings, status: 'in-progress', outcome: null } as const
  return plan({ ...open, waves: open.waves.slice(-1), tally: { ...open.tally, idle: 1 } }, now)
    .campaign
}
