/**
 * What the server is told on the way. These reports may get lost: the next one says more. Progress goes out
 * at each twentieth or every five seconds, one at a time, and never holds up the work.
 */
import { type Installed, STATE_TABLE, type State } from '@updraft/core'
import type { Log } from './log.ts'
import { messageOf } from './trouble.ts'
import type { Offer, Uplink } from './uplink.ts'
import type { Clock } from './waits.ts'

const PROGRESS_STEP_PERCENT = 5
const PROGRESS_EVERY_MS = 5_000

export interface ReportsAbout {
  readonly uplink: Uplink
  readonly offer: Offer
  readonly clock: Clock
  readonly log: Log
  readonly installed: Installed | null
  readonly signal: AbortSignal
  /** Hears every state and percentage, also those that are not sent. */
  readonly listener: (state: State, progressPercent: number) => void
  /** Called when the server says it will hear no more of this operation. */
  readonly onOver: () => void
}

export class Reports {
  readonly #about: ReportsAbout
  #inFlight: Promise<unknown> | null = null
  /** What came while a report was on its way. */
  #latest: number | null = null
  #sent = { percent: Number.NEGATIVE_INFINITY, atMs: Number.NEGATIVE_INFINITY }

  constructor(about: ReportsAbout) {
    this.#about = about
  }

  /** How much of the file is here, 0 to 1. */
  downloaded(share: number): void {
    const percent = Math.floor(Math.min(1, share) * 100)
    const now = this.#about.clock.nowMs()
    const isWorthIt =
      percent - this.#sent.percent >= PROGRESS_STEP_PERCENT ||
      (percent > this.#sent.percent && now - this.#sent.atMs >= PROGRESS_EVERY_MS)
    if (!isWorthIt) return
    const progressPercent = ofTheWhole(share)
    this.#about.listener('DOWNLOADING', progressPercent)
    if (this.#inFlight) {
      this.#latest = share
      return
    }
    this.#sent = { percent, atMs: now }
    this.#latest = null
    this.#inFlight = this.#send('DOWNLOADING', progressPercent).finally(() => {
      this.#inFlight = null
      if (this.#latest !== null) this.downloaded(this.#latest)
    })
  }

  /** Tells a state and waits for the answer, after what is still on its way. */
  async say(state: State): Promise<'taken' | 'over' | 'unsaid'> {
    await this.close()
    this.#about.listener(state, STATE_TABLE[state].progressPercent)
    return await this.#send(state)
  }

  /** Resolves when nothing is on its way any more. */
  async close(): Promise<void> {
    this.#latest = null
    await this.#inFlight
  }

  async #send(state: State, progressPercent?: number): Promise<'taken' | 'over' | 'unsaid'> {
    const { uplink, offer, installed, signal, log, onOver } = this.#about
    try {
      const heard = await uplink.report(offer, { state, progressPercent, installed }, signal)
      if (heard === 'over') onOver()
      return heard
    } catch (error) {
      log.debug('A report did not get through.', { state, because: messageOf(error) })
      return 'unsaid'
    }
  }
}

/** The download's share of the whole way, so that the percentage never steps back on the way to UPDATED. */
const ofTheWhole = (share: number): number => {
  const from = STATE_TABLE.DOWNLOADING.progressPercent
  const to = STATE_TABLE.DOWNLOADED.progressPercent
  return Math.round(from + Math.min(1, Math.max(0, share)) * (to - from))
}
