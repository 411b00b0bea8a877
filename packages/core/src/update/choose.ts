/**
 * THE decision: which release should this device run, for one type of component? Every dialect and every
 * operator's question ends here, and the answer always says why.
 *
 * Who wins: an operation under way goes on to its end, unless the device has not begun and something else is
 * meant for it now, or it no longer fits. Then the device's own assignment, which is a pin. Then its profile's,
 * as desired state: also after a factory reset. Whatever wins must fit.
 */
import { type Reason, reason } from '../reason.ts'
import {
  type ComponentType,
  type Installed,
  isInstalled,
  nameOf,
  type Release,
  requirementOf,
} from '../release.ts'
import { satisfies } from '../requirement.ts'
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
}

export const NO_ATTEMPTS: Attempts = { failures: 0, lastFailedAt: null, isCancelled: false }

export interface Assignment {
  readonly release: Release
  readonly assignedAt: Date
  readonly attempts: Attempts
}

/** All that counts for one device and one type of component. */
export interface Situation {
  readonly type: ComponentType
  readonly profileId: string
  readonly profileName: string
  readonly installed: Installed | undefined
  readonly underWay: Operation | null
  readonly deviceAssignment: Assignment | null
  readonly profileAssignment: Assignment | null
}

interface Cancellation {
  readonly operation: Operation
  readonly because: Reason
}

export type Choice =
  /** Open an operation for the release. */
  | { kind: 'offer'; release: Release; because: Reason; cancels?: Cancellation }
  /** Go on with the operation there is; it may be offered again. */
  | { kind: 'under-way'; operation: Operation; because: Reason }
  /** Nothing now. `release` is what would be meant; `lookAgainAt` when time alone changes the answer. */
  | {
      kind: 'nothing'
      release: Release | null
      because: Reason
      lookAgainAt?: Date
      cancels?: Cancellation
    }

/** Never throws, never asks anyone: the answer follows from the situation and the time. */
export function choose(situation: Situation, now: Date): Choice {
  const meant = intend(situation)
  const { underWay } = situation
  if (!underWay) return decide(situation, meant, now)
  const because = takesBack(underWay, meant, situation)
  if (!because) return { kind: 'under-way', operation: underWay, because: underWay.origin }
  const next = decide(situation, meant, now)
  return next.kind === 'under-way' ? next : { ...next, cancels: { operation: underWay, because } }
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
      return choice.because.code === 'nothing.already-installed' ||
        choice.because.code === 'nothing.backing-off'
        ? choice.release
        : null
  }
}

interface Meant {
  readonly assignment: Assignment
  readonly because: Reason
}

function intend({ deviceAssignment, profileAssignment, profileName }: Situation): Meant | null {
  if (deviceAssignment) {
    const name = nameOf(deviceAssignment.release)
    return {
      assignment: deviceAssignment,
      because: reason('assigned.device', `${name}, because this device is assigned it.`),
    }
  }
  if (profileAssignment) {
    const name = nameOf(profileAssignment.release)
    return {
      assignment: profileAssignment,
      because: reason(
        'assigned.profile',
        `${name}, because profile ${profileName} is assigned it.`,
      ),
    }
  }
  return null
}

function decide(situation: Situation, meant: Meant | null, now: Date): Choice {
  if (!meant) {
    const because = reason(
      'nothing.assigned',
      `Neither this device nor profile ${situation.profileName} is assigned a ${situation.type} release.`,
    )
    return { kind: 'nothing', release: null, because }
  }
  const { release, attempts } = meant.assignment
  const refusal = unfit(release, situation)
  if (refusal) return { kind: 'nothing', release, because: refusal }
  if (attempts.isCancelled) {
    const message = `An operator cancelled ${nameOf(release)} for this device; assign it anew or try again.`
    return { kind: 'nothing', release, because: reason('nothing.cancelled', message) }
  }
  if (attempts.failures >= MAX_ATTEMPTS) {
    const message = `${nameOf(release)} failed ${attempts.failures} times on this device; a person must look.`
    return { kind: 'nothing', release, because: reason('nothing.needs-attention', message) }
  }
  const lookAgainAt = nextAttemptAt(attempts)
  if (lookAgainAt && lookAgainAt > now) {
    const message = `${nameOf(release)} failed on this device; the next attempt is due at ${lookAgainAt.toISOString()}.`
    const because = reason('nothing.backing-off', message)
    return { kind: 'nothing', release, because, lookAgainAt }
  }
  return { kind: 'offer', release, because: meant.because }
}

/** Why the release must not go on that device, or null if it fits. */
export function unfit(
  release: Release,
  { profileId, profileName, installed }: Pick<Situation, 'profileId' | 'profileName' | 'installed'>,
): Reason | null {
  if (release.profileId !== profileId) {
    const message = `${nameOf(release)} is not made for profile ${profileName}.`
    return reason('nothing.other-profile', message)
  }
  if (isInstalled(release, installed)) {
    const message = `The device already runs ${nameOf(release)}.`
    return reason('nothing.already-installed', message)
  }
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
function takesBack(underWay: Operation, meant: Meant | null, situation: Situation): Reason | null {
  if (underWay.state !== 'QUEUED' && underWay.state !== 'INITIATED') return null
  const release = meant?.assignment.release
  if (release?.id === underWay.releaseId) {
    // What it runs already is no refusal here: the visit ends such an operation as UPDATED.
    return isInstalled(release, situation.installed) ? null : unfit(release, situation)
  }
  const isByHand = underWay.origin.code === 'operator.retry'
  if (isByHand && !(meant && meant.assignment.assignedAt > underWay.openedAt)) return null
  return release
    ? reason('superseded.release', `${nameOf(release)} is meant for this device now.`)
    : reason('superseded.withdrawn', 'Nothing is meant for this device any more.')
}

function nextAttemptAt({ failures, lastFailedAt }: Attempts): Date | null {
  if (failures === 0 || !lastFailedAt) return null
  const waitMs = BACK_OFF_MS[Math.min(failures, BACK_OFF_MS.length) - 1] ?? 0
  return new Date(lastFailedAt.getTime() + waitMs)
}
