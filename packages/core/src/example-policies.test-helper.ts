/** Releases with policies, and a few devices of their profile that ask once a day. For tests only. */
import type { JsonObject } from './device.ts'
import { asksOf } from './expression.ts'
import {
  type Candidate,
  checkedLimits,
  comparePolicies,
  counted,
  NO_LIMITS,
  type Policy,
  type PolicyCounts,
  type PolicyLimits,
} from './policy.ts'
import { nameOf, type Release } from './release.ts'
import { STANDARD_SETTINGS } from './settings.ts'
import { type Assignment, NO_ATTEMPTS, type PolicyStanding } from './update/choose.ts'
import { device, minutesAfter, NOON } from './update/examples.test-helper.ts'
import type { Operation } from './update/operation.ts'
import {
  type Changes,
  type Component,
  isNothing,
  NO_COMPONENT,
  type Snapshot,
} from './update/snapshot.ts'
import { isTerminal } from './update/states.ts'
import { cancelByOperator, hear, visit } from './update/visit.ts'

const ADA = { kind: 'operator', id: 'ada', name: 'Ada' } as const

export const NOBODY_YET: PolicyCounts = {
  offered: 0,
  population: 10,
  periodStartedAt: null,
  offeredInPeriod: 0,
}

export function candidate(
  release: Release,
  expression = '',
  {
    limits = {},
    counts = {},
    ...of
  }: Partial<Omit<Policy, 'limits'>> & {
    limits?: Partial<PolicyLimits>
    counts?: Partial<PolicyCounts>
  } = {},
): Candidate {
  return {
    release,
    asks: asksOf(expression, release),
    counts: { ...NOBODY_YET, ...counts },
    policy: {
      releaseId: release.id,
      expression,
      isEnabled: true,
      limits: checkedLimits({ ...NO_LIMITS, ...limits }),
      cloudIds: [],
      publishedAt: NOON,
      createdAt: NOON,
      ...of,
    },
  }
}

interface Known {
  installed: Snapshot['device']['installed']
  inventory: JsonObject
  readonly cloudId: string | null
  readonly standings: Map<string, PolicyStanding>
  readonly operations: Operation[]
}

export class PolicyFleet {
  now = NOON
  readonly log: string[] = []
  profileAssignment: Assignment | null = null
  readonly #policies = new Map<string, Candidate>()
  readonly #devices = new Map<string, Known>()
  #operations = 0

  publish(release: Release, expression = '', draft: Partial<PolicyLimits> = {}): void {
    const limits = checkedLimits({ ...NO_LIMITS, ...draft })
    const said = Object.entries(limits).flatMap(([name, value]) => value && `${name} ${value}`)
    const limited = said.filter(Boolean).join(', ')
    this.log.push(
      `${nameOf(release)} is for ${expression || 'older devices'}${limited && `, ${limited}`}`,
    )
    const counts = this.#policies.get(release.id)?.counts
    const other = candidate(release, expression, { limits, publishedAt: this.now, counts })
    this.#policies.set(release.id, other)
    this.#count()
  }

  disable(release: Release): void {
    this.log.push(`the policy of ${nameOf(release)} is disabled`)
    this.#policies.delete(release.id)
    for (const { standings } of this.#devices.values()) {
      if (standings.get(release.id)?.standing === 'deferred') standings.delete(release.id)
    }
  }

  add(name: string, version: string | null, inventory: JsonObject = {}): void {
    this.log.push(`there is ${name}, running ${version ?? 'what it has not told'}`)
    this.#devices.set(name, {
      installed: version === null ? {} : { firmware: { title: null, version } },
      inventory,
      cloudId: null,
      standings: new Map(),
      operations: [],
    })
    this.#count()
  }

  pass(minutes: number): void {
    this.log.push(`${minutes} minutes pass`)
    this.now = minutesAfter(this.now, minutes)
  }

  /** It asks, saying what it runs now, and what it says of itself besides. Answers what was offered. */
  asks(name: string, version?: string, inventory?: JsonObject): string | null {
    const said = [version && `running ${version}`, inventory && JSON.stringify(inventory)]
    this.log.push([`${name} asks`, ...said.filter(Boolean)].join(', '))
    const told: Known['installed'] =
      version === undefined ? {} : { firmware: { title: null, version } }
    const { changes, answers } = visit(this.snapshot(name), {
      ...this.#moment(),
      facts: { installed: told, ...(inventory && { inventory }) },
      tells: true,
      isHere: true,
    })
    this.#keep(name, changes)
    const { choice, operation } = answers.firmware ?? {}
    this.log.push(
      `  ← ${operation ? `${nameOf(operation)} ${operation.state}` : 'nothing'} [${choice?.because.code}] ${choice?.because.message}`,
    )
    return operation ? nameOf(operation) : null
  }

  reports(name: string, state: 'DOWNLOADING' | 'UPDATED' | 'FAILED'): void {
    this.log.push(`${name} reports ${state}`)
    const underWay = this.known(name).operations.find((each) => !isTerminal(each.state))
    const installed =
      state === 'UPDATED' && underWay
        ? { title: underWay.title, version: underWay.version }
        : undefined
    const { changes } = hear(this.snapshot(name), {
      ...this.#moment(),
      address: { type: 'firmware' },
      report: { state, installed },
      facts: { installed: {} },
    })
    this.#keep(name, changes)
  }

  cancel(name: string): void {
    this.log.push(`Ada cancels the update of ${name}`)
    const underWay = this.known(name).operations.find((each) => !isTerminal(each.state))
    const operationId = underWay?.id ?? ''
    this.#keep(
      name,
      cancelByOperator(this.snapshot(name), { ...this.#moment(), operationId, actor: ADA }),
    )
  }

  /** Nothing is written for a device that asks again and for which all is as it was. */
  writesNothingFor(name: string): boolean {
    const { changes } = visit(this.snapshot(name), {
      ...this.#moment(),
      facts: { installed: {} },
      tells: true,
      isHere: true,
    })
    return isNothing(changes)
  }

  standing(name: string, release: Release): PolicyStanding | undefined {
    return this.known(name).standings.get(release.id)
  }

  counts(release: Release): PolicyCounts | undefined {
    return this.#policies.get(release.id)?.counts
  }

  known(name: string): Known {
    const known = this.#devices.get(name)
    if (!known) throw new Error(`There is no ${name}.`)
    return known
  }

  snapshot(name: string): Snapshot {
    const { installed, inventory, standings, operations, cloudId } = this.known(name)
    const policies = [...this.#policies.values()].sort(comparePolicies)
    const underWay = operations.find((each) => !isTerminal(each.state)) ?? null
    const component: Component = {
      ...NO_COMPONENT,
      policies,
      profileAssignment: this.profileAssignment,
      underWay,
      underWayRelease:
        policies.find(({ release }) => release.id === underWay?.releaseId)?.release ?? null,
      latestEnded: operations.findLast((each) => isTerminal(each.state)) ?? null,
    }
    const lastSeenAt = this.now
    return {
      tenantId: 't1',
      device: device(name, { installed, inventory, lastSeenAt, cloudId }),
      components: { firmware: component },
      standings: Object.fromEntries(standings),
      belongings: null,
      addressed: null,
    }
  }

  #moment() {
    this.now = minutesAfter(this.now, 1)
    const newId = () => {
      this.#operations += 1
      return `op${this.#operations}`
    }
    return { now: this.now, newId, patience: STANDARD_SETTINGS }
  }

  #keep(name: string, { installed, inventory, operations, policies, steps }: Changes): void {
    const known = this.known(name)
    known.installed = { ...known.installed, ...installed }
    known.inventory = inventory ?? known.inventory
    for (const operation of operations) {
      const index = known.operations.findIndex(({ id }) => id === operation.id)
      if (index < 0) known.operations.push(operation)
      else known.operations[index] = operation
    }
    for (const step of steps)
      this.log.push(`  ${step.operationId} ${step.state}: ${step.because.message}`)
    for (const { releaseId, from, to } of policies) {
      const policy = this.#policies.get(releaseId)
      if (policy && to?.standing === 'offered' && from?.standing !== 'offered') {
        const counts = counted(policy.policy, policy.counts, this.now)
        this.#policies.set(releaseId, { ...policy, counts })
      }
      this.log.push(
        `  ${name} and the policy of ${releaseId}: ${to ? [to.standing, to.fared].filter(Boolean).join(', ') : 'no more'}`,
      )
      if (!to) {
        known.standings.delete(releaseId)
        continue
      }
      const code = to.because?.code ?? from?.code ?? 'policy.offers'
      known.standings.set(releaseId, {
        standing: to.standing,
        code,
        fared: to.fared,
        attempts: NO_ATTEMPTS,
      })
    }
    for (const [releaseId, stood] of known.standings) {
      const own = known.operations.filter((each) => each.releaseId === releaseId && each.endedAt)
      const failed = own.filter(({ state }) => state !== 'CANCELED')
      known.standings.set(releaseId, {
        ...stood,
        attempts: {
          failures: failed.length,
          lastFailedAt: failed.at(-1)?.endedAt ?? null,
          isCancelled: own.at(-1)?.because.code === 'operator.cancel',
          isStaged: own.at(-1)?.state === 'STAGED',
        },
      })
    }
  }

  #count(): void {
    for (const [id, each] of this.#policies) {
      const counts = { ...each.counts, population: this.#devices.size }
      this.#policies.set(id, { ...each, counts })
    }
  }
}
