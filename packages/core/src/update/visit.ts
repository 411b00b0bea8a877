/**
 * What follows when something happens to one device: it speaks, or what is meant for it changed. Pure: a
 * snapshot in, changes and answers out. The caller stores the changes as they are and decides nothing more.
 */
import type { Facts } from '../device.ts'
import { DomainError } from '../errors.ts'
import type { Actor } from '../events.ts'
import { reason } from '../reason.ts'
import { type ComponentType, nameOf, type Release } from '../release.ts'
import { isNotBegun, unfit } from './choose.ts'
import { Draft } from './draft.ts'
import { type Handling, type Spoken, STANDARD_HANDLING } from './handling.ts'
import { seenFetching } from './inference.ts'
import { type Advance, cancel, heard, type Operation, type Report } from './operation.ts'
import type { Address, Answer, Changes, Moment, Snapshot } from './snapshot.ts'
import { isTerminal } from './states.ts'

export interface Visit extends Moment {
  readonly facts: Facts
  readonly tells: Tells
  /** The device speaks, or holds a line open: that it says nothing of an update counts now. */
  readonly isHere?: boolean
  /** It fetches that release, or those: a sign that it is at it. */
  readonly fetches?: Fetched | readonly Fetched[]
  /** It never says what becomes of an update: that is read from what it runs. */
  readonly isTacit?: boolean
  /** Somebody at the device presses the button for those. */
  readonly asked?: readonly ComponentType[]
  /** What its language has words for; nothing that needs any unless it is said. */
  readonly speaks?: Spoken
}

/** A release as a device asks for it: what it leaves out is whatever is meant for it. */
export interface Fetched {
  readonly type: ComponentType
  readonly title?: string
  readonly version?: string
}

/**
 * Whether the device hears the answer now, of all components or of those types, or of releases that its language can
 * say: what is offered then counts as told.
 */
export type Tells = boolean | readonly ComponentType[] | ((release: Release) => boolean)

const isTold = (tells: Tells, type: ComponentType): boolean | ((release: Release) => boolean) =>
  typeof tells === 'object' ? tells.includes(type) : tells

/** The device checks in, or (without facts, untold) what is meant for it is looked at anew. */
export function visit(
  snapshot: Snapshot,
  { facts, tells, isHere = false, fetches, isTacit = false, asked, speaks, ...moment }: Visit,
): { changes: Changes; answers: Readonly<Record<ComponentType, Answer>> } {
  const draft = new Draft(snapshot, { ...moment, isHere, asked, speaks })
  draft.learn(facts)
  const answers: Record<ComponentType, Answer> = {}
  for (const fetched of fetches ? [fetches].flat() : []) draft.goesOn(fetched)
  for (const type of draft.types()) {
    draft.settleByInstalled(type)
    if (isTacit) draft.noticeUnchanged(type)
    draft.noticeSilence(type)
    answers[type] = draft.answer(type, isTold(tells, type))
  }
  return { changes: draft.changes(), answers }
}

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
  const draft = new Draft(snapshot, { ...moment, isHere: true })
  draft.learn(facts)
  const type = 'type' in address ? address.type : draft.find(address.operationId).operation.type
  const installed = report.installed ?? facts.installed[type]
  const heard = draft.hear(address, { ...report, installed })
  draft.settleAll()
  return { changes: draft.changes(), heard }
}

/** The device fetches the file of an operation, or has fetched all of it. */
export function fetching(
  snapshot: Snapshot,
  {
    operationId,
    isWhole,
    ...moment
  }: Moment & { readonly operationId: string; readonly isWhole: boolean },
): { changes: Changes } {
  const draft = new Draft(snapshot, { ...moment, isHere: true })
  const seen = seenFetching(draft.find(operationId).operation, { isWhole }, moment)
  if (seen) draft.apply(seen)
  return { changes: draft.changes() }
}

/** A sign that the device is at an operation, of which it tells itself. */
export function signOfLife(
  snapshot: Snapshot,
  { operationId, ...moment }: Moment & { readonly operationId: string },
): { changes: Changes } {
  const draft = new Draft(snapshot, { ...moment, isHere: true })
  const { operation } = draft.find(operationId)
  const because = reason('device.fetched', `The device fetches the file of ${nameOf(operation)}.`)
  draft.apply({ outcome: 'repeated', operation: heard(operation, moment.now), because })
  return { changes: draft.changes() }
}

/** An operator takes an operation back. Refuses with operation.unknown or operation.already-ended. */
export function cancelByOperator(
  snapshot: Snapshot,
  { operationId, actor, ...moment }: Moment & { operationId: string; actor: Actor },
): Changes {
  const draft = new Draft(snapshot, { ...moment, isHere: false }, actor)
  const { operation } = draft.find(operationId)
  if (isTerminal(operation.state)) throw alreadyEnded(operation)
  const because = reason('operator.cancel', `Cancelled by ${actor.name}.`)
  draft.lookFurther(draft.apply(cancel(operation, because, moment.now)))
  return draft.changes()
}

/**
 * An operator has a device do now what was left to it; windows hold as before. What is forced already stays as it is.
 * Refuses with operation.unknown or operation.already-ended.
 */
export function forceByOperator(
  snapshot: Snapshot,
  { operationId, actor, ...moment }: Moment & { operationId: string; actor: Actor },
): { changes: Changes; operation: Operation } {
  const draft = new Draft(snapshot, { ...moment, isHere: false }, actor)
  const { operation } = draft.find(operationId)
  if (isTerminal(operation.state)) throw alreadyEnded(operation)
  const { handling } = operation
  if (handling.urgency !== 'forced') {
    draft.handleOtherwise(operation, { ...handling, urgency: 'forced', forcedFrom: null })
  }
  return { changes: draft.changes(), operation: draft.find(operationId).operation }
}

const alreadyEnded = (operation: Operation) =>
  new DomainError(
    'operation.already-ended',
    `The update to ${nameOf(operation)} has already ended as ${operation.state}.`,
  )

/**
 * An operator asks for another attempt at what failed or was cancelled; breaker and back-off are passed over.
 * Refuses with operation.cannot-retry.
 */
export function retryByOperator(
  snapshot: Snapshot,
  { release, actor, ...moment }: Moment & { release: Release; actor: Actor },
): { changes: Changes; operation: Operation } {
  const draft = new Draft(snapshot, { ...moment, isHere: false }, actor)
  const component = draft.component(release.type)
  if (component.underWay) {
    throw new DomainError('operation.cannot-retry', 'Another update is under way for this device.')
  }
  const refusal = unfit(release, draft.situation(release.type))
  if (refusal) throw new DomainError('operation.cannot-retry', refusal.message)
  const origin = reason('operator.retry', `Tried again by ${actor.name}.`)
  const operation = draft.open(release, origin, { handling: draft.handlingOf(release) })
  return { changes: draft.changes(), operation }
}

/**
 * An operator brings one device that release by hand: whether it fits is not asked. What the device has not begun is
 * taken back for it. Refuses with operation.under-way when the device is at something.
 */
export function updateByHand(
  snapshot: Snapshot,
  {
    release,
    actor,
    handling = STANDARD_HANDLING,
    ...moment
  }: Moment & { release: Release; actor: Actor; handling?: Handling },
): { changes: Changes; operation: Operation } {
  const draft = new Draft(snapshot, { ...moment, isHere: false }, actor)
  const { underWay } = draft.component(release.type)
  if (underWay) {
    if (!isNotBegun(underWay)) {
      throw new DomainError(
        'operation.under-way',
        `The device is at ${nameOf(underWay)} already (${underWay.state}); wait for its end, or cancel it.`,
      )
    }
    const because = reason('superseded.manual', `${actor.name} brings ${nameOf(release)} by hand.`)
    draft.apply(cancel(underWay, because, moment.now))
  }
  const origin = reason('operator.manual', `Brought by hand by ${actor.name}, unchecked.`)
  const operation = draft.open(release, origin, { handling })
  return { changes: draft.changes(), operation }
}
