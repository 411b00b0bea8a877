/**
 * One or several operations that a device is told of together, under a number by which it speaks of them: where such
 * an action stands, and what the device's words do to it. Clients of hawkBit's language know nothing smaller.
 */
import type { ProofOfLife } from '../client-kind.ts'
import type { Circumstances, Operation, Report } from './operation.ts'
import { isTerminal, STATES, type State } from './states.ts'

/** How an action ended. `downloaded`: it was to do no more. The first four are the device's own word. */
export const ACTION_OUTCOMES = [
  'finished',
  'downloaded',
  'failed',
  'cancelled',
  'withdrawn',
  'cancel-unanswered',
  'given-up',
] as const
export type ActionOutcome = (typeof ACTION_OUTCOMES)[number]

/**
 * Whether every client can read that number. Zephyr's, before 4.2, looks for that of an action to stop one digit too
 * late, and gives up where it finds none, or nothing but zeros.
 */
export const isReadableByAll = (actionId: number): boolean => Number(String(actionId).slice(1)) > 0

export interface ActionFacts {
  readonly needsConfirmation: boolean
  readonly confirmedAt: Date | null
  readonly fetchedAt: Date | null
  readonly cancelAskedAt: Date | null
  readonly cancelRefusedAt: Date | null
  readonly closedAt: Date | null
  readonly outcome: ActionOutcome | null
  readonly isUnproven: boolean
  /** Of its operations; null for one that is there no more. */
  readonly states: readonly (State | null)[]
}

export type ActionStanding =
  /** Somebody at the device is asked first. */
  | { readonly kind: 'to-confirm' }
  | { readonly kind: 'to-do' }
  /** It was taken back after the device had heard of it, or is to hear that it was: it is asked to stop. */
  | { readonly kind: 'to-cancel' }
  /** The device says it is done, and is to show it. */
  | { readonly kind: 'unproven' }
  | { readonly kind: 'over'; readonly outcome: ActionOutcome }

const DAY_MS = 86_400_000
/** A device that did not stop when it was asked to is heard for so long. */
const REFUSED_DAYS = 7
/** A device that has installed an update may wait for its reboot for so long. */
const REBOOT_DAYS = 14

export function standingOf(
  action: ActionFacts,
  { now, patience }: Pick<Circumstances, 'now' | 'patience'>,
): ActionStanding {
  const { states, fetchedAt, cancelAskedAt, cancelRefusedAt, closedAt, outcome } = action
  const isAtWork = states.some(isLive)
  if (closedAt) {
    return action.isUnproven && isAtWork
      ? { kind: 'unproven' }
      : { kind: 'over', outcome: outcome ?? 'given-up' }
  }
  const patienceMs = patience.silenceDeadlineSeconds * 1000 || DAY_MS
  const isOlderThan = (since: Date, ms: number) => now.getTime() - since.getTime() >= ms
  if (cancelRefusedAt) {
    return isOlderThan(cancelRefusedAt, REFUSED_DAYS * DAY_MS)
      ? { kind: 'over', outcome: 'cancel-unanswered' }
      : { kind: 'to-do' }
  }
  if (states.includes('CANCELED')) {
    if (!fetchedAt && !cancelAskedAt) return { kind: 'over', outcome: 'withdrawn' }
    return cancelAskedAt && isOlderThan(cancelAskedAt, patienceMs)
      ? { kind: 'over', outcome: 'cancel-unanswered' }
      : { kind: 'to-cancel' }
  }
  if (!isAtWork) {
    return { kind: 'over', outcome: endOf(states) }
  }
  return action.needsConfirmation && !action.confirmedAt
    ? { kind: 'to-confirm' }
    : { kind: 'to-do' }
}

function endOf(states: readonly (State | null)[]): ActionOutcome {
  const isWell =
    states.length > 0 && states.every((each) => each === 'UPDATED' || each === 'STAGED')
  if (!isWell) return 'given-up'
  return states.includes('STAGED') ? 'downloaded' : 'finished'
}

const isLive = (state: State | null): boolean => state !== null && !isTerminal(state)

/** Some install in silence, and some report only after their reboot: that they come is their sign of life then. */
export const isAwaited = ({ state, changedAt }: Operation, now: Date): boolean =>
  state === 'UPDATING' && now.getTime() - changedAt.getTime() < REBOOT_DAYS * DAY_MS

/** What a device says of an action, in a language whose words for it are few. */
export type ActionWord =
  | 'at-it'
  | 'downloading'
  | 'downloaded'
  | 'waiting'
  | 'refused-for-now'
  | 'wants-to-stop'
  | 'done'
  | 'failed'

/** What that word says of one operation of the action, that is not over; null for no more than a sign of life. */
export function reportOf(
  word: ActionWord,
  {
    state,
    confirmedBy,
    isToKeep = false,
    said,
    code,
  }: {
    state: State
    confirmedBy: ProofOfLife
    /** It was told not to install it, or not yet. */
    isToKeep?: boolean
    said: string
    code?: string
  },
): Report | null {
  const isFurtherThan = (other: State) => STATES.indexOf(state) >= STATES.indexOf(other)
  switch (word) {
    case 'waiting':
      return null
    case 'downloading':
      return isFurtherThan('DOWNLOADING') ? null : maybeLate('DOWNLOADING')
    case 'at-it':
      // What it had all of it is busy installing; before that it has only begun.
      if (isFurtherThan('UPDATING')) return null
      if (isFurtherThan('DOWNLOADED')) return isToKeep ? null : maybeLate('UPDATING')
      return isFurtherThan('DOWNLOADING') ? null : maybeLate('DOWNLOADING')
    case 'downloaded':
      return isFurtherThan(isToKeep ? 'UPDATING' : 'DOWNLOADED') ? null : maybeLate('DOWNLOADED')
    case 'refused-for-now':
      return { state: null, error: said || 'The device cannot do it now.' }
    case 'wants-to-stop':
      return { state: null, error: said || 'The device wishes to stop.' }
    case 'done':
      if (confirmedBy === 'report') return { state: 'UPDATED' }
      return { state: 'UPDATING', word: 'installed, and is to show it', progressPercent: 95 }
    case 'failed':
      return { state: 'FAILED', error: said || undefined, code }
  }
}

/** Of several offers as many as go together, in an order that stays; of one at a time, the oldest. */
export function bundleOf<
  T extends { readonly operation: Pick<Operation, 'openedAt' | 'type' | 'handling'> },
>(offers: readonly T[], most: number): readonly T[] {
  const byAge = offers.toSorted(
    (a, b) => a.operation.openedAt.getTime() - b.operation.openedAt.getTime(),
  )
  // What is only to be downloaded and what is to be installed are told in other words.
  const [first] = byAge
  const isLikeFirst = ({ operation }: T) =>
    operation.handling.isDownloadOnly === first?.operation.handling.isDownloadOnly
  const together = byAge.filter(isLikeFirst).slice(0, most)
  return together.toSorted((a, b) => (a.operation.type < b.operation.type ? -1 : 1))
}

/** Whether a device may read what such an action holds: to do it, to have it confirmed, or as what it did last. */
export function mayRead(
  { outcome, closedAt }: Pick<ActionFacts, 'outcome' | 'closedAt'>,
  kind: ActionStanding['kind'],
  as: 'deployment' | 'confirmation' | 'installed',
): boolean {
  if (as === 'confirmation') return kind === 'to-confirm'
  const isEnded = closedAt !== null && outcome !== 'cancelled' && outcome !== 'withdrawn'
  if (as === 'installed') return isEnded && outcome === 'finished'
  return kind === 'to-do' || kind === 'unproven' || isEnded
}

/** That it has fetched all of a file is seen as it says its next word, which may be quicker. */
const maybeLate = (state: State): Report => ({ state, mayBeLate: true })
