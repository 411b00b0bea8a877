// Processes beside the one that measures: started by their file, ended by their id.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => process.exit(signal === 'SIGINT' ? 130 : 143))
}

export function start(command: string, args: readonly string[]): ChildProcess {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  running.add(child)
  child.once('close', () => running.delete(child))
  return child
}

/** Starts one of our own sources and hands it `settings`; answers with the first object it prints. */
export async function startSource<Answer>(
  source: URL,
  settings: object,
): Promise<{ child: ChildProcess; answer: Answer }> {
  const child = start(process.execPath, [source.pathname, JSON.stringify(settings)])
  const failed = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`${source.pathname} ended with ${code ?? signal} before it said anything.`)
  })
  failed.catch(() => {})
  if (!child.stdout) throw new Error('The child has no output.')
  const lines = createInterface({ input: child.stdout })
  const [line] = await Promise.race([once(lines, 'line'), failed])
  return { child, answer: JSON.parse(line) as Answer }
}

/** What `startSource` has handed over. */
export const settingsOf = <Settings>(): Settings => JSON.parse(process.argv[2] ?? '{}') as Settings

export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGTERM')
  await once(child, 'exit')
}
