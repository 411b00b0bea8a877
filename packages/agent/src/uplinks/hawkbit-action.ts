/** One of hawkBit's actions, as far as this life of the agent knows it. Where it began, the server tells anew. */
export class HawkbitAction {
  readonly id: string
  /** Aborts when the server wants it stopped, until the install begins. */
  readonly takenBack = new AbortController()
  /** It is in the agent's hands, so it answers a stop itself. */
  isUnderWay = false
  isInstalling = false
  /** The server has no such action any more, and never said that it was to be stopped. */
  isGone = false
  /** It is fetched and checked, but not installed. */
  isDownloadOnly = false
  isDownloaded = false
  /** The server said when it may be installed, so it is asked once more right before. */
  hasWindow = false
  /** So long it may not be installed yet. */
  untilInstallMs = 0
  /** Types of components that came to a good end. */
  readonly done = new Set<string>()
  /** Why it failed. */
  failed: string | null = null
  /** A stop was answered with no. */
  hasRefusedToStop = false
  /** What was said last on the way. */
  said: string | null = null

  constructor(id: string) {
    this.id = id
  }
}

/** Those that count: linked, under way, or ended in this life with the server yet to hear it. */
export class HawkbitActions {
  readonly #known = new Map<string, HawkbitAction>()

  of(id: string): HawkbitAction {
    const known = this.#known.get(id) ?? new HawkbitAction(id)
    this.#known.set(id, known)
    return known
  }

  forgetAllBut(ids: readonly (string | undefined)[]): void {
    for (const id of this.#known.keys()) if (!ids.includes(id)) this.#known.delete(id)
  }
}
