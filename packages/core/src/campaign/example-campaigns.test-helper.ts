/**
 * The campaigns of a tenant in memory, with their targets: kept as a store keeps them, and carried on as a server does.
 * Writes down what became of them, and throws when something happened that must never happen. For tests only.
 */

import type { Reason } from '../reason.ts'
import { type Installed, nameOf, type Release } from '../release.ts'
import type { Operation } from '../update/operation.ts'
import {
  type Campaign,
  createCampaign,
  join,
  rollBackOf,
  TARGET_STATUSES,
  totalOf,
} from './campaign.ts'
import { plan } from './plan.ts'
import type { SettingsDraft } from './settings.ts'
import { isLost, isOpenTarget, type Target, type TargetMove, tallied, whyIdle } from './target.ts'

export interface KeptTarget extends Omit<Target, 'campaign' | 'failures'> {
  readonly campaignId: string
  readonly device: string
  readonly isOpen: boolean
  readonly because: Reason
  readonly before: Installed | null
  readonly retriedAt: Date | null
}

export interface ExampleDraft {
  readonly devices: readonly string[]
  readonly settings?: SettingsDraft
  readonly scheduledAt?: Date
}

const IDLE: Reason = { code: 'target.idle', message: 'It was not its turn yet.' }

export class ExampleCampaigns {
  readonly #log: string[]
  readonly #campaigns = new Map<string, Campaign>()
  #targets: readonly KeptTarget[] = []

  constructor(log: string[]) {
    this.#log = log
  }

  get names(): readonly string[] {
    return [...this.#campaigns.keys()]
  }

  get(name: string): Campaign {
    const found = this.#campaigns.get(name)
    if (!found) throw new Error(`There is no campaign ${name}.`)
    return found
  }

  target(name: string, device: string): KeptTarget {
    const found = this.targets(name).find((target) => target.device === device)
    if (!found) throw new Error(`${device} is no target of ${name}.`)
    return found
  }

  targets(name: string): readonly KeptTarget[] {
    return this.#targets.filter(({ campaignId }) => campaignId === name)
  }

  /** What an operator reads beside a target. */
  because(name: string, device: string, now: Date): Reason {
    const { status, because, release } = this.target(name, device)
    const isUntouched = status === 'idle' && because.code === 'target.idle'
    return isUntouched ? whyIdle({ campaign: this.get(name), release }, now) : because
  }

  create(name: string, release: Release, draft: ExampleDraft, now: Date): void {
    const { devices, settings = {}, scheduledAt = null } = draft
    const campaign = createCampaign(
      {
        id: name,
        tenantId: 't1',
        release,
        draft: { name, audience: { expression: 'true' }, settings, scheduledAt },
      },
      devices.length,
      now,
    )
    const forced = settings.forceDowngrade ? ', whatever they have' : ''
    const when = campaign.status === 'scheduled' ? `, at ${scheduledAt?.toISOString()}` : ''
    const whom = devices.length === 0 ? 'nobody' : listed(devices)
    this.#log.push(`campaign ${name} is to bring ${nameOf(release)} to ${whom}${forced}${when}`)
    this.#addTargets(
      name,
      devices.map((device) => ({ device, release })),
    )
    this.put(campaign, now)
  }

  /** Devices that its audience has come to hold. */
  join(name: string, release: Release, devices: readonly string[], now: Date): void {
    this.#log.push(`campaign ${name} finds ${listed(devices)}`)
    this.#addTargets(
      name,
      devices.map((device) => ({ device, release })),
    )
    this.put(join(this.get(name), devices.length), now)
  }

  /** Devices whose earlier release is not kept are skipped. */
  rollBack(of: string, releases: ReadonlyMap<string, Release>, now: Date): string {
    const original = this.get(of)
    const name = `${of}-back`
    rollBackOf(original, { id: name, name, idle: 0, skipped: 0 }, now)
    const back = this.targets(of).flatMap(({ status, before, device }) =>
      status === 'successful' && before !== null
        ? [{ device, release: releases.get(`${before.title}@${before.version}`) ?? null }]
        : [],
    )
    const idle = back.flatMap(({ device, release }) => (release ? [{ device, release }] : []))
    const skipped = back.length - idle.length
    this.#log.push(`campaign ${name} takes back ${idle.length}, and cannot ${skipped}`)
    this.#addTargets(name, idle)
    for (const { device } of back.filter(({ release }) => release === null)) {
      this.#targets = [...this.#targets, skippedTarget(name, device, original)]
    }
    this.put(rollBackOf(original, { id: name, name, idle: idle.length, skipped }, now), now)
    return name
  }

  /** Those that failed or were skipped are idle again; answers how many of each. */
  reopen(name: string, because: Reason, now: Date): { failed: number; skipped: number } {
    const count = { failed: 0, skipped: 0 }
    this.#targets = this.#targets.map((target) => {
      const { campaignId, status } = target
      if (campaignId !== name || (status !== 'failed' && status !== 'skipped')) return target
      count[status] += 1
      const idle = { status: 'idle', isOpen: true, isLost: false, wave: null } as const
      return { ...target, ...idle, operationId: null, because, retriedAt: now }
    })
    return count
  }

  /** What a snapshot of that device has of them. */
  of(device: string, operations: readonly Operation[]): readonly Target[] {
    return this.#targets
      .filter(({ isOpen, ...target }) => target.device === device && isOpen)
      .map((target) => ({ ...target, campaign: this.get(target.campaignId) }))
      .filter(({ status, campaign }) => status === 'in-progress' || isGoingOn(campaign))
      .map((target) => ({ ...target, failures: failuresOf(target, operations) }))
      .sort((a, b) => a.campaign.createdAt.getTime() - b.campaign.createdAt.getTime())
  }

  count(device: string, moves: readonly TargetMove[]): void {
    for (const move of moves) {
      this.#campaigns.set(move.campaignId, tallied(this.get(move.campaignId), move))
    }
    for (const move of new Map(moves.map((each) => [each.campaignId, each])).values()) {
      this.#moved(device, move)
    }
  }

  /** As a store does after each batch. */
  carryOn(now: Date): void {
    for (const name of this.names) this.put(this.get(name), now)
    this.#holdRules()
  }

  put(changed: Campaign, now: Date): void {
    const before = this.#campaigns.get(changed.id)
    const after = plan(changed, now).campaign
    this.#campaigns.set(after.id, after)
    const { status, outcome, because } = after
    const isNews = status !== before?.status || because.message !== before.because.message
    if (!isNews) return
    this.#log.push(`  * ${after.name} is ${outcome ?? status}: ${because.message}`)
  }

  /** "spring: finished, success; 2 successful, 1 failed". */
  account(): string[] {
    return [...this.#campaigns.values()].map(({ name, status, outcome, tally }) => {
      const counts = TARGET_STATUSES.filter((each) => tally[each] > 0)
      const parts = counts.map((each) => `${tally[each]} ${each}`).join(', ') || 'no devices'
      return `= ${name}: ${status}${outcome ? `, ${outcome}` : ''}; ${parts}`
    })
  }

  #addTargets(
    campaignId: string,
    targets: readonly { readonly device: string; readonly release: Release }[],
  ): void {
    this.#targets = [
      ...this.#targets,
      ...targets.map((target) => ({ ...NEW_TARGET, ...target, campaignId })),
    ]
  }

  #moved(device: string, move: TargetMove): void {
    const { campaignId, to, because, before } = move
    this.#targets = this.#targets.map((target) =>
      target.campaignId === campaignId && target.device === device
        ? {
            ...target,
            ...to,
            because,
            before: before ?? target.before,
            isLost: isLost(move),
            isOpen: isOpenTarget(move),
          }
        : target,
    )
    const wave = this.get(campaignId).waves.length > 1 && to.wave !== null ? to.wave + 1 : null
    const inWave = wave === null ? '' : ` in wave ${wave}`
    const why = to.status === 'in-progress' ? '' : ` (${because.message})`
    this.#log.push(`  ${campaignId}: ${device} ${to.status}${inWave}${why}`)
  }

  /** Throws when something happened that must never happen. */
  #holdRules(): void {
    const broken = (rule: string) => new Error(`${rule}\n${this.#log.join('\n')}`)
    for (const campaign of this.#campaigns.values()) {
      const { name, tally, waves } = campaign
      const targets = this.targets(name)
      for (const status of TARGET_STATUSES) {
        const count = targets.filter((target) => target.status === status).length
        if (tally[status] !== count) {
          throw broken(`${name} counts ${tally[status]} ${status}; there are ${count}.`)
        }
      }
      if (totalOf(tally) !== targets.length) throw broken(`${name} has lost count.`)
      for (const [number, { size, asked, successful, failed, skipped }] of waves.entries()) {
        if (Math.min(asked, successful, failed, skipped, size) < 0) {
          throw broken(`Wave ${number + 1} of ${name} counts below zero.`)
        }
        if (successful + failed + skipped > asked) {
          throw broken(`Of wave ${number + 1} of ${name} more have ended than were asked.`)
        }
        if (asked - skipped > size) throw broken(`Wave ${number + 1} of ${name} asks too many.`)
      }
    }
  }
}

/** Many are named by the first and the last. */
export const listed = (names: readonly string[]): string =>
  names.length > 5 ? `${names[0]} to ${names.at(-1)}` : names.join(', ')

const NEW_TARGET = {
  status: 'idle',
  isLost: false,
  isOpen: true,
  wave: null,
  operationId: null,
  because: IDLE,
  before: null,
  retriedAt: null,
} as const

const skippedTarget = (
  campaignId: string,
  device: string,
  { releaseId }: Campaign,
): KeptTarget => ({
  ...NEW_TARGET,
  campaignId,
  device,
  release: { id: releaseId } as Release,
  status: 'skipped',
  isOpen: false,
  because: { code: 'target.no-release', message: 'What it had before is not kept here.' },
})

const isGoingOn = ({ status }: Campaign): boolean => status !== 'scheduled' && status !== 'finished'

/** How often the device failed at that release since a person looked into it; being away is no failure of it. */
const failuresOf = (
  { device, release, retriedAt }: KeptTarget,
  operations: readonly Operation[],
): number =>
  operations.filter(
    ({ deviceId, releaseId, state, because, endedAt }) =>
      deviceId === device &&
      releaseId === release.id &&
      state === 'FAILED' &&
      because.code !== 'device.no-answer' &&
      (!retriedAt || (endedAt && endedAt > retriedAt)),
  ).length
