/**
 * THE decision: which release should this device run, for one type of component? Every dialect and every
 * operator's question ends here, and the answer always says why.
 *
 * Who wins: an operation under way goes on to its end, unless the device has not begun and something else is
 * meant for it now, or it no longer fits; one by hand gives way to another by hand only. Then the device's own
 * assignment, which is a pin. Then campaigns that are not over, the older one first. Then its profile's, as desired
 * state: also after a factory reset. What came to the device later than it was assigned, by a campaign or by hand, is
 * not undone by that assignment. Then, where nothing is assigned, policies, the newest release first. Whatever wins must
 * fit.
 */
import { heldBack, type KeptBack, keptBack, type Restraints } from '../box-form.ts'
import { handlingOfCampaign } from '../campaign/settings.ts'
import { judge, misfit, type SettledTarget, type Target, type Verdict } from '../campaign/target.ts'
import type { JsonObject } from '../device.ts'
import type { DeviceFacts } from '../expression/language.ts'
import { unmetNeed } from '../needs.ts'
import { type Candidate, deferral, type Fared, firstThatHolds, type Standing } from '../policy.ts'
import { type Reason, type ReasonCode, reason } from '../reason.ts'
import {
  type ComponentType,
  type Installed,
  isInstalled,
  nameOf,
  type Release,
  requirementOf,
} from '../release.ts'
import { satisfies } from '../requirement.ts'
import {
  type Handling,
  ownWindowClosed,
  type Spoken,
  STANDARD_HANDLING,
  sameHandling,
} from './handling.ts'
import type { Operation } from './operation.ts'

/** After so many failed attempts at one release a person must look. */
export const MAX_ATTEMPTS = 5

const MINUTE_MS = 60_000
/** How long to wait after the first, second, … failed attempt. */
const BACK_OFF_MS = [15, 60, 240, 720].map((minutes) => minutes * MINUTE_MS)

/** How earlier operations of the assigned release on this device ended, since it was assigned. */
export interface Attempts {
  /**
   * Ended as FAILED or UPDATED: what arrived and is wanted once more did not last. Counts those opened by the
   * assignment itself too.
   */
  readonly failures: number
  readonly lastFailedAt: Date | null
  /** An operator cancelled the latest of them. */
  readonly isCancelled: boolean
  /** The latest of them brought it to the device, which was not to install it. */
  readonly isStaged: boolean
}

export const NO_ATTEMPTS: Attempts = {
  failures: 0,
  lastFailedAt: null,
  isCancelled: false,
  isStaged: false,
}

export interface Assignment {
  readonly release: Release
  readonly assignedAt: Date
  readonly handling: Handling
  readonly attempts: Attempts
}

/** How a device stands with the policy of one release. */
export interface PolicyStanding {
  readonly standing: Standing
  readonly code: ReasonCode
  readonly fared: Fared | null
  /** Since the policy was published; none where it was not offered the release. */
  readonly attempts: Attempts
}

/** By the ids of releases. */
export type Standings = Readonly<Record<string, PolicyStanding>>

/** All that counts for one device and one type of component. */
export interface Situation {
  readonly type: ComponentType
  readonly profileId: string
  readonly profileName: string
  readonly installed: Installed | undefined
  readonly underWay: Operation | null
  readonly deviceAssignment: Assignment | null
  readonly profileAssignment: Assignment | null
  /** Of campaigns that are not over, the oldest campaign first, and whichever asked for the operation under way. */
  readonly targets: readonly Target[]
  readonly arrival: Arrival | null
  /** The enabled policies of its profile for that type, in the order in which they are asked. */
  readonly policies: readonly Candidate[]
  readonly standings: Standings
  /** What policies are asked of: the device as it is in this visit. */
  readonly facts: DeviceFacts
  readonly attributes: JsonObject
  /** The device speaks to us now, or holds a line open. */
  readonly isHere: boolean
  /** What is set for it, where it is a box. */
  readonly form: Restraints | null
  /** Somebody at the device presses the button for that component now. */
  readonly isAsked: boolean
  /** What its language has words for; null: nobody knows yet. */
  readonly speaks: Spoken | null
}

/** What a campaign or an operator's hand brought to the device last. */
export interface Arrival {
  readonly title: string
  readonly version: string
  /** When it was asked for: what was assigned after that is the later intent, though it arrived in between. */
  readonly at: Date
}

/** By whose hand an operation came about: nothing but another such takes it back. */
export const isByHand = ({ origin }: Operation): boolean => origin.code === 'operator.manual'

const isByPolicy = ({ origin }: Operation): boolean => origin.code === 'policy.offers'

/** Whether it can be taken back for another without disturbing the device. */
export const isNotBegun = ({ state }: Pick<Operation, 'state'>): boolean =>
  state === 'QUEUED' || state === 'INITIATED'

interface Cancellation {
  readonly operation: Operation
  readonly because: Reason
}

interface Findings {
  readonly settles?: readonly SettledTarget[]
}

export type Choice = Findings & ChoiceOf

type ChoiceOf =
  /** Open an operation for the release, on behalf of that campaign's target or that policy if there is one. */
  | {
      kind: 'offer'
      release: Release
      because: Reason
      /** As is usual where it is not said. */
      handling?: Handling
      target?: Target
      policy?: Candidate
      cancels?: Cancellation
    }
  /** Go on with the operation there is; it may be offered again, unless the form of the box keeps it back. */
  | {
      kind: 'under-way'
      operation: Operation
      because: Reason
      held?: KeptBack
      lookAgainAt?: Date
    }
  /**
   * Nothing now. `release` is what would be meant; `lookAgainAt` when time alone changes the answer; `defers` the policy
   * that holds for the device and keeps it back; `held` that the form of the box does.
   */
  | {
      kind: 'nothing'
      release: Release | null
      because: Reason
      lookAgainAt?: Date
      defers?: Candidate
      held?: KeptBack
      cancels?: Cancellation
    }

/** Never throws, never asks anyone: the answer follows from the situation and the time. */
export function choose(situation: Situation, now: Date): Choice {
  const { meant, settles } = intend(situation, now)
  const choice = chooseOf(situation, meant, now)
  return settles.length > 0 ? { ...choice, settles } : choice
}

function chooseOf(situation: Situation, meant: Meant, now: Date): ChoiceOf {
  const { underWay } = situation
  if (!underWay) return decide(situation, meant, now)
  const because = takesBack(underWay, meant, situation)
  if (!because) return goOn(underWay, situation, now)
  const next = decide(situation, meant, now)
  return next.kind === 'under-way' ? next : { ...next, cancels: { operation: underWay, because } }
}

/** What the device has not begun may be kept back still; what it has is not interrupted. */
export function keepsBack(underWay: Operation, situation: Situation, now: Date): KeptBack | null {
  const { form, isAsked } = situation
  if (!isNotBegun(underWay)) return null
  const held = keptBackItself(underWay, situation, now)
  if (held || !form) return held
  const isWanted = isByHand(underWay) || underWay.origin.code === 'operator.retry'
  return isWanted
    ? heldBack(form, { name: nameOf(underWay), now })
    : keptBack(form, { release: underWay, isAsked, now })
}

/** By how it is to be brought, where the device cannot be told to wait. */
function keptBackItself(
  { handling, title, version }: Operation,
  { speaks }: Pick<Situation, 'speaks'>,
  now: Date,
): KeptBack | null {
  const name = nameOf({ title, version })
  if (handling.isDownloadOnly && speaks && !speaks.downloadOnly) {
    const message = `${name} waits. It is only to be downloaded, for which the device's language has no word.`
    const because = reason('waits.unspeakable', message)
    return { because, comesIfAsked: false, lookAgainAt: null }
  }
  const closed = ownWindowClosed(handling, now)
  if (!closed || (speaks?.windows && !handling.isDownloadOnly)) return null
  const message = closed.opensAt
    ? `${name} waits. Its window opens at ${closed.opensAt.toISOString()}.`
    : `${name} waits. Its window never opens any more; assign it anew.`
  const because = reason('waits.window', message)
  return { because, comesIfAsked: false, lookAgainAt: closed.opensAt }
}

function goOn(underWay: Operation, situation: Situation, now: Date): ChoiceOf {
  const held = keepsBack(underWay, situation, now)
  if (!held) return { kind: 'under-way', operation: underWay, because: underWay.origin }
  const { because, lookAgainAt } = held
  return {
    kind: 'under-way',
    operation: underWay,
    because,
    held,
    ...(lookAgainAt && { lookAgainAt }),
  }
}

/** What the form of a box makes of a release that would be offered now. */
function nowUnless(
  situation: Situation,
  offer: Extract<ChoiceOf, { kind: 'offer' }>,
  now: Date,
): ChoiceOf {
  const { form, isAsked } = situation
  const { release } = offer
  const held = form && keptBack(form, { release, isAsked, now })
  if (!held) return offer
  const { because, lookAgainAt } = held
  return { kind: 'nothing', release, because, held, ...(lookAgainAt && { lookAgainAt }) }
}

/**
 * The release that stands as the device's desired one under that choice, also while nothing is to be done:
 * what a dialect that shows desired state (ThingsBoard's shared attributes) shows. Null when there is none, or
 * none the device should see.
 */
export function desiredRelease(choice: Choice): Release | 'under-way' | null {
  switch (choice.kind) {
    case 'offer':
      return choice.release
    case 'under-way':
      return 'under-way'
    case 'nothing':
      return STANDING.includes(choice.because.code) ? choice.release : null
  }
}

const STANDING: readonly ReasonCode[] = [
  'nothing.already-installed',
  'nothing.backing-off',
  'nothing.arrived-later',
]

type Meant =
  | { readonly kind: 'assignment'; readonly assignment: Assignment; readonly because: Reason }
  | { readonly kind: 'target'; readonly target: Target; readonly because: Reason }
  | {
      readonly kind: 'policy'
      readonly candidate: Candidate
      readonly assignment: Assignment
      readonly because: Reason
    }
  /** Something is meant for it, and its time has not come. */
  | {
      readonly kind: 'wait'
      readonly because: Reason
      readonly lookAgainAt: Date | null
      readonly defers?: Candidate
      readonly held?: { readonly release: Release; readonly by: KeptBack }
    }
  | { readonly kind: 'nothing'; readonly release: Release | null; readonly because: Reason }

interface Intent {
  readonly meant: Meant
  readonly settles: readonly SettledTarget[]
}

function intend(situation: Situation, now: Date): Intent {
  const { deviceAssignment } = situation
  const { meant, settles } = amongCampaigns(situation, now)
  if (deviceAssignment) {
    const name = nameOf(deviceAssignment.release)
    const because = reason('assigned.device', `${name}, because this device is assigned it.`)
    return { meant: desired(deviceAssignment, because, situation), settles }
  }
  return { meant: meant ?? byProfile(situation) ?? byPolicies(situation, now), settles }
}

function byProfile(situation: Situation): Meant | null {
  const { profileAssignment, profileName } = situation
  if (!profileAssignment) return null
  const name = nameOf(profileAssignment.release)
  const because = reason(
    'assigned.profile',
    `${name}, because profile ${profileName} is assigned it.`,
  )
  return desired(profileAssignment, because, situation)
}

/** The later intent wins, as long as what it brought is there. */
function desired(assignment: Assignment, because: Reason, situation: Situation): Meant {
  const later = arrivedLater(assignment, situation)
  if (!later) return { kind: 'assignment', assignment, because }
  const message = `${later} came to this device after ${nameOf(assignment.release)} was assigned; assign it anew to go back.`
  return { kind: 'nothing', release: null, because: reason('nothing.arrived-later', message) }
}

/** The name of what came after that was wanted, and is there. */
function arrivedLater(
  { release, assignedAt }: Assignment,
  { arrival, installed }: Situation,
): string | null {
  const stands = arrival !== null && arrival.at > assignedAt && isInstalled(arrival, installed)
  return stands && !isInstalled(release, installed) ? nameOf(arrival) : null
}

/** Of what the policies of its profile hold for, the newest that fits; what limits keep back is not made up for. */
function byPolicies(situation: Situation, now: Date): Meant {
  const { policies, standings, facts, profileName, type, installed } = situation
  if (policies.length === 0) {
    const message = `Neither this device nor profile ${profileName} is assigned a ${type} release.`
    return { kind: 'nothing', release: null, because: reason('nothing.assigned', message) }
  }
  const misfit = (release: Release) =>
    isInstalled(release, installed) ? null : unfit(release, situation)
  const { candidate, because } = firstThatHolds(policies, { facts, profileName, misfit, now })
  if (!candidate) return { kind: 'nothing', release: null, because }
  const { release, policy } = candidate
  const stood = standings[release.id]
  const assignment: Assignment = {
    release,
    assignedAt: policy.publishedAt,
    handling: STANDARD_HANDLING,
    attempts: stood?.attempts ?? NO_ATTEMPTS,
  }
  const later = arrivedLater(assignment, situation)
  if (later) {
    const message = `${later} came to this device after the policy of ${nameOf(release)} was published.`
    return { kind: 'nothing', release: null, because: reason('nothing.arrived-later', message) }
  }
  const isFree = stood?.standing === 'offered' || isInstalled(release, installed)
  const deferred = isFree ? null : deferral(candidate, now)
  if (deferred) return { kind: 'wait', ...deferred, defers: candidate }
  return { kind: 'policy', candidate, assignment, because }
}

/**
 * The campaign that asks this device already, else the first that has something to say to it now; those before it that
 * have not are settled.
 */
function amongCampaigns(
  situation: Situation,
  now: Date,
): { readonly meant: Meant | null; readonly settles: readonly SettledTarget[] } {
  const settles: SettledTarget[] = []
  const asked = alreadyAsked(situation)
  for (const target of situation.targets) {
    if (!isOpen(target)) continue
    const verdict = judge(
      target,
      {
        ...situation,
        inventory: situation.facts.device.inventory,
        dialect: situation.facts.device.dialect,
        isPinned: situation.deviceAssignment !== null,
      },
      { unfit: unfit(target.release, situation), maxFailures: MAX_ATTEMPTS, now },
    )
    if (verdict.kind === 'settle') settles.push({ target, verdict })
    else if (verdict.kind === 'wait') return { meant: asked ?? waiting(target, verdict), settles }
    else return { meant: asked ?? { kind: 'target', target, because: verdict.because }, settles }
  }
  return { meant: asked, settles }
}

function waiting({ release }: Target, verdict: Extract<Verdict, { kind: 'wait' }>): Meant {
  const { because, lookAgainAt, held } = verdict
  return { kind: 'wait', because, lookAgainAt, ...(held && { held: { release, by: held } }) }
}

function alreadyAsked(situation: Situation): Meant | null {
  const { underWay, targets } = situation
  const target = targets.find(
    ({ status, operationId }) => status === 'in-progress' && operationId === underWay?.id,
  )
  if (!underWay || !target || noLongerAsked(underWay, target, situation)) return null
  return { kind: 'target', target, because: underWay.origin }
}

const isOpen = ({ status, isLost, campaign }: Target): boolean =>
  (status === 'idle' || isLost) && campaign.status !== 'scheduled' && campaign.status !== 'finished'

function decide(situation: Situation, meant: Meant, now: Date): ChoiceOf {
  switch (meant.kind) {
    case 'target':
      return {
        kind: 'offer',
        release: meant.target.release,
        because: meant.because,
        handling: handlingOfCampaign(meant.target.campaign.settings),
        target: meant.target,
      }
    case 'assignment':
      return decideAssigned(situation, meant, now)
    case 'policy':
      return decideByPolicy(situation, meant, now)
    case 'nothing':
      return meant
    case 'wait': {
      const { because, lookAgainAt, defers, held } = meant
      const untilThen = { lookAgainAt: lookAgainAt ?? undefined, ...(defers && { defers }) }
      const release = held?.release ?? null
      return { kind: 'nothing', release, because, ...untilThen, ...(held && { held: held.by }) }
    }
  }
}

/** Only who asks is offered anything: by what the device says then it is decided, and counted. */
function decideByPolicy(
  situation: Situation,
  meant: Extract<Meant, { kind: 'policy' }>,
  now: Date,
): ChoiceOf {
  const choice = decideAssigned(situation, meant, now)
  if (choice.kind !== 'offer') return choice
  if (situation.isHere) return { ...choice, policy: meant.candidate }
  const message = `${meant.because.message.slice(0, -1)}; it gets it when it asks next.`
  return {
    kind: 'nothing',
    release: choice.release,
    because: reason('nothing.next-check', message),
  }
}

function decideAssigned(
  situation: Situation,
  meant: { readonly assignment: Assignment; readonly because: Reason },
  now: Date,
): ChoiceOf {
  const { release, attempts, handling } = meant.assignment
  const refusal = unfit(release, situation)
  if (refusal) return { kind: 'nothing', release, because: refusal }
  if (attempts.isCancelled) {
    const message = `An operator cancelled ${nameOf(release)} for this device; assign it anew or try again.`
    return { kind: 'nothing', release, because: reason('nothing.cancelled', message) }
  }
  if (handling.isDownloadOnly && attempts.isStaged) {
    const message = `The device has ${nameOf(release)}, which it is not to install; assign it anew to have it installed.`
    return { kind: 'nothing', release, because: reason('nothing.staged', message) }
  }
  if (attempts.failures >= MAX_ATTEMPTS) {
    const message = `${nameOf(release)} failed ${attempts.failures} times on this device; a person must look.`
    return { kind: 'nothing', release, because: reason('nothing.needs-attention', message) }
  }
  const choice = nowUnless(
    situation,
    { kind: 'offer', release, because: meant.because, handling },
    now,
  )
  if (choice.kind !== 'offer') return choice
  const lookAgainAt = nextAttemptAt(attempts)
  // Who stands before it and asks for it does not want to wait.
  if (!situation.isAsked && lookAgainAt && lookAgainAt > now) {
    const message = `${nameOf(release)} failed on this device; the next attempt is due at ${lookAgainAt.toISOString()}.`
    const because = reason('nothing.backing-off', message)
    return { kind: 'nothing', release, because, lookAgainAt }
  }
  return choice
}

/** Why the release must not go on that device, or null if it fits. */
export function unfit(
  release: Release,
  {
    profileId,
    profileName,
    installed,
    facts,
  }: Pick<Situation, 'profileId' | 'profileName' | 'installed' | 'facts'>,
): Reason | null {
  if (release.profileId !== profileId) {
    const message = `${nameOf(release)} is not made for profile ${profileName}.`
    return reason('nothing.other-profile', message)
  }
  if (isInstalled(release, installed)) {
    const message = `The device already runs ${nameOf(release)}.`
    return reason('nothing.already-installed', message)
  }
  const unmet = unmetNeed(release, facts.device.installed)
  if (unmet) return unmet
  if (release.requirement === null) return null
  if (!installed?.version) {
    const message = `${nameOf(release)} requires ${release.requirement}; the device has not told its version.`
    return reason('nothing.version-unknown', message)
  }
  if (satisfies(installed.version, requirementOf(release.requirement))) return null
  const message = `${nameOf(release)} requires ${release.requirement}; the device has ${installed.version}.`
  return reason('nothing.requirement', message)
}

/**
 * Why the operation under way is no longer wanted, or must not be, and can still be taken back; null to let it
 * go on. The device may have become another since it was queued: moved to another profile, or gone back to a
 * version the release must not start from.
 */
function takesBack(underWay: Operation, meant: Meant, situation: Situation): Reason | null {
  if (!isNotBegun(underWay)) return null
  if (isByHand(underWay)) return null
  const target = situation.targets.find(({ operationId }) => operationId === underWay.id)
  const noLonger = target && noLongerAsked(underWay, target, situation)
  if (noLonger) return noLonger
  if (meant.kind === 'wait' || (target && meant.kind === 'target' && meant.target === target)) {
    return null
  }
  const release = releaseOf(meant)
  if (release?.id === underWay.releaseId) {
    // What it runs already is no refusal here: the visit ends such an operation as UPDATED.
    if (isInstalled(release, situation.installed)) return null
    return unfit(release, situation) ?? handledOtherwise(underWay, meant)
  }
  // What a policy offered is held against what the device says, which it does when it is here.
  if (isByPolicy(underWay) && !situation.isHere && isUnassigned(meant)) return null
  const isAgain = underWay.origin.code === 'operator.retry'
  if (isAgain && !(sinceOf(meant) > underWay.openedAt)) return null
  return release
    ? reason('superseded.release', `${nameOf(release)} is meant for this device now.`)
    : reason('superseded.withdrawn', 'Nothing is meant for this device any more.')
}

/** It was assigned once more since, to be brought in another way. */
function handledOtherwise(underWay: Operation, meant: Meant): Reason | null {
  if (meant.kind !== 'assignment') return null
  const { handling, assignedAt, release } = meant.assignment
  if (assignedAt <= underWay.openedAt || sameHandling(handling, underWay.handling)) return null
  const message = `${nameOf(release)} was assigned anew, to be brought in another way.`
  return reason('superseded.release', message)
}

/**
 * A campaign that is over takes back what the device has not heard of; one that was cancelled, what it has not begun.
 * So it is with a device that has become another since it was asked.
 */
function noLongerAsked(
  { state, restarts }: Operation,
  target: Target,
  situation: Situation,
): Reason | null {
  const { campaign, release } = target
  if (!isInstalled(release, situation.installed)) {
    const refusal = misfit(target, { ...situation, unfit: unfit(release, situation) })
    if (refusal) return refusal
  }
  if (campaign.status !== 'finished') return null
  const isUntold = state === 'QUEUED' && restarts === 0
  if (!isUntold && campaign.outcome !== 'cancelled') return null
  return reason(
    'superseded.campaign',
    `Campaign ${campaign.name} is over. ${campaign.because.message}`,
  )
}

/** Nothing but policies may have something for it. */
const isUnassigned = ({ kind }: Meant): boolean => kind === 'policy' || kind === 'nothing'

const releaseOf = (meant: Meant): Release | null => {
  if (meant.kind === 'target') return meant.target.release
  return 'assignment' in meant ? meant.assignment.release : null
}

const NEVER = new Date(0)
const sinceOf = (meant: Meant): Date => {
  if (meant.kind === 'target') return meant.target.campaign.createdAt
  return 'assignment' in meant ? meant.assignment.assignedAt : NEVER
}

function nextAttemptAt({ failures, lastFailedAt }: Attempts): Date | null {
  if (failures === 0 || !lastFailedAt) return null
  const waitMs = BACK_OFF_MS[Math.min(failures, BACK_OFF_MS.length) - 1] ?? 0
  return new Date(lastFailedAt.getTime() + waitMs)
}
