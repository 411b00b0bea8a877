/**
 * All handlers of a release, each in a host of its own. One that breaks is started again after a while, and the others do
 * not notice.
 */
import { type Log, silentLog } from '../../log.ts'
import { type BackOff, backOffMs, type Clock, type Random } from '../../waits.ts'
import type { HandlerFile } from './handler-file.ts'
import type { Device, Host, StartHost } from './host.ts'

export interface HandlerStatus {
  /** From the top of the release: `drivers/scale.py`. */
  readonly file: string
  readonly kind: HandlerFile['kind']
  readonly sha256: string
  /** `ended`: it had no more to do, and said so by ending without an error. */
  readonly state: 'starting' | 'running' | 'failed' | 'ended'
  /** Why it failed; it is started again by itself all the same. */
  readonly error: string | null
  /** How often it was started again since the set was. */
  readonly restarts: number
  /** Not from a failure until it has run for long after it: it may be up for a moment in between. */
  readonly isSteady: boolean
  readonly devices: readonly Device[]
}

export interface HandlerSetOptions {
  readonly folder: string
  readonly files: readonly HandlerFile[]
  readonly startHost: StartHost
  readonly clock: Clock
  readonly random: Random
  /** One that has not loaded by then has failed. */
  readonly loadTimeoutMs: number
  readonly backOff: BackOff
  readonly onChange: () => void
  readonly log?: Log
}

export class HandlerSet {
  readonly #handlers: readonly Handler[]

  constructor(options: HandlerSetOptions) {
    this.#handlers = options.files.map((file) => new Handler(file, options))
  }

  get handlers(): readonly HandlerStatus[] {
    return this.#handlers.map(({ status }) => status)
  }

  /** Resolves when all are gone; throws when one does not go. */
  async stop(): Promise<void> {
    const ends = await Promise.allSettled(this.#handlers.map((handler) => handler.stop()))
    const stuck = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason] : []))
    if (stuck.length > 0) throw stuck[0]
  }
}

class Handler {
  status: HandlerStatus
  readonly #file: HandlerFile
  readonly #options: HandlerSetOptions
  readonly #end = new AbortController()
  #host: Host | null = null
  #failures = 0

  constructor(file: HandlerFile, options: HandlerSetOptions) {
    const { path, kind, sha256 } = file
    this.#file = file
    this.#options = options
    this.status = {
      file: path,
      kind,
      sha256,
      state: 'starting',
      error: null,
      restarts: 0,
      isSteady: true,
      devices: [],
    }
    this.#start()
  }

  async stop(): Promise<void> {
    this.#end.abort()
    await this.#host?.stop()
  }

  #start(): void {
    const { backOff, clock, folder, startHost, loadTimeoutMs } = this.#options
    const attempt = new AbortController()
    const isOver = () => attempt.signal.aborted || this.#end.signal.aborted
    const over = AbortSignal.any([attempt.signal, this.#end.signal])
    const fail = (error: string) => {
      attempt.abort()
      this.#change({ state: 'failed', error, isSteady: false, devices: [] })
      this.#startAgainLater()
    }
    const host = startHost(this.#file, folder, {
      loaded: () => {
        if (isOver()) return
        this.#change({ state: 'running', error: null })
        void clock.wait(backOff.capMs, over).then(() => {
          if (isOver() || this.status.isSteady) return
          this.#failures = 0
          this.#change({ isSteady: true })
        })
      },
      devices: (devices) => {
        if (!isOver()) this.#change({ devices })
      },
      ended: (error) => {
        if (isOver()) return
        if (error === null && this.status.state === 'running') {
          attempt.abort()
          this.#change({ state: 'ended', devices: [] })
        } else fail(error ?? 'it ended before it was loaded')
      },
    })
    this.#host = host
    void clock.wait(loadTimeoutMs, over).then(async () => {
      if (isOver() || this.status.state !== 'starting') return
      fail(`it has not loaded within ${loadTimeoutMs / 1000} s`)
      await host.stop().catch(() => {})
    })
  }

  #startAgainLater(): void {
    const { backOff, clock, random } = this.#options
    this.#failures += 1
    const host = this.#host
    void clock.wait(backOffMs(this.#failures, backOff, random), this.#end.signal).then(async () => {
      if (this.#end.signal.aborted) return
      await host?.stop().catch(() => {})
      if (this.#end.signal.aborted) return
      this.#change({ state: 'starting', restarts: this.status.restarts + 1 })
      this.#start()
    })
  }

  #change(change: Partial<HandlerStatus>): void {
    const { log = silentLog, onChange } = this.#options
    const before = this.status.state
    this.status = { ...this.status, ...change }
    const { file, state, error } = this.status
    if (state !== before && state === 'failed') {
      log.warn('A handler failed.', { handler: file, because: error ?? undefined })
    }
    onChange()
  }
}
