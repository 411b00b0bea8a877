/**
 * The code of a box: the core service, which follows a branch of the upstream repository, or comes as releases from the
 * configured server. A new release is fetched and written beside the one that runs, started on trial, and either
 * confirmed or taken back; the pointer that says which is active is written last.
 */
import type { Installed } from '@updraft/core'
import { type Disk, refuseWithoutSpace } from '../../disk.ts'
import { Generations } from '../../generations.ts'
import type { Installer, InstallJob, InstallResult } from '../../installer.ts'
import { type Log, silentLog } from '../../log.ts'
import { missingFor } from '../../needs.ts'
import { Away, codeOf, messageOf, UpdateFailed } from '../../trouble.ts'
import { type BackOff, backOffMs, type Clock, type Random } from '../../waits.ts'
import { type HealthCheck, type HealthWindow, healthBefore } from '../image/health.ts'
import {
  inPhase,
  type JobResult,
  type Layer,
  type LayerProgress,
  type LayerRelease,
  type LayerStatus,
  type OnProgress,
} from '../layer.ts'
import { ReleaseFolders, type ReleaseFoldersOptions, releaseId } from '../release-folders.ts'
import { onTrial, type Running, settleTrial } from '../trial.ts'
import { openCodeArchive } from './code-archive.ts'
import {
  type CheckedTree,
  type CodeNote,
  checkedTree,
  nameOf,
  readNote,
  writeCode,
} from './code-release.ts'
import { codeRunning } from './code-running.ts'
import type { HealthForm } from './manifest.ts'
import type { Service } from './service.ts'
import type { CodeTree } from './tree.ts'
import { type BroughtCommit, branchOf, isBranchName, type Upstream } from './upstream.ts'

export interface CodeLayerOptions
  extends Pick<ReleaseFoldersOptions, 'reserveBytes' | 'maxStarts' | 'backOff' | 'wallMs'> {
  readonly disk: Disk
  /** Belongs to this layer alone. */
  readonly folder: string
  /** Null where code comes from the configured server only. */
  readonly upstream: Upstream | null
  readonly service: Service
  /** Where the code does not say itself how it is started. */
  readonly serviceCommand?: readonly string[] | null
  readonly health?: Partial<HealthForm>
  readonly checks?: readonly HealthCheck[]
  /** What runs here of other types, for what the code needs. */
  readonly runs: (type: string) => Installed | null
  /** Instead of the branch of the series. */
  readonly branch?: string | null
  /** Only these folders of the repository; empty: all. */
  readonly paths?: readonly string[]
  readonly refusal?: LayerStatus['refusal']
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly platform: NodeJS.Platform
  readonly clock: Clock
  readonly random: Random
  readonly onProgress?: OnProgress
  readonly log?: Log
}

export interface CodeUpdate {
  /** The series that the server tells, such as 17.0; null: it told none. */
  readonly series: string | null
  /** Somebody pressed the button. */
  readonly isAsked: boolean
  readonly signal: AbortSignal
}

export interface CodeLayer extends Layer {
  /**
   * Brings what upstream has on the branch of the series, unless that runs already. Of itself it leaves alone for a while
   * what could not be had or did not hold. A second call for the same series joins the first; for another, it comes after.
   */
  update(update: CodeUpdate): Promise<JobResult>
  /** Looks how far upstream is, and changes nothing. */
  look(update: Pick<CodeUpdate, 'series' | 'signal'>): Promise<CodeDetails>
  /** When update() may be tried again of itself; 0: at any time. */
  untilRetryMs(): number
  restart(): Promise<JobResult>
  /** Releases that failed too often may be tried again: somebody asks for it. */
  tryAgain(): Promise<void>
  /** Ends the service, for the agent ends. What is on trial is decided at the next start. */
  end(): Promise<void>
}

/** In the status, for page and server. */
export interface CodeDetails {
  readonly note: CodeNote | null
  readonly upstream: {
    readonly url: string
    readonly branch: string | null
    readonly commit: string | null
    readonly lookedAt: string | null
    /** Whether upstream has another commit than the one that runs; null: nobody knows. */
    readonly isAhead: boolean | null
    /** Why the last look, or the last fetch, came to nothing. */
    readonly trouble: string | null
  } | null
  readonly service: { readonly kind: string; readonly because: string | null } | null
}

interface Memory {
  /** Somebody went back from it by hand: it does not come again of itself. */
  readonly left: string | null
}

interface Looked {
  readonly branch: string
  readonly commit: string | null
  readonly at: string
}

const RETRY: BackOff = { baseMs: 60_000, capMs: 3_600_000 }
/** What a tree takes beside its bytes, a file. */
const BYTES_A_FILE = 4_096

export function codeLayer(options: CodeLayerOptions): CodeLayer {
  return new Code(options)
}

class Code implements CodeLayer {
  readonly name = 'code'
  readonly installer: Installer
  readonly #options: CodeLayerOptions
  readonly #log: Log
  readonly #folders: ReleaseFolders
  readonly #running: Running
  readonly #memory: Generations<Memory>
  readonly #end = new AbortController()
  #note: CodeNote | null = null
  #before: HealthWindow['before'] = {}
  #looked: Looked | null = null
  #trouble: string | null = null
  #failures = 0
  #retryAtMs = 0
  #underWay: { readonly key: string; readonly work: Promise<JobResult> } | null = null

  constructor(options: CodeLayerOptions) {
    const { disk, folder, reserveBytes, maxStarts, backOff, wallMs, log = silentLog } = options
    this.#options = options
    this.#log = log
    const limits = { reserveBytes, maxStarts, backOff, wallMs }
    const said = Object.entries(limits).filter(([, value]) => value !== undefined)
    this.#folders = new ReleaseFolders({ disk, folder, log, ...Object.fromEntries(said) })
    this.#running = codeRunning({
      ...options,
      folders: this.#folders,
      before: () => this.#before,
    })
    this.#memory = new Generations({
      ...{ disk, folder, log, name: 'memory', format: 'updraft-code-1' },
      empty: { left: null },
    })
    this.installer = { install: (job) => this.#install(job) }
  }

  async wakeUp(signal: AbortSignal): Promise<void> {
    if (this.#options.refusal) return
    await this.#folders.wakeUp()
    await this.#memory.load()
    signal.throwIfAborted()
    try {
      await settleTrial({ folders: this.#folders, running: this.#running })
    } catch (error) {
      // Without its service the box still shows its page, and takes updates.
      this.#trouble = messageOf(error)
      this.#log.error('The service does not start.', { because: this.#trouble })
    }
    await this.#readNote()
  }

  installed(): Installed | null {
    const { active } = this.#folders.pointer
    return active && { title: active.title, version: active.version }
  }

  status(): LayerStatus {
    const { active, previous, trial, history } = this.#folders.pointer
    const { refusal = null } = this.#options
    return { layer: 'code', active, previous, trial, history, refusal, details: this.#details() }
  }

  update(update: CodeUpdate): Promise<JobResult> {
    const key = `${update.series} ${update.isAsked}`
    if (this.#underWay?.key === key) return this.#underWay.work
    return this.#alone(key, () => this.#update(update))
  }

  rollBack(signal: AbortSignal): Promise<JobResult> {
    return this.#alone('back', () => this.#rollBack(signal))
  }

  restart(): Promise<JobResult> {
    return this.#alone('restart', async () => {
      await this.#options.service.restart()
      return { kind: 'unchanged', because: null }
    })
  }

  async look({ series, signal }: Pick<CodeUpdate, 'series' | 'signal'>): Promise<CodeDetails> {
    const { upstream } = this.#options
    if (upstream) {
      await this.#head(upstream, this.#branch(series), signal).catch((error) => {
        signal.throwIfAborted()
        this.#trouble = messageOf(error)
      })
    }
    return this.#details()
  }

  untilRetryMs(): number {
    return Math.max(0, this.#retryAtMs - this.#options.clock.nowMs())
  }

  async tryAgain(): Promise<void> {
    this.#retryAtMs = 0
    await this.#folders.forgive()
  }

  async end(): Promise<void> {
    this.#end.abort(new Error('the box ends'))
    await this.#underWay?.work.catch(() => {})
    await this.#options.service.end()
  }

  /** From the configured server: the same archive once more joins the install under way. */
  async #install(job: InstallJob): Promise<InstallResult> {
    const { refusal } = this.#options
    if (refusal) return { kind: 'failed', error: `${refusal.because} ${refusal.instead}` }
    const key = `install ${job.file}`
    const { kind, because } = await (this.#underWay?.key === key
      ? this.#underWay.work
      : this.#alone(key, () => this.#installAlone(job)))
    return kind === 'updated' || kind === 'unchanged'
      ? { kind: 'done' }
      : { kind: 'failed', error: because ?? kind }
  }

  async #installAlone({ file, release }: InstallJob): Promise<JobResult> {
    const { disk } = this.#options
    this.#tell('unpacking')
    try {
      const archive = await openCodeArchive(disk, file)
      try {
        const { commit, sha256 } = archive
        const version = release.version ?? sha256.slice(0, 12)
        const id = releaseId({ title: release.title, version, content: sha256 })
        const about = { id, title: release.title, version }
        if (this.#folders.pointer.active?.id === id) {
          if ((await this.#folders.replaceLost()) === null) {
            return { kind: 'unchanged', because: null }
          }
        }
        // The server's wish needs no rest; it has its own patience.
        const refusal = this.#folders.refusal(about)
        if (refusal?.waitMs === null) throw new UpdateFailed(refusal.because, 'install')
        const place = { branch: null, series: null, committedAt: null, paths: [] }
        const note = { from: 'server', commit, ...place } as const
        const built = await this.#build(about, archive.tree, note, this.#end.signal)
        return await this.#try(built, this.#end.signal)
      } finally {
        await archive.close()
      }
    } catch (error) {
      const isForeseen = error instanceof UpdateFailed || codeOf(error) === 'ENOSPC'
      if (!isForeseen || this.#end.signal.aborted) throw error
      const because = messageOf(error)
      const named = { title: release.title, version: release.version ?? '' }
      await this.#folders.record({ kind: 'failed', release: named, because })
      return failedFor(because)
    }
  }

  /** One after the other, whoever asks. */
  #alone(key: string, work: () => Promise<JobResult>): Promise<JobResult> {
    const before = this.#underWay?.work.catch(() => {}) ?? Promise.resolve()
    const underWay = { key, work: before.then(work) }
    this.#underWay = underWay
    const end = () => {
      if (this.#underWay === underWay) this.#underWay = null
    }
    underWay.work.then(end, end)
    return underWay.work
  }

  async #update({ series, isAsked, signal }: CodeUpdate): Promise<JobResult> {
    const { refusal, upstream } = this.#options
    if (refusal) return failedFor(`${refusal.because} ${refusal.instead}`)
    if (!upstream)
      return failedFor('The code of this box comes from its server, not from upstream.')
    this.#tell('checking')
    try {
      if (!isAsked && this.untilRetryMs() > 0 && this.#isSame(series)) {
        const minutes = Math.ceil(this.untilRetryMs() / 60_000)
        return failedFor(`${this.#trouble} It is tried again in ${minutes} min.`)
      }
      const result = await this.#bring(upstream, { series, isAsked, signal })
      this.#failures = 0
      this.#retryAtMs = 0
      if (result.kind !== 'failed') this.#trouble = null
      return result
    } catch (error) {
      signal.throwIfAborted()
      return await this.#failed(error)
    }
  }

  async #bring(upstream: Upstream, update: CodeUpdate): Promise<JobResult> {
    const { disk, paths = [] } = this.#options
    const { series, isAsked, signal } = update
    const branch = this.#branch(series)
    const commit = await this.#head(upstream, branch, signal)
    if (commit === null) {
      throw new UpdateFailed(`${upstream.url} has no branch ${branch}; ${this.#stays()}`)
    }
    const meant = this.#about(upstream, branch, commit)
    const settled = await this.#settled(meant, isAsked)
    if (settled) return settled
    await refuseWithoutSpace(disk, this.#options.folder, this.#spaceBefore())
    const note = { from: 'upstream', branch, series, paths } as const
    const built = await upstream.bring(
      { branch, paths, signal, onProgress: (progress) => this.#options.onProgress?.(progress) },
      async (brought: BroughtCommit): Promise<LayerRelease | JobResult> => {
        const about = this.#about(upstream, branch, brought.commit)
        // It may have moved on since.
        const also = about.id === meant.id ? null : await this.#settled(about, isAsked)
        const { commit, committedAt } = brought
        return (
          also ?? (await this.#build(about, brought.tree, { ...note, commit, committedAt }, signal))
        )
      },
    )
    return 'kind' in built ? built : await this.#try(built, signal)
  }

  /** What there is to say about it without fetching: it runs already, or is not to be started. */
  async #settled(
    release: Pick<LayerRelease, 'id' | 'title' | 'version'>,
    isAsked: boolean,
  ): Promise<JobResult | null> {
    const { active } = this.#folders.pointer
    if (active?.id === release.id) {
      // Whoever presses the button may do so because something is wrong with it.
      if (!isAsked || (await this.#folders.trouble(active)) === null) {
        return { kind: 'unchanged', because: null }
      }
      await this.#folders.replaceLost()
    }
    if (isAsked) {
      await this.#folders.forgive(release)
      return null
    }
    if (this.#memory.value.left === release.id) {
      const because = `Somebody went back from ${nameOf(release)}; the next commit comes of itself.`
      return { kind: 'unchanged', because }
    }
    const refusal = this.#folders.refusal(release)
    return refusal && failedFor(refusal.because)
  }

  async #build(
    about: Pick<LayerRelease, 'id' | 'title' | 'version'>,
    tree: CodeTree,
    note: CodeNote,
    signal: AbortSignal,
  ): Promise<LayerRelease> {
    const { disk, platform, runs } = this.#options
    this.#tell('verifying')
    const checked: CheckedTree = await checkedTree(tree, platform)
    const missing = missingFor(checked.manifest.needs, runs)
    if (missing) throw new UpdateFailed(`${nameOf(about)} is not installed: ${missing}`, 'request')
    const bytes = checked.bytes + tree.files.length * BYTES_A_FILE
    const onBytes = (written: number) => this.#tell('writing', written, checked.bytes)
    return await this.#folders.build({ ...about, bytes }, async (folder) => {
      await writeCode(disk, folder, { tree, note, onBytes, signal })
      this.#tell('verifying')
    })
  }

  async #try(
    release: LayerRelease,
    stop: AbortSignal,
    as: 'updated' | 'rolled-back' = 'updated',
  ): Promise<JobResult> {
    const signal = AbortSignal.any([stop, this.#end.signal])
    this.#before = await healthBefore(this.#options.checks ?? [])
    const result = await onTrial({
      ...{ folders: this.#folders, running: this.#running, release, signal, as },
      log: this.#log,
      onPhase: (phase) => this.#tell(phase),
    })
    await this.#readNote()
    return result
  }

  async #rollBack(signal: AbortSignal): Promise<JobResult> {
    const { active, previous } = this.#folders.pointer
    if (!previous) return failedFor('There is no release of the code to go back to.')
    await this.#folders.forgive(previous)
    // Before the switch, for a power cut after it must not bring back what somebody went back from.
    await this.#memory.write({ left: active?.id ?? null })
    const result = await this.#try(previous, signal, 'rolled-back')
    const isBack = this.#folders.pointer.active?.id === previous.id
    if (!isBack) await this.#memory.write({ left: null })
    return isBack ? result : { kind: 'failed', because: result.because }
  }

  /** What ran runs on, and why nothing came of it is told. */
  async #failed(error: unknown): Promise<JobResult> {
    const because = messageOf(error)
    const isForeseen = error instanceof Away || error instanceof UpdateFailed
    if (isForeseen) this.#log.warn('The code is not updated.', { because })
    else this.#log.error('Something unforeseen went wrong with the code.', { error })
    const { clock, random } = this.#options
    this.#trouble = because
    this.#failures += 1
    this.#retryAtMs = clock.nowMs() + backOffMs(this.#failures, RETRY, random)
    // Told once, however often it is tried.
    const [last] = this.#folders.pointer.history
    if (last?.kind !== 'failed' || last.because !== because) {
      await this.#folders
        .record({ kind: 'failed', because, release: null })
        .catch((error_) => this.#log.error('That it failed cannot be noted.', { error: error_ }))
    }
    return failedFor(because)
  }

  async #head(upstream: Upstream, branch: string, signal: AbortSignal): Promise<string | null> {
    const commit = await upstream.head(branch, signal)
    const { wallMs = Date.now } = this.#options
    this.#looked = { branch, commit, at: new Date(wallMs()).toISOString() }
    return commit
  }

  #branch(series: string | null): string {
    const branch = this.#options.branch ?? (series === null ? null : branchOf(series))
    if (branch === null) throw new UpdateFailed('The server has not said which series to follow.')
    if (!isBranchName(branch)) throw new UpdateFailed(`"${branch}" cannot be the name of a branch.`)
    return branch
  }

  #isSame(series: string | null): boolean {
    return this.#looked === null || this.#looked.branch === this.#branch(series)
  }

  #about(upstream: Upstream, branch: string, commit: string) {
    const title = titleOf(upstream.url)
    const version = `${branch}#${commit.slice(0, 7)}`
    const content = [commit, ...(this.#options.paths ?? [])].join('\0')
    return { id: releaseId({ title, version, content }), title, version }
  }

  /** Before anybody knows: about as much as there is. */
  #spaceBefore(): { bytes: number; reserveBytes: number } {
    return { bytes: 0, reserveBytes: this.#options.reserveBytes ?? 16 * 1_048_576 }
  }

  #stays(): string {
    const { active } = this.#folders.pointer
    return active ? `${nameOf(active)} runs on` : 'nothing is installed'
  }

  async #readNote(): Promise<void> {
    const { active } = this.#folders.pointer
    this.#note = active
      ? await readNote(this.#options.disk, this.#folders.path(active)).catch(() => null)
      : null
  }

  #details(): CodeDetails {
    const { upstream, service } = this.#options
    const looked = this.#looked
    const commit = looked?.commit ?? null
    const state = service.state()
    return {
      note: this.#note,
      upstream: upstream && {
        url: upstream.url,
        branch: looked?.branch ?? null,
        commit,
        lookedAt: looked?.at ?? null,
        isAhead: commit === null ? null : commit !== this.#note?.commit,
        trouble: this.#trouble,
      },
      service: state && {
        kind: state.kind,
        because: state.kind === 'running' ? null : state.because,
      },
    }
  }

  #tell(phase: LayerProgress['phase'], bytes: number | null = null, totalBytes = bytes): void {
    this.#options.onProgress?.(inPhase(phase, bytes, totalBytes))
  }
}

/** What the repository is called. */
const titleOf = (url: string): string =>
  url
    .replace(/[/\\]+$/, '')
    .split(/[/\\:]/)
    .at(-1)
    ?.replace(/\.git$/, '') || 'code'

const failedFor = (because: string): JobResult => ({ kind: 'failed', because })
