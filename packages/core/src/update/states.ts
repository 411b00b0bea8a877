/**
 * The life of an operation: nine states and CANCELED. This table is the only list of them; the database's
 * check, the terminal's words and the dashboard's colours are drawn from it.
 *
 * Devices skip states and step back (they start over after a power cut), so from any state a device can be in,
 * it may report any other. One that comes back empty-handed, or goes silent, is queued anew, to be told once more. What
 * the table forbids is leaving an end, and a device claiming a state that is the server's own.
 */
export const STATES = [
  'QUEUED',
  'INITIATED',
  'DOWNLOADING',
  'DOWNLOADED',
  'VERIFIED',
  'UPDATING',
  'UPDATED',
  'STAGED',
  'FAILED',
  'CANCELED',
] as const

export type State = (typeof STATES)[number]

interface StateFacts {
  /** The word a person reads. */
  readonly word: string
  /** Share of the way, 0 to 100, shown when the device tells no bytes. */
  readonly progressPercent: number
  readonly isTerminal: boolean
  /** Whether a device may report it; the others are set by the server. */
  readonly isReportable: boolean
  readonly next: readonly State[]
}

const ON_DEVICE = [
  'DOWNLOADING',
  'DOWNLOADED',
  'VERIFIED',
  'UPDATING',
  'UPDATED',
  'FAILED',
] as const

export const STATE_TABLE: Readonly<Record<State, StateFacts>> = {
  QUEUED: {
    word: 'waiting',
    progressPercent: 0,
    isTerminal: false,
    isReportable: false,
    next: ['INITIATED', ...ON_DEVICE, 'STAGED', 'CANCELED'],
  },
  INITIATED: {
    word: 'told',
    progressPercent: 5,
    isTerminal: false,
    isReportable: false,
    next: ['QUEUED', ...ON_DEVICE, 'STAGED', 'CANCELED'],
  },
  DOWNLOADING: {
    word: 'downloading',
    progressPercent: 10,
    isTerminal: false,
    isReportable: true,
    next: [
      'QUEUED',
      'DOWNLOADED',
      'VERIFIED',
      'UPDATING',
      'UPDATED',
      'STAGED',
      'FAILED',
      'CANCELED',
    ],
  },
  DOWNLOADED: {
    word: 'downloaded',
    progressPercent: 55,
    isTerminal: false,
    isReportable: true,
    next: [
      'QUEUED',
      'DOWNLOADING',
      'VERIFIED',
      'UPDATING',
      'UPDATED',
      'STAGED',
      'FAILED',
      'CANCELED',
    ],
  },
  VERIFIED: {
    word: 'verified',
    progressPercent: 60,
    isTerminal: false,
    isReportable: true,
    next: [
      'QUEUED',
      'DOWNLOADING',
      'DOWNLOADED',
      'UPDATING',
      'UPDATED',
      'STAGED',
      'FAILED',
      'CANCELED',
    ],
  },
  UPDATING: {
    word: 'installing',
    progressPercent: 70,
    isTerminal: false,
    isReportable: true,
    next: [
      'QUEUED',
      'DOWNLOADING',
      'DOWNLOADED',
      'VERIFIED',
      'UPDATED',
      'STAGED',
      'FAILED',
      'CANCELED',
    ],
  },
  UPDATED: {
    word: 'updated',
    progressPercent: 100,
    isTerminal: true,
    isReportable: true,
    next: [],
  },
  STAGED: {
    word: 'downloaded only',
    progressPercent: 100,
    isTerminal: true,
    isReportable: false,
    next: [],
  },
  FAILED: {
    word: 'failed',
    progressPercent: 99,
    isTerminal: true,
    isReportable: true,
    next: [],
  },
  CANCELED: {
    word: 'cancelled',
    progressPercent: 99,
    isTerminal: true,
    isReportable: false,
    next: [],
  },
}

/** Whether an operation may go from one state to the other. Staying where it is, is no move. */
export const canMove = (from: State, to: State): boolean => STATE_TABLE[from].next.includes(to)

export const isTerminal = (state: State): boolean => STATE_TABLE[state].isTerminal

/** The state a device may report under that word, or undefined if the word is none of them. */
export function reportableState(word: string): State | undefined {
  const state = STATES.find((candidate) => candidate === word)
  return state && STATE_TABLE[state].isReportable ? state : undefined
}
