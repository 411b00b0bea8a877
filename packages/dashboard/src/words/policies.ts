/** How policies and their devices look, wherever they are shown, and limits as a person says them. */
import {
  IconBell,
  IconCheck,
  IconHandStop,
  IconPlayerPause,
  IconPlayerPlay,
  IconPlugConnected,
  IconX,
} from '@tabler/icons-react'
import type { PolicyCounts, PolicyDevice, PolicyLimits } from '@updraft/api/shapes'
import type { BarPart } from '../parts/stacked-bar.tsx'
import type { Appearance } from './campaigns.ts'
import { counted, plural } from './numbers.ts'
import { span } from './time.ts'

/** How far a device has come with what a policy offers it. */
export const STANDINGS = {
  succeeded: { word: 'succeeded', Icon: IconCheck, look: 'UPDATED' },
  failed: { word: 'failed', Icon: IconX, look: 'FAILED' },
  started: { word: 'under way', Icon: IconPlayerPlay, look: 'DOWNLOADING' },
  offered: { word: 'offered', Icon: IconBell, look: 'INITIATED' },
  deferred: { word: 'held back', Icon: IconPlayerPause, look: 'HELD_BACK' },
} as const satisfies Record<string, Appearance>
export type StandingKey = keyof typeof STANDINGS
export const STANDING_ORDER = Object.keys(STANDINGS) as readonly StandingKey[]

/** How the policy itself stands. */
export const SWITCHED = {
  on: { word: 'enabled', Icon: IconPlugConnected, look: 'UPDATED' },
  off: { word: 'switched off', Icon: IconPlayerPause, look: 'CANCELED' },
} as const satisfies Record<string, Appearance>

export const standingOf = ({ standing, fared }: PolicyDevice): StandingKey =>
  standing === 'deferred' ? 'deferred' : (fared ?? 'offered')

type Counted = Pick<PolicyCounts, 'offered' | 'deferred' | 'started' | 'succeeded' | 'failed'>

/** Each device once, by how far it has come. The server's counts hold those that have come further, too. */
export function apart({
  offered,
  deferred,
  started,
  succeeded,
  failed,
}: Counted): Record<StandingKey, number> {
  return {
    succeeded,
    failed,
    started: Math.max(0, started - succeeded - failed),
    offered: Math.max(0, offered - started),
    deferred,
  }
}

/** As parts of a bar; whoever has not been offered it and is not held back is its empty part. */
export function barOf(counts: PolicyCounts): BarPart[] {
  const each = apart(counts)
  const rest = Math.max(0, counts.population - counts.offered - counts.deferred)
  return [
    ...STANDING_ORDER.map((key) => ({ key, count: each[key], look: STANDINGS[key].look })),
    { key: 'rest', count: rest, look: null },
  ]
}

/** "12 succeeded, 3 held back, of 40 devices". */
export function countWords(counts: PolicyCounts): string {
  const each = apart(counts)
  const said = STANDING_ORDER.filter((key) => each[key] > 0).map(
    (key) => `${counted(each[key])} ${STANDINGS[key].word}`,
  )
  return `${said.join(', ') || 'nobody yet'}, of ${plural(counts.population, 'device')}`
}

/** "100 devices", "10 %", "5 devices an hour": each limit there is. */
export function limitWords({
  maxDevices,
  percentage,
  rate,
  periodSeconds,
}: PolicyLimits): readonly string[] {
  return [
    ...(maxDevices === null ? [] : [plural(maxDevices, 'device')]),
    ...(percentage === null ? [] : [`${percentage} %`]),
    ...(rate === null || periodSeconds === null
      ? []
      : [`${counted(rate)} ${periodWords(periodSeconds)}`]),
  ]
}

const PERIODS: Readonly<Record<number, string>> = {
  60: 'a minute',
  3600: 'an hour',
  86400: 'a day',
  604800: 'a week',
}

/** "an hour", "in 90 min". */
export const periodWords = (seconds: number): string => PERIODS[seconds] ?? `in ${span(seconds)}`

/** What an empty expression means. */
export const EVERY_OLDER = 'every older device'

/** Whether it holds for a device. */
export const HOLDING = {
  yes: { word: 'holds', Icon: IconCheck, look: 'UPDATED' },
  no: { word: 'does not hold', Icon: IconX, look: 'CANCELED' },
  undecided: {
    word: 'cannot be decided, so it does not hold',
    Icon: IconHandStop,
    look: 'NEEDS_ATTENTION',
  },
} as const satisfies Record<string, Appearance>

/** What would come of it when the device asks. */
export const WOULD = {
  offer: 'It would be offered an update.',
  'under-way': 'An update is under way.',
  nothing: 'It would be offered nothing.',
} as const

interface Standing {
  readonly isEnabled: boolean
  readonly offered: number
  readonly succeeded: number
  readonly failed: number
  readonly deferred: Readonly<Record<'maxDevices' | 'percentage' | 'rate', number>>
}

/**
 * How many wait for a person to raise a limit: all the policy may reach are done, and time alone brings nobody more.
 * While some are still at it, being held back is what was asked for.
 */
export function usedUp({ isEnabled, offered, succeeded, failed, deferred }: Standing): number {
  if (!isEnabled || succeeded + failed < offered) return 0
  return deferred.maxDevices + deferred.percentage
}
