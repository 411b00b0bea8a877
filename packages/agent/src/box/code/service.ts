/**
 * The code's service: a child of the agent in the folder of the active release, started again when it ends, and ended
 * with the agent. Or a command that has somebody else restart it.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Log } from '../../log.ts'
import { messageOf } from '../../trouble.ts'
import { backOffMs, type Clock, type Random } from '../../waits.ts'
import { endOrphan, noteChild, type OrphanNote, signalGroup } from './orphan.ts'

/** A release as it is started. */
export interface Startable {
  readonly id: string
  readonly version: string
  readonly folder: string
  /** Program and parameters; null when nobody says how it is started. */
  readonly command: readonly string[] | null
}

export type ServiceState =
  | { readonly kind: 'stopped'; readonly because: string; readonly sinceMs: number }
  | { readonly kind: 'running'; readonly sinceMs: number; readonly pid: number }
  /** It ended by itself, and is started again after a while. */
  | { readonly kind: 'waiting'; readonly because: string; readonly sinceMs: number }

export interface Service {
  /** Ends what runs, all of it, then starts that; null: then nothing runs. Throws when it cannot be started. */
  switchTo(release: Startable | null): Promise<void>
  /** The same release once more. */
  restart(): Promise<void>
  /** Ends what runs, for the agent ends. */
  end(): Promise<void>
  /** Null where somebody else runs it, and knows. */
  state(): ServiceState | null
}

export interface ChildServiceOptions {
  /** Where who was started is noted. */
  readonly noteFile: string
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly bootId: string
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Between asking it to end and ending it. */
  readonly graceMs?: number
}

const GRACE_MS = 10_000
const RESTART = { baseMs: 1_000, capMs: 60_000 }
/** Up for so long, it has recovered. */
const RECOVERED_MS = 60_000
const MAX_LINE = 2_000
/** A service that talks without end must not wash everything else out of the log. */
const LINES_A_MINUTE = 300

/** Waits for the word that its number is written down, then becomes the service; without it nothing is run. */
const STARTER = 'IFS= read -r go || exit 125; exec "$@"'

export function childService(options: ChildServiceOptions): Service {
  return new ChildService(options)
}

class ChildService implements Service {
  readonly #options: ChildServiceOptions
  readonly #note: OrphanNote
  readonly #lines: Lines
  #release: Startable | null = null
  #child: ChildProcess | null = null
  #state: ServiceState
  #failures = 0
  /** Aborted when the life of this release in this service is over. */
  #life = new AbortController()
  /** Switching is one thing at a time, whoever asks. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(options: ChildServiceOptions) {
    this.#options = options
    this.#note = { path: options.noteFile, bootId: options.bootId, clock: options.clock }
    this.#lines = new Lines(options.log, options.clock)
    this.#state = this.#stopped('it was never started')
  }

  state(): ServiceState {
    return this.#state
  }

  switchTo(release: Startable | null): Promise<void> {
    return this.#inTurn(async () => {
      await this.#endChild()
      this.#release = release
      this.#failures = 0
      this.#state = this.#stopped(release ? 'it is being started' : 'there is no release')
      await endOrphan(this.#note)
      if (!release) return
      if (!release.command) throw new Error('nobody says how it is started (no "service")')
      await this.#start(release, release.command)
    })
  }

  restart(): Promise<void> {
    return this.switchTo(this.#release)
  }

  end(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#endChild()
      this.#state = this.#stopped('the agent ends')
    })
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work, work)
    this.#turn = turn.catch(() => {})
    return turn
  }

  async #start(release: Startable, command: readonly string[]): Promise<void> {
    const { clock, log } = this.#options
    await mkdir(dirname(this.#note.path), { recursive: true })
    const life = new AbortController()
    this.#life = life
    const child = launch(release, command, this.#options.environment)
    this.#child = child
    child.stdout?.on('data', this.#lines.of('out'))
    child.stderr?.on('data', this.#lines.of('err'))
    const ended = whenEnded(child)
    const { pid } = child
    if (pid === undefined) throw new Error(await ended)
    await noteChild(this.#note, pid)
    child.stdin?.end('go\n')
    this.#state = { kind: 'running', sinceMs: clock.nowMs(), pid }
    log.info('The service is started.', { release: release.version, process: pid })
    void ended.then((how) => this.#hasEnded(release, life, how))
  }

  /** By itself, or because it was to. */
  async #hasEnded(release: Startable, life: AbortController, how: string): Promise<void> {
    if (life.signal.aborted) return
    const { clock, random, log } = this.#options
    const wasUpMs = clock.nowMs() - this.#state.sinceMs
    this.#failures = wasUpMs >= RECOVERED_MS ? 1 : this.#failures + 1
    this.#state = { kind: 'waiting', because: how, sinceMs: clock.nowMs() }
    const waitMs = backOffMs(this.#failures, RESTART, random)
    log.warn('The service ended by itself; it is started again.', {
      because: how,
      inSeconds: Math.round(waitMs / 1000),
    })
    await clock.wait(waitMs, life.signal)
    if (life.signal.aborted) return
    await this.#inTurn(async () => {
      if (life.signal.aborted || !release.command) return
      await this.#endChild()
      await this.#start(release, release.command)
    }).catch((error) => this.#hasEnded(release, this.#life, messageOf(error)))
  }

  /** All of its process group: what it left behind would hold its ports. */
  async #endChild(): Promise<void> {
    const { clock, graceMs = GRACE_MS } = this.#options
    this.#life.abort()
    const child = this.#child
    this.#child = null
    if (child?.pid === undefined) return
    if (child.exitCode === null && child.signalCode === null) {
      const over = new AbortController()
      child.once('exit', () => over.abort())
      signalGroup(child.pid, 'SIGTERM')
      await clock.wait(graceMs, over.signal)
      if (!over.signal.aborted) {
        signalGroup(child.pid, 'SIGKILL')
        await clock.wait(graceMs, over.signal)
      }
    }
    signalGroup(child.pid, 'SIGKILL')
    this.#lines.flush()
  }

  #stopped(because: string): ServiceState {
    return { kind: 'stopped', because, sinceMs: this.#options.clock.nowMs() }
  }
}

function launch(
  { id, version, folder }: Startable,
  command: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): ChildProcess {
  const [program = '', ...parameters] = command
  const isWindows = process.platform === 'win32'
  const child = spawn(
    isWindows ? program : '/bin/sh',
    isWindows ? parameters : ['-c', STARTER, 'service', ...command],
    {
      cwd: folder,
      detached: !isWindows,
      stdio: 'pipe',
      env: { ...withoutOurs(environment), UPDRAFT_RELEASE: id, UPDRAFT_VERSION: version },
    },
  )
  child.stdin?.on('error', () => {})
  return child
}

/** What is told to the agent is not told to the service: some of it is secret. */
export const withoutOurs = (
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> =>
  Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith('UPDRAFT_')))

const whenEnded = (child: ChildProcess): Promise<string> =>
  new Promise((resolve) => {
    child.once('error', (error) => resolve(`it cannot be started: ${error.message}`))
    child.once('exit', (code, signal) =>
      resolve(signal ? `ended by ${signal}` : `exit code ${code}`),
    )
  })

/** What the service says, a line at a time. */
class Lines {
  readonly #log: Log
  readonly #clock: Clock
  #minuteMs = 0
  #inMinute = 0
  #leftOut = 0

  constructor(log: Log, clock: Clock) {
    this.#log = log
    this.#clock = clock
  }

  of(stream: 'out' | 'err'): (piece: Buffer) => void {
    let begun = ''
    return (piece) => {
      const lines = `${begun}${piece.toString('utf8')}`.split('\n')
      begun = (lines.pop() ?? '').slice(0, MAX_LINE)
      for (const line of lines) if (line.trim() !== '') this.#write(stream, line.trimEnd())
    }
  }

  flush(): void {
    if (this.#leftOut > 0)
      this.#log.warn('Lines of the service were left out.', { lines: this.#leftOut })
    this.#leftOut = 0
  }

  #write(stream: 'out' | 'err', line: string): void {
    const nowMs = this.#clock.nowMs()
    if (nowMs - this.#minuteMs > 60_000) {
      this.flush()
      this.#minuteMs = nowMs
      this.#inMinute = 0
    }
    this.#inMinute += 1
    if (this.#inMinute > LINES_A_MINUTE) this.#leftOut += 1
    else this.#log[stream === 'out' ? 'info' : 'warn'](line.slice(0, MAX_LINE), { from: 'code' })
  }
}
