/**
 * The layer of handlers: sets of drivers and interfaces as they come in one archive from the configured server. A new set is
 * unpacked beside the old one, started on trial in its place, and sent back if it breaks what worked.
 */
import { createHash } from 'node:crypto'
import * as promises from 'node:fs/promises'
import { join } from 'node:path'
import { type BoxPlatform, DomainError, HANDLER_LIMITS, refused } from '@updraft/core'
import type { Disk } from '../../disk.ts'
import type { InstallJob, InstallResult } from '../../installer.ts'
import { type Log, silentLog } from '../../log.ts'
import { codeOf, messageOf, UpdateFailed } from '../../trouble.ts'
import { type Clock, type Random, systemClock } from '../../waits.ts'
import {
  inPhase,
  type JobResult,
  type Layer,
  type LayerProgress,
  type LayerRelease,
  type LayerStatus,
  type OnProgress,
} from '../layer.ts'
import { ReleaseFolders, releaseId } from '../release-folders.ts'
import { onTrial, settleTrial } from '../trial.ts'
import { type HandlerArchive, openArchive } from './archive.ts'
import { RETIRED_FILE, retiredIn, withoutRetired } from './baseline.ts'
import type { HandlerStatus } from './handler-set.ts'
import type { StartHost } from './host.ts'
import { RunningHandlers } from './running-handlers.ts'

export interface HandlersLayerOptions {
  /** Belongs to this layer alone. */
  readonly folder: string
  readonly startHost: StartHost
  /** `L`: Linux, `W`: Windows. */
  readonly platform?: BoxPlatform
  readonly disk?: Disk
  readonly clock?: Clock
  readonly random?: Random
  /** The box's own clock, which may be wrong. */
  readonly wallMs?: () => number
  readonly reserveBytes?: number
  /** How often a set that does not hold is started before it is refused. */
  readonly maxStarts?: number
  /** A handler that has not loaded by then has failed. */
  readonly loadTimeoutSeconds?: number
  /** How long a new set may take until all devices are back. */
  readonly baselineSeconds?: number
  /** How long all must be well for the trial to be passed. */
  readonly steadySeconds?: number
  /** How often the devices that are there are written down: after a power cut nothing else knows them. */
  readonly noteSeconds?: number
  readonly onProgress?: OnProgress
  /** Called when something in status() is another. */
  readonly onChange?: () => void
  readonly log?: Log
}

/** `details` of the layer's status. */
export interface HandlersDetails {
  readonly platform: BoxPlatform
  readonly handlers: readonly (HandlerStatus & {
    /** Of the release it came with. */
    readonly version: string
  })[]
}

export interface HandlersLayer extends Layer {
  /** Releases that failed too often may be tried again: somebody asks for it. */
  tryAgain(): Promise<void>
  /** Somebody pressed the button, and the server had nothing new: that is a result, too. */
  nothingNew(): Promise<JobResult>
  /** Ends all hosts. What is on trial is decided at the next start. */
  stop(): Promise<void>
}

export const handlersLayer = (options: HandlersLayerOptions): HandlersLayer => new Handlers(options)

class Handlers implements HandlersLayer {
  readonly name = 'handlers'
  readonly installer = { install: (job: InstallJob) => this.#installAlone(job) }
  readonly #disk: Disk
  readonly #platform: BoxPlatform
  readonly #folders: ReleaseFolders
  readonly #running: RunningHandlers
  readonly #onProgress: OnProgress
  readonly #log: Log
  readonly #end = new AbortController()
  #busy: { readonly name: string; readonly file: string; readonly work: Promise<unknown> } | null =
    null

  constructor({
    disk = promises,
    clock = systemClock,
    random = Math.random,
    platform = process.platform === 'win32' ? 'W' : 'L',
    loadTimeoutSeconds = 30,
    baselineSeconds = 60,
    steadySeconds = 5,
    noteSeconds = 60,
    onProgress = () => {},
    onChange = () => {},
    log = silentLog,
    ...options
  }: HandlersLayerOptions) {
    this.#disk = disk
    this.#platform = platform
    this.#onProgress = onProgress
    this.#log = log
    this.#folders = new ReleaseFolders({ ...options, disk, log })
    this.#running = new RunningHandlers({
      ...options,
      disk,
      clock,
      random,
      log,
      onChange,
      folders: this.#folders,
      loadTimeoutMs: loadTimeoutSeconds * 1000,
      baselineMs: baselineSeconds * 1000,
      steadyMs: steadySeconds * 1000,
      noteMs: noteSeconds * 1000,
    })
  }

  async wakeUp(): Promise<void> {
    const { lost } = await this.#folders.wakeUp()
    if (lost) this.#complainOfLoss(lost)
    await this.#running.load()
    await settleTrial({ folders: this.#folders, running: this.#running })
  }

  installed(): { title: string; version: string } | null {
    const { active } = this.#folders.pointer
    return active && { title: active.title, version: active.version }
  }

  status(): LayerStatus {
    const { active, previous, trial, history } = this.#folders.pointer
    const version = (trial ?? active)?.version ?? ''
    const handlers = this.#running.handlers.map((handler) => ({ ...handler, version }))
    const details: HandlersDetails = { platform: this.#platform, handlers }
    return { layer: this.name, active, previous, trial, history, refusal: null, details }
  }

  async tryAgain(): Promise<void> {
    await this.#folders.forgive()
  }

  async nothingNew(): Promise<JobResult> {
    await this.#folders.record({ kind: 'unchanged', release: this.installed(), because: null })
    return { kind: 'unchanged', because: null }
  }

  async rollBack(signal: AbortSignal): Promise<JobResult> {
    const { previous } = this.#folders.pointer
    if (!previous) return failed('there is no previous set of handlers to go back to')
    if (this.#busy) return failed(`busy with ${this.#busy.name}`)
    return await this.#alone(nameOf(previous), '', () => this.#rollBackTo(previous, signal))
  }

  async stop(): Promise<void> {
    this.#end.abort(new Error('the box ends'))
    await this.#busy?.work.catch(() => {})
    await this.#running.switchTo(null)
  }

  async #rollBackTo(previous: LayerRelease, signal: AbortSignal): Promise<JobResult> {
    const trouble = await this.#folders.trouble(previous)
    if (trouble) return failed(`the previous set of handlers, ${nameOf(previous)}: ${trouble}`)
    await this.#folders.forgive(previous)
    // Who goes back knows what comes back with it, and what does not.
    const result = await this.#try(previous, {
      expected: null,
      signal,
      as: 'rolled-back',
      because: 'somebody asked for it',
    })
    return result.because === null ? result : failed(result.because)
  }

  /** The same archive once more joins the install under way; another one has to wait. */
  async #installAlone(job: InstallJob): Promise<InstallResult> {
    const { release, file } = job
    if (this.#busy?.file === file) return (await this.#busy.work) as InstallResult
    if (this.#busy) return { kind: 'failed', error: `busy with ${this.#busy.name}` }
    return await this.#alone(nameOf(release), file, () => this.#install(job))
  }

  async #alone<T>(name: string, file: string, act: () => Promise<T>): Promise<T> {
    const work = act()
    this.#busy = { name, file, work }
    try {
      return await work
    } finally {
      this.#busy = null
    }
  }

  async #install({ file, release }: InstallJob): Promise<InstallResult> {
    const { title } = release
    try {
      await this.#replaceLost()
      const bytes = await this.#read(file)
      const content = createHash('sha256').update(bytes).digest('hex')
      const version = release.version ?? content.slice(0, 12)
      const about = { id: releaseId({ title, version, content }), title, version }
      if (this.#folders.pointer.active?.id === about.id) {
        await this.nothingNew()
        return { kind: 'done' }
      }
      // The server's wish needs no rest; it has its own patience.
      const refusal = this.#folders.refusal(about)
      if (refusal?.waitMs === null) throw new UpdateFailed(refusal.because, 'install')
      const built = await this.#build(about, bytes)
      const expected = withoutRetired(this.#running.baseline(), await this.#retired(built))
      const { because } = await this.#try(built, { expected, signal: this.#end.signal })
      return because === null ? { kind: 'done' } : { kind: 'failed', error: because }
    } catch (error) {
      if (!isForeseen(error) || this.#end.signal.aborted) throw error
      const because = messageOf(error)
      const named = { title, version: release.version ?? '' }
      await this.#folders.record({ kind: 'failed', release: named, because })
      return { kind: 'failed', error: because }
    }
  }

  async #retired(release: LayerRelease): Promise<readonly string[]> {
    const isListed = (await this.#folders.listing(release)).some(
      ({ path }) => path === RETIRED_FILE,
    )
    if (!isListed) return []
    const text = await this.#disk.readFile(join(this.#folders.path(release), RETIRED_FILE))
    return retiredIn(text.toString())
  }

  async #read(file: string): Promise<Buffer> {
    const { size } = await this.#disk.stat(file)
    const { archiveBytes } = HANDLER_LIMITS
    if (size > archiveBytes) throw refused(`It has ${size} bytes, more than ${archiveBytes}.`)
    return await this.#disk.readFile(file)
  }

  async #build(
    about: Pick<LayerRelease, 'id' | 'title' | 'version'>,
    bytes: Buffer,
  ): Promise<LayerRelease> {
    this.#tell('unpacking')
    const archive: HandlerArchive = await openArchive(bytes, this.#platform)
    try {
      return await this.#folders.build({ ...about, bytes: archive.bytes }, (folder) =>
        archive.unpack(this.#disk, folder, (done) => this.#tell('unpacking', done, archive.bytes)),
      )
    } finally {
      archive.close()
    }
  }

  async #try(
    release: LayerRelease,
    {
      expected,
      signal,
      ...words
    }: {
      expected: RunningHandlers['expected']
      signal: AbortSignal
      as?: 'rolled-back'
      because?: string
    },
  ): Promise<JobResult> {
    this.#running.expected = expected
    const result = await onTrial({
      ...words,
      release,
      folders: this.#folders,
      running: this.#running,
      signal: AbortSignal.any([signal, this.#end.signal]),
      onPhase: (phase) => this.#tell(phase),
      log: this.#log,
    })
    if (result.because === null) await this.#running.noteBaseline()
    return result
  }

  /** What is no longer what it was is not started again, and does not stay for what it is said to be. */
  async #replaceLost(): Promise<void> {
    const lost = await this.#folders.replaceLost()
    if (!lost) return
    this.#complainOfLoss(lost)
    await this.#running.switchTo(this.#folders.pointer.active)
  }

  #complainOfLoss({ release, because }: { release: LayerRelease; because: string }): void {
    const { active } = this.#folders.pointer
    this.#log.error('A set of handlers is not whole any more.', {
      release: nameOf(release),
      because,
      instead: active ? nameOf(active) : 'none',
    })
  }

  #tell(phase: LayerProgress['phase'], bytes?: number, totalBytes?: number): void {
    this.#onProgress(inPhase(phase, bytes, totalBytes))
  }
}

const failed = (because: string): JobResult => ({ kind: 'failed', because })

const nameOf = ({ title, version }: { title: string; version: string | null }): string =>
  `${title} ${version ?? ''}`.trim()

/** It will not be better by trying again at once. */
const isForeseen = (error: unknown): boolean =>
  error instanceof UpdateFailed || error instanceof DomainError || codeOf(error) === 'ENOSPC'
