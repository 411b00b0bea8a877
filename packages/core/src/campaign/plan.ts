/**
 * What follows for a campaign from how its devices have fared and from the time: which wave is open, how many may be
 * asked now, whether it stops, and when to look again. Nothing is remembered between two looks but the campaign itself,
 * so a look may be taken at any moment, by anyone, as often as one likes.
 */
import { type Reason, reason } from '../reason.ts'
import { type Campaign, currentWave, finish, totalOf } from './campaign.ts'
import { shareOf } from './settings.ts'
import { opensAt, windowsOf } from './window.ts'

export interface Plan {
  /** The campaign as it is from now on: begun, a wave further, stopped, done; the same one when nothing changes. */
  readonly campaign: Campaign
  /** How many more devices may be asked now. */
  readonly slots: number
  /** Why none may, when none may. */
  readonly gate: Reason | null
  /** When time alone changes the answer. */
  readonly lookAgainAt: Date | null
}

/** Never throws, never asks anyone. `hasPlace`: for a device that has one in its wave from an earlier turn. */
export function plan(
  before: Campaign,
  now: Date,
  { hasPlace }: { hasPlace: boolean } = { hasPlace: false },
): Plan {
  const campaign = settle(before, now)
  if (campaign.status !== 'in-progress') {
    const lookAgainAt = campaign.status === 'scheduled' ? campaign.scheduledAt : null
    return { campaign, slots: 0, gate: campaign.because, lookAgainAt }
  }
  const closed = closedUntil(campaign, now)
  if (closed) {
    const because = reason('campaign.window', `Its window opens at ${closed.toISOString()}.`)
    return { campaign, slots: 0, gate: because, lookAgainAt: closed }
  }
  return admit(campaign, now, hasPlace)
}

/** Carries the campaign as far as it goes by itself. Every step leads on, so there is an end. */
function settle(campaign: Campaign, now: Date): Campaign {
  const next = step(campaign, now)
  return next === null ? campaign : settle(next, now)
}

function step(campaign: Campaign, now: Date): Campaign | null {
  const { status, tally, scheduledAt } = campaign
  if (status === 'scheduled') {
    if (scheduledAt && scheduledAt > now) return null
    const because = reason('campaign.running', 'Its time has come.')
    return { ...campaign, status: 'in-progress', startedAt: now, because }
  }
  if (status !== 'in-progress' && status !== 'pausing') return null
  const stop = reasonToStop(campaign)
  if (stop) return finish(campaign, 'failure', stop, now)
  if (tally.idle === 0 && tally['in-progress'] === 0 && !campaign.settings.isDynamic) {
    return finish(campaign, 'success', reason('campaign.done', accountOf(campaign)), now)
  }
  if (status === 'pausing') {
    return tally['in-progress'] === 0 ? { ...campaign, status: 'paused' } : null
  }
  return openWave(campaign, now)
}

/** The first wave at once, another when the one before it is done. */
function openWave(campaign: Campaign, now: Date): Campaign | null {
  const number = currentWave(campaign)
  const wave = campaign.waves[number]
  if (!wave) return open(campaign, 0, now)
  if (number === campaign.waves.length - 1) return null
  if (!wave.passedAt) {
    if (wave.successful < neededOf(campaign, number)) return null
    const waves = campaign.waves.with(number, { ...wave, passedAt: now })
    return { ...campaign, waves }
  }
  if (soaksUntil(campaign, number, wave.passedAt) > now) return null
  if (campaign.settings.waves[number]?.needsApproval && !wave.approvedAt) return null
  return open(campaign, number + 1, now)
}

function open(campaign: Campaign, number: number, now: Date): Campaign | null {
  const wave = campaign.waves[number]
  if (!wave) return null
  const because = reason('campaign.running', `Wave ${number + 1} of ${campaign.waves.length}.`)
  return {
    ...campaign,
    because: campaign.waves.length > 1 ? because : campaign.because,
    waves: campaign.waves.with(number, { ...wave, openedAt: now }),
  }
}

/** How many may be asked, of a campaign that goes on inside its window. */
function admit(campaign: Campaign, now: Date, hasPlace: boolean): Plan {
  const number = currentWave(campaign)
  const wave = campaign.waves[number]
  const closed = (gate: Reason, lookAgainAt: Date | null = null): Plan => ({
    campaign,
    slots: 0,
    gate,
    lookAgainAt,
  })
  if (!wave) return closed(reason('campaign.nobody', 'It has no devices yet.'))
  const isLast = number === campaign.waves.length - 1
  const isUnbounded = isLast || hasPlace
  const room = isUnbounded ? Number.POSITIVE_INFINITY : wave.size - (wave.asked - wave.skipped)
  if (room <= 0) return closed(...waitsFor(campaign, number, now))
  const { maxInProgress } = campaign.settings
  const free = Math.max(0, maxInProgress - campaign.tally['in-progress'])
  if (free === 0) {
    return closed(
      reason('campaign.slots', `As many devices are at it as may be: ${maxInProgress}.`),
    )
  }
  const soaked = wave.passedAt && soaksUntil(campaign, number, wave.passedAt)
  const lookAgainAt = soaked && soaked > now ? soaked : null
  return { campaign, slots: Math.min(room, free), gate: null, lookAgainAt }
}

/** What the next wave waits for once this one is full, and until when if that is known. */
function waitsFor(campaign: Campaign, number: number, now: Date): [Reason, Date | null] {
  const { passedAt, successful } = campaign.waves[number] ?? NO_WAVE
  const name = `wave ${number + 1}`
  if (!passedAt) {
    const message = `It waits for ${name}: ${successful} of at least ${neededOf(campaign, number)} devices are updated.`
    return [reason('campaign.wave', message), null]
  }
  const soaked = soaksUntil(campaign, number, passedAt)
  if (soaked > now) {
    return [
      reason('campaign.soaking', `After ${name} it is watched until ${soaked.toISOString()}.`),
      soaked,
    ]
  }
  return [reason('campaign.approval', `Wave ${number + 2} waits for approval.`), null]
}

const NO_WAVE = { passedAt: null, successful: 0 }

/** Why it must not go on; null while nothing speaks against it. */
function reasonToStop(campaign: Campaign): Reason | null {
  const { settings, tally } = campaign
  const total = totalOf(tally)
  if (tally.failed > shareOf(total, settings.maxFailurePercentage)) {
    const message = `${tally.failed} of ${total} devices failed: more than ${settings.maxFailurePercentage} %.`
    return reason('campaign.stopped', message)
  }
  const ofAsked = (count: 'successful' | 'failed') =>
    campaign.waves.reduce((sum, wave) => sum + wave[count], 0)
  const failed = ofAsked('failed')
  const finished = failed + ofAsked('successful')
  const rule = settings.stopRule
  if (rule && finished >= rule.minFinished && failed > shareOf(finished, rule.failurePercentage)) {
    const message = `${failed} of the ${finished} devices that have ended failed: more than ${rule.failurePercentage} %.`
    return reason('campaign.stopped', message)
  }
  const number = currentWave(campaign)
  const wave = campaign.waves[number]
  const isLast = number === campaign.waves.length - 1
  if (!wave || isLast || wave.passedAt || wave.failed <= wave.size - neededOf(campaign, number)) {
    return null
  }
  const message = `${wave.failed} of the ${wave.size} devices of wave ${number + 1} failed; ${neededOf(campaign, number)} had to be updated.`
  return reason('campaign.stopped', message)
}

function neededOf({ settings, waves }: Campaign, number: number): number {
  const { successPercentage = 0 } = settings.waves[number] ?? {}
  return Math.max(1, Math.ceil(shareOf(waves[number]?.size ?? 0, successPercentage)))
}

const soaksUntil = ({ settings }: Campaign, number: number, passedAt: Date): Date =>
  new Date(passedAt.getTime() + (settings.waves[number]?.soakSeconds ?? 0) * 1000)

/** When its window opens, if it is closed. */
function closedUntil({ settings }: Campaign, now: Date): Date | null {
  const at = opensAt(windowsOf(settings.windows), now)
  return at !== null && at > now ? at : null
}

function accountOf({ tally }: Campaign): string {
  const parts = [
    `${tally.successful} updated`,
    tally.failed > 0 ? `${tally.failed} failed` : '',
    tally.skipped > 0 ? `${tally.skipped} skipped` : '',
  ]
  return `All devices are done: ${parts.filter((part) => part !== '').join(', ')}.`
}
