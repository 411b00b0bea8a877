/**
 * When the agent may ask, and when it may install: two windows of the device's own time. Between two questions lies
 * a period, counted from the moment the window gave, not from the one that chance made of it: so jitter spreads a
 * fleet over the window again and again, and never pushes a device past the window's end.
 */
import { type CronWindow, isOpen, nextOpening, staysOpenMs } from './cron-window.ts'
import { type Random, spreadMs } from './waits.ts'

export interface ScheduleOptions {
  /** Null: any time. */
  readonly checkWindow: CronWindow | null
  readonly applyWindow: CronWindow | null
  /** A question comes at a random moment within it, as far as the window goes. */
  readonly jitterMs: number
  /** What the clock on the wall shows, as if it were in UTC. */
  readonly wallMs: () => number
  readonly random: Random
}

/** The device's own time, as a schedule wants it. */
export const systemWallMs = (): number => {
  const now = new Date()
  return now.getTime() - now.getTimezoneOffset() * 60_000
}

/** A clock may be put right meanwhile: nobody waits longer for a window without looking again. */
const LOOK_AGAIN_MS = 600_000

export class Schedule {
  readonly #options: ScheduleOptions
  /** The moment the window gave for the latest question. */
  #slotMs: number | null = null

  constructor(options: ScheduleOptions) {
    this.#options = options
  }

  /** How long until the next question, with that time between two. */
  nextCheckMs(periodMs: number): number {
    const { checkWindow, jitterMs, wallMs, random } = this.#options
    if (!checkWindow && jitterMs === 0) return spreadMs(periodMs, random)
    const now = wallMs()
    // A clock that was put right makes the latest slot mean nothing.
    const slot = this.#slotMs ?? now
    // A clock that was put right makes the latest slot mean nothing.
    const since = Math.abs(now - slot) <= 2 * periodMs ? slot : now
    const dueMs = Math.max(now, since + periodMs)
    const slotMs = checkWindow ? nextOpening(checkWindow, dueMs) : dueMs
    if (slotMs === null) return Number.POSITIVE_INFINITY
    this.#slotMs = slotMs
    const room = checkWindow ? staysOpenMs(checkWindow, slotMs, jitterMs) : jitterMs
    return slotMs - now + random() * room
  }

  /** How long to wait before a question that is due may be asked, as far as can be told now; 0: not at all. */
  untilCheckMs(): number {
    return this.#untilOpen(this.#options.checkWindow)
  }

  /** A moment to wait once the window has opened, so that a fleet that waited for it does not come at once. */
  jitterNowMs(): number {
    const { checkWindow, jitterMs, wallMs, random } = this.#options
    const room = checkWindow ? staysOpenMs(checkWindow, wallMs(), jitterMs) : 0
    return random() * room
  }

  /** The same as `untilCheckMs` for an install. */
  untilApplyMs(): number {
    return this.#untilOpen(this.#options.applyWindow)
  }

  #untilOpen(window: CronWindow | null): number {
    const now = this.#options.wallMs()
    if (!window || isOpen(window, now)) return 0
    const opens = nextOpening(window, now)
    return opens === null ? LOOK_AGAIN_MS : Math.min(LOOK_AGAIN_MS, opens - now)
  }
}
