/**
 * Upstream by the git program. It fetches shallow, one branch, first what is listed and then what it lacks of the
 * files in batches, so that a broken line costs a batch at most. Lock files, torn packs and damaged objects that a
 * power cut leaves are cleared away or, at last, the whole of it.
 */
import { readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Log, silentLog } from '../../log.ts'
import { Away, messageOf, UpdateFailed } from '../../trouble.ts'
import { backOffMs, type Clock, type Random, systemClock } from '../../waits.ts'
import type { LayerProgress, OnProgress } from '../layer.ts'
import { Git, GitFailed, type GitOptions, lastWords, withoutSecrets } from './git.ts'
import type { GitTree } from './git-objects.ts'
import { BrokenCache, type GitFile, GitObjects } from './git-objects.ts'
import { type ObjectFormat, removeDamagedPacks, removeEmptyPacks } from './packs.ts'
import { type BroughtCommit, isBranchName, type Upstream, type WantedCode } from './upstream.ts'

export interface GitUpstreamOptions extends GitOptions {
  readonly log?: Log
  readonly clock?: Clock
  readonly random?: Random
}

const WANTED = 'refs/updraft/wanted'
/** Files in a batch: more with each that comes whole, half as many after each that breaks off. */
const FIRST_BATCH = 64
const MAX_BATCH = 512
const MIN_BATCH = 1
/** Attempts in a row without a file before it is for another time. */
const ATTEMPTS = 4
const RETRY = { baseMs: 500, capMs: 8_000 }
/** Jobs in a row that brought nothing: then it may be us, whatever git says. */
const BARREN_JOBS = 5
const MAX_PACKS = 64

export function gitUpstream(options: GitUpstreamOptions): Upstream {
  return new GitUpstream(options)
}

class GitUpstream implements Upstream {
  readonly url: string
  readonly #git: Git
  readonly #log: Log
  readonly #clock: Clock
  readonly #random: Random
  #barrenJobs = 0
  #hasMoved = false

  constructor(options: GitUpstreamOptions) {
    this.url = withoutSecrets(options.url)
    this.#git = new Git(options)
    this.#log = options.log ?? silentLog
    this.#clock = options.clock ?? systemClock
    this.#random = options.random ?? Math.random
  }

  async head(branch: string, signal: AbortSignal): Promise<string | null> {
    if (!isBranchName(branch)) return null
    await this.#prepare('sha1')
    const ref = `refs/heads/${branch}`
    const found = (await this.#refs(ref, signal)).find(([, name]) => name === ref)
    if (found) return found[0]
    // A page of HTML looks to git like a repository with nothing in it; a branch that is missing is told only
    // where there are others.
    if ((await this.#refs('refs/heads/*', signal)).length > 0) return null
    throw this.#noRepository('it shows no branch at all')
  }

  async bring<T>(wanted: WantedCode, put: (commit: BroughtCommit) => Promise<T>): Promise<T> {
    this.#hasMoved = false
    if (this.#barrenJobs >= BARREN_JOBS) await this.#throwAway('nothing came of it for long')
    for (let isSecond = false; ; isSecond = true) {
      try {
        const answer = await this.#bringOnce(wanted, put)
        this.#barrenJobs = 0
        return answer
      } catch (error) {
        this.#barrenJobs = this.#hasMoved ? 0 : this.#barrenJobs + 1
        wanted.signal.throwIfAborted()
        const isBroken = error instanceof BrokenCache || isOurFault(error)
        if (!isBroken || isSecond) throw isBroken ? this.#asAway(error) : error
        await this.#throwAway(messageOf(error))
      }
    }
  }

  async #refs(pattern: string, signal: AbortSignal): Promise<[commit: string, name: string][]> {
    try {
      const said = await this.#git.run(['ls-remote', 'origin', pattern], { signal })
      return said
        .toString('utf8')
        .split('\n')
        .flatMap((line): [string, string][] => {
          const [commit, name] = line.split('\t')
          return commit && name && /^[0-9a-f]{40,64}$/.test(commit) ? [[commit, name]] : []
        })
    } catch (error) {
      signal.throwIfAborted()
      throw this.#asAway(error)
    }
  }

  async #bringOnce<T>(wanted: WantedCode, put: (commit: BroughtCommit) => Promise<T>): Promise<T> {
    const { branch, paths, onProgress, signal } = wanted
    const head = await this.head(branch, signal)
    if (head === null) throw new Away(`${this.url} has no branch ${branch}.`, { kind: 'refused' })
    await this.#prepare(head.length === 64 ? 'sha256' : 'sha1')
    const meter = new Meter(onProgress, this.#clock)
    await this.#patiently(signal, () => this.#fetchListing(branch, meter, signal))
    const commit = (await this.#git.run(['rev-parse', '--verify', WANTED], { signal }))
      .toString('utf8')
      .trim()
    const { files, committedAt } = await this.#list(commit, paths)
    await this.#fetchMissing(files, meter, signal)
    const sizes = await this.#present(signal)
    const sized = files.map((file): GitFile => {
      const sizeBytes = sizes.get(file.object)
      if (sizeBytes === undefined) throw new BrokenCache(`blob ${file.object} is missing`)
      return { ...file, sizeBytes }
    })
    const objects = new GitObjects(this.#git)
    try {
      const tree: GitTree = { files: sized, read: ({ object }) => objects.read(object) }
      const answer = await put({ commit, committedAt, tree })
      await this.#tidy(commit, sized)
      return answer
    } finally {
      await objects.close()
    }
  }

  async #list(commit: string, paths: readonly string[]) {
    const objects = new GitObjects(this.#git)
    try {
      return await objects.list(commit, paths)
    } finally {
      await objects.close()
    }
  }

  /** The commit and its trees; where upstream takes no filter, everything at once. */
  async #fetchListing(branch: string, meter: Meter, signal: AbortSignal): Promise<void> {
    const what = `+refs/heads/${branch}:${WANTED}`
    await this.#fetch(['--depth=1', '--update-shallow', 'origin', what], { meter, signal })
  }

  async #fetchMissing(
    files: readonly { readonly object: string }[],
    meter: Meter,
    signal: AbortSignal,
  ): Promise<void> {
    const present = await this.#present(signal)
    const lacking = [...new Set(files.map(({ object }) => object))].filter(
      (object) => !present.has(object),
    )
    let [from, size] = [0, FIRST_BATCH]
    while (from < lacking.length) {
      const share = from / lacking.length
      meter.batchBegins(share)
      await this.#patiently(
        signal,
        async () => {
          const input = `${lacking.slice(from, from + size).join('\n')}\n`
          // Nothing of what we have helps to pack single files.
          const fetch = ['--stdin', 'origin']
          await this.#fetch(fetch, { meter, signal, input }, 'fetch.negotiationAlgorithm=noop')
        },
        () => {
          size = Math.max(MIN_BATCH, Math.floor(size / 2))
        },
      )
      this.#hasMoved = true
      from += size
      size = Math.min(MAX_BATCH, size * 2)
    }
  }

  async #fetch(
    parameters: readonly string[],
    { meter, signal, input }: { meter: Meter; signal: AbortSignal; input?: string },
    setting?: string,
  ): Promise<void> {
    await this.#git.run(
      [
        ...(setting === undefined ? [] : ['-c', setting]),
        ...['fetch', '--progress', '--no-tags', '--no-write-fetch-head', '--filter=blob:none'],
        ...parameters,
      ],
      { signal, input, onLine: (line) => meter.line(line) },
    )
    meter.fetchEnds()
  }

  /** Again after a while when the line breaks, up to so many times; each time as little is asked as `onBreak` says. */
  async #patiently(signal: AbortSignal, work: () => Promise<void>, onBreak = () => {}) {
    for (let attempt = 1; ; attempt++) {
      try {
        return await work()
      } catch (error) {
        signal.throwIfAborted()
        const away = isOurFault(error) ? null : this.#asAway(error)
        if (away?.kind !== 'network' || attempt >= ATTEMPTS) throw away ?? error
        this.#log.debug('The line to upstream broke; it goes on.', { because: away.message })
        await removeTorn(this.#git.folder)
        onBreak()
        await this.#clock.wait(backOffMs(attempt, RETRY, this.#random), signal)
        signal.throwIfAborted()
      }
    }
  }

  /** Each object our repository holds, with its size. */
  async #present(signal: AbortSignal): Promise<Map<string, number>> {
    const format = '--batch-check=%(objectname) %(objectsize)'
    const said = await this.#git.run(['cat-file', '--batch-all-objects', '--unordered', format], {
      signal,
    })
    return new Map(
      said
        .toString('latin1')
        .split('\n')
        .filter(Boolean)
        .map((line): [string, number] => {
          const [object = '', size] = line.split(' ')
          return [object, Number(size)]
        }),
    )
  }

  /** Every lock and torn file goes: git runs for us alone, and what an earlier life of ours left is ended first. */
  async #prepare(format: ObjectFormat): Promise<void> {
    await this.#git.endOrphan()
    try {
      await this.#git.settle(format)
    } catch (error) {
      // Files where folders should be, or folders where files should.
      await this.#throwAway(messageOf(error))
      await this.#git.settle(format)
    }
    await removeTorn(this.#git.folder)
    await removeDamagedPacks(packsIn(this.#git.folder), format)
  }

  async #throwAway(because: string): Promise<void> {
    this.#log.warn('What was kept of upstream is thrown away and fetched anew.', { because })
    this.#barrenJobs = 0
    await rm(this.#git.folder, { recursive: true, force: true })
  }

  /** One pack of what is wanted takes the place of many, with all that nobody wants any more. */
  async #tidy(commit: string, files: readonly GitFile[]): Promise<void> {
    const packs = packsIn(this.#git.folder)
    const old = (await readdir(packs)).filter((name) => name.endsWith('.pack'))
    if (old.length <= MAX_PACKS) return
    try {
      const trees = await this.#git.run(['ls-tree', '-r', '-d', '-t', '--object-only', commit])
      const root = await this.#git.run(['rev-parse', `${commit}^{tree}`])
      const names = `${commit}\n${root}${trees}${files.map(({ object }) => object).join('\n')}\n`
      const packed = await this.#git.run(['pack-objects', '-q', join(packs, 'pack')], {
        input: names,
      })
      const fresh = `pack-${packed.toString('utf8').trim()}`
      await writeFile(join(packs, `${fresh}.promisor`), '')
      for (const name of await readdir(packs)) {
        if (!name.startsWith(fresh)) await rm(join(packs, name), { force: true })
      }
    } catch (error) {
      await this.#throwAway(messageOf(error))
    }
  }

  #noRepository(because: string, cause?: unknown): Away {
    const message = `What answers at ${this.url} is no git repository: ${because}. Perhaps this network wants somebody to log in first.`
    return new Away(message, { kind: 'busy', cause })
  }

  #asAway(error: unknown): Away {
    if (error instanceof Away || error instanceof UpdateFailed) return error as Away
    if (!(error instanceof GitFailed)) {
      return new Away(`Upstream cannot be read: ${messageOf(error)}.`, {
        kind: 'busy',
        cause: error,
      })
    }
    const { said } = error
    const because = lastWords(said) || error.message
    if (DISK_FULL.test(said)) {
      throw new UpdateFailed(`the disk is full: ${because}`, 'storage')
    }
    if (REFUSED.test(said)) {
      const message = `${this.url} does not let us in: ${because}.`
      return new Away(message, { kind: 'unauthorised', cause: error })
    }
    if (NO_REPOSITORY.test(said) && !LINE.test(said)) return this.#noRepository(because, error)
    if (error.exitCode === null && /ENOENT/.test(error.message)) {
      return new Away('There is no git program on this box.', { kind: 'refused', cause: error })
    }
    return new Away(`${this.url} cannot be reached: ${because}.`, { kind: 'network', cause: error })
  }
}

/** Words of git and of curl for a line that broke. */
const LINE =
  /early EOF|RPC failed|unable to access|hung up|unexpected disconnect|Operation too slow|could not resolve|connection (timed out|refused|reset)|could not read from remote|curl \d+/i

const DISK_FULL = /No space left on device/i

const REFUSED =
  /authentication failed|could not read (username|password)|permission denied|returned error: 40[13]/i

const NO_REPOSITORY =
  /not valid: is this a git repository|protocol error|bad line length|does not appear to be a git repository|not a git repository/i

/**
 * Whether it points at our own repository rather than at the line or at upstream, which has just answered: whatever git
 * says that is not known to be of these.
 */
const isOurFault = (error: unknown): boolean =>
  error instanceof BrokenCache ||
  (error instanceof GitFailed &&
    error.exitCode !== null &&
    !LINE.test(error.said) &&
    !NO_REPOSITORY.test(error.said) &&
    !REFUSED.test(error.said) &&
    !DISK_FULL.test(error.said))

const packsIn = (folder: string): string => join(folder, 'objects', 'pack')

/** Locks, and files that were being written. */
async function removeTorn(folder: string): Promise<void> {
  const torn = /\.lock$|^(tmp_|\.tmp-|tmp-)|^incoming-|^bulk_fsync|^shallow_/
  const names = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  for (const each of names) {
    if (!torn.test(each.name)) continue
    await rm(join(each.parentPath, each.name), { recursive: true, force: true })
  }
  await removeEmptyPacks(packsIn(folder))
}

/** Bytes as git tells of them, over all fetches of one job, and how long it may still take. */
class Meter {
  readonly #onProgress: OnProgress
  readonly #clock: Clock
  readonly #startMs: number
  #bytesBefore = 0
  #bytesNow = 0
  #share = 0

  constructor(onProgress: OnProgress, clock: Clock) {
    this.#onProgress = onProgress
    this.#clock = clock
    this.#startMs = clock.nowMs()
    this.#tell()
  }

  /** That share of the files is here. */
  batchBegins(share: number): void {
    this.#share = share
    this.#tell()
  }

  /** `Receiving objects:  45% (123/273), 1.20 MiB | 300.00 KiB/s` */
  line(line: string): void {
    const found = /Receiving objects:.*?, ([\d.]+) (bytes|KiB|MiB|GiB)/.exec(line)
    if (!found) return
    this.#bytesNow = Math.round(Number(found[1]) * UNITS[found[2] as keyof typeof UNITS])
    this.#tell()
  }

  fetchEnds(): void {
    this.#bytesBefore += this.#bytesNow
    this.#bytesNow = 0
  }

  /** How much there is nobody tells; from the share of the files it is guessed. */
  #tell(): void {
    const bytes = this.#bytesBefore + this.#bytesNow
    const seconds = (this.#clock.nowMs() - this.#startMs) / 1000
    const bytesPerSecond = seconds > 0.5 ? Math.round(bytes / seconds) : null
    const totalBytes =
      this.#share > 0.02 ? Math.max(bytes, Math.round(this.#bytesBefore / this.#share)) : null
    const secondsLeft =
      totalBytes !== null && bytesPerSecond
        ? Math.round((totalBytes - bytes) / bytesPerSecond)
        : null
    const progress: LayerProgress = {
      phase: 'downloading',
      bytes,
      totalBytes,
      bytesPerSecond,
      secondsLeft,
      isSafeToUnplug: true,
    }
    this.#onProgress(progress)
  }
}

const UNITS = { bytes: 1, KiB: 1024, MiB: 1_048_576, GiB: 1_073_741_824 } as const
