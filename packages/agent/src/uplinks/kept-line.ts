/**
 * One connection over MQTT for all that is to be said, opened when something is, and kept: on it the server says
 * what is new.
 */
import type { MqttConnection } from '../mqtt.ts'
import { backOffMs, type Clock, type Random, unlessAborted } from '../waits.ts'
import { News } from './news.ts'

/** After a connection broke, and again: for as long as others wait who lost it with us. */
const BREAK_BACK_OFF = { baseMs: 5_000, capMs: 600_000 }
/** A connection that held so long does not break again and again. */
const STEADY_MS = 600_000

export interface KeptLineOptions {
  /** Resolves when we are let in, and all is said that stands at the beginning. Tells of the connection at once. */
  readonly open: (begun: (connection: MqttConnection) => void) => Promise<void>
  readonly clock: Clock
  readonly random: Random
}

interface Line {
  readonly openedMs: number
  readonly ready: Promise<MqttConnection>
  /** Aborts when the line is of no use any more. */
  readonly over: AbortController
  connection: MqttConnection | null
}

export class KeptLine {
  readonly news = new News()
  readonly #options: KeptLineOptions
  #line: Line | null = null
  #breaks = 0

  constructor(options: KeptLineOptions) {
    this.#options = options
  }

  /** Opened if need be; who need it at the same time share it. Throws Away, or the signal's reason. */
  async connected(signal: AbortSignal): Promise<MqttConnection> {
    if (!this.#line || this.#line.over.signal.aborted) this.#line = this.#begin()
    return await unlessAborted(this.#line.ready, signal)
  }

  /** The connection, if there is one on which something can be said right now. */
  get open(): MqttConnection | null {
    return this.#line?.over.signal.aborted === false ? this.#line.connection : null
  }

  #begin(): Line {
    const { open, clock } = this.#options
    const over = new AbortController()
    const begun = (connection: MqttConnection) => {
      line.connection = connection
      connection.closed.addEventListener('abort', () => over.abort(), { once: true })
      if (over.signal.aborted) connection.hangUp()
    }
    const ready = Promise.resolve().then(async () => {
      await open(begun)
      if (!line.connection) throw new Error('opened without a connection')
      return line.connection
    })
    const line: Line = { openedMs: clock.nowMs(), ready, over, connection: null }
    ready.catch(() => {
      over.abort()
      line.connection?.hangUp()
    })
    return line
  }

  /** As Uplink.news. */
  async awaitNews(signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#options
    const line = this.#line
    if (line) {
      const ends = AbortSignal.any([signal, this.news.signal, line.over.signal])
      await clock.wait(Number.POSITIVE_INFINITY, ends)
    }
    if (signal.aborted || this.news.signal.aborted) return
    const heldMs = line ? clock.nowMs() - line.openedMs : 0
    this.#breaks = heldMs < STEADY_MS ? this.#breaks + 1 : 1
    await clock.wait(backOffMs(this.#breaks, BREAK_BACK_OFF, random), signal)
  }

  hangUp(): void {
    this.#line?.over.abort()
    this.#line?.connection?.hangUp()
    this.#line = null
  }
}
