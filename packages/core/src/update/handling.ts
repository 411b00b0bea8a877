/**
 * How one update is to be brought: when the device must, when it may, and whether it is to install it at all. An
 * operation keeps what it was made with. What a language of devices has no word for is held back here, or told as ever.
 */
import { opensAt, passingWindowsOf } from '../campaign/window.ts'
import type { ProofOfLife } from '../client-kind.ts'
import { DomainError } from '../errors.ts'

export const URGENCIES = ['forced', 'soft'] as const
/** `soft`: the device updates when it likes. */
export type Urgency = (typeof URGENCIES)[number]

export interface Handling {
  /** Null: as is usual for the device's profile. */
  readonly urgency: Urgency | null
  /** From then on what is soft is forced; a time as JSON has it. */
  readonly forcedFrom: string | null
  /** The device fetches it and keeps it, and installs nothing. */
  readonly isDownloadOnly: boolean
  /** What proves that it has come to stay, where a device could say so too early; null: as is usual. */
  readonly confirmedBy: ProofOfLife | null
  /** When it may begin, as text; empty for any time. */
  readonly windows: string
}

export const STANDARD_HANDLING: Handling = {
  urgency: null,
  forcedFrom: null,
  isDownloadOnly: false,
  confirmedBy: null,
  windows: '',
}

const MAX_WINDOWS_LENGTH = 2048

/** Whole, or refused with assignment.invalid. */
export function checkedHandling(draft: Partial<Handling>, now: Date): Handling {
  const handling = { ...STANDARD_HANDLING, ...draft }
  const windows = handling.windows.trim()
  checkUrgency(handling)
  if (windows.length > MAX_WINDOWS_LENGTH) {
    throw invalid(`The windows are longer than ${MAX_WINDOWS_LENGTH} characters.`)
  }
  if (openingOf(windows, now) === null) {
    throw invalid(`The maintenance window "${windows}" never opens any more.`)
  }
  return { ...handling, windows }
}

/** Refuses with assignment.invalid. */
export function checkUrgency({
  urgency,
  forcedFrom,
}: Pick<Handling, 'urgency' | 'forcedFrom'>): void {
  if (forcedFrom === null) return
  if (urgency !== 'soft') throw invalid('Only what is soft before is forced from some time on.')
  if (Number.isNaN(Date.parse(forcedFrom))) throw invalid(`"${forcedFrom}" is no time.`)
}

/** When windows open, or `now`; null when they never do again. Refuses with assignment.invalid. */
function openingOf(windows: string, now: Date): Date | null {
  try {
    return opensAt(passingWindowsOf(windows), now)
  } catch (error) {
    if (error instanceof DomainError) throw invalid(error.message)
    throw error
  }
}

const invalid = (message: string) => new DomainError('assignment.invalid', message)

/** Whether the device must; `usual`: where nothing is said. */
export function isForced(
  { urgency, forcedFrom }: Pick<Handling, 'urgency' | 'forcedFrom'>,
  { now, usual }: { readonly now: Date; readonly usual: Urgency },
): boolean {
  if ((urgency ?? usual) === 'forced') return true
  return forcedFrom !== null && new Date(forcedFrom) <= now
}

export const sameHandling = (a: Handling, b: Handling): boolean =>
  a.urgency === b.urgency &&
  a.forcedFrom === b.forcedFrom &&
  a.isDownloadOnly === b.isDownloadOnly &&
  a.confirmedBy === b.confirmedBy &&
  a.windows === b.windows

/** When a window of its own lets it begin, if it does not now; `opensAt` is null when it never does again. */
export function ownWindowClosed(
  { windows }: Pick<Handling, 'windows'>,
  now: Date,
): { readonly opensAt: Date | null } | null {
  if (windows === '') return null
  const at = openingOf(windows, now)
  return at !== null && at <= now ? null : { opensAt: at }
}

/** What the language of a device that is here has words for. */
export interface Spoken {
  /** It is told of an update before its window opens, and that it is to wait. */
  readonly windows: boolean
  /** It can be told to fetch an update and install nothing. */
  readonly downloadOnly: boolean
}

export const SPEAKS_PLAINLY: Spoken = { windows: false, downloadOnly: false }
