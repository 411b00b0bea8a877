/**
 * What runs here now, by component type. Three sources, the later ones stronger: installed.json in the state
 * folder (kept by the agent; a script or a new image may write it too), what the settings say when they say
 * something new since the last start, and the program that is asked at each start.
 */
import { join } from 'node:path'
import type { Installed } from '@updraft/core'
import { type Disk, readIfThere, writeDurably } from './disk.ts'
import type { Log } from './log.ts'
import { messageOf } from './trouble.ts'
import type { Clock } from './waits.ts'

export type InstalledByType = Readonly<Record<string, Installed>>

/** Asks a program what runs now. A title it does not tell is null: then the one we know stands. */
export type AskInstalled = () => Promise<InstalledByType>

const ASK_ATTEMPTS = 5
const ASK_AGAIN_MS = 2_000

export class InstalledVersions {
  readonly #disk: Disk
  readonly #path: string
  readonly #given: InstalledByType
  readonly #ask: AskInstalled | null
  readonly #clock: Clock
  readonly #log: Log
  #current: InstalledByType = {}
  #untitled: ReadonlySet<string> = new Set()
  #trouble: string | null = null

  constructor(about: {
    disk: Disk
    folder: string
    given: InstalledByType
    ask: AskInstalled | null
    clock: Clock
    log: Log
  }) {
    this.#disk = about.disk
    this.#path = join(about.folder, 'installed.json')
    this.#given = about.given
    this.#ask = about.ask
    this.#clock = about.clock
    this.#log = about.log
  }

  get current(): InstalledByType {
    return this.#current
  }

  /** Why the program that knows did not answer, or null: then what is known here may be old. */
  get trouble(): string | null {
    return this.#trouble
  }

  of(type: string): Installed | null {
    return this.#current[type] ?? null
  }

  /** Whether exactly that runs. A program that tells no title is believed for its version. */
  runs(release: { type: string; title: string; version: string }): boolean {
    const installed = this.of(release.type)
    return (
      installed?.version === release.version &&
      (installed.title === null ||
        installed.title === release.title ||
        this.#untitled.has(release.type))
    )
  }

  /** Whether that update has come home, as far as what runs can tell. `before` is what ran when it was begun. */
  hasArrived(
    release: { type: string; title: string; version: string | null },
    before: Installed | null,
  ): boolean {
    const { type, title, version } = release
    if (version !== null) return this.runs({ type, title, version })
    const now = this.of(type)
    return now !== null && !isSame(now, before ?? undefined)
  }

  /**
   * Looks at all three sources. `before` is what the settings said at the last start; the answer is what they
   * say now, the very same object when nothing about them changed. So a unit file that still names the version
   * the device was shipped with is outdone by an update, and one that came with a new image is believed.
   */
  async wakeUp(before: InstalledByType): Promise<InstalledByType> {
    const news = Object.entries(this.#given).filter(([type, runs]) => !isSame(runs, before[type]))
    if (news.length > 0) await this.#write({ ...(await this.#read()), ...Object.fromEntries(news) })
    await this.lookAgain()
    return news.length > 0 ? { ...before, ...this.#given } : before
  }

  /** Reads the file and asks the program once more, with a few attempts. */
  async lookAgain(): Promise<void> {
    const known = await this.#read()
    this.#current = known
    this.#untitled = new Set()
    if (!this.#ask) return
    for (let attempt = 1; attempt <= ASK_ATTEMPTS; attempt++) {
      try {
        const told = Object.entries(await this.#ask())
        const complete = told.map(([type, { title, version }]) => [
          type,
          { title: title ?? known[type]?.title ?? null, version },
        ])
        this.#current = { ...known, ...Object.fromEntries(complete) }
        this.#untitled = new Set(
          told.filter(([, { title }]) => title === null).map(([type]) => type),
        )
        this.#trouble = null
        return
      } catch (error) {
        this.#trouble = messageOf(error)
        this.#log.warn('What runs now cannot be asked.', { because: this.#trouble, attempt })
        if (attempt < ASK_ATTEMPTS) await this.#clock.wait(ASK_AGAIN_MS * attempt)
      }
    }
  }

  /** From now on that is what runs. */
  async becomes(type: string, installed: Installed): Promise<void> {
    this.#current = { ...this.#current, [type]: installed }
    const written = await this.#read()
    if (!isSame(installed, written[type])) await this.#write({ ...written, [type]: installed })
  }

  async #read(): Promise<InstalledByType> {
    const text = await readIfThere(this.#disk, this.#path)
    if (text === null) return this.#given
    try {
      return parseInstalled(text)
    } catch (error) {
      this.#log.warn('installed.json cannot be read; the settings are believed instead.', {
        because: messageOf(error),
      })
      return this.#given
    }
  }

  async #write(installed: InstalledByType): Promise<void> {
    await writeDurably(this.#disk, this.#path, `${JSON.stringify(installed, null, 2)}\n`)
  }
}

/**
 * What runs, as text: the JSON of installed.json (`{"firmware":{"title":"app","version":"1.0.0"}}`), lines of
 * TYPE=TITLE@VERSION, or one line TITLE@VERSION or VERSION about the only type. Throws when it is none of these.
 */
export function parseInstalled(text: string, onlyType?: string): InstalledByType {
  if (text.trimStart().startsWith('{')) {
    const found = JSON.parse(text) as Record<string, Partial<Installed> | null>
    return Object.fromEntries(
      Object.entries(found).map(([type, runs]) => [
        type,
        { title: textOf(runs?.title), version: textOf(runs?.version) },
      ]),
    )
  }
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
  if (lines.length === 0) throw new Error('it says nothing')
  return Object.fromEntries(
    lines.map((line) => parseLine(line, lines.length === 1 ? onlyType : undefined)),
  )
}

function parseLine(line: string, onlyType: string | undefined): [string, Installed] {
  const withType = /^([a-z][a-z0-9._-]{0,63})=(.*)$/.exec(line)
  const type = withType?.[1] ?? onlyType
  const rest = withType?.[2] ?? line
  if (!type) throw new Error(`"${line.slice(0, 80)}" names no component type (TYPE=TITLE@VERSION)`)
  const at = rest.lastIndexOf('@')
  const title = at > 0 ? rest.slice(0, at) : null
  const version = rest.slice(at + 1)
  if (version === '')
    throw new Error(`"${line.slice(0, 80)}" names no version (TYPE=TITLE@VERSION)`)
  return [type, { title, version }]
}

const textOf = (value: unknown): string | null =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : null

const isSame = (a: Installed, b: Installed | undefined): boolean =>
  a.title === b?.title && a.version === b.version
