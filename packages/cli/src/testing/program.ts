/** Runs the real program, as a child process or within this one with a terminal that is pretended. */
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { run } from '../run.ts'
import { type FakeServer, TOKEN } from './fake-server.ts'

export const BIN = fileURLToPath(new URL('../../bin/updraft.js', import.meta.url))

export interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

interface Setting {
  readonly server?: FakeServer
  readonly env?: Record<string, string | undefined>
  readonly cwd?: string
}

const environment = ({ server, env }: Setting) => ({
  PATH: process.env.PATH,
  UPDRAFT_URL: server?.url,
  UPDRAFT_TOKEN: server && TOKEN,
  ...env,
})

/** The real bin as a child. */
export const spawnProgram = (
  args: readonly string[],
  { nodeFlags = [], cwd = tmpdir(), ...setting }: Setting & { nodeFlags?: readonly string[] },
): Promise<Outcome> =>
  collect([process.execPath, ...nodeFlags, BIN, ...args], { cwd, env: environment(setting) })

/** A line of shell in which `$updraft` is the program. */
export const spawnShell = (line: string, { cwd = tmpdir(), ...setting }: Setting) =>
  collect(['bash', '-c', line], {
    cwd,
    env: { ...environment(setting), updraft: `${process.execPath} ${BIN}` },
  })

function collect(
  [file = '', ...args]: readonly string[],
  options: { cwd: string; env: NodeJS.ProcessEnv },
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
    const outcome = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        outcome[name] += text
      })
    }
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, ...outcome }))
  })
}

/** The program within this process: quick, and on a terminal if the test says so. */
export async function runProgram(
  args: readonly string[],
  {
    terminal,
    typed,
    now = new Date(),
    interrupt = new AbortController().signal,
    ...setting
  }: Setting & {
    terminal?: { columns: number }
    /** What the person at the terminal types. */
    typed?: string
    now?: Date
    interrupt?: AbortSignal
  },
): Promise<Outcome> {
  const stdout = new Sink(terminal)
  const stderr = new Sink(terminal)
  const stdin = Object.assign(Readable.from(typed === undefined ? [] : [typed]), {
    isTTY: terminal !== undefined,
  })
  const code = await run({
    argv: args,
    env: { TERM: 'xterm-256color', ...environment(setting) },
    stdin: stdin as unknown as NodeJS.ReadStream,
    stdout: stdout as unknown as NodeJS.WriteStream,
    stderr: stderr as unknown as NodeJS.WriteStream,
    now: () => now,
    listenForInterrupt: () => interrupt,
  })
  return { code, stdout: stdout.text, stderr: stderr.text }
}

class Sink {
  text = ''
  readonly isTTY: boolean
  readonly columns: number | undefined

  constructor(terminal: { columns: number } | undefined) {
    this.isTTY = terminal !== undefined
    this.columns = terminal?.columns
  }

  getColorDepth = () => 8

  write(chunk: string | Uint8Array, done?: () => void) {
    this.text += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString()
    done?.()
  }
}

/** A folder that is gone after the test. */
export async function temporaryFolder(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'updraft-cli-'))
  return {
    path,
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  }
}
