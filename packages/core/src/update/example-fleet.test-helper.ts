/**
 * A tenant in memory, to try visits on: it keeps what they say is to be kept, gives it back as the next
 * snapshot, and writes down what happened. After every change it holds the rules that must always hold. For
 * tests only; what a real store has to count is counted here too (`attempts`).
 */
import {
  approve,
  type Campaign,
  cancelCampaign,
  pause,
  resume,
  retryTargets,
} from '../campaign/campaign.ts'
import {
  ExampleCampaigns,
  type ExampleDraft,
  listed,
} from '../campaign/example-campaigns.test-helper.ts'
import { plan } from '../campaign/plan.ts'
import type { Device, Facts, JsonObject } from '../device.ts'
import type { DomainEvent } from '../events.ts'
import { reason } from '../reason.ts'
import { type Installed, isInstalled, nameOf, type Release } from '../release.ts'
import { type Patience, STANDARD_SETTINGS } from '../settings.ts'
import { type Arrival, type Assignment, type Attempts, isByHand, MAX_ATTEMPTS } from './choose.ts'
import { device, installed, minutesAfter, NOON } from './examples.test-helper.ts'
import { STANDARD_HANDLING } from './handling.ts'
import type { Advance, Operation, Report, Step } from './operation.ts'
import { type Answer, type Changes, type Component, isNothing, type Snapshot } from './snapshot.ts'
import { canMove, isTerminal, reportableState } from './states.ts'
import {
  cancelByOperator,
  hear,
  retryByOperator,
  type Tells,
  updateByHand,
  visit,
} from './visit.ts'

interface Assigned {
  readonly release: Release
  readonly assignedAt: Date
}

const ADA = { kind: 'operator', id: 'ada', name: 'Ada' } as const

export class Fleet {
  now = NOON
  patience: Patience = STANDARD_SETTINGS
  /** Those on the line are not told yet. */
  isPaceHeld = false
  /** What happened, line by line. */
  readonly log: string[] = []
  readonly steps: Step[] = []
  readonly events: DomainEvent[] = []
  operations: readonly Operation[] = []
  readonly #devices = new Map<string, Device>()
  /** By name of the device or profile, then by component type. */
  readonly #assigned = new Map<string, Map<string, Assigned>>()
  readonly #releases = new Map<string, Release>()
  readonly campaigns = new ExampleCampaigns(this.log)
  /** By device and type. */
  readonly #arrivals = new Map<string, Arrival>()
  /** Those that hold a line open. */
  readonly #here = new Set<string>()
  #isTogether = false
  #opened = 0

  add(name: string, runs: string | null = null, attributes: JsonObject = {}): void {
    const known: Record<string, Installed> = runs ? { firmware: installed(runs) } : {}
    this.#devices.set(name, device(name, { installed: known, attributes }))
    this.log.push(`there is ${name}${runs ? `, running ${runs}` : ''}`)
    this.#look(name)
  }

  addAll(names: readonly string[], runs: string, attributes: JsonObject = {}): void {
    for (const name of names) {
      this.#devices.set(
        name,
        device(name, { installed: { firmware: installed(runs) }, attributes }),
      )
    }
    this.log.push(`there are ${listed(names)}, running ${runs}`)
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
    this.#seen(name)
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

  /** Ada sets up a campaign. */
  campaign(name: string, release: Release, draft: ExampleDraft): void {
    this.#advanceClock()
    this.#releases.set(release.id, release)
    this.campaigns.create(name, release, draft, this.now)
    this.carryOn()
  }

  pause = (name: string) => this.#operate(name, 'pauses', (campaign) => pause(campaign, ADA.name))
  resume = (name: string) =>
    this.#operate(name, 'resumes', (campaign) => resume(campaign, ADA.name))
  approve = (name: string) =>
    this.#operate(name, 'approves a wave of', (campaign) => approve(campaign, ADA.name, this.now))
  cancelCampaign = (name: string) =>
    this.#operate(name, 'cancels', (campaign) => cancelCampaign(campaign, ADA.name, this.now))
  retryCampaign = (name: string) =>
    this.#operate(name, 'retries', (campaign) => {
      const because = reason('target.retried', `Tried again by ${ADA.name}.`)
      const retried = this.campaigns.reopen(name, because, this.now)
      return retryTargets(campaign, retried, ADA.name)
    })

  /** Answers the name of the campaign that takes them back. */
  rollBack(of: string): string {
    this.#advanceClock()
    this.log.push(`Ada rolls back ${of}`)
    const name = this.campaigns.rollBack(of, this.#releases, this.now)
    this.carryOn()
    return name
  }

  /** Those devices have come to belong to a dynamic campaign. */
  join(name: string, names: readonly string[]): void {
    this.#advanceClock()
    const release = this.#releases.get(this.campaigns.get(name).releaseId)
    if (!release) throw new Error('It brings nothing.')
    this.campaigns.join(name, release, names, this.now)
    this.carryOn()
  }

  /** They hold a line open from now on, and hear at once what is meant for them. */
  come(...names: string[]): void {
    this.#advanceClock()
    this.log.push(`${listed(names)} ${names.length === 1 ? 'is' : 'are'} on the line`)
    for (const name of names) {
      this.#here.add(name)
      this.#seen(name)
    }
    this.#lookTogether(names)
    this.carryOn()
  }

  leave(...names: string[]): void {
    this.log.push(`${listed(names)} ${names.length === 1 ? 'is' : 'are'} off the line`)
    for (const name of names) this.#here.delete(name)
  }

  /**
   * Carries all campaigns on, as a server does every few seconds: looks at those who are overdue or no longer asked, and
   * at as many of those on the line as may be asked. All are decided on together, and the campaigns are kept after that.
   * Who is on the line is told of what is queued for it.
   */
  carryOn(): void {
    this.#advanceClock()
    this.campaigns.carryOn(this.now)
    for (const name of this.campaigns.names) {
      const campaign = this.campaigns.get(name)
      if (campaign.status === 'finished') this.#lookTogether(this.#inProgress(name))
      this.#lookTogether(this.#overdue(campaign))
      const idle = this.campaigns.targets(name).filter(({ isOpen, status, device: id }) => {
        return isOpen && status !== 'in-progress' && this.#here.has(id)
      })
      const { slots } = plan(this.campaigns.get(name), this.now)
      this.#lookTogether(idle.slice(0, slots).map(({ device: id }) => id))
    }
    if (!this.isPaceHeld) this.#tellThoseHere()
  }

  /** Time passes, a campaign being carried on every so often meanwhile. */
  passWatched(minutes: number, everyMinutes = 5): void {
    this.log.push(`${minutes} minutes pass`)
    for (let passed = 0; passed < minutes; passed += everyMinutes) {
      this.now = minutesAfter(this.now, Math.min(everyMinutes, minutes - passed))
      this.carryOn()
    }
  }

  /** Each fetches what it was told of, and arrives. */
  arrive(...names: string[]): void {
    for (const name of names) {
      const { title, version } = this.#told(name)
      this.report(name, 'DOWNLOADING')
      this.report(name, `UPDATED ${title}@${version}`)
      this.carryOn()
    }
  }

  fail(...names: string[]): void {
    for (const name of names) {
      this.#told(name)
      this.report(name, 'DOWNLOADING')
      this.report(name, 'FAILED', { error: 'Bad block.' })
      this.carryOn()
    }
  }

  #told(name: string): Operation {
    const operation = this.underWay(name)
    if (!operation) throw new Error(`${name} has nothing to do.\n${this.log.join('\n')}`)
    return operation
  }

  #operate(name: string, verb: string, how: (campaign: Campaign) => Campaign): void {
    this.#advanceClock()
    this.log.push(`Ada ${verb} ${name}`)
    this.campaigns.put(how(this.campaigns.get(name)), this.now)
    this.carryOn()
  }

  /** What happens to several devices in one batch: the campaigns are kept after all of it. */
  together(happens: () => void): void {
    this.log.push('in one batch:')
    this.#isTogether = true
    happens()
    this.#isTogether = false
    this.campaigns.carryOn(this.now)
  }

  #seen(name: string): void {
    this.#devices.set(name, { ...this.device(name), lastSeenAt: this.now })
  }

  #inProgress = (name: string): readonly string[] =>
    this.campaigns
      .targets(name)
      .flatMap(({ status, device: id }) => (status === 'in-progress' ? id : []))

  #overdue({ name, settings }: Campaign): readonly string[] {
    return this.#inProgress(name).filter((id) => {
      const operation = this.underWay(id)
      if (!operation) return false
      const { state, heardAt } = operation
      const deadline =
        state === 'QUEUED' || state === 'INITIATED'
          ? settings.requestTimeoutSeconds
          : (settings.progressTimeoutSeconds ?? Number.POSITIVE_INFINITY)
      return this.now.getTime() - heardAt.getTime() >= deadline * 1000
    })
  }

  #lookTogether(names: readonly string[]): void {
    const facts = factsOf('')
    for (const name of names) {
      const look = { ...this.#moment(), facts, tells: false, isHere: this.#here.has(name) }
      this.#keepChanges(name, visit(this.snapshot(name), look).changes)
    }
    if (names.length > 0) this.campaigns.carryOn(this.now)
  }

  #tellThoseHere(): void {
    for (const name of this.#here) {
      if (this.underWay(name)?.state !== 'QUEUED') continue
      const facts = factsOf('')
      const look = { ...this.#moment(), facts, tells: true, isHere: true }
      this.#keep(name, visit(this.snapshot(name), look).changes)
    }
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
    this.#seen(name)
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

  byHand(name: string, release: Release): Operation {
    this.#releases.set(release.id, release)
    this.#advanceClock()
    this.log.push(`Ada brings ${name} ${nameOf(release)} by hand`)
    const { changes, operation } = updateByHand(this.snapshot(name), {
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
      ...this.campaigns.of(name, own).map((target) => target.release.type),
    ])
    const components = Object.fromEntries(
      [...types].map((type) => [type, this.#component(found, type)]),
    )
    const shown = Object.values(components).flatMap(({ underWay, latestEnded }) => [
      underWay?.id,
      latestEnded?.id,
    ])
    const addressed = own.find(({ id }) => id === operationId && !shown.includes(id)) ?? null
    return {
      tenantId: 't1',
      device: found,
      components,
      standings: {},
      belongings: null,
      addressed,
    }
  }

  #component(found: Device, type: string): Component {
    const own = this.#of(found.name, type)
    const assignment = (to: string): Assignment | null => {
      const assigned = this.#assigned.get(to)?.get(type)
      return assigned
        ? { ...assigned, handling: STANDARD_HANDLING, attempts: attempts(own, assigned) }
        : null
    }
    const underWay = this.underWay(found.name, type)
    return {
      deviceAssignment: assignment(found.name),
      profileAssignment: assignment(found.profileId),
      underWay,
      underWayRelease: this.#releases.get(underWay?.releaseId ?? '') ?? null,
      latestEnded: own.findLast(({ state }) => isTerminal(state)) ?? null,
      targets: this.campaigns
        .of(found.name, this.operations)
        .filter((target) => target.release.type === type),
      arrival: this.#arrivals.get(`${found.name} ${type}`) ?? null,
      policies: [],
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
    this.#keepChanges(name, changes)
    if (!this.#isTogether) this.campaigns.carryOn(this.now)
  }

  #keepChanges(name: string, changes: Changes): void {
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
    for (const [type, arrival] of Object.entries(changes.arrivals)) {
      this.#arrivals.set(`${name} ${type}`, arrival)
    }
    this.events.push(...changes.events)
    for (const step of changes.steps) this.#write(step, changes.operations, before)
    const changed = new Map(changes.operations.map((each) => [each.id, each]))
    this.operations = [
      ...this.operations.map((each) => changed.get(each.id) ?? each),
      ...changes.operations.filter(({ id }) => !before.has(id)),
    ]
    this.campaigns.count(name, changes.targets)
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
      // Of what came by hand a device knows better, where it tells its version without a title.
      const saysItself = isByHand(changed) && runs?.title === null
      if (changed.state === 'UPDATED' && !isInstalled(changed, runs) && !saysItself) {
        throw broken('UPDATED, and the device runs something else.')
      }
      if (isTerminal(changed.state) !== (changed.endedAt !== null)) throw broken('An end unmarked.')
      let state = was?.state
      for (const step of changes.steps) {
        if (step.operationId !== changed.id || step.outcome === 'ignored') continue
        const isAskedAgain = state === 'QUEUED' && step.state === 'QUEUED'
        const isAllowed =
          state === undefined
            ? step.outcome === 'opened'
            : canMove(state, step.state) || isAskedAgain
        if (!isAllowed) {
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
    for (const operation of opened) {
      const { releaseId, type, origin, campaignId } = operation
      if (origin.code === 'operator.retry' || isByHand(operation)) continue
      if (campaignId !== null) {
        if (this.campaigns.target(campaignId, name).release.id !== releaseId) {
          throw broken('Begun for what no campaign brings.')
        }
        continue
      }
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
    isStaged: ours.at(-1)?.state === 'STAGED',
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
