/** The changes to one device as they grow during a visit. Lives no longer than the call that made it. */
import { ask, conclude, moved, settle } from '../campaign/moves.ts'
import type { SettledTarget, Target, TargetMove } from '../campaign/target.ts'
import type { Facts, JsonObject } from '../device.ts'
import { DomainError } from '../errors.ts'
import { type Actor, type DomainEvent, type EventKind, SERVER } from '../events.ts'
import type { DeviceFacts } from '../expression/language.ts'
import { sameJson } from '../json.ts'
import { type Reason, reason } from '../reason.ts'
import {
  type ComponentType,
  type Installed,
  isInstalled,
  nameOf,
  type Release,
} from '../release.ts'
import {
  type Arrival,
  type Assignment,
  type Choice,
  choose,
  isByHand,
  keepsBack,
  type Situation,
} from './choose.ts'
import { type Handling, ownWindowClosed, SPEAKS_PLAINLY, type Spoken } from './handling.ts'
import { seenUnchanged } from './inference.ts'
import {
  type Advance,
  advance,
  cancel,
  handledAs,
  heard,
  type Operation,
  open,
  type Report,
  type Step,
  tell,
} from './operation.ts'
import { fallSilent, fallSilentInCampaign } from './silence.ts'
import {
  type Address,
  type Answer,
  type Changes,
  type Component,
  factsOf,
  type Moment,
  NO_COMPONENT,
  type Snapshot,
  situationOf,
} from './snapshot.ts'
import { attemptsAfter, StandingsDraft } from './standings.ts'
import { isTerminal } from './states.ts'

const UNKNOWN: Installed = { title: null, version: null }

/** What was told; what it does not mention is as before. */
const filledFrom = (known: Installed, told: Installed): Installed => ({
  title: told.title ?? known.title,
  version: told.version ?? known.version,
})

export class Draft {
  readonly #snapshot: Snapshot
  readonly #moment: Moment
  readonly #isHere: boolean
  readonly #asked: readonly ComponentType[]
  readonly #speaks: Spoken | null
  readonly #actor: Actor
  readonly #components: Record<ComponentType, Component>
  readonly #installed: Record<ComponentType, Installed> = {}
  readonly #operations = new Map<string, Operation>()
  readonly #steps: Step[] = []
  readonly #targets: TargetMove[] = []
  readonly #arrivals: Record<ComponentType, Arrival> = {}
  readonly #standings: StandingsDraft
  readonly #events: DomainEvent[] = []
  /** The device as it is in this visit; made when first asked for. */
  #facts: DeviceFacts | null = null
  #inventory: JsonObject | null = null

  /**
   * `isHere`: the device speaks, or holds a line open. `asked`: somebody at it presses the button for those. `speaks`:
   * what it can be told.
   */
  constructor(
    snapshot: Snapshot,
    {
      isHere,
      asked = [],
      speaks = SPEAKS_PLAINLY,
      ...moment
    }: Moment & { isHere: boolean; asked?: readonly ComponentType[]; speaks?: Spoken },
    actor?: Actor,
  ) {
    this.#snapshot = snapshot
    this.#moment = moment
    this.#isHere = isHere
    this.#asked = asked
    this.#speaks = isHere ? speaks : null
    this.#components = { ...snapshot.components }
    this.#standings = new StandingsDraft(snapshot.standings, moment.now)
    const { id, name } = snapshot.device
    this.#actor = actor ?? { kind: 'device', id, name }
  }

  types(): ComponentType[] {
    return Object.keys({ ...this.#components, ...this.#installed }).sort()
  }

  component(type: ComponentType): Component {
    return this.#components[type] ?? NO_COMPONENT
  }

  situation(type: ComponentType): Situation {
    this.#facts ??= this.#factsNow()
    const now = {
      ...this.#snapshot,
      components: this.#components,
      standings: this.#standings.current,
    }
    const isAsked = this.#asked.includes(type)
    const speaks = this.#speaks
    return situationOf(now, type, { isHere: this.#isHere, isAsked, speaks, facts: this.#facts })
  }

  learn({ installed, namesNoTitles = false, inventory, inventoryChanges }: Facts): void {
    const { device } = this.#snapshot
    for (const [type, told] of Object.entries(installed)) {
      const known = this.#runs(type) ?? UNKNOWN
      const { underWay } = this.component(type)
      // Some devices never name a title: who has come to the version that is under way has come to all of it.
      const hasArrived = told.version !== known.version && told.version === underWay?.version
      const before = hasArrived && !(namesNoTitles && isByHand(underWay)) ? underWay : known
      const isAnother = namesNoTitles && told.version !== before.version
      const runs = isAnother ? told : filledFrom(before, told)
      if (known.title !== runs.title || known.version !== runs.version) this.#installed[type] = runs
    }
    const told = inventoryChanges ? { ...device.inventory, ...inventoryChanges } : inventory
    if (told && !sameJson(told, device.inventory)) this.#inventory = told
    this.#facts = null
  }

  /** A device that says it runs the target has arrived, whatever it reported before. */
  settleByInstalled(type: ComponentType): Advance | null {
    const { underWay } = this.component(type)
    const installed = this.#runs(type)
    return underWay && isInstalled(underWay, installed)
      ? this.apply(advance(underWay, { state: 'UPDATED', installed }, this.#moment))
      : null
  }

  /** What a device that never reports has fetched shows in what it runs now. */
  noticeUnchanged(type: ComponentType): void {
    const { underWay } = this.component(type)
    const unchanged = underWay && seenUnchanged(underWay, this.#runs(type), this.#moment)
    if (unchanged) this.apply(unchanged)
  }

  /** What a device that is there was told of and says nothing about has gone silent; a campaign waits for nobody. */
  noticeSilence(type: ComponentType): void {
    const { underWay } = this.component(type)
    if (!underWay) return
    // Who may not begin yet is not asked to say anything.
    if (keepsBack(underWay, this.situation(type), this.#moment.now)) return
    if (this.#waits(underWay)) {
      // What it has of it already it keeps until then.
      if (this.#isHere) this.#note(heard(underWay, this.#moment.now))
      return
    }
    const settings = this.#targetOf(underWay)?.campaign.settings
    const circumstances = { ...this.#moment, isHere: this.#isHere }
    const silent =
      (settings && fallSilentInCampaign(underWay, settings, circumstances)) ??
      (this.#isHere && !settings ? fallSilent(underWay, this.#moment) : null)
    if (silent) this.apply(silent, SERVER)
  }

  /** The device is at what is under way, if that is what it says it is at; it need not be told of it any more. */
  goesOn({
    type,
    title,
    version,
  }: {
    type: ComponentType
    title?: string
    version?: string
  }): void {
    const { underWay } = this.component(type)
    if (!underWay || (title ?? underWay.title) !== underWay.title) return
    if ((version ?? underWay.version) !== underWay.version) return
    if (underWay.state === 'QUEUED') this.apply(tell(underWay, this.#moment.now), SERVER)
    else this.#note(heard(underWay, this.#moment.now))
  }

  settleAll(): void {
    for (const type of this.types()) {
      const settled = this.settleByInstalled(type)
      if (settled) this.lookFurther(settled)
    }
  }

  answer(type: ComponentType, tells: boolean | ((release: Release) => boolean)): Answer {
    const choice = choose(this.situation(type), this.#moment.now)
    for (const settled of choice.settles ?? []) this.#settle(settled)
    if (this.#isHere) this.#standings.keepBack(choice, this.#releasesBeside(type))
    if ('cancels' in choice && choice.cancels) {
      const { operation, because } = choice.cancels
      this.apply(cancel(operation, because, this.#moment.now), SERVER)
    }
    if (choice.kind === 'nothing') {
      return { choice, isNews: false, operation: null, release: choice.release }
    }
    if (choice.kind === 'under-way' && choice.held) {
      const release = this.component(type).underWayRelease ?? null
      return { choice, isNews: false, operation: null, release }
    }
    const opened = choice.kind === 'offer' ? this.#offer(choice) : choice.operation
    const release =
      choice.kind === 'offer' ? choice.release : (this.component(type).underWayRelease ?? null)
    const held = choice.kind === 'offer' && this.#keepsBack(opened)
    if (held) return { choice: held, isNews: false, operation: null, release }
    const isTold = typeof tells === 'boolean' ? tells : release !== null && tells(release)
    const operation = isTold ? this.apply(tell(opened, this.#moment.now), SERVER).operation : opened
    return { choice, isNews: isTold && opened.state === 'QUEUED', operation, release }
  }

  /** What was just opened may have to wait, as what is under way. */
  #keepsBack(operation: Operation): Choice | null {
    const held = keepsBack(operation, this.situation(operation.type), this.#moment.now)
    if (!held) return null
    const { because, lookAgainAt } = held
    return { kind: 'under-way', operation, because, held, ...(lookAgainAt && { lookAgainAt }) }
  }

  /** It was told of it before its window, and is to install it when that opens. */
  #waits({ handling, state }: Operation): boolean {
    return state !== 'UPDATING' && ownWindowClosed(handling, this.#moment.now) !== null
  }

  hear(address: Address, report: Report): Advance | null {
    return 'operationId' in address
      ? this.#hearOf(this.find(address.operationId).operation, report)
      : this.#hearFrom(address.type, report)
  }

  /** A report with an operation's id speaks of that operation's release, unless it says otherwise. */
  #hearOf(operation: Operation, report: Report): Advance {
    const installed = filledFrom(operation, report.installed ?? UNKNOWN)
    const heard = this.apply(advance(operation, { ...report, installed }, this.#moment))
    const known = this.#runs(operation.type) ?? UNKNOWN
    // Nobody knows of what comes by hand what it holds, but the device, which tells it without a title.
    const saysItself = isByHand(operation) && known.title === null && known.version !== null
    if (heard.operation.state === 'UPDATED' && heard.outcome === 'moved' && !saysItself) {
      this.learn({ installed: { [operation.type]: installed } })
    } else if (report.installed) {
      this.learn({ installed: { [operation.type]: report.installed } })
    }
    this.lookFurther(heard)
    return heard
  }

  #hearFrom(type: ComponentType, report: Report): Advance | null {
    if (report.installed) this.learn({ installed: { [type]: report.installed } })
    const operation = this.#operationFor(type, report)
    if (!operation) {
      this.#ignored(
        `${type} ${report.state ?? 'remark'}`,
        reason('report.stray', `No ${type} is under way.`),
      )
      return null
    }
    const said = { ...report, known: this.#runs(type) }
    const heard = this.apply(advance(operation, said, this.#moment))
    this.lookFurther(heard)
    return heard
  }

  /** After an end, or back at its beginning, there may be more to do: what waited for it is queued at once. */
  lookFurther({ outcome, operation }: Advance): void {
    const isFree = isTerminal(operation.state) || operation.state === 'QUEUED'
    if (outcome === 'moved' && isFree) this.answer(operation.type, false)
  }

  find(operationId: string): { operation: Operation } {
    for (const { underWay, latestEnded } of Object.values(this.#components)) {
      if (underWay?.id === operationId) return { operation: underWay }
      if (latestEnded?.id === operationId) return { operation: latestEnded }
    }
    const { addressed } = this.#snapshot
    if (addressed?.id === operationId) return { operation: addressed }
    throw new DomainError('operation.unknown', 'This device has no such operation.', {
      operationId,
    })
  }

  open(
    release: Release,
    origin: Reason,
    {
      actor = this.#actor,
      campaignId = null,
      handling,
    }: { actor?: Actor; campaignId?: string | null; handling?: Handling } = {},
  ): Operation {
    const { now, newId } = this.#moment
    const deviceId = this.#snapshot.device.id
    const { operation, step } = open(
      { id: newId(), deviceId, release, origin, campaignId, handling },
      now,
    )
    this.#put(operation)
    this.#steps.push(step)
    this.#event('operation.opened', operation, actor)
    return operation
  }

  /** How that release was assigned to be brought; undefined where it was not. */
  handlingOf(release: Release): Handling | undefined {
    const { deviceAssignment, profileAssignment } = this.component(release.type)
    return [deviceAssignment, profileAssignment].find((each) => each?.release.id === release.id)
      ?.handling
  }

  /** An operator has it handled otherwise from now on. */
  handleOtherwise(operation: Operation, handling: Handling): void {
    const changed = handledAs(operation, handling)
    this.#put(changed)
    this.#event('operation.forced', changed, this.#actor)
  }

  apply(advanced: Advance, actor = this.#actor): Advance {
    if (advanced.outcome === 'repeated') this.#note(advanced.operation)
    if (advanced.step) this.#steps.push(advanced.step)
    if (advanced.outcome === 'moved') {
      this.#put(advanced.operation)
      // A percentage alone is no event: a download would fill the audit log with a hundred of them.
      const kind = isTerminal(advanced.operation.state) ? 'operation.ended' : 'operation.moved'
      if (advanced.step) this.#event(kind, advanced.operation, actor)
      if (isTerminal(advanced.operation.state)) this.#ended(advanced.operation)
      this.#standings.fares(advanced.operation)
    }
    return advanced
  }

  changes(): Changes {
    return {
      installed: this.#installed,
      inventory: this.#inventory,
      operations: [...this.#operations.values()],
      steps: this.#steps,
      targets: this.#targets,
      arrivals: this.#arrivals,
      policies: this.#standings.moves,
      events: this.#events,
    }
  }

  #factsNow(): DeviceFacts {
    const { device } = this.#snapshot
    const installed = { ...device.installed, ...this.#installed }
    const inventory = this.#inventory ?? device.inventory
    return factsOf({ ...this.#snapshot, device: { ...device, installed, inventory } })
  }

  #runs(type: ComponentType): Installed | undefined {
    return this.#installed[type] ?? this.#snapshot.device.installed[type]
  }

  /**
   * The operation a report without an id is about. A device may begin again by itself after a failure (some
   * clients do): that is a new attempt, as long as the release is still meant for it.
   */
  #operationFor(type: ComponentType, report: Report): Operation | null {
    const { underWay, latestEnded } = this.component(type)
    if (underWay) return underWay
    if (report.state === null || isTerminal(report.state)) return latestEnded
    const choice = choose(this.situation(type), this.#moment.now)
    const mayBegin =
      choice.kind === 'offer' ||
      (choice.kind === 'nothing' && choice.because.code === 'nothing.backing-off')
    if (!mayBegin || !choice.release) return latestEnded
    if (choice.kind === 'offer' && (choice.target || choice.policy)) return this.#offer(choice)
    const name = nameOf(choice.release)
    return this.open(
      choice.release,
      reason('device.began-again', `The device began ${name} by itself.`),
      { handling: this.handlingOf(choice.release) },
    )
  }

  #offer(choice: Extract<Choice, { kind: 'offer' }>): Operation {
    const { release, because, handling, target, policy } = choice
    const campaignId = target?.campaign.id ?? null
    const operation = this.open(release, because, { actor: SERVER, campaignId, handling })
    if (target) {
      const runs = this.#runs(operation.type) ?? UNKNOWN
      this.#move(target, ask(target, operation, { runs, now: this.#moment.now }))
    }
    if (policy) this.#standings.offered(choice)
    return operation
  }

  /** Those that policies bring to other components. */
  #releasesBeside(type: ComponentType): string[] {
    return Object.entries(this.#components).flatMap(([other, { policies }]) =>
      other === type ? [] : policies.map(({ release }) => release.id),
    )
  }

  #settle(settled: SettledTarget): void {
    const { now } = this.#moment
    const { target, verdict } = settled
    this.#move(target, settle(settled, now))
    if (verdict.status === 'successful') this.#arrived(target.release, now)
  }

  /** What the end of an operation means for what comes later, and for the campaign that asked for it. */
  #ended(operation: Operation): void {
    const isWanted =
      operation.campaignId !== null ||
      isByHand(operation) ||
      operation.origin.code === 'operator.retry'
    if (operation.state === 'UPDATED' && isWanted) this.#arrived(operation, operation.openedAt)
    const target = this.#targetOf(operation)
    if (target) this.#move(target, conclude(target, operation, this.#moment.now))
  }

  #arrived({ type, title, version }: Pick<Release, 'type' | 'title' | 'version'>, at: Date): void {
    const arrival = { title, version, at }
    this.#arrivals[type] = arrival
    this.#components[type] = { ...this.component(type), arrival }
  }

  #targetOf({ id, type }: Pick<Operation, 'id' | 'type'>): Target | undefined {
    return this.component(type).targets.find(
      ({ status, operationId }) => status === 'in-progress' && operationId === id,
    )
  }

  #move(target: Target, made: TargetMove): void {
    this.#targets.push(made)
    const { type } = target.release
    const component = this.component(type)
    this.#components[type] = {
      ...component,
      targets: component.targets.map((each) =>
        each.campaign.id === made.campaignId ? moved(target, made) : each,
      ),
    }
  }

  /** A sign of life, where one was noted: nothing to tell anybody of. */
  #note(operation: Operation): void {
    const { underWay } = this.component(operation.type)
    if (underWay?.id === operation.id && underWay !== operation) this.#put(operation)
  }

  #put(operation: Operation): void {
    this.#operations.set(operation.id, operation)
    const component = this.component(operation.type)
    this.#components[operation.type] = isTerminal(operation.state)
      ? {
          ...afterEnd(component, operation),
          underWay: component.underWay?.id === operation.id ? null : component.underWay,
          latestEnded: operation,
        }
      : {
          ...component,
          underWay: operation,
          underWayRelease: this.#releaseOf(component, operation),
        }
  }

  #releaseOf(component: Component, operation: Operation): Release | null {
    const known = [
      component.underWayRelease,
      component.deviceAssignment?.release,
      component.profileAssignment?.release,
      ...component.targets.map((target) => target.release),
      ...component.policies.map((policy) => policy.release),
    ]
    return known.find((release) => release?.id === operation.releaseId) ?? null
  }

  #event(kind: EventKind, operation: Operation, actor: Actor): void {
    this.#events.push({
      kind,
      at: this.#moment.now,
      actor,
      subject: { kind: 'operation', id: operation.id, name: nameOf(operation) },
      deviceId: this.#snapshot.device.id,
      data: {
        device: this.#snapshot.device.name,
        type: operation.type,
        state: operation.state,
        progress: operation.progressPercent,
        error: operation.error,
        ...(operation.code === null ? {} : { code: operation.code }),
        ...(operation.campaignId === null ? {} : { campaign: operation.campaignId }),
      },
      reason: operation.because,
    })
  }

  #ignored(what: string, because: Reason): void {
    const { id, name } = this.#snapshot.device
    this.#events.push({
      kind: 'report.ignored',
      at: this.#moment.now,
      actor: this.#actor,
      subject: { kind: 'device', id, name },
      deviceId: id,
      data: { report: what },
      reason: because,
    })
  }
}

/** The record of attempts as it is after an operation ended during this very visit. */
function afterEnd(component: Component, operation: Operation): Component {
  const update = (assignment: Assignment | null): Assignment | null => {
    if (assignment?.release.id !== operation.releaseId) return assignment
    return { ...assignment, attempts: attemptsAfter(assignment.attempts, operation) }
  }
  return {
    ...component,
    deviceAssignment: update(component.deviceAssignment),
    profileAssignment: update(component.profileAssignment),
  }
}
