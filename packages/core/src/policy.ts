/**
 * A policy says for which devices of its profile a release is meant: those its expression holds for. Nobody assigns
 * anything; each device gets the newest release that fits when it asks. Limits say how many devices may be offered it.
 */
import { shareOf } from './campaign/settings.ts'
import { DomainError } from './errors.ts'
import type { Verdict } from './expression/evaluate.ts'
import type { DeviceFacts } from './expression/language.ts'
import { type Reason, reason } from './reason.ts'
import { nameOf, type Release } from './release.ts'
import { compareVersions, parseVersion } from './version.ts'

/** Null: not limited so. */
export interface PolicyLimits {
  /** So many devices at most. */
  readonly maxDevices: number | null
  /** That share of the population at most, rounded up. */
  readonly percentage: number | null
  /** So many devices in a period of so many seconds. */
  readonly rate: number | null
  readonly periodSeconds: number | null
}

export const NO_LIMITS: PolicyLimits = {
  maxDevices: null,
  percentage: null,
  rate: null,
  periodSeconds: null,
}

export interface Policy {
  readonly releaseId: string
  /** Every older device where it is empty. */
  readonly expression: string
  readonly isEnabled: boolean
  readonly limits: PolicyLimits
  /** Of all clouds where it is empty. */
  readonly cloudIds: readonly string[]
  /** When it was last enabled, or changed in what it holds for: what came to a device later is not undone. */
  readonly publishedAt: Date
  readonly createdAt: Date
}

/** What limits count. Devices, not requests. */
export interface PolicyCounts {
  readonly offered: number
  /** Devices of the profile and the clouds, as last counted. */
  readonly population: number
  readonly periodStartedAt: Date | null
  readonly offeredInPeriod: number
}

export interface PolicyWarning {
  readonly code: 'policy.may-downgrade' | 'policy.nobody'
  readonly message: string
}

/** Whether it holds for a device with these facts at that moment, or why that cannot be said. Never throws. */
export type Asks = (facts: DeviceFacts, now: Date) => Verdict

/** An enabled policy as a device of its profile meets it. */
export interface Candidate {
  readonly policy: Policy
  readonly release: Release
  readonly asks: Asks
  readonly counts: PolicyCounts
}

/** `deferred`: it holds for the device, and a limit kept it back. */
export const STANDINGS = ['offered', 'deferred'] as const
export type Standing = (typeof STANDINGS)[number]

/** How the update went on the device, as far as it has come; null before it began. */
export const FARED = ['started', 'succeeded', 'failed'] as const
export type Fared = (typeof FARED)[number]

const MAX_DEVICES = 1_000_000_000
const MAX_PERIOD_SECONDS = 31_536_000

/** What is not said is not limited. Refuses with policy.invalid. */
export function checkedLimits(draft: Partial<PolicyLimits>): PolicyLimits {
  const limits = { ...NO_LIMITS, ...draft }
  const { maxDevices, percentage, rate, periodSeconds } = limits
  checkWhole('maxDevices', maxDevices, MAX_DEVICES)
  checkWhole('rate', rate, MAX_DEVICES)
  checkWhole('periodSeconds', periodSeconds, MAX_PERIOD_SECONDS)
  if (percentage !== null && !(percentage > 0 && percentage <= 100)) {
    throw invalid('percentage is a number above 0, and 100 at most.')
  }
  if ((rate === null) !== (periodSeconds === null)) {
    throw invalid('rate and periodSeconds go together: so many devices in so many seconds.')
  }
  return limits
}

function checkWhole(name: keyof PolicyLimits, value: number | null, max: number): void {
  if (value === null || (Number.isInteger(value) && value >= 1 && value <= max)) return
  throw invalid(`${name} is a whole number from 1 to ${max}.`)
}

const invalid = (message: string) => new DomainError('policy.invalid', message)

export const hasLimits = ({ maxDevices, percentage, rate }: PolicyLimits): boolean =>
  maxDevices !== null || percentage !== null || rate !== null

type Ordered = Pick<Release, 'version' | 'createdAt'>

/** In the order in which they are asked: the highest version first, of equal ones the newest; what is no SemVer last. */
export function comparePolicies(a: { release: Ordered }, b: { release: Ordered }): number {
  const [left, right] = [a.release, b.release]
  const isLeft = parseVersion(left.version) !== undefined
  const isRight = parseVersion(right.version) !== undefined
  if (isLeft !== isRight) return isLeft ? -1 : 1
  const order = isLeft ? (compareVersions(right.version, left.version) ?? 0) : 0
  return order || right.createdAt.getTime() - left.createdAt.getTime()
}

/** Whether the device is of the clouds the policy is for. */
export const isOfClouds = ({ cloudIds }: Policy, cloudId: string | null): boolean =>
  cloudIds.length === 0 || (cloudId !== null && cloudIds.includes(cloudId))

export type Found =
  | { readonly candidate: Candidate; readonly because: Reason }
  | { readonly candidate: null; readonly because: Reason }

/** So many of them say why they do not hold. */
const MAX_TOLD = 3

/**
 * The first that holds for the device. One whose release does not fit is passed over, so that a device that must not
 * start from where it is gets an older release first.
 */
export function firstThatHolds(
  candidates: readonly Candidate[],
  {
    facts,
    profileName,
    misfit,
    now,
  }: {
    facts: DeviceFacts
    profileName: string
    misfit: (release: Release) => Reason | null
    now: Date
  },
): Found {
  const told: string[] = []
  for (const candidate of candidates) {
    const not = whyNot(candidate, facts, misfit, now)
    if (not === null) return { candidate, because: becauseOf(candidate, facts) }
    if (told.length < MAX_TOLD) told.push(not())
  }
  const more = candidates.length - told.length
  const rest = more > 0 ? ` And ${more} more.` : ''
  const message = `No policy of profile ${profileName} holds for this device. ${told.join(' ')}${rest}`
  return { candidate: null, because: reason('nothing.no-policy', message) }
}

/** Null when it holds. Most devices hear nothing of most policies: the words are made for those that do. */
function whyNot(
  { policy, release, asks }: Candidate,
  facts: DeviceFacts,
  misfit: (release: Release) => Reason | null,
  now: Date,
): (() => string) | null {
  if (!isOfClouds(policy, facts.device.cloudId)) {
    return () => `${nameOf(release)} is for other clouds.`
  }
  const refusal = misfit(release)
  if (refusal) return () => refusal.message
  const verdict = asks(facts, now)
  if (verdict.holds) return null
  const { because } = verdict
  if (because) return () => `${nameOf(release)}: ${because}`
  return policy.expression === ''
    ? () => `${nameOf(release)} is for older versions.`
    : () => `${nameOf(release)}: its expression does not hold.`
}

function becauseOf({ policy, release }: Candidate, { device }: DeviceFacts): Reason {
  const version = device.installed[release.type]?.version
  const why =
    policy.expression === '' ? `the device runs ${version}, which is older` : 'its policy holds'
  return reason('policy.offers', `${nameOf(release)}, because ${why}.`)
}

export interface Deferral {
  readonly because: Reason
  /** When time alone may end it. */
  readonly lookAgainAt: Date | null
}

/** What keeps a device back that was not offered the release before; null when nothing does. */
export function deferral(
  { policy: { limits }, release, counts }: Candidate,
  now: Date,
): Deferral | null {
  const { maxDevices, percentage, rate } = limits
  const name = nameOf(release)
  const { offered, population } = counts
  if (maxDevices !== null && offered >= maxDevices) {
    const message = `${name} is held back: ${wereOffered(offered)} it, of ${maxDevices} at most.`
    return { because: reason('deferred.max-devices', message), lookAgainAt: null }
  }
  const share = percentage === null ? null : Math.ceil(shareOf(population, percentage))
  if (share !== null && offered >= share) {
    const message = `${name} is held back: ${wereOffered(offered)} it, and ${percentage}% of ${population} are ${share}.`
    return { because: reason('deferred.percentage', message), lookAgainAt: null }
  }
  const end = periodEnd(limits, counts, now)
  if (rate !== null && end !== null && counts.offeredInPeriod >= rate) {
    const message = `${name} is held back until ${end.toISOString()}: ${wereOffered(rate)} it in this period.`
    return { because: reason('deferred.rate', message), lookAgainAt: end }
  }
  return null
}

const wereOffered = (devices: number): string =>
  devices === 1 ? '1 device was offered' : `${devices} devices were offered`

/** Null when no period is running. */
function periodEnd(
  { periodSeconds }: PolicyLimits,
  { periodStartedAt }: PolicyCounts,
  now: Date,
): Date | null {
  if (periodSeconds === null || periodStartedAt === null) return null
  const end = new Date(periodStartedAt.getTime() + periodSeconds * 1000)
  return end > now ? end : null
}

/** The counts after one more device was offered the release. */
export function counted(
  { limits }: Pick<Policy, 'limits'>,
  counts: PolicyCounts,
  now: Date,
): PolicyCounts {
  const isRunning = periodEnd(limits, counts, now) !== null
  return {
    ...counts,
    offered: counts.offered + 1,
    periodStartedAt: isRunning ? counts.periodStartedAt : now,
    offeredInPeriod: (isRunning ? counts.offeredInPeriod : 0) + 1,
  }
}
