/**
 * How a layer that consists of folders keeps its releases: side by side in `releases/`, each whole or not there, never
 * changed once it is complete, and never deleted because something went wrong. A small file, the pointer, says which of
 * them is active; it is written last.
 */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import {
  type Disk,
  freeBytes,
  makeFolder,
  namesIn,
  outOfSpace,
  refuseWithoutSpace,
  syncFolder,
} from '../disk.ts'
import { Generations } from '../generations.ts'
import { type Log, silentLog } from '../log.ts'
import { codeOf, UpdateFailed } from '../trouble.ts'
import type { BackOff } from '../waits.ts'
import type { LayerRelease, LayerResult } from './layer.ts'
import {
  type Listing,
  listingOf,
  MARK,
  readMark,
  syncTree,
  troubleWith,
  writeMark,
} from './listing.ts'
import {
  BACK_OFF,
  begun,
  confirmed,
  forgiven,
  lost,
  MAX_STARTS,
  NOTHING,
  needed,
  type Pointer,
  type Refusal,
  recorded,
  refusalOf,
  wentBack,
} from './pointer.ts'

export type { Refusal }

export interface ReleaseFoldersOptions {
  readonly disk: Disk
  /** Belongs to this layer alone: `releases/` and the pointer are in it. */
  readonly folder: string
  /** Kept free on the disk beside what is unpacked. */
  readonly reserveBytes?: number
  /** A release that was started so often without being confirmed is not started any more. */
  readonly maxStarts?: number
  readonly backOff?: BackOff
  /** The box's own clock, which may be wrong. */
  readonly wallMs?: () => number
  readonly log?: Log
}

/** What the last life left behind. */
export interface WokenUp {
  /** On trial when it ended; goBack() or confirm() is due. */
  readonly trial: LayerRelease | null
  /** What was active and is no longer whole; the previous one is active instead, or none. */
  readonly lost: { readonly release: LayerRelease; readonly because: string } | null
}

const RESERVE_BYTES = 16 * 1_048_576
const UNFINISHED = '.part'

export class ReleaseFolders {
  readonly #options: Required<Omit<ReleaseFoldersOptions, 'folder'>>
  readonly #releases: string
  readonly #kept: Generations<Pointer>
  #pointer = NOTHING
  #isLoaded = false

  constructor({ folder, ...options }: ReleaseFoldersOptions) {
    this.#options = {
      reserveBytes: RESERVE_BYTES,
      maxStarts: MAX_STARTS,
      backOff: BACK_OFF,
      wallMs: Date.now,
      log: silentLog,
      ...options,
    }
    this.#releases = join(folder, 'releases')
    const { disk, log } = this.#options
    const format = 'updraft-pointer-1'
    this.#kept = new Generations({ disk, folder, log, name: 'pointer', format, empty: NOTHING })
  }

  get pointer(): Pointer {
    return this.#pointer
  }

  /** The folder of a release, whether it is there or not. */
  path({ id }: Pick<LayerRelease, 'id'>): string {
    return join(this.#releases, id)
  }

  /**
   * After each start, before anything else: removes what was never finished, and looks whether what is active is still
   * what it was. Can be cut off anywhere and taken again.
   */
  async wakeUp(): Promise<WokenUp> {
    const { disk } = this.#options
    await makeFolder(disk, this.#releases)
    if (!this.#isLoaded) this.#pointer = await this.#kept.load()
    this.#isLoaded = true
    await this.#removeUnfinished()
    return { trial: this.pointer.trial, lost: await this.replaceLost() }
  }

  /**
   * Puts a release beside the others, whole and checked, without starting it. `fill` is given an empty folder; what it has
   * put there is read back and brought to the medium. One that is there already is left as it is. Throws UpdateFailed.
   */
  async build(
    about: Pick<LayerRelease, 'id' | 'title' | 'version'> & { readonly bytes: number },
    fill: (folder: string) => Promise<void>,
  ): Promise<LayerRelease> {
    const { disk, reserveBytes, wallMs } = this.#options
    const { id, title, version, bytes } = about
    const release = { id, title, version, installedAt: new Date(wallMs()).toISOString() }
    const folder = this.path(release)
    if ((await troubleWith(disk, folder)) === null) return release
    await this.collect(id)
    await this.#remove(id)
    await refuseWithoutSpace(disk, this.#releases, { bytes, reserveBytes })
    const unfinished = `${folder}${UNFINISHED}`
    try {
      await disk.mkdir(unfinished, { recursive: true })
      await fill(unfinished)
      await syncTree(disk, unfinished)
      const listing = await listingOf(disk, unfinished)
      await disk.rename(unfinished, folder)
      await syncFolder(disk, this.#releases)
      await writeMark(disk, folder, listing)
      return release
    } catch (error) {
      const free = await freeBytes(disk, this.#releases).catch(() => 0)
      // What cannot be removed now is at the next wake-up.
      await this.#remove(id).catch(() => {})
      throw codeOf(error) === 'ENOSPC' ? outOfSpace(bytes + reserveBytes, free) : error
    }
  }

  /** What is wrong with a release, for people; null when it is all there, as it was built. */
  trouble(release: Pick<LayerRelease, 'id'>): Promise<string | null> {
    return troubleWith(this.#options.disk, this.path(release))
  }

  /** The files of a release with their sizes and hashes, as they were when it was built. */
  async listing(release: Pick<LayerRelease, 'id'>): Promise<Listing> {
    return (await readMark(this.#options.disk, this.path(release))) ?? []
  }

  /**
   * Why that release should not be started, or null. A release that failed is left alone for a while by what happens of
   * itself, and for good after `maxStarts` starts, until somebody asks for it: see forgive().
   */
  refusal(release: Pick<LayerRelease, 'id' | 'title' | 'version'>): Refusal | null {
    const { maxStarts, backOff, wallMs } = this.#options
    return refusalOf(this.pointer, release, { maxStarts, backOff, nowMs: wallMs() })
  }

  /** Forgets the failures of a release, or of all: an operator or somebody at the page wants it tried once more. */
  async forgive(release?: Pick<LayerRelease, 'id'>): Promise<void> {
    if (this.pointer.attempts.length === 0) return
    await this.#note(forgiven(this.pointer, release?.id))
  }

  /** On trial, and counted, from here on; whoever calls starts it then. Throws UpdateFailed when it is not whole. */
  async begin(release: LayerRelease): Promise<void> {
    const trouble = await this.trouble(release)
    if (trouble) throw new UpdateFailed(`${release.title} ${release.version}: ${trouble}`, 'image')
    await this.#decide(begun(this.pointer, release))
  }

  /** What is on trial is active from here on. Then what nobody needs any more is removed. */
  async confirm(kind: 'updated' | 'rolled-back' = 'updated', because: string | null = null) {
    await this.#decide(confirmed(this.pointer, { kind, because, at: this.#now() }))
    await this.collect()
  }

  /** What is on trial did not pass, and what was active still is. `isCutOff`: the machine went down meanwhile. */
  async goBack(because: string, { isCutOff = false } = {}): Promise<void> {
    const nowMs = this.#options.wallMs()
    await this.#note(wentBack(this.pointer, { at: this.#now(), because, isCutOff, nowMs }))
  }

  /** Adds how an attempt ended that never came to a trial. */
  async record(result: Omit<LayerResult, 'at'>): Promise<void> {
    await this.#note(recorded(this.pointer, { ...result, at: this.#now() }))
  }

  /** Removes all releases but the active one, the previous one, the one on trial, and that one. */
  async collect(alsoKeep?: string): Promise<void> {
    const keep = new Set([...needed(this.pointer), alsoKeep])
    for (const name of await namesIn(this.#options.disk, this.#releases)) {
      if (!keep.has(name)) await this.#removeIfPossible(name)
    }
  }

  async #removeUnfinished(): Promise<void> {
    const { disk } = this.#options
    const keep = new Set(needed(this.pointer))
    for (const name of await namesIn(disk, this.#releases)) {
      // One that the pointer names is looked at file by file, and not removed for being damaged.
      if (keep.has(name)) continue
      if (name.endsWith(UNFINISHED) || !(await this.#isMarked(name))) {
        await this.#removeIfPossible(name)
      }
    }
  }

  /** One that cannot be read now is not taken for unfinished. */
  #isMarked(name: string): Promise<boolean> {
    return readMark(this.#options.disk, join(this.#releases, name)).then(
      (listing) => listing !== null,
      () => true,
    )
  }

  /** Windows removes nothing that is open; there is a next time. */
  async #removeIfPossible(name: string): Promise<void> {
    try {
      await this.#remove(name)
    } catch (error) {
      this.#options.log.warn('What is not needed any more cannot be removed.', { name, error })
    }
  }

  /**
   * Whether what is active is still what it was; if not, the previous one is active from here on, or none. It is not
   * started here.
   */
  async replaceLost(): Promise<WokenUp['lost']> {
    const { active, previous } = this.pointer
    if (!active) return null
    const because = await this.trouble(active)
    if (because === null) return null
    const isPreviousWhole = previous !== null && (await this.trouble(previous)) === null
    await this.#note(lost(this.pointer, { at: this.#now(), because, isPreviousWhole }))
    return { release: active, because }
  }

  /** The mark goes first, so that a release that is half removed is no release. */
  async #remove(name: string): Promise<void> {
    const { disk } = this.#options
    const folder = join(this.#releases, name)
    if ((await namesIn(disk, folder)).includes(MARK)) {
      await disk.rm(join(folder, MARK), { force: true })
      await syncFolder(disk, folder)
    }
    await disk.rm(folder, { recursive: true, force: true })
    if (!name.endsWith(UNFINISHED)) {
      await disk.rm(`${folder}${UNFINISHED}`, { recursive: true, force: true })
    }
  }

  /** A decision: it counts once it is on the medium, and not otherwise. */
  async #decide(pointer: Pointer): Promise<void> {
    try {
      await this.#kept.write(pointer)
    } catch (error) {
      if (codeOf(error) !== 'ENOSPC') throw error
      throw new UpdateFailed('out of space: there is no room for the pointer', 'storage')
    }
    this.#pointer = pointer
  }

  /** A fact: it is so, whether it can be written down or not. The next start finds it out once more. */
  async #note(pointer: Pointer): Promise<void> {
    this.#pointer = pointer
    await this.#kept.write(pointer).catch((error) => {
      this.#options.log.error('What became of a release cannot be noted.', { error })
    })
  }

  #now(): string {
    return new Date(this.#options.wallMs()).toISOString()
  }
}

/**
 * Names the folder of a release: readable, the same for the same content, and a name on every file system. `content` is
 * whatever tells two releases apart that are called the same: a hash of the file, a commit.
 */
export function releaseId({
  title,
  version,
  content,
}: {
  title: string
  version: string
  content: string
}): string {
  const hash = createHash('sha256').update(`${title}\0${version}\0${content}`).digest('hex')
  // No dot in the first part: Windows has no file called `con.anything`.
  return [safe(title, /[^a-z0-9]+/g), safe(version, /[^a-z0-9.]+/g), hash.slice(0, 12)]
    .filter(Boolean)
    .join('-')
}

const safe = (text: string, unsafe: RegExp): string =>
  text
    .toLowerCase()
    .replace(unsafe, '-')
    .slice(0, 40)
    .replace(/^[-.]+|[-.]+$/g, '')
