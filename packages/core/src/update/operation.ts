/**
 * The life of one request to one device: opened, then advanced by what the device reports. Devices repeat
 * themselves, skip states, step back and speak late; all of that is a normal answer here, never an error.
 */
import { type Reason, reason } from '../reason.ts'
import {
  type ComponentType,
  type Installed,
  isInstalled,
  nameOf,
  type Release,
} from '../release.ts'
import type { Patience } from '../settings.ts'
import { isTerminal, STATE_TABLE, STATES, type State } from './states.ts'

const MAX_ERROR_LENGTH = 4096
/** A download has thousands of signs of life; they are noted this often. */
const NOTED_EVERY_MS = 30_000

export interface Operation {
  readonly id: string
  readonly deviceId: string
  readonly releaseId: string
  readonly type: ComponentType
  readonly title: string
  readonly version: string
  readonly state: State
  readonly progressPercent: number
  /** The device's words, once it failed. */
  readonly error: string | null
  /** The campaign that asks for it; null when none does. */
  readonly campaignId: string | null
  /** Why it was opened. */
  readonly origin: Reason
  /** Why it is in the state it is in. */
  readonly because: Reason
  /** How often the device went back to an earlier state. */
  readonly restarts: number
  readonly openedAt: Date
  readonly changedAt: Date
  /** When the device was last told of it, or last gave a sign of it, to about half a minute. */
  readonly heardAt: Date
  readonly endedAt: Date | null
}

/** One line of an operation's history. `outcome` tells what the report did. */
export interface Step {
  readonly operationId: string
  readonly at: Date
  readonly state: State
  readonly outcome: 'opened' | 'moved' | 'ignored'
  readonly progressPercent: number
  readonly error: string | null
  readonly because: Reason
}

/** What a device says of an update. */
export interface Report {
  readonly state: State
  readonly progressPercent?: number
  readonly error?: string
  /** What it runs, if it said so with the report. */
  readonly installed?: Installed
  /** What we knew before that it runs: proof of success, but none of a failure, as it may be old. */
  readonly known?: Installed
}

/** When something is heard, and how patient we are by then. */
export interface Circumstances {
  readonly now: Date
  readonly patience: Patience
}

export interface Advance {
  readonly outcome: 'moved' | 'repeated' | 'ignored'
  /** After a repetition the same one, or with this sign of life noted. */
  readonly operation: Operation
  /** Absent where nothing is worth a line: a repetition, or only the percentage changed. */
  readonly step?: Step
  readonly because: Reason
}

/** A new operation, QUEUED. */
export function open(
  {
    id,
    deviceId,
    release,
    origin,
    campaignId = null,
  }: {
    id: string
    deviceId: string
    release: Release
    origin: Reason
    campaignId?: string | null
  },
  now: Date,
): { operation: Operation; step: Step } {
  const operation: Operation = {
    id,
    deviceId,
    releaseId: release.id,
    type: release.type,
    title: release.title,
    version: release.version,
    state: 'QUEUED',
    progressPercent: STATE_TABLE.QUEUED.progressPercent,
    error: null,
    campaignId,
    origin,
    because: origin,
    restarts: 0,
    openedAt: now,
    changedAt: now,
    heardAt: now,
    endedAt: null,
  }
  return { operation, step: stepOf(operation, 'opened') }
}

/** The device has been told: QUEUED becomes INITIATED. Later states stay. */
export function tell(operation: Operation, now: Date): Advance {
  const because = reason('device.told', `The device was told of ${nameOf(operation)}.`)
  return operation.state === 'QUEUED'
    ? move(operation, { state: 'INITIATED', because }, now)
    : { outcome: 'repeated', operation, because }
}

/** Ends an operation from our side: by an operator, or because another release is meant now. */
export function cancel(operation: Operation, because: Reason, now: Date): Advance {
  return isTerminal(operation.state)
    ? { outcome: 'ignored', operation, because: afterEnd(operation, 'CANCELED') }
    : move(operation, { state: 'CANCELED', because }, now)
}

/**
 * What a report does to an operation. Success is the reported title and version being the target's; the word
 * UPDATED alone is not believed (some devices say it at every start, with the version they had).
 */
export function advance(
  operation: Operation,
  report: Report,
  circumstances: Circumstances,
): Advance {
  const { now } = circumstances
  if (isTerminal(operation.state)) {
    return operation.state === report.state
      ? repeated(operation)
      : ignore(operation, report, afterEnd(operation, report.state), now)
  }
  if (!STATE_TABLE[report.state].isReportable) {
    const message = `${report.state} is not for a device to report.`
    return ignore(operation, report, reason('report.not-reportable', message), now)
  }
  if (report.state === 'UPDATED') return arrive(operation, report, circumstances)
  if (report.state === 'FAILED') {
    const error = wordsOf(report) ?? 'The device gave no reason.'
    const because = reason('device.reported', `The device reports that it failed: ${error}`)
    return move(operation, { state: 'FAILED', because, error }, now)
  }
  if (report.state === operation.state) return progress(operation, report, now)
  return isStepBack(operation.state, report.state)
    ? startOver(operation, { ...report, because: said(report.state) }, circumstances)
    : move(operation, { ...report, because: said(report.state) }, now)
}

/** The device says UPDATED: believed if it runs the target, else it came back with something else. */
function arrive(operation: Operation, report: Report, circumstances: Circumstances): Advance {
  const { now } = circumstances
  const runs = report.installed ?? report.known
  if (isInstalled(operation, runs)) {
    const because = reason('device.runs-target', `The device runs ${nameOf(operation)}.`)
    return move(operation, { state: 'UPDATED', because }, now)
  }
  if (operation.state === 'QUEUED' || operation.state === 'INITIATED') {
    const because = reason(
      'report.not-started',
      `The device says UPDATED and runs ${describe(runs)}; it has not begun with ${nameOf(operation)}.`,
    )
    return ignore(operation, report, because, now)
  }
  if (runs === undefined) {
    const because = reason(
      'report.other-version',
      `The device says UPDATED but has not said that it runs ${nameOf(operation)}.`,
    )
    return ignore(operation, report, because, now)
  }
  if (operation.state === 'UPDATING' && report.installed) {
    const error = `The device came back with ${describe(runs)} instead of ${nameOf(operation)}.`
    return move(
      operation,
      { state: 'FAILED', because: reason('device.rolled-back', error), error },
      now,
    )
  }
  const because = reason(
    'device.interrupted',
    `The device came back with ${describe(runs)} before it installed ${nameOf(operation)}; it is told again.`,
  )
  return startOver(operation, { state: 'QUEUED', because }, circumstances)
}

/** Any step back is a new start: some devices never report the DOWNLOADING they begin again with. */
const isStepBack = (from: State, to: State): boolean => STATES.indexOf(to) < STATES.indexOf(from)

/**
 * Back to where it begins anew, or at an end: a device that does so too often would otherwise go round for ever.
 * `orElse` is why it has failed then.
 */
export function startOver(
  operation: Operation,
  to: Move,
  { now, patience }: Circumstances,
  orElse: Reason = keepsStartingOver(operation),
): Advance {
  const counted = { ...operation, restarts: operation.restarts + 1 }
  if (counted.restarts <= patience.maxRetries) return move(counted, to, now)
  return move(counted, { state: 'FAILED', because: orElse, error: orElse.message }, now)
}

function keepsStartingOver({ restarts, ...operation }: Operation): Reason {
  const times = restarts === 0 ? 'once' : `${restarts + 1} times`
  const message = `The device started over ${times} without arriving at ${nameOf(operation)}.`
  return reason('device.keeps-starting-over', message)
}

function progress(operation: Operation, report: Report, now: Date): Advance {
  const progressPercent = percent(report.progressPercent) ?? operation.progressPercent
  if (progressPercent === operation.progressPercent) return repeated(heard(operation, now))
  return {
    outcome: 'moved',
    operation: { ...operation, progressPercent, changedAt: now, heardAt: now },
    because: said(report.state),
  }
}

/** The device gives a sign that it is at it. */
export const heard = (operation: Operation, now: Date): Operation =>
  now.getTime() - operation.heardAt.getTime() < NOTED_EVERY_MS
    ? operation
    : { ...operation, heardAt: now }

export interface Move {
  readonly state: State
  readonly because: Reason
  readonly error?: string
  readonly progressPercent?: number
}

/** Into that state, whatever was before; the table of allowed moves is for whoever calls this. */
export function move(operation: Operation, to: Move, now: Date): Advance {
  const moved: Operation = {
    ...operation,
    state: to.state,
    because: to.because,
    error: to.state === 'FAILED' ? (to.error ?? null) : null,
    progressPercent: percent(to.progressPercent) ?? STATE_TABLE[to.state].progressPercent,
    changedAt: now,
    heardAt: now,
    endedAt: isTerminal(to.state) ? now : null,
  }
  return { outcome: 'moved', operation: moved, step: stepOf(moved, 'moved'), because: to.because }
}

function ignore(operation: Operation, report: Report, because: Reason, now: Date): Advance {
  const step: Step = {
    operationId: operation.id,
    at: now,
    state: report.state,
    outcome: 'ignored',
    progressPercent: percent(report.progressPercent) ?? STATE_TABLE[report.state].progressPercent,
    error: wordsOf(report),
    because,
  }
  return { outcome: 'ignored', operation, step, because }
}

const repeated = (operation: Operation): Advance => ({
  outcome: 'repeated',
  operation,
  because: reason('report.repeated', `${operation.state} was reported before.`),
})

const stepOf = (operation: Operation, outcome: Step['outcome']): Step => ({
  operationId: operation.id,
  at: operation.changedAt,
  state: operation.state,
  outcome,
  progressPercent: operation.progressPercent,
  error: operation.error,
  because: operation.because,
})

/** What the device said of an error, as any store can keep it; null for nothing. */
function wordsOf({ error }: Report): string | null {
  const text = error?.trim().replaceAll('\0', '\ufffd') ?? ''
  const kept =
    text.length > MAX_ERROR_LENGTH ? `${text.slice(0, MAX_ERROR_LENGTH - 1).toWellFormed()}…` : text
  return kept.toWellFormed() || null
}

const said = (state: State): Reason =>
  reason('device.reported', `The device reports ${STATE_TABLE[state].word}.`)

const afterEnd = (operation: Operation, state: State): Reason =>
  reason(
    'report.after-end',
    `The update had already ended as ${operation.state} when ${state} came.`,
  )

const describe = (installed: Installed | undefined): string =>
  installed?.title && installed.version
    ? `${installed.title}@${installed.version}`
    : 'something unnamed'

const percent = (value: number | undefined): number | undefined =>
  value === undefined || !Number.isFinite(value)
    ? undefined
    : Math.min(100, Math.max(0, Math.round(value)))
