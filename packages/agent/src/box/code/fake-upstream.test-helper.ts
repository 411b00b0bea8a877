/** An upstream in memory, and a service that does what it is told: for tests of what lies between. */
import { createHash } from 'node:crypto'
import type { Service, ServiceState, Startable } from './service.ts'
import type { TreeFile } from './tree.ts'
import type { BroughtCommit, Upstream, WantedCode } from './upstream.ts'

export type Files = Readonly<Record<string, string>>

export class FakeUpstream implements Upstream {
  readonly url = 'https://git.example.com/core.git'
  /** Thrown by whatever is asked. */
  trouble: Error | null = null
  looks = 0
  fetches = 0
  /** Called before anything is told, as a test likes to interfere. */
  meanwhile: () => Promise<void> = async () => {}
  readonly #branches = new Map<string, { commit: string; files: Files }>()

  /** The new commit of the branch. */
  commit(branch: string, files: Files): string {
    const commit = createHash('sha1')
      .update(JSON.stringify([branch, files]))
      .digest('hex')
    this.#branches.set(branch, { commit, files })
    return commit
  }

  async head(branch: string): Promise<string | null> {
    this.looks += 1
    if (this.trouble) throw this.trouble
    return this.#branches.get(branch)?.commit ?? null
  }

  async bring<T>(wanted: WantedCode, put: (commit: BroughtCommit) => Promise<T>): Promise<T> {
    this.fetches += 1
    await this.meanwhile()
    wanted.signal.throwIfAborted()
    const found = this.#branches.get(wanted.branch)
    if (this.trouble || !found) throw this.trouble ?? new Error('no such branch')
    const { commit, files } = found
    return await put({ commit, committedAt: '2026-11-21T12:00:00.000Z', tree: treeOf(files) })
  }
}

const treeOf = (files: Files): BroughtCommit['tree'] => ({
  files: Object.entries(files).map(
    ([path, text]): TreeFile => ({
      path,
      kind: text.startsWith('-> ') ? 'link' : text.startsWith('#!') ? 'executable' : 'file',
      sizeBytes: Buffer.byteLength(text.replace(/^-> /, '')),
    }),
  ),
  async *read({ path }) {
    const bytes = Buffer.from((files[path] ?? '').replace(/^-> /, ''))
    const half = Math.ceil(bytes.length / 2)
    if (half > 0) yield bytes.subarray(0, half)
    if (half < bytes.length) yield bytes.subarray(half)
  },
})

/** Whatever it is to run runs; the versions that were started are written down. */
export class FakeService implements Service {
  readonly starts: string[] = []
  running: Startable | null = null
  /** Ends at once by itself, if the release's version has that in it. */
  endsWith: string | null = null
  readonly #nowMs: () => number
  #sinceMs = 0

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  async switchTo(release: Startable | null): Promise<void> {
    this.running = release
    this.#sinceMs = this.#nowMs()
    if (release) this.starts.push(release.version)
  }

  restart = (): Promise<void> => this.switchTo(this.running)

  async end(): Promise<void> {
    this.running = null
  }

  state(): ServiceState {
    const sinceMs = this.#sinceMs
    if (!this.running) return { kind: 'stopped', because: 'nothing to run', sinceMs }
    const isSick = this.endsWith !== null && this.running.version.includes(this.endsWith)
    return isSick
      ? { kind: 'waiting', because: 'exit code 1', sinceMs }
      : { kind: 'running', sinceMs, pid: 1 }
  }
}
