/**
 * The git program as a child process: never interactive, with no settings but ours, in a process group of its own
 * that ends with us. It knows one repository, ours, and one remote, `origin`.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Clock, systemClock } from '../../waits.ts'
import { endOrphan, noteChild, type OrphanNote, signalGroup } from './orphan.ts'
import type { ObjectFormat } from './packs.ts'

export interface GitOptions {
  /** The private bare repository. */
  readonly folder: string
  /** May name a user and a secret; they stay in a file that only we read, and are left out of every message. */
  readonly url: string
  /** Proxies, certificates and PATH are taken from it; nothing else is. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Without a byte for so long, a transfer has broken off. */
  readonly stallSeconds?: number
  readonly program?: string
  readonly bootId?: string
  readonly clock?: Clock
}

/** git ended otherwise than well; `said` is what it wrote for people, without secrets. */
export class GitFailed extends Error {
  override readonly name = 'GitFailed'
  readonly said: string
  readonly exitCode: number | null

  constructor(message: string, more: { said: string; exitCode: number | null; cause?: unknown }) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause })
    this.said = more.said
    this.exitCode = more.exitCode
  }
}

export interface GitRun {
  readonly input?: string
  readonly signal?: AbortSignal
  /** Each line of progress, as git rewrites it. */
  readonly onLine?: (line: string) => void
}

const DEFAULT_STALL_SECONDS = 60
/** Over ssh or a file path nothing else watches; over HTTP git itself is quicker. */
const SILENCES_UNTIL_KILLED = 10
const GRACE_MS = 2_000
const MAX_SAID = 16_384
/** What of our own environment it may see. GIT_SSL_NO_VERIFY is not among them. */
const PASSED = [
  ...['PATH', 'TMPDIR', 'TEMP', 'TMP', 'SystemRoot', 'SSH_AUTH_SOCK'],
  ...['http_proxy', 'https_proxy', 'all_proxy', 'no_proxy'],
  ...['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'NO_PROXY'],
  ...['GIT_SSL_CAINFO', 'GIT_SSL_CAPATH', 'SSL_CERT_FILE', 'SSL_CERT_DIR'],
]

export class Git {
  readonly folder: string
  readonly #options: GitOptions
  readonly #home: string
  readonly #clock: Clock

  constructor(options: GitOptions) {
    this.#options = options
    this.folder = options.folder
    this.#home = join(options.folder, 'home')
    this.#clock = options.clock ?? systemClock
  }

  /** Writes the settings of repository and user anew, so that what git or a power cut left of them does not count. */
  async settle(objectFormat: ObjectFormat): Promise<void> {
    const { folder } = this
    for (const name of ['objects/pack', 'objects/info', 'refs', 'home']) {
      await mkdir(join(folder, name), { recursive: true, mode: 0o700 })
    }
    await writeFile(join(folder, 'HEAD'), 'ref: refs/heads/none\n')
    await writeFile(join(folder, 'config'), repositorySettings(objectFormat))
    await this.#writeUserSettings()
  }

  /** What a killed agent left running writes into our repository: it is ended first. */
  endOrphan(): Promise<void> {
    return endOrphan(this.#note)
  }

  /** What it wrote to standard output. Throws GitFailed, or the signal's reason once all of it has ended. */
  async run(parameters: readonly string[], run: GitRun = {}): Promise<Buffer> {
    run.signal?.throwIfAborted()
    const child = this.start(parameters)
    const stop = () => void this.#end(child)
    run.signal?.addEventListener('abort', stop, { once: true })
    const watch = this.#watch(child)
    try {
      const output: Buffer[] = []
      child.stdout.on('data', (piece: Buffer) => {
        watch.moved()
        output.push(piece)
      })
      const said = listen(child, (line) => {
        watch.moved()
        run.onLine?.(line)
      })
      const ended = whenEnded(child)
      if (child.pid !== undefined) await noteChild(this.#note, child.pid).catch(() => {})
      child.stdin.end(run.input ?? '')
      const { code, error } = await ended
      run.signal?.throwIfAborted()
      if (code === 0) return Buffer.concat(output)
      const words = withoutSecrets(said())
      if (watch.isStalled()) throw this.#failed(parameters, 'did not move', words, code)
      throw this.#failed(parameters, error ?? `ended with ${code}`, words, code)
    } finally {
      watch.end()
      run.signal?.removeEventListener('abort', stop)
    }
  }

  /** A child that is talked to; whoever starts it ends it with `stop`. */
  start(parameters: readonly string[]): ChildProcessWithoutNullStreams {
    const child = spawn(this.#options.program ?? 'git', parameters, {
      cwd: this.#home,
      detached: true,
      stdio: 'pipe',
      env: this.#environment(),
    })
    // It may end before it has read what we say; how it ended tells more.
    child.stdin.on('error', () => {})
    return child
  }

  async stop(child: ChildProcessWithoutNullStreams): Promise<void> {
    child.stdin.end()
    await this.#end(child)
  }

  get #note(): OrphanNote {
    const { bootId = 'unknown' } = this.#options
    return { path: join(this.#home, 'git.json'), bootId, clock: this.#clock }
  }

  async #end(child: ChildProcessWithoutNullStreams): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
    const ended = whenEnded(child)
    const over = new AbortController()
    void ended.then(() => over.abort())
    signalGroup(child.pid, 'SIGTERM')
    await this.#clock.wait(GRACE_MS, over.signal)
    if (!over.signal.aborted) signalGroup(child.pid, 'SIGKILL')
    await ended
  }

  #watch(child: ChildProcessWithoutNullStreams) {
    const ms = this.#stallSeconds * SILENCES_UNTIL_KILLED * 1000
    let isStalled = false
    const arm = () =>
      setTimeout(() => {
        isStalled = true
        void this.#end(child)
      }, ms).unref()
    let timer = arm()
    return {
      moved() {
        clearTimeout(timer)
        timer = arm()
      },
      end: () => clearTimeout(timer),
      isStalled: () => isStalled,
    }
  }

  #failed(parameters: readonly string[], how: string, said: string, exitCode: number | null) {
    return new GitFailed(
      `git ${parameters.find((each) => /^[a-z-]+$/.test(each) && !each.startsWith('-'))} ${how}${said ? `: ${lastWords(said)}` : ''}`,
      {
        said,
        exitCode,
      },
    )
  }

  get #stallSeconds(): number {
    return this.#options.stallSeconds ?? DEFAULT_STALL_SECONDS
  }

  #environment(): Record<string, string> {
    const passed = PASSED.flatMap((name) => {
      const value = this.#options.environment[name]
      return value === undefined ? [] : [[name, value]]
    })
    return {
      ...Object.fromEntries(passed),
      GIT_DIR: this.folder,
      HOME: this.#home,
      XDG_CONFIG_HOME: this.#home,
      GIT_CONFIG_GLOBAL: join(this.#home, '.gitconfig'),
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_TERMINAL_PROMPT: '0',
      GIT_ASKPASS: '',
      GIT_SSH_COMMAND: 'ssh -o BatchMode=yes -o ConnectTimeout=30',
      // Never from https down to http, and no helper of another kind.
      GIT_ALLOW_PROTOCOL: protocolOf(this.#options.url),
      LC_ALL: 'C',
    }
  }

  /** In a file of ours, for git before 2.31 takes none from the environment, and a command line can be read by all. */
  async #writeUserSettings(): Promise<void> {
    const { url } = this.#options
    const lines = [
      '[remote "origin"]',
      `\turl = ${quoted(url)}`,
      '[safe]',
      `\tdirectory = ${quoted(this.folder)}`,
      ...(protocolOf(url) === 'file'
        ? [`\tdirectory = ${quoted(url.replace(/^file:\/\//, ''))}`]
        : []),
      '[http]',
      '\tlowSpeedLimit = 1',
      `\tlowSpeedTime = ${this.#stallSeconds}`,
      '\tsslVerify = true',
      '[credential]\n\thelper =',
      '[core]\n\thooksPath = /dev/null',
      // One pack a batch, and none of them touched behind our back.
      '[fetch]\n\tunpackLimit = 1\n\twriteCommitGraph = false\n\trecurseSubmodules = false',
      '[gc]\n\tauto = 0',
      '[maintenance]\n\tauto = false',
      '[protocol]\n\tversion = 2',
      // Small machines.
      '[pack]\n\tthreads = 1',
    ]
    await writeFile(join(this.#home, '.gitconfig'), `${lines.join('\n')}\n`, { mode: 0o600 })
  }
}

/** `https`, `ssh`, … ; `file` for a path. */
export function protocolOf(url: string): string {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(url)?.[1]
  if (scheme) return scheme.toLowerCase()
  return /^[^/\\]+@?[^/\\]*:[^\\]/.test(url) && !/^[a-z]:/i.test(url) ? 'ssh' : 'file'
}

/** Names and secrets before the host are left out. */
export const withoutSecrets = (text: string): string =>
  text.replace(/([a-z][a-z0-9+.-]*:\/\/)[^/\s'"]*@/gi, '$1')

/** The line in which git says what is wrong, for a sentence of our own. */
export function lastWords(said: string): string {
  const lines = said
    .split(/[\r\n]/)
    .map((line) => line.trim())
    .filter(Boolean)
  const fatal = lines.filter((line) => /^(fatal|error):/.test(line)).at(-1)
  return (fatal ?? lines.at(-1) ?? '').replace(/^(fatal|error): /, '').slice(0, 400)
}

const repositorySettings = (objectFormat: ObjectFormat) =>
  [
    '[core]',
    '\trepositoryformatversion = 1',
    '\tbare = true',
    '\tfilemode = true',
    ...(objectFormat === 'sha256' ? ['[extensions]', '\tobjectFormat = sha256'] : []),
    '',
  ].join('\n')

const quoted = (text: string): string =>
  `"${text.replace(/[\\"]/g, '\\$&').replace(/[\r\n\0]/g, '')}"`

function whenEnded(
  child: ChildProcessWithoutNullStreams,
): Promise<{ code: number | null; error?: string }> {
  return new Promise((resolve) => {
    child.once('error', (error) =>
      resolve({ code: null, error: `cannot be started: ${error.message}` }),
    )
    child.once('close', (code) => resolve({ code }))
  })
}

/** What it says on standard error: the end of it, and each line as it comes. */
function listen(
  child: ChildProcessWithoutNullStreams,
  onLine: (line: string) => void,
): () => string {
  let said = ''
  let line = ''
  child.stderr.setEncoding('utf8').on('data', (piece: string) => {
    said = `${said}${piece}`.slice(-MAX_SAID)
    const lines = `${line}${piece}`.split(/[\r\n]+/)
    line = (lines.pop() ?? '').slice(-MAX_SAID)
    for (const each of lines) onLine(each)
  })
  return () =>
    said
      .split(/[\r\n]+/)
      .filter((each) => !/: +\d+% \(|objects: \d+, done/.test(each))
      .join('\n')
}
