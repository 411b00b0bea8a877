/** What an uplink is: the agent's side of a device dialect. */
import type { Installed, JsonObject, State } from '@updraft/core'
import type { BoxForm, HeldRelease, LogRequest, Wish } from '@updraft/wire/updraft'
import type { FailureKind } from './trouble.ts'

/** What the server asks this device to install, in the agent's words. */
export interface Offer {
  /** Names the operation; for a standing offer made up from what it says. */
  readonly operation: string
  readonly type: string
  readonly title: string
  /** Null when nobody told: then the update has come home when something else runs than before. */
  readonly version: string | null
  /** Null when nobody told. */
  readonly sizeBytes: number | null
  readonly checksum: Checksum | null
  /** Where the bytes are, for uplinks that fetch by address. */
  readonly address: string | null
  /** What other components have to run for it, by type, as requirements such as `>= 24.10`. */
  readonly needs?: Readonly<Record<string, string>>
  /** The offer stays until another takes its place, whatever is reported; the agent paces its own attempts. */
  readonly isStanding: boolean
}

export interface Checksum {
  readonly algorithm: string
  /** In hex. */
  readonly value: string
  /** Capital letters make it another one, as they do for clients that compare texts. */
  readonly isExact?: boolean
}

/** The agent's side of a device dialect. Everything may throw Away but `news`; nothing else is foreseen. */
export interface Uplink {
  readonly name: string
  /** Tells what runs here and asks what to do. With `waitSeconds` the server may hold the answer that long. */
  checkIn(about: {
    readonly installed: Readonly<Record<string, Installed>>
    readonly facts: JsonObject
    /** What is being carried out, also if an earlier life of the agent began it. */
    readonly underWay?: Offer | null
    /** Component types that somebody at the device asked for. */
    readonly asked?: readonly string[]
    /** Ids of wishes that were carried out. */
    readonly done?: readonly string[]
    readonly waitSeconds: number
    readonly signal: AbortSignal
  }): Promise<CheckInAnswer>
  /** `over`: the server will hear no more of this operation, whatever we still have to say. */
  report(offer: Offer, report: OutgoingReport, signal: AbortSignal): Promise<'taken' | 'over'>
  /** The bytes from there on, or from the start when the server cannot or the file has changed since. */
  fetch(
    offer: Offer,
    from: { readonly byte: number; readonly etag: string | null },
    limits: { readonly stallMs: number; readonly signal: AbortSignal },
  ): Promise<Fetched>
  /** For servers that say what they take back: aborts when they do. Heeded until the install begins. */
  takenBack?(offer: Offer): AbortSignal
  /** For servers that say when: so long it may not be installed yet, and the server is asked anew then. 0: it may. */
  untilInstallMs?(offer: Offer): number
  /** The new version is in place and about to be started. What of it is lost is not told again. */
  restarting?(offer: Offer, signal: AbortSignal): Promise<void>
  /**
   * For uplinks that are told without asking: resolves when the server may have something to say since the last
   * check-in, or with the signal. Keeps the line open meanwhile; a line that breaks counts as news, after a pause,
   * because what was said then is lost. Never rejects.
   */
  news?(signal: AbortSignal): Promise<void>
  /** For servers that keep what a device logs: up to which line they have it now. */
  sendLog?(lines: LogRequest['lines'], signal: AbortSignal): Promise<number>
  /** Closes what is open between two requests. The next one opens it again. */
  hangUp?(): Promise<void>
}

export interface CheckInAnswer {
  readonly offers: readonly Offer[]
  readonly nextCheckInSeconds: number | null
  /** The server held the answer as long as asked: ask again at once. */
  readonly wasHeld: boolean
  /** What operators have set for this box, what is held back for it, and what they want done once. */
  readonly box?: BoxForm
  readonly held?: readonly HeldRelease[]
  readonly wishes?: readonly Wish[]
}

export interface OutgoingReport {
  readonly state: State
  readonly progressPercent?: number
  readonly error?: string
  /** With FAILED. */
  readonly failure?: FailureKind
  readonly installed: Installed | null
}

/** What an offer is called, to people. */
export const offerName = ({ title, version }: Pick<Offer, 'title' | 'version'>): string =>
  version === null ? `${title}, of a version not told` : `${title}@${version}`

export interface Fetched {
  /** The first byte's place in the file. */
  readonly from: number
  /** Length of the whole file, if told. */
  readonly totalBytes: number | null
  readonly etag: string | null
  readonly pieces: AsyncIterable<Buffer>
}
