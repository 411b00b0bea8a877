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
import { type Handling, STANDARD_HANDLING } from './handling.ts'
import { isTerminal, STATE_TABLE, STATES, type State } from './states.ts'

const MAX_ERROR_LENGTH = 4096
const MAX_CODE_LENGTH = 100
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
  /** Its code for that, where its language has codes; also such as nobody knows. */
  readonly code: string | null
  /** The campaign that asks for it; null when none does. */
  readonly campaignId: string | null
  readonly handling: Handling
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

/** One line of an operation's history. `outcome` tells what the report did; a remark changes nothing. */
export interface Step {
  readonly operationId: string
  readonly at: Date
  readonly state: State
  readonly outcome: 'opened' | 'moved' | 'remarked' | 'ignored'
  readonly progressPercent: number
  readonly error: string | null
  readonly because: Reason
}

/** What a device says of an update. */
export interface Report {
  /** Null where it is as it was: something went wrong that the device copes with by itself, a remark. */
  readonly state: State | null
  /** The device's own word for the state, where its language has more of them than there are states. */
  readonly word?: string
  readonly progressPercent?: number
  readonly error?: string
  /** Its code for what went wrong. */
  readonly code?: string
  /** It refuses as it is at an update already; that may be this very one. */
  readonly isBusy?: boolean
  /** It was asked for this one more than once. */
  readonly isAskedAgain?: boolean
  /** It was to stop another one, and has not said that it is done with that. */
  readonly isAtAnother?: boolean
  /** It may be of something that we have seen it past: no step back, and no new start. */
  readonly mayBeLate?: boolean
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
    handling = STANDARD_HANDLING,
  }: {
    id: string
    deviceId: string
    release: Release
    origin: Reason
    campaignId?: string | null
    handling?: Handling
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
    code: null,
    campaignId,
    handling,
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
  const { state } = report
  if (isTerminal(operation.state)) {
    return operation.state === state
      ? repeated(operation)
      : ignore(operation, report, afterEnd(operation, state ?? 'a remark'), now)
  }
  if (state === null) return remark(operation, report, now)
  if (!STATE_TABLE[state].isReportable) {
    const message = `${state} is not for a device to report.`
    return ignore(operation, report, reason('report.not-reportable', message), now)
  }
  if (state === 'UPDATED') return arrive(operation, report, circumstances)
  if (state === 'FAILED') {
    if (isHeldUp(operation, report)) return waitForOther(operation, now)
    if (isAtItAlready(operation, report)) return goOn(operation, now)
    const error = wordsOf(report) ?? 'The device gave no reason.'
    const because = reason('device.reported', `The device reports that it failed: ${error}`)
    return move(operation, { state, because, error, code: codeOf(report) }, now)
  }
  if (operation.handling.isDownloadOnly && HAS_IT.includes(state)) return stage(operation, now)
  if (state === operation.state) return progress(operation, { ...report, state }, now)
  const to: Move = { state, progressPercent: report.progressPercent, because: said(state, report) }
  if (!isStepBack(operation.state, state)) return move(operation, to, now)
  return report.mayBeLate
    ? repeated(heard(operation, now))
    : startOver(operation, to, circumstances)
}

/** Of what is only to be fetched, no more is wanted. */
const HAS_IT: readonly State[] = ['DOWNLOADED', 'VERIFIED']

function stage(operation: Operation, now: Date): Advance {
  const because = reason(
    'device.staged',
    `The device has ${nameOf(operation)}, which it was not to install.`,
  )
  return move(operation, { state: 'STAGED', because }, now)
}

/** The same, handled otherwise from now on. */
export const handledAs = (operation: Operation, handling: Handling): Operation => ({
  ...operation,
  handling,
})

/** A sign of life, with a line of its own. */
function remark(operation: Operation, report: Report, now: Date): Advance {
  const words = wordsOf(report) ?? 'something went wrong.'
  const because = reason('device.remarked', `The device goes on, and says: ${words}`)
  const { progressPercent } = operation
  const step = lineOf(operation, { state: operation.state, progressPercent, report, because, now })
  return {
    outcome: 'repeated',
    operation: heard(operation, now),
    step: { ...step, outcome: 'remarked' },
    because,
  }
}

/** Not the update's fault: not every device stops when it is asked to. Whether it is this one after all, it will tell. */
const isHeldUp = (operation: Operation, { isBusy, isAtAnother }: Report): boolean =>
  isBusy === true && isAtAnother === true && isUnheard(operation)

/** That is no attempt that failed, and does not count as a new start. */
function waitForOther(operation: Operation, now: Date): Advance {
  if (operation.state === 'QUEUED') return repeated(heard(operation, now))
  const because = reason(
    'device.busy',
    'The device is not done with an update that was cancelled; it is told again when it is.',
  )
  return move(operation, { state: 'QUEUED', because }, now)
}

/**
 * Whether a device that refuses as it is busy is busy with this one: it told of it before, or it was asked for it more
 * than once. Some take a request that is repeated for another one.
 */
const isAtItAlready = (operation: Operation, report: Report): boolean =>
  report.isBusy === true &&
  (operation.restarts > 0 || report.isAskedAgain === true || !isUnheard(operation))

/** The device has not said that it began. */
const isUnheard = ({ state }: Operation): boolean => state === 'QUEUED' || state === 'INITIATED'

/** It has begun, whether or not its word of that came through; how far it is, it will tell. */
function goOn(operation: Operation, now: Date): Advance {
  if (!isUnheard(operation)) return repeated(heard(operation, now))
  const because = reason('device.reported', 'The device reports that it is at it already.')
  return move(operation, { state: 'DOWNLOADING', because }, now)
}

/** The device says UPDATED: believed if it runs the target, else it came back with something else. */
function arrive(operation: Operation, report: Report, circumstances: Circumstances): Advance {
  const { now } = circumstances
  const runs = report.installed ?? report.known
  if (isInstalled(operation, runs)) {
    const because = reason('device.runs-target', `The device runs ${nameOf(operation)}.`)
    return move(operation, { state: 'UPDATED', because }, now)
  }
  if (isUnheard(operation)) {
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

function progress(operation: Operation, report: Report & { state: State }, now: Date): Advance {
  const told = percent(report.progressPercent) ?? operation.progressPercent
  const because = said(report.state, report)
  // Who names steps of its own tells shares of the whole way, and may name one of them late.
  const progressPercent = report.word ? Math.max(told, operation.progressPercent) : told
  const isFurther = progressPercent > operation.progressPercent
  const isOtherWord = report.word !== undefined && because.message !== operation.because.message
  if (isOtherWord && isFurther) {
    return move(operation, { state: report.state, because, progressPercent }, now)
  }
  if (progressPercent === operation.progressPercent) return repeated(heard(operation, now))
  return {
    outcome: 'moved',
    operation: { ...operation, progressPercent, changedAt: now, heardAt: now },
    because,
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
  readonly code?: string | null
  readonly progressPercent?: number
}

/** Into that state, whatever was before; the table of allowed moves is for whoever calls this. */
export function move(operation: Operation, to: Move, now: Date): Advance {
  const moved: Operation = {
    ...operation,
    state: to.state,
    because: to.because,
    error: to.state === 'FAILED' ? (to.error ?? null) : null,
    code: to.state === 'FAILED' ? (to.code ?? null) : null,
    progressPercent: percent(to.progressPercent) ?? STATE_TABLE[to.state].progressPercent,
    changedAt: now,
    heardAt: now,
    endedAt: isTerminal(to.state) ? now : null,
  }
  return { outcome: 'moved', operation: moved, step: stepOf(moved, 'moved'), because: to.because }
}

function ignore(operation: Operation, report: Report, because: Reason, now: Date): Advance {
  const state = report.state ?? operation.state
  const progressPercent = percent(report.progressPercent) ?? STATE_TABLE[state].progressPercent
  const step = lineOf(operation, { state, progressPercent, report, because, now })
  return { outcome: 'ignored', operation, step, because }
}

/** What was said without changing anything. */
const lineOf = (
  { id }: Operation,
  {
    now,
    report,
    ...line
  }: Pick<Step, 'state' | 'progressPercent' | 'because'> & { report: Report; now: Date },
): Step => ({ operationId: id, at: now, outcome: 'ignored', error: wordsOf(report), ...line })

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

/** What the device said of an error; null for nothing. */
const wordsOf = ({ error }: Report): string | null => kept(error, MAX_ERROR_LENGTH)
const codeOf = ({ code }: Report): string | null => kept(code, MAX_CODE_LENGTH)

/** As any store can keep it. */
function kept(said: string | undefined, maxLength: number): string | null {
  const text = said?.trim().replaceAll('\0', '\ufffd') ?? ''
  const short = text.length > maxLength ? `${text.slice(0, maxLength - 1).toWellFormed()}…` : text
  return short.toWellFormed() || null
}

const said = (state: State, { word }: Report): Reason =>
  reason('device.reported', `The device reports ${word ?? STATE_TABLE[state].word}.`)

const afterEnd = (operation: Operation, state: string): Reason =>
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
