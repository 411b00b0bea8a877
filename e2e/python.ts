/** Programs in Python around clients of other houses, which run as they are published. */
import { spawn } from 'node:child_process'
import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export interface PythonRun {
  /** What it prints, a JSON text a line. Rejects, with what it complained of, when it ends without one more. */
  next(): Promise<unknown>
  /** Resolves when it ended well; rejects with what it complained of otherwise. */
  readonly ended: Promise<void>
  kill(): Promise<void>
}

/** Runs it as `python` does, in a new folder below that one. */
export async function pythonApart(
  interpreter: string,
  { within, ...program }: { within: string; name: string; args: readonly string[] },
): Promise<PythonRun & { readonly cwd: string }> {
  const cwd = await mkdtemp(join(within, `${program.name}-`))
  return { cwd, ...python(interpreter, { ...program, cwd }) }
}

/** Runs `e2e/python/NAME.py` by that Python, in that folder; `modules` is where it finds more than its own. */
export function python(
  interpreter: string,
  {
    name,
    args,
    cwd,
    modules = '',
  }: { name: string; args: readonly string[]; cwd: string; modules?: string },
): PythonRun {
  const program = fileURLToPath(new URL(`./python/${name}.py`, import.meta.url))
  const child = spawn(interpreter, [program, ...args], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH ?? '', PYTHONPATH: modules, PYTHONDONTWRITEBYTECODE: '1' },
  })
  let complaints = ''
  child.stderr.on('data', (piece) => {
    complaints += piece
  })
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const ended = closed.then((exitCode) => {
    if (exitCode !== 0) throw new Error(`${name}.py ended with ${exitCode}:\n${complaints}`)
  })
  ended.catch(() => {})
  return {
    next: async () => {
      const { value, done } = await lines.next()
      if (done) throw new Error(`${name}.py has no more to say.\n${complaints}`)
      return JSON.parse(value)
    },
    ended,
    kill: async () => {
      child.kill('SIGKILL')
      await closed
    },
  }
}
