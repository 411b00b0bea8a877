/** Real handler hosts: a process for each handler, in a group of its own, that ends when its standard input does. */
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { type Log, silentLog } from '../../log.ts'
import { type Clock, systemClock } from '../../waits.ts'
import { extensionOf, type HandlerFile, languageOf } from './handler-file.ts'
import { type Host, type HostEvents, readWord, type StartHost } from './host.ts'

export interface ProcessHostOptions {
  /** What handlers find in their environment; what is named UPDRAFT_… is kept from them. */
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly python?: string
  /** By extension, `.lua`: what is run with the file as its last argument. */
  readonly commands?: Readonly<Record<string, readonly string[]>>
  readonly clock?: Clock
  /** How long a host may take to end when it is asked to. */
  readonly graceMs?: number
  readonly log?: Log
}

/** How long the end of what it said is waited for once it is gone. */
const LAST_WORDS_MS = 1_000

/** Where there are none, a process is ended by itself. */
const HAS_GROUPS = process.platform !== 'win32'
/** The stream on which hosts of ours speak; a program that is no module speaks on its standard output. */
const WORDS = 3

/**
 * A program need not know that it should end with the agent: beside it waits a shell for the end of its input, and ends the
 * whole group then.
 */
const GUARD = [
  'exec 9<&0',
  '{ trap "" TERM; cat; kill -s TERM -- -$$; sleep 2; kill -s KILL -- -$$; } <&9 >/dev/null 2>&1 3>&- &',
  'exec "$@" </dev/null 3>&- 9<&-',
].join('\n')

const scriptOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

export function processHosts(options: ProcessHostOptions): StartHost {
  const environment = Object.fromEntries(
    Object.entries(options.environment).filter(([name]) => !/^UPDRAFT_/i.test(name)),
  )
  return (file, folder, events) => {
    const { command, speaksOn } = commandFor(file, folder, options)
    const [program = '', ...parameters] = command
    const child = spawn(program, parameters, {
      cwd: folder,
      env: { ...environment, NODE_PATH: join(folder, 'lib') },
      detached: HAS_GROUPS,
      windowsHide: true,
      stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    })
    return new ProcessHost({ child, speaksOn, file, events, ...options })
  }
}

function commandFor(
  { path }: HandlerFile,
  folder: string,
  { python, commands = {} }: ProcessHostOptions,
): { command: readonly string[]; speaksOn: number } {
  const file = join(folder, path)
  const chosen = commands[extensionOf(path)]
  const language = chosen ? 'program' : languageOf(path)
  const libraries = join(folder, 'lib')
  switch (language) {
    case 'node':
      return {
        command: [process.execPath, scriptOf('host-node.mjs'), file, libraries],
        speaksOn: WORDS,
      }
    case 'python': {
      const program = python ?? (HAS_GROUPS ? 'python3' : 'python')
      return { command: [program, scriptOf('host-python.py'), file, libraries], speaksOn: WORDS }
    }
    case 'program': {
      const command = [...(chosen ?? []), file]
      return {
        command: HAS_GROUPS ? ['/bin/sh', '-c', GUARD, 'sh', ...command] : command,
        speaksOn: 1,
      }
    }
    default:
      return language satisfies never
  }
}

class ProcessHost implements Host {
  readonly #child: ChildProcess
  readonly #events: HostEvents
  readonly #clock: Clock
  readonly #graceMs: number
  readonly #path: string
  readonly #gone: Promise<void>
  /** Why, in its own words; or the last it said on its error stream. */
  #failed: string | null = null
  #complaint = ''
  #isStopped = false

  constructor({
    child,
    speaksOn,
    file,
    events,
    clock = systemClock,
    graceMs = 5_000,
    log = silentLog,
  }: ProcessHostOptions & {
    child: ChildProcess
    speaksOn: number
    file: HandlerFile
    events: HostEvents
  }) {
    this.#child = child
    this.#events = events
    this.#clock = clock
    this.#graceMs = graceMs
    this.#path = file.path
    for (const stream of child.stdio) stream?.on('error', () => {})
    this.#gone = new Promise((resolve) => {
      child.once('error', (error) => this.#end(`cannot be started: ${error.message}`, resolve))
      child.once('exit', () => {
        // What it started goes with it. What fled from its group may hold its streams, and is not waited for.
        this.#kill()
        const timer = setTimeout(() => this.#letGo(), LAST_WORDS_MS)
        child.once('close', () => clearTimeout(timer))
      })
      child.once('close', (code, signal) => this.#end(this.#whyEnded(code, signal), resolve))
    })
    for (const number of [1, 2, WORDS]) {
      const stream = child.stdio[number] as Readable | null
      if (!stream) continue
      createInterface({ input: stream }).on('line', (line) => {
        if (this.#isStopped) return
        if (number === speaksOn && this.#hear(line)) return
        if (number === 2 && line.trim() !== '') this.#complaint = line.trim().slice(0, 500)
        log.debug(line.slice(0, 1_000), { handler: file.path })
      })
    }
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    this.#child.stdin?.destroy()
    const hasGone = this.#gone.then(() => true)
    const after = (ms: number) => this.#clock.wait(ms).then(() => false)
    if (await Promise.race([hasGone, after(this.#graceMs)])) return
    this.#kill()
    if (await Promise.race([hasGone, after(this.#graceMs)])) return
    throw new Error(`${this.#path} does not end`)
  }

  /** Whether the line was a word of a host's. */
  #hear(line: string): boolean {
    const word = readWord(line)
    if (!word) return false
    if (word.says === 'loaded') this.#events.loaded()
    else if (word.says === 'devices') this.#events.devices(word.devices)
    else this.#failed = word.error
    return true
  }

  #end(error: string | null, resolve: () => void): void {
    resolve()
    if (this.#isStopped) return
    this.#isStopped = true
    this.#events.ended(error)
  }

  #whyEnded(code: number | null, signal: NodeJS.Signals | null): string | null {
    if (this.#failed !== null) return this.#failed
    if (code === 0) return null
    const how = signal ? `was ended by ${signal}` : `ended with exit code ${code}`
    return this.#complaint ? `${how}: ${this.#complaint}` : how
  }

  #letGo(): void {
    for (const stream of this.#child.stdio) stream?.destroy()
  }

  #kill(): void {
    const { pid } = this.#child
    if (pid === undefined) return
    try {
      if (HAS_GROUPS) process.kill(-pid, 'SIGKILL')
      else this.#child.kill('SIGKILL')
    } catch {
      // All of it is gone already.
    }
  }
}
