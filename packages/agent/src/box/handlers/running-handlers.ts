/** The one set of handlers that runs, and what the next one is held against. */
import type { Disk } from '../../disk.ts'
import { Generations } from '../../generations.ts'
import { type Log, silentLog } from '../../log.ts'
import type { BackOff, Clock, Random } from '../../waits.ts'
import type { LayerRelease } from '../layer.ts'
import type { ReleaseFolders } from '../release-folders.ts'
import type { Running } from '../trial.ts'
import { type Baseline, baselineOf, type Expected, joined, verdictOn } from './baseline.ts'
import { handlersIn } from './handler-file.ts'
import { HandlerSet, type HandlerStatus } from './handler-set.ts'
import type { StartHost } from './host.ts'

export interface RunningHandlersOptions {
  readonly disk: Disk
  readonly folder: string
  readonly folders: ReleaseFolders
  readonly startHost: StartHost
  readonly clock: Clock
  readonly random: Random
  readonly loadTimeoutMs: number
  /** How long a new set may take until all devices are back. After so long, what a set has is what it has. */
  readonly baselineMs: number
  /** How long all must be well for the trial to be passed. */
  readonly steadyMs: number
  /** How often the devices that are there are written down. */
  readonly noteMs: number
  readonly onChange: () => void
  readonly log?: Log
}

const BACK_OFF: BackOff = { baseMs: 2_000, capMs: 300_000 }
const NOTHING: Baseline = { devices: [], failed: [] }

export class RunningHandlers implements Running {
  /** What the set on trial has to live up to. */
  expected: Expected = null
  readonly #options: RunningHandlersOptions
  readonly #baseline: Generations<Baseline>
  #set: HandlerSet | null = null
  #startedMs = 0
  #end = new AbortController()
  #change = new AbortController()

  constructor(options: RunningHandlersOptions) {
    this.#options = options
    const { disk, folder, log } = options
    const format = 'updraft-baseline-1'
    this.#baseline = new Generations({
      disk,
      folder,
      log,
      name: 'baseline',
      format,
      empty: NOTHING,
    })
  }

  get handlers(): readonly HandlerStatus[] {
    return this.#set?.handlers ?? []
  }

  async load(): Promise<void> {
    await this.#baseline.load()
  }

  /** What runs now is what the next set has to live up to, with what has not come back yet since the last start. */
  baseline(): Expected {
    if (!this.#set) return null
    const { clock, baselineMs } = this.#options
    const isYoung = clock.nowMs() - this.#startedMs < baselineMs
    return isYoung ? joined(this.#baseline.value, this.handlers) : baselineOf(this.handlers)
  }

  async switchTo(release: LayerRelease | null): Promise<void> {
    this.#end.abort()
    // Hardware has one owner: the old ones are gone before the new ones begin.
    await this.#set?.stop()
    this.#set = null
    if (!release) return
    const { clock, folders, log } = this.#options
    const files = handlersIn(await folders.listing(release))
    log?.info('Starts the handlers.', { version: release.version, files: files.length })
    this.#end = new AbortController()
    this.#startedMs = clock.nowMs()
    this.#set = new HandlerSet({
      ...this.#options,
      folder: folders.path(release),
      files,
      backOff: BACK_OFF,
      onChange: () => this.#changed(),
    })
    void this.#keepBaseline()
    this.#changed()
  }

  async check(_: LayerRelease, signal: AbortSignal): Promise<string | null> {
    const { clock, baselineMs, steadyMs } = this.#options
    const deadlineMs = clock.nowMs() + baselineMs
    let wellSinceMs: number | null = null
    while (!signal.aborted) {
      const change = AbortSignal.any([signal, this.#change.signal])
      const nowMs = clock.nowMs()
      const verdict = verdictOn(this.handlers, this.expected)
      if (verdict.kind === 'failed') return verdict.because
      if (verdict.kind === 'well') {
        wellSinceMs ??= nowMs
        const leftMs = wellSinceMs + steadyMs - nowMs
        if (leftMs <= 0) return null
        await clock.wait(leftMs, change)
      } else {
        wellSinceMs = null
        if (nowMs >= deadlineMs) return `${verdict.because} (waited ${baselineMs / 1000} s)`
        await clock.wait(deadlineMs - nowMs, change)
      }
    }
    throw signal.reason
  }

  /** From time to time, what is there is written down: after a power cut nothing else knows it. */
  async #keepBaseline(): Promise<void> {
    const { signal } = this.#end
    const { clock, noteMs, folders } = this.#options
    while (!signal.aborted) {
      await clock.wait(noteMs, signal)
      if (!signal.aborted && !folders.pointer.trial) await this.noteBaseline()
    }
  }

  async noteBaseline(): Promise<void> {
    const { log = silentLog } = this.#options
    const now = baselineOf(this.handlers)
    if (JSON.stringify(now) === JSON.stringify(this.#baseline.value)) return
    await this.#baseline.write(now).catch((error) => {
      log.warn('Which devices are there cannot be noted.', { error })
    })
  }

  #changed(): void {
    const change = this.#change
    this.#change = new AbortController()
    change.abort()
    this.#options.onChange()
  }
}
