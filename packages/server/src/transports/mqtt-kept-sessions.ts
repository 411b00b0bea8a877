/**
 * Sessions with a key: one of a key at a time, and those whose clients are away, in case they come back. As many and as
 * long as there is room for; who comes back later begins anew.
 */
import { SessionState } from './mqtt-session-state.ts'

export interface KeptLimits {
  /** Sessions of clients that are away. */
  readonly maxKept: number
  /** All that those hold. */
  readonly maxKeptBytes: number
  readonly maxKeptSeconds: number
}

/** Beside what it holds. */
const SESSION_BYTES = 512
const SWEEP_EVERY_MS = 60_000

/** Has a session, until it hands it over. */
export interface Holder {
  /** Ends its connection; resolves when all that came on it was taken, and it has left. */
  handOver(): Promise<void>
}

interface Kept {
  readonly state: SessionState
  readonly bytes: number
  readonly untilMs: number
}

export class KeptSessions {
  readonly #limits: KeptLimits
  readonly #holders = new Map<string, Holder>()
  /** The first to leave is the first. */
  readonly #kept = new Map<string, Kept>()
  #keptBytes = 0
  #sweptMs = performance.now()

  constructor(limits: KeptLimits) {
    this.#limits = limits
  }

  get keptCount(): number {
    return this.#kept.size
  }

  get maxKeptMs(): number {
    return this.#limits.maxKeptSeconds * 1000
  }

  /** The session of that key, after whoever had it; null when another came for it meanwhile. */
  async open(
    key: string,
    holder: Holder,
    isResumable: boolean,
  ): Promise<{ state: SessionState; isResumed: boolean } | null> {
    const before = this.#holders.get(key)
    this.#holders.set(key, holder)
    if (before) await before.handOver()
    if (this.#holders.get(key) !== holder) return null
    const kept = this.#take(key)
    if (kept && isResumable && kept.untilMs > performance.now()) {
      return { state: kept.state, isResumed: true }
    }
    return { state: new SessionState(), isResumed: false }
  }

  /** Its connection has ended; the session is kept for so long, zero for not at all. */
  leave(key: string, holder: Holder, state: SessionState, keepMs: number): void {
    if (this.#holders.get(key) === holder) this.#holders.delete(key)
    this.#take(key)
    if (keepMs <= 0) return
    state.interrupted()
    const bytes = SESSION_BYTES + state.heldBytes
    const untilMs = performance.now() + Math.min(keepMs, this.maxKeptMs)
    this.#kept.set(key, { state, bytes, untilMs })
    this.#keptBytes += bytes
    this.#makeRoom()
  }

  /** Called now and then: forgets whose time is over. */
  look(nowMs: number): void {
    if (nowMs - this.#sweptMs < SWEEP_EVERY_MS) return
    this.#sweptMs = nowMs
    for (const [key, { untilMs }] of this.#kept) if (untilMs <= nowMs) this.#take(key)
  }

  #take(key: string): Kept | undefined {
    const kept = this.#kept.get(key)
    if (!kept) return undefined
    this.#kept.delete(key)
    this.#keptBytes -= kept.bytes
    return kept
  }

  #makeRoom(): void {
    const { maxKept, maxKeptBytes } = this.#limits
    for (const key of this.#kept.keys()) {
      if (this.#kept.size <= maxKept && this.#keptBytes <= maxKeptBytes) return
      this.#take(key)
    }
  }
}
