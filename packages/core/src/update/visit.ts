/**
 * What follows when something happens to one device: it speaks, or what is meant for it changed. Pure: a
 * snapshot in, changes and answers out. The caller stores the changes as they are and decides nothing more.
 */
import type { Device, Facts, JsonObject } from '../device.ts'
import { DomainError } from '../errors.ts'
import { type Actor, type DomainEvent, type EventKind, SERVER } from '../events.ts'
import { type Reason, reason } from '../reason.ts'
import {
  type ComponentType,
  type Installed,
  isInstalled,
  nameOf,
  type Release,
} from '../release.ts'
import { type Assignment, type Choice, choose, type Situation, unfit } from './choose.ts'
import {
  type Advance,
  advance,
  cancel,
  type Operation,
  open,
  type Report,
  type Step,
  tell,
} from './operation.ts'
import { isTerminal } from './states.ts'

/** One device with all that counts for its updates. */
export interface Snapshot {
  readonly tenantId: string
  readonly device: Device
  /** By component type: those assigned, under way, installed, or ever updated. */
  readonly components: Readonly<Record<ComponentType, Component>>
  /** The operation of this device that a report or an operator names, if it is none of the above. */
  readonly addressed: Operation | null
}

export interface Component {
  readonly deviceAssignment: Assignment | null
  readonly profileAssignment: Assignment | null
  readonly underWay: Operation | null
  /** What the operation under way is about, as long as that release exists. */
  readonly underWayRelease?: Release | null
  /** The newest operation that has ended. */
  readonly latestEnded: Operation | null
}

/** What is to be written, all of it or nothing. */
export interface Changes {
  readonly installed: Readonly<Record<ComponentType, Installed>>
  readonly inventory: JsonObject | null
  /** New or moved operations, each in its last state. */
  readonly operations: readonly Operation[]
  readonly steps: readonly Step[]
  readonly events: readonly DomainEvent[]
}

export const isNothing = (changes: Changes): boolean =>
  changes.inventory === null &&
  changes.operations.length === 0 &&
  changes.steps.length === 0 &&
  changes.events.length === 0 &&
  Object.keys(changes.installed).length === 0

/** What one component of the device is to do now. */
export interface Answer {
  readonly choice: Choice
  /** Whether the device hears of it for the first time. */
  readonly isNews: boolean
  /** The operation to offer, if there is one. */
  readonly operation: Operation | null
  readonly release: Release | null
}

export interface Moment {
  readonly now: Date
  readonly newId: () => string
}

export interface Visit extends Moment {
  readonly facts: Facts
  /** Whether the device hears the answer now: what is offered then counts as told. */
  readonly tells: boolean
}

/** The device checks in, or (without facts, untold) what is meant for it is looked at anew. */
export function visit(
  snapshot: Snapshot,
  { facts, tells, ...moment }: Visit,
): { changes: Changes; answers: Readonly<Record<ComponentType, Answer>> } {
  const draft = new Draft(snapshot, moment)
  draft.learn(facts)
  const answers: Record<ComponentType, Answer> = {}
  for (const type of draft.types()) {
    draft.settleByInstalled(type)
    answers[type] = draft.answer(type, tells)
  }
  return { changes: draft.changes(), answers }
}

/** A report, addressed to an operation by id, or to a component type where the dialect knows no ids. */
export type Address = { readonly operationId: string } | { readonly type: ComponentType }

/**
 * The device reports. Refuses with operation.unknown when the id is none of this device's; everything else is
 * an answer with its reason.
 */
export function hear(
  snapshot: Snapshot,
  {
    address,
    report,
    facts,
    ...moment
  }: Moment & { address: Address; report: Report; facts: Facts },
): { changes: Changes; heard: Advance | null } {
  const draft = new Draft(snapshot, moment)
  draft.learn(facts)
  const type = 'type' in address ? address.type : draft.find(address.operationId).operation.type
  const installed = report.installed ?? facts.installed[type]
  const heard = draft.hear(address, { ...report, installed })
  draft.settleAll()
  return { changes: draft.changes(), heard }
}

/** An operator takes an operation back. Refuses with operation.unknown or operation.already-ended. */
export function cancelByOperator(
  snapshot: Snapshot,
  { operationId, actor, ...moment }: Moment & { operationId: string; actor: Actor },
): Changes {
  const draft = new Draft(snapshot, moment, actor)
  const { operation } = draft.find(operationId)
  if (isTerminal(operation.state)) {
    throw new DomainError(
      'operation.already-ended',
      `The update to ${nameOf(operation)} has already ended as ${operation.state}.`,
    )
  }
  const because = reason('operator.cancel', `Cancelled by ${actor.name}.`)
  draft.lookFurther(draft.apply(cancel(operation, because, moment.now)))
  return draft.changes()
}

/**
 * An operator asks for another attempt at what failed or was cancelled; breaker and back-off are passed over.
 * Refuses with operation.cannot-retry.
 */
export function retryByOperator(
  snapshot: Snapshot,
  { release, actor, ...moment }: Moment & { release: Release; actor: Actor },
): { changes: Changes; operation: Operation } {
  const draft = new Draft(snapshot, moment, actor)
  const component = draft.component(release.type)
  if (component.underWay) {
    throw new DomainError('operation.cannot-retry', 'Another update is under way for this device.')
  }
  const refusal = unfit(release, draft.situation(release.type))
  if (refusal) throw new DomainError('operation.cannot-retry', refusal.message)
  const operation = draft.open(release, reason('operator.retry', `Tried again by ${actor.name}.`))
  return { changes: draft.changes(), operation }
}

const UNKNOWN: Installed = { title: null, version: null }

/** What was told; what it does not mention is as before. */
const filledFrom = (known: Installed, told: Installed): Installed => ({
  title: told.title ?? known.title,
  version: told.version ?? known.version,
})

const EMPTY_COMPONENT: Component = {
  deviceAssignment: null,
  profileAssignment: null,
  underWay: null,
  latestEnded: null,
}

/** The changes as they grow during one visit. Lives no longer than the call that made it. */
class Draft {
  readonly #snapshot: Snapshot
  readonly #moment: Moment
  readonly #actor: Actor
  readonly #components: Record<ComponentType, Component>
  readonly #installed: Record<ComponentType, Installed> = {}
  readonly #operations = new Map<string, Operation>()
  readonly #steps: Step[] = []
  readonly #events: DomainEvent[] = []
  #inventory: JsonObject | null = null

  constructor(snapshot: Snapshot, moment: Moment, actor?: Actor) {
    this.#snapshot = snapshot
    this.#moment = moment
    this.#components = { ...snapshot.components }
    const { id, name } = snapshot.device
    this.#actor = actor ?? { kind: 'device', id, name }
  }

  types(): ComponentType[] {
    return Object.keys({ ...this.#components, ...this.#installed }).sort()
  }

  component(type: ComponentType): Component {
    return this.#components[type] ?? EMPTY_COMPONENT
  }

  situation(type: ComponentType): Situation {
    const { profileId, profileName } = this.#snapshot.device
    return { type, profileId, profileName, installed: this.#runs(type), ...this.component(type) }
  }

  learn({ installed, inventory, inventoryChanges }: Facts): void {
    const { device } = this.#snapshot
    for (const [type, told] of Object.entries(installed)) {
      const known = this.#runs(type) ?? UNKNOWN
      const runs = filledFrom(known, told)
      if (known.title !== runs.title || known.version !== runs.version) this.#installed[type] = runs
    }
    const told = inventoryChanges ? { ...device.inventory, ...inventoryChanges } : inventory
    if (told && !sameJson(told, device.inventory)) this.#inventory = told
  }

  /** A device that says it runs the target has arrived, whatever it reported before. */
  settleByInstalled(type: ComponentType): Advance | null {
    const { underWay } = this.component(type)
    const installed = this.#runs(type)
    return underWay && isInstalled(underWay, installed)
      ? this.apply(advance(underWay, { state: 'UPDATED', installed }, this.#moment.now))
      : null
  }

  settleAll(): void {
    for (const type of this.types()) {
      const settled = this.settleByInstalled(type)
      if (settled) this.lookFurther(settled)
    }
  }

  answer(type: ComponentType, tells: boolean): Answer {
    const choice = choose(this.situation(type), this.#moment.now)
    if ('cancels' in choice && choice.cancels) {
      const { operation, because } = choice.cancels
      this.apply(cancel(operation, because, this.#moment.now), SERVER)
    }
    if (choice.kind === 'nothing') {
      return { choice, isNews: false, operation: null, release: choice.release }
    }
    const opened =
      choice.kind === 'offer' ? this.open(choice.release, choice.because, SERVER) : choice.operation
    const operation = tells ? this.apply(tell(opened, this.#moment.now), SERVER).operation : opened
    const release =
      choice.kind === 'offer' ? choice.release : (this.component(type).underWayRelease ?? null)
    return { choice, isNews: tells && opened.state === 'QUEUED', operation, release }
  }

  hear(address: Address, report: Report): Advance | null {
    return 'operationId' in address
      ? this.#hearOf(this.find(address.operationId).operation, report)
      : this.#hearFrom(address.type, report)
  }

  /** A report with an operation's id speaks of that operation's release, unless it says otherwise. */
  #hearOf(operation: Operation, report: Report): Advance {
    const installed = filledFrom(operation, report.installed ?? UNKNOWN)
    const heard = this.apply(advance(operation, { ...report, installed }, this.#moment.now))
    if (heard.operation.state === 'UPDATED' && heard.outcome === 'moved') {
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
      this.#note('report.ignored', `${type} ${report.state}`, 'report.stray')
      return null
    }
    const said = { ...report, installed: this.#runs(type) }
    const heard = this.apply(advance(operation, said, this.#moment.now))
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

  open(release: Release, origin: Reason, actor = this.#actor): Operation {
    const { now, newId } = this.#moment
    const deviceId = this.#snapshot.device.id
    const { operation, step } = open({ id: newId(), deviceId, release, origin }, now)
    this.#put(operation)
    this.#steps.push(step)
    this.#event('operation.opened', operation, actor)
    return operation
  }

  apply(advanced: Advance, actor = this.#actor): Advance {
    if (advanced.step) this.#steps.push(advanced.step)
    if (advanced.outcome === 'moved') {
      this.#put(advanced.operation)
      const ended = isTerminal(advanced.operation.state)
      this.#event(ended ? 'operation.ended' : 'operation.moved', advanced.operation, actor)
    }
    return advanced
  }

  changes(): Changes {
    return {
      installed: this.#installed,
      inventory: this.#inventory,
      operations: [...this.#operations.values()],
      steps: this.#steps,
      events: this.#events,
    }
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
    if (isTerminal(report.state)) return latestEnded
    const choice = choose(this.situation(type), this.#moment.now)
    const mayBegin =
      choice.kind === 'offer' ||
      (choice.kind === 'nothing' && choice.because.code === 'nothing.backing-off')
    if (!mayBegin || !choice.release) return latestEnded
    const name = nameOf(choice.release)
    return this.open(
      choice.release,
      reason('device.began-again', `The device began ${name} by itself.`),
    )
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
        because: operation.because.message,
      },
    })
  }

  #note(kind: EventKind, what: string, code: 'report.stray'): void {
    const { id, name } = this.#snapshot.device
    this.#events.push({
      kind,
      at: this.#moment.now,
      actor: this.#actor,
      subject: { kind: 'device', id, name },
      deviceId: id,
      data: { report: what, because: code },
    })
  }
}

/** The record of attempts as it is after an operation ended during this very visit. */
function afterEnd(component: Component, operation: Operation): Component {
  const update = (assignment: Assignment | null): Assignment | null => {
    if (assignment?.release.id !== operation.releaseId) return assignment
    const isCancelled = operation.because.code === 'operator.cancel'
    const failures = assignment.attempts.failures + (operation.state === 'CANCELED' ? 0 : 1)
    const lastFailedAt =
      operation.state === 'CANCELED' ? assignment.attempts.lastFailedAt : operation.endedAt
    return { ...assignment, attempts: { failures, lastFailedAt, isCancelled } }
  }
  return {
    ...component,
    deviceAssignment: update(component.deviceAssignment),
    profileAssignment: update(component.profileAssignment),
  }
}

/** Whether two JSON values are equal, whatever the order of their keys. */
function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) !== Array.isArray(b)) return false
  const left = Object.entries(a)
  if (left.length !== Object.keys(b).length) return false
  return left.every(
    ([key, value]) => Object.hasOwn(b, key) && sameJson(value, (b as JsonObject)[key]),
  )
}
