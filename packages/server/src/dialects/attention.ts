/**
 * Looks at one device on the line whenever there is reason to: one look at a time, another one when something happened
 * meanwhile. What it is to be told of a release waits for its turn.
 */
import type { CheckedIn } from '../app/device-desk.ts'
import type { Pacer } from '../app/pacer.ts'

/** The longest a timer of Node's can be. */
const MAX_ALARM_MS = 2 ** 31 - 1

export interface AttentionNeeds {
  readonly pacer: Pick<Pacer, 'inTurn'>
  readonly look: () => Promise<unknown>
  /** It is its turn: answers whether it was told of a release, which is what the pace counts. */
  readonly tell: () => Promise<boolean>
  /** What a look, or a word, failed with. */
  readonly onError: (error: unknown) => void
}

export class Attention {
  readonly #needs: AttentionNeeds
  #alarm: NodeJS.Timeout | undefined
  #isLooking = false
  #isDue = false
  /** While it waits for its turn. */
  #waiting: AbortController | null = null
  /** Something happened while it waited, or was told. */
  #isDueAfterTurn = false

  constructor(needs: AttentionNeeds) {
    this.#needs = needs
  }

  /** Something happened to the device or to what is meant for it. */
  wake(): void {
    this.#isDue = true
    if (!this.#isLooking) void this.#lookWhileDue()
  }

  wakeIn(ms: number): void {
    clearTimeout(this.#alarm)
    this.#alarm = setTimeout(() => this.wake(), Math.min(ms, MAX_ALARM_MS)).unref()
  }

  /** Time alone may change the answer, and this device does not call. */
  wakeWhenDue({ answers, nextCheckInSeconds }: CheckedIn): void {
    const isDue = Object.values(answers).some(
      ({ choice }) => choice.kind === 'nothing' && choice.lookAgainAt,
    )
    if (isDue) this.wakeIn(nextCheckInSeconds * 1000)
  }

  /** All that happened until now is known already; another look would find nothing more. */
  allSeen(): void {
    this.#isDue = false
  }

  waitForTurn(tenantId: string): void {
    this.#isDueAfterTurn = this.#waiting !== null
    if (this.#waiting) return
    const waiting = new AbortController()
    this.#waiting = waiting
    this.#needs.pacer
      .inTurn(tenantId, waiting.signal, this.#needs.tell)
      .catch((error: unknown) => this.#needs.onError(error))
      .finally(() => {
        this.#waiting = null
        if (!this.#isDueAfterTurn || waiting.signal.aborted) return
        this.#isDueAfterTurn = false
        this.wake()
      })
  }

  /** Nothing is to be looked at, or told, until it is woken again. */
  rest(): void {
    clearTimeout(this.#alarm)
    this.#waiting?.abort()
  }

  async #lookWhileDue(): Promise<void> {
    this.#isLooking = true
    try {
      while (this.#isDue) {
        this.#isDue = false
        await this.#needs.look()
      }
    } catch (error) {
      this.#needs.onError(error)
    } finally {
      this.#isLooking = false
    }
  }
}
