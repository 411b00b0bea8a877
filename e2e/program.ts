/** Runs one of the project's own programs as a user would, and says what it printed. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export interface Ran {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

const BIN = {
  updraft: fileURLToPath(new URL('../packages/cli/bin/updraft.js', import.meta.url)),
  'updraft-agent': fileURLToPath(
    new URL('../packages/agent/bin/updraft-agent.js', import.meta.url),
  ),
  'updraft-simulator': fileURLToPath(
    new URL('../packages/simulator/bin/updraft-simulator.js', import.meta.url),
  ),
}

export function run(
  program: keyof typeof BIN,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [BIN[program], ...args], {
      env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const printed = { stdout: '', stderr: '' }
    child.stdout.on('data', (piece) => {
      printed.stdout += piece
    })
    child.stderr.on('data', (piece) => {
      printed.stderr += piece
    })
    child.once('error', reject)
    child.once('close', (exitCode) => resolve({ exitCode, ...printed }))
  })
}
