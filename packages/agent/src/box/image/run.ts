/** The one door to programs of the machine. None goes through a shell. */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

export interface RunResult {
  /** 127 when it cannot be started. */
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly stdin?: string
  readonly onLine?: (line: string) => void
  readonly signal?: AbortSignal
}

export type Run = (
  command: string,
  args: readonly string[],
  options?: RunOptions,
) => Promise<RunResult>

const MAX_OUTPUT = 65_536

export const runProgram: Run = (command, args, { stdin, onLine, signal } = {}) =>
  new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], signal })
    const said = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8')
      child[name].on('data', (text: string) => {
        said[name] = (said[name] + text).slice(-MAX_OUTPUT)
      })
    }
    if (onLine) createInterface({ input: child.stdout }).on('line', onLine)
    child.stdin.on('error', () => {})
    child.stdin.end(stdin ?? '')
    child.once('error', (error) =>
      resolve({ ...said, code: 127, stderr: `${said.stderr}${error.message}` }),
    )
    child.once('close', (code, signal) =>
      resolve({ ...said, code: code ?? 128, stderr: said.stderr || (signal ?? '') }),
    )
  })

/** What it printed; throws with its last words when it failed. */
export async function succeed(
  run: Run,
  command: string,
  args: readonly string[],
  options?: RunOptions,
): Promise<string> {
  const { code, stdout, stderr } = await run(command, args, options)
  if (code === 0) return stdout
  throw new Error(`${command} ended with ${code}${lastWords(stderr || stdout)}`)
}

export function lastWords(text: string): string {
  const line = text.trim().split('\n').at(-1)?.trim().slice(0, 300)
  return line ? `: ${line}` : ''
}
