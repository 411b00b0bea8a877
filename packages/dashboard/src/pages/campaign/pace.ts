/** How fast a campaign goes, and when it ends if it goes on like that. */
import type { Campaign } from '@updraft/api/shapes'

export interface Pace {
  /** Devices that ended, an hour, since its wave was opened. */
  readonly perHour: number
  /** Null where nobody can say: a person has to let it go on, or nothing moves. */
  readonly endsAt: Date | null
}

const HOUR_MS = 3_600_000
/** Sooner than this after a wave began, its pace says nothing. */
const ENOUGH_MS = 20_000

/** Gates that open again by themselves while devices go on. */
const PASSING = new Set(['campaign.slots', 'campaign.wave', 'campaign.soaking'])

/** Null while it does not go on, or while it is too early to say. */
export function paceOf(
  { status, waves, tally, gate }: Pick<Campaign, 'status' | 'waves' | 'tally' | 'gate'>,
  now: Date,
): Pace | null {
  const number = waves.findLastIndex(({ openedAt }) => openedAt !== null)
  const wave = waves[number]
  if (status !== 'in-progress' || !wave?.openedAt) return null
  const ended = wave.successful + wave.failed
  const ms = now.getTime() - Date.parse(wave.openedAt)
  if (ended === 0 || ms < ENOUGH_MS) return null
  const perMs = ended / ms
  const before = waves.slice(number, -1)
  const isHeld = before.some(({ needsApproval, approvedAt }) => needsApproval && !approvedAt)
  const isStuck = gate !== null && !PASSING.has(gate.code)
  const soakMs = before.reduce((sum, { soakSeconds }) => sum + soakSeconds * 1000, 0)
  const left = tally.idle + tally['in-progress']
  return {
    perHour: perMs * HOUR_MS,
    endsAt: isHeld || isStuck ? null : new Date(now.getTime() + left / perMs + soakMs),
  }
}
