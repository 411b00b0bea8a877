/** One device of a campaign: whether its turn has come, what speaks against asking it, and what that counts for. */
import { HANDLERS } from '../box.ts'
import { type KeptBack, keptBack, type Restraints } from '../box-form.ts'
import { clientKindOf, clientRefusal, downloadOnlyRefusal } from '../client-kind.ts'
import type { JsonObject } from '../device.ts'
import { DomainError } from '../errors.ts'
import { type Reason, reason } from '../reason.ts'
import { type Installed, isInstalled, nameOf, type Release } from '../release.ts'
import { compareVersions, parseVersion } from '../version.ts'
import type { Campaign, Tally, TargetStatus, Wave } from './campaign.ts'
import { plan } from './plan.ts'
import type { CampaignSettings } from './settings.ts'
import { opensAt, windowsOf } from './window.ts'

export interface Target {
  readonly campaign: Campaign
  /** The campaign's, or what this device had before where the campaign takes devices back. */
  readonly release: Release
  readonly status: TargetStatus
  /** It was given up while it was away, and is asked again when it comes. */
  readonly isLost: boolean
  /** The wave in which it had its turn; null before it had. */
  readonly wave: number | null
  /** The operation by which it was asked. */
  readonly operationId: string | null
  /** How often this device has failed at that release since a person last looked into it. */
  readonly failures: number
}

/** What becomes of a target; written together with what it follows from. */
export interface TargetMove {
  readonly campaignId: string
  readonly from: Pick<Target, 'status' | 'wave'>
  readonly to: Pick<Target, 'status' | 'wave' | 'operationId'>
  readonly because: Reason
  readonly at: Date
  /** What the device ran, when it is asked now: what a roll-back brings it back to. */
  readonly before?: Installed
}

/**
 * Why a target that has not been asked has not; `older` names a campaign that comes first for that device, `form` is what
 * keeps releases back on it where it is a box.
 */
export function whyIdle(
  { campaign, release }: { campaign: Campaign; release: Pick<Release, 'title' | 'version'> },
  now: Date,
  { older = null, form = null }: { older?: string | null; form?: Restraints | null } = {},
): Reason {
  if (older !== null && campaign.status !== 'finished') {
    const message = `Campaign ${older} is older and not done with this device.`
    return reason('campaign.older', message)
  }
  const { gate } = plan(campaign, now)
  if (!gate) {
    const brings = { ...release, type: campaign.type }
    const held = form && keptBack(form, { release: brings, name: 'It', isAsked: false, now })
    return held?.because ?? reason('target.away', 'It is asked as soon as it comes.')
  }
  if (campaign.status !== 'finished') return gate
  return reason(gate.code, `It was not asked before the campaign ended. ${gate.message}`)
}

export const isLost = ({ to, because }: Pick<TargetMove, 'to' | 'because'>): boolean =>
  to.status === 'failed' && because.code === 'device.no-answer'

/** Whether it may still be asked, or is being asked. */
export const isOpenTarget = (move: Pick<TargetMove, 'to' | 'because'>): boolean =>
  move.to.status === 'idle' || move.to.status === 'in-progress' || isLost(move)

/** All that counts for one target when it is looked at. */
export interface TargetSituation {
  readonly profileId: string
  readonly profileName: string
  readonly installed: Installed | undefined
  readonly attributes: JsonObject
  /** What it says of itself. */
  readonly inventory: JsonObject
  /** The language it spoke last; null when it never came. */
  readonly dialect: string | null
  /** Speaks to us now, or holds a line open. */
  readonly isHere: boolean
  /** The device has a release of its own. */
  readonly isPinned: boolean
  /** What is set for it, where it is a box; and whether somebody at it presses the button. */
  readonly form: Restraints | null
  readonly isAsked: boolean
}

export type Verdict =
  | { readonly kind: 'ask'; readonly because: Reason }
  | {
      readonly kind: 'wait'
      readonly because: Reason
      readonly lookAgainAt: Date | null
      /** By the form of the box. */
      readonly held?: KeptBack
    }
  /** Nothing is asked, now or later. `hadItsTurn`: it takes a place in its wave. */
  | {
      readonly kind: 'settle'
      readonly status: 'successful' | 'failed' | 'skipped'
      readonly because: Reason
      readonly hadItsTurn: boolean
    }

/** A campaign's target that is over and done with before anything was asked. */
export interface SettledTarget {
  readonly target: Target
  readonly verdict: Extract<Verdict, { kind: 'settle' }>
}

const settled = (status: 'successful' | 'skipped', because: Reason): Verdict => ({
  kind: 'settle',
  status,
  because,
  hadItsTurn: false,
})
const waits = (because: Reason, lookAgainAt: Date | null = null): Verdict => ({
  kind: 'wait',
  because,
  lookAgainAt,
})

/**
 * Whether an idle target is to be asked now. `unfit` says why no device like this may get the release at all. What
 * speaks against it for good comes to light only when it would be its turn: a campaign that goes wrong is to stop
 * before it has gone through everybody.
 */
export function judge(
  { campaign, release, failures, wave }: Omit<Target, 'status' | 'isLost' | 'operationId'>,
  situation: TargetSituation,
  { unfit, maxFailures, now }: { unfit: Reason | null; maxFailures: number; now: Date },
): Verdict {
  const { installed, isPinned, isHere, attributes, form, isAsked } = situation
  const { settings } = campaign
  if (isInstalled(release, installed)) {
    const message = `The device already runs ${nameOf(release)}.`
    return settled('successful', reason('nothing.already-installed', message))
  }
  if (isPinned) {
    const message = 'The device is assigned a release of its own, which a campaign does not undo.'
    return settled('skipped', reason('target.pinned', message))
  }
  const untakable = clientFault(release, situation, settings)
  if (untakable) return settled('skipped', untakable)
  const { gate, lookAgainAt } = plan(campaign, now, { hasPlace: wave !== null })
  if (gate) {
    const message = `Campaign ${campaign.name} brings ${nameOf(release)}. ${gate.message}`
    return waits(reason(gate.code, message), lookAgainAt)
  }
  const held = form && keptBack(form, { release, isAsked, now })
  if (held) {
    const { because, lookAgainAt } = held
    // Time alone brings nothing to a device that is away.
    return { kind: 'wait', because, lookAgainAt: isHere ? lookAgainAt : null, held }
  }
  if (!isHere) {
    const message = `Campaign ${campaign.name} brings ${nameOf(release)} as soon as the device comes.`
    return waits(reason('target.away', message))
  }
  // What it needs beside may be told yet.
  if (unfit?.code === 'nothing.needs-unknown') return waits(unfit)
  const refusal =
    misfit({ campaign, release }, { installed, unfit }) ?? brokenOff(release, failures, maxFailures)
  if (refusal) return { kind: 'settle', status: 'failed', because: refusal, hadItsTurn: true }
  const opening = ownOpening(settings.windowAttribute, attributes, now)
  if (opening && opening > now) {
    const message = `Campaign ${campaign.name} brings ${nameOf(release)}. The device's own window opens at ${opening.toISOString()}.`
    return waits(reason('campaign.window', message), opening)
  }
  return { kind: 'ask', because: becauseOf(release, campaign) }
}

/** What the device came with says what kind of client it is; one that never came is asked when it does. */
function clientFault(
  release: Release,
  { inventory, dialect }: Pick<TargetSituation, 'inventory' | 'dialect'>,
  { isDownloadOnly }: Pick<CampaignSettings, 'isDownloadOnly'>,
): Reason | null {
  const kind = clientKindOf(null, inventory)
  const message =
    (isDownloadOnly ? downloadOnlyRefusal(kind, dialect) : null) ??
    (kind && clientRefusal(kind, [release]))
  return message === null ? null : reason('target.client', message)
}

function becauseOf(release: Release, { name, settings }: Campaign): Reason {
  const forced = settings.forceDowngrade ? ', whatever the device has' : ''
  return reason('campaign.asks', `${nameOf(release)}, because campaign ${name} brings it${forced}.`)
}

/** Why it must not go on that device, as it is; who forces a step back wants it from whatever version. */
export function misfit(
  { campaign: { settings }, release }: Pick<Target, 'campaign' | 'release'>,
  { installed, unfit }: Pick<TargetSituation, 'installed'> & { unfit: Reason | null },
): Reason | null {
  if (!settings.forceDowngrade) return unfit ?? backwards(release, installed)
  const isForGood = unfit?.code === 'nothing.other-profile' || unfit?.code === 'nothing.needs'
  return isForGood ? unfit : null
}

/** Why the release would not be a step forward; versions that are none have no order. */
function backwards(release: Release, installed: Installed | undefined): Reason | null {
  if (!installed?.version) {
    // A box without handlers has none to tell of, and one of Odoo's never does.
    if (release.type === HANDLERS) return null
    const message = `The device has not told what version it runs, so ${nameOf(release)} may be a step back.`
    return reason('nothing.version-unknown', message)
  }
  if (installed.title !== null && installed.title !== release.title) return null
  if (!parseVersion(release.version)) return null
  const order = compareVersions(release.version, installed.version)
  if (order === undefined) {
    const message = `The device runs "${installed.version}", which is no version that could be compared to ${release.version}.`
    return reason('target.version-unreadable', message)
  }
  if (order < 0) {
    const message = `The device runs ${installed.version}, which is newer than ${release.version}.`
    return reason('target.downgrade', message)
  }
  if (order > 0) return null
  const message = `The device runs ${installed.version}, another build of ${release.version}; which is newer nobody can tell.`
  return reason('target.ambiguous-version', message)
}

function brokenOff(release: Release, failures: number, maxFailures: number): Reason | null {
  if (failures < maxFailures) return null
  const message = `${nameOf(release)} failed ${failures} times on this device; a person must look.`
  return reason('nothing.needs-attention', message)
}

/** When the window of the device's own opens; null when it has none, or one that nobody can read. */
function ownOpening(attribute: string | null, attributes: JsonObject, now: Date): Date | null {
  const text = attribute === null ? undefined : attributes[attribute]
  if (typeof text !== 'string') return null
  try {
    return opensAt(windowsOf(text), now)
  } catch (error) {
    if (error instanceof DomainError) return null
    throw error
  }
}

/** The campaign after that move. */
export function tallied(campaign: Campaign, { from, to }: TargetMove): Campaign {
  const tally: Tally = {
    ...campaign.tally,
    [from.status]: campaign.tally[from.status] - 1,
  }
  return {
    ...campaign,
    tally: { ...tally, [to.status]: tally[to.status] + 1 },
    waves: counted(counted(campaign.waves, from, -1), to, 1),
  }
}

function counted(
  waves: readonly Wave[],
  { status, wave }: Pick<Target, 'status' | 'wave'>,
  by: 1 | -1,
): readonly Wave[] {
  if (wave === null) return waves
  // Those asked before a retry had other waves.
  const number = Math.min(wave, waves.length - 1)
  const at = waves[number]
  if (!at) return waves
  const isEnd = status === 'successful' || status === 'failed' || status === 'skipped'
  return waves.with(number, {
    ...at,
    asked: at.asked + by,
    ...(isEnd ? { [status]: at[status] + by } : {}),
  })
}
