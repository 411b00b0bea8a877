/** The two programs of the machine's own that the agent asks: which version runs, and to restart. */
import { exec } from 'node:child_process'
import { type AskInstalled, parseInstalled } from './installed.ts'

const VERSION_TIMEOUT_MS = 30_000
const RESTART_TIMEOUT_MS = 60_000

/** Asks that shell command what runs now. It fails when the command fails or its answer cannot be read. */
export const askByCommand =
  (command: string, onlyType: string | undefined): AskInstalled =>
  async () =>
    parseInstalled(await run(command, VERSION_TIMEOUT_MS), onlyType)

/** Asks the machine to restart; resolves when it has taken the wish. */
export const restartByCommand = (command: string) => async (): Promise<void> => {
  await run(command, RESTART_TIMEOUT_MS)
}

function run(command: string, timeout: number): Promise<string> {
  return new Promise((resolve, reject) => {
    exec(command, { timeout, maxBuffer: 65_536 }, (error, stdout, stderr) => {
      if (!error) return resolve(stdout)
      const why = error.killed
        ? `took longer than ${timeout / 1000} seconds`
        : `ended with ${error.code ?? error.signal}`
      const said = stderr.trim().split('\n').at(-1)?.slice(0, 300)
      reject(new Error(`"${command}" ${why}${said ? `: ${said}` : ''}`, { cause: error }))
    })
  })
}
