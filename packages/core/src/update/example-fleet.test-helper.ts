/**
 * A tenant in memory, to try visits on: it keeps what they say is to be kept, gives it back as the next
 * snapshot, and writes down what happened. After every change it holds the rules that must always hold. For
 * tests only; what a real store has to count is counted here too (`attempts`).
 */
import type { Device, Facts } from '../device.ts'
import type { DomainEvent } from '../events.ts'
import { type Installed, isInstalled, nameOf, type Release } from '../release.ts'
import { type Patience, STANDARD_SETTINGS } from '../settings.ts'
import { type Assignment, type Attempts, MAX_ATTEMPTS } from './choose.ts'
import { device, installed, minutesAfter, NOON } from './examples.test-helper.ts'
import type { Advance, Operation, Report, Step } from './operation.ts'
import { type Answer, type Changes, type Component, isNothing, type Snapshot } from './snapshot.ts'
import { canMove, isTerminal, reportableState } from './states.ts'
import { cancelByOperator, hear, retryByOperator, type Tells, visit } from './visit.ts'

interface Assigned {
  readonly release: Release
  readonly assignedAt: Date
}

const ADA = { kind: 'operator', id: 'ada', name: 'Ada' } as const

export class Fleet {
  now = NOON
  patience: Patience = STANDARD_SETTINGS
  /** What happened, line by line. */
  readonly log: string[] = []
  readonly steps: Step[] = []
  readonly events: DomainEvent[] = []
  operations: readonly Operation[] = []
  readonly #devices = new Map<string, Device>()
  /** By name of the device or profile, then by component type. */
  readonly #assigned = new Map<string, Map<string, Assigned>>()
  readonly #releases = new Map<string, Release>()
  #opened = 0

  add(name: string, runs: string | null = null): void {
    const known: Record<string, Installed> = runs ? { firmware: installed(runs) } : {}
    this.#devices.set(name, device(name, { installed: known }))
    this.log.push(`there is ${name}${runs ? `, running ${runs}` : ''}`)
    this.#look(name)
  }

  device(name: string): Device {
    const found = this.#devices.get(name)
    if (!found) throw new Error(`There is no device ${name}.`)
    return found
  }

  pass(minutes: number): void {
    this.now = minutesAfter(this.now, minutes)
    this.log.push(`${minutes} minutes pass`)
  }

  assign(release: Release, to = 'gateway'): void {
    this.#advanceClock()
    this.#releases.set(release.id, release)
    const assigned = this.#assigned.get(to) ?? new Map<string, Assigned>()
    this.#assigned.set(to, assigned.set(release.type, { release, assignedAt: this.now }))
    this.log.push(`${to} is assigned ${nameOf(release)}`)
    this.#lookAt(to)
  }

  withdraw(from = 'gateway', type = 'firmware'): void {
    this.#assigned.get(from)?.delete(type)
    this.log.push(`the ${type} assigned to ${from} is withdrawn`)
    this.#lookAt(from)
  }

  move(name: string, profile: string): void {
    this.#devices.set(name, { ...this.device(name), profileId: profile, profileName: profile })
    this.log.push(`${name} moves to profile ${profile}`)
    this.#look(name)
  }

  /** The device checks in and hears the answers. `runs` is F@1.0.0, or facts, or nothing new. */
  checkIn(
    name: string,
    runs: string | Facts = '',
    tells: Tells = true,
  ): Readonly<Record<string, Answer>> {
    this.#advanceClock()
    const facts = factsOf(runs)
    this.log.push(`${name} checks in${sayingThat(facts)}`)
    const { changes, answers } = visit(this.snapshot(name), {
      ...this.#moment(),
      facts,
      tells,
      isHere: true,
    })
    this.#keep(name, changes)
    for (const [type, { choice, operation }] of Object.entries(answers)) {
      const what = operation ? `${nameOf(operation)} ${operation.state}` : 'nothing'
      this.log.push(`  ← ${type}: ${what} (${choice.because.message})`)
    }
    return answers
  }

  /** The device holds a line open, and is looked at. */
  watch(name: string): void {
    this.#advanceClock()
    this.log.push(`${name}, on the line, is looked at`)
    const facts = factsOf('')
    const look = { ...this.#moment(), facts, tells: false, isHere: true }
    this.#keep(name, visit(this.snapshot(name), look).changes)
  }

  /** The device fetches a piece of that release. */
  fetch(name: string, release: Release): void {
    this.#advanceClock()
    this.log.push(`${name} fetches a piece of ${nameOf(release)}`)
    const facts = factsOf('')
    const look = { ...this.#moment(), facts, tells: false, isHere: true, fetches: release }
    this.#keep(name, visit(this.snapshot(name), look).changes)
  }

  /** The device reports "UPDATED", or "UPDATED F@2.0.0" when it says with it what it runs. */
  report(
    name: string,
    words: string,
    {
      operationId,
      type = 'firmware',
      ...said
    }: { operationId?: string; type?: string; facts?: Facts } & Partial<Report> = {},
  ): Advance | null {
    this.#advanceClock()
    const [word = '', runs] = words.split(' ')
    const state = reportableState(word)
    if (!state) throw new Error(`"${word}" is not for a device to report.`)
    const address = operationId ? { operationId } : { type }
    const facts =
      said.facts ?? (runs ? factsOf({ installed: { [type]: installed(runs) } }) : factsOf(''))
    const on = operationId ? ` on ${operationId}` : type === 'firmware' ? '' : ` of its ${type}`
    this.log.push(`${name} reports ${word}${on}${sayingThat(facts)}`)
    const { changes, heard } = hear(this.snapshot(name, operationId), {
      ...this.#moment(),
      address,
      report: { state, ...said },
      facts,
    })
    this.#keep(name, changes)
    if (heard?.outcome !== 'moved') {
      this.log.push(`  ${heard?.outcome ?? 'stray'}${heard ? `: ${heard.because.message}` : ''}`)
    }
    return heard
  }

  cancel(name: string, operationId: string): void {
    this.#advanceClock()
    this.log.push(`Ada cancels ${operationId}`)
    const snapshot = this.snapshot(name, operationId)
    this.#keep(name, cancelByOperator(snapshot, { operationId, actor: ADA, ...this.#moment() }))
  }

  retry(name: string, release: Release): Operation {
    this.#releases.set(release.id, release)
    this.#advanceClock()
    this.log.push(`Ada has ${name} try ${nameOf(release)} again`)
    const { changes, operation } = retryByOperator(this.snapshot(name), {
      release,
      actor: ADA,
      ...this.#moment(),
    })
    this.#keep(name, changes)
    return operation
  }

  underWay(name: string, type = 'firmware'): Operation | null {
    return this.#of(name, type).find(({ state }) => !isTerminal(state)) ?? null
  }

  /** The operations of a device, oldest first, as "F@2.0.0 UPDATED". */
  history(name: string, type = 'firmware'): string[] {
    return this.#of(name, type).map((each) => `${nameOf(each)} ${each.state}`)
  }

  snapshot(name: string, operationId?: string): Snapshot {
    const found = this.device(name)
    const own = this.operations.filter(({ deviceId }) => deviceId === name)
    const types = new Set([
      ...Object.keys(found.installed),
      ...own.map(({ type }) => type),
      ...(this.#assigned.get(name)?.keys() ?? []),
      ...(this.#assigned.get(found.profileId)?.keys() ?? []),
    ])
    const components = Object.fromEntries(
      [...types].map((type) => [type, this.#component(found, type)]),
    )
    const shown = Object.values(components).flatMap(({ underWay, latestEnded }) => [
      underWay?.id,
      latestEnded?.id,
    ])
    const addressed = own.find(({ id }) => id === operationId && !shown.includes(id)) ?? null
    return { tenantId: 't1', device: found, components, addressed }
  }

  #component(found: Device, type: string): Component {
    const own = this.#of(found.name, type)
    const assignment = (to: string): Assignment | null => {
      const assigned = this.#assigned.get(to)?.get(type)
      return assigned ? { ...assigned, attempts: attempts(own, assigned) } : null
    }
    const underWay = this.underWay(found.name, type)
    return {
      deviceAssignment: assignment(found.name),
      profileAssignment: assignment(found.profileId),
      underWay,
      underWayRelease: this.#releases.get(underWay?.releaseId ?? '') ?? null,
      latestEnded: own.findLast(({ state }) => isTerminal(state)) ?? null,
      targets: [],
      arrival: null,
    }
  }

  #of(name: string, type: string): Operation[] {
    return this.operations.filter((each) => each.deviceId === name && each.type === type)
  }

  #lookAt(to: string): void {
    for (const [name, { profileId }] of this.#devices) {
      if (name === to || profileId === to) this.#look(name)
    }
  }

  #look(name: string): void {
    const facts = factsOf('')
    this.#keep(name, visit(this.snapshot(name), { ...this.#moment(), facts, tells: false }).changes)
  }

  #advanceClock(): void {
    this.now = new Date(this.now.getTime() + 1000)
  }

  #moment() {
    return {
      now: this.now,
      patience: this.patience,
      newId: () => {
        this.#opened += 1
        return `op${this.#opened}`
      },
    }
  }

  #keep(name: string, changes: Changes): void {
    const before = new Map(this.operations.map((each) => [each.id, each]))
    const found = this.device(name)
    this.#devices.set(name, {
      ...found,
      installed: { ...found.installed, ...changes.installed },
      inventory: changes.inventory ?? found.inventory,
    })
    for (const [type, runs] of Object.entries(changes.installed)) {
      this.log.push(`  ${name} runs ${runs.title}@${runs.version} as its ${type}`)
    }
    this.events.push(...changes.events)
    for (const step of changes.steps) this.#write(step, changes.operations, before)
    const changed = new Map(changes.operations.map((each) => [each.id, each]))
    this.operations = [
      ...this.operations.map((each) => changed.get(each.id) ?? each),
      ...changes.operations.filter(({ id }) => !before.has(id)),
    ]
    this.#holdRules(name, changes, before)
  }

  #write(step: Step, changed: readonly Operation[], before: ReadonlyMap<string, Operation>): void {
    this.steps.push(step)
    if (step.outcome === 'ignored') return
    const target = changed.find(({ id }) => id === step.operationId) ?? before.get(step.operationId)
    if (!target) throw new Error(`A step of ${step.operationId}, which nobody knows.`)
    this.log.push(`  ${step.operationId} ${nameOf(target)} ${step.state}: ${step.because.message}`)
  }

  /** Throws when something happened that must never happen. */
  #holdRules(name: string, changes: Changes, before: ReadonlyMap<string, Operation>): void {
    const broken = (rule: string) => new Error(`${rule}\n${this.log.join('\n')}`)
    for (const type of new Set(this.operations.map((each) => each.type))) {
      if (this.#of(name, type).filter(({ state }) => !isTerminal(state)).length > 1) {
        throw broken('Two operations are under way for one component.')
      }
    }
    for (const changed of changes.operations) {
      const was = before.get(changed.id)
      if (was && isTerminal(was.state)) throw broken('An operation moved after its end.')
      const runs = this.device(name).installed[changed.type]
      if (changed.state === 'UPDATED' && !isInstalled(changed, runs)) {
        throw broken('UPDATED, and the device runs something else.')
      }
      if (isTerminal(changed.state) !== (changed.endedAt !== null)) throw broken('An end unmarked.')
      let state = was?.state
      for (const step of changes.steps) {
        if (step.operationId !== changed.id || step.outcome === 'ignored') continue
        if (state === undefined ? step.outcome !== 'opened' : !canMove(state, step.state)) {
          throw broken(`From ${state} to ${step.state}.`)
        }
        state = step.state
      }
      if (state !== changed.state) throw broken('The history tells another state.')
    }
    const isMoved = changes.steps.some(({ outcome }) => outcome !== 'ignored')
    if (isMoved && changes.events.length === 0) throw broken('Nobody is told.')
    const isEmpty = Object.values(changes).every((each) => Object.keys(each ?? {}).length === 0)
    if (isNothing(changes) !== isEmpty) throw broken('Nothing is something.')
    const opened = changes.operations.filter(({ id }) => !before.has(id))
    this.#holdBreaker(name, opened, broken)
  }

  /** What nobody asked for by hand is begun for what is assigned, and not once too often. */
  #holdBreaker(name: string, opened: readonly Operation[], broken: (rule: string) => Error): void {
    for (const { releaseId, type, origin } of opened) {
      if (origin.code === 'operator.retry') continue
      const assigned =
        this.#assigned.get(name)?.get(type) ??
        this.#assigned.get(this.device(name).profileId)?.get(type)
      if (assigned?.release.id !== releaseId) throw broken('Begun for what nobody assigned.')
      const others = this.#of(name, type).filter((each) => !opened.includes(each))
      if (attempts(others, assigned).failures >= MAX_ATTEMPTS) throw broken('Tried too often.')
    }
  }
}

/** What the ended operations of one device and type come to for an assignment. */
function attempts(own: readonly Operation[], { release, assignedAt }: Assigned): Attempts {
  const ours = own.filter(
    ({ releaseId, endedAt }) => releaseId === release.id && endedAt && endedAt >= assignedAt,
  )
  const failures = ours.filter(({ state }) => state !== 'CANCELED')
  return {
    failures: failures.length,
    lastFailedAt: failures.at(-1)?.endedAt ?? null,
    isCancelled: ours.at(-1)?.because.code === 'operator.cancel',
  }
}

function factsOf(runs: string | Facts): Facts {
  if (typeof runs !== 'string') return runs
  return { installed: runs === '' ? {} : { firmware: installed(runs) } }
}

function sayingThat({ installed: told }: Facts): string {
  const all = Object.entries(told).map(
    ([type, { title, version }]) =>
      `${title}@${version}${type === 'firmware' ? '' : ` as its ${type}`}`,
  )
  return all.length > 0 ? `, running ${all.join(' and ')}` : ''
}
