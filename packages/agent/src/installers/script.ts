/**
 * Installs by running a program with the file as its argument. Its exit code tells whether it worked, the last
 * line it prints what happens next: `exit`, `restart`, or anything else for done.
 *
 * The script outlives the agent: it has a process group of its own and writes to files. Should the agent be
 * killed meanwhile, its next life waits for the script instead of starting a second one beside it.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, constants, openSync } from 'node:fs'
import { open, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import type { JsonObject } from '@updraft/core'
import type { Installer, InstallJob, InstallResult } from '../installer.ts'
import { type Identity, identify, isRunning, readBootId } from '../lock.ts'
import type { Clock } from '../waits.ts'

export interface ScriptInstallerOptions {
  /** A path with a slash, or a name looked up on PATH. */
  readonly script: string
  /** What it finds in its environment, besides the release; the device's token is left out. */
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Its output lies here while it runs. */
  readonly folder: string
  readonly timeoutMs: number
  readonly clock: Clock
  /** Between asking it to end and ending it. */
  readonly graceMs?: number
}

/** What goes into the error, and the most that is kept of its output. */
const TAIL_BYTES = 4_096
const MAX_OUTPUT_BYTES = 1_048_576
const LOOK_EVERY_MS = 1_000

/** Waits for the word that its number is written down, then becomes the script; without it nothing is run. */
const STARTER = 'IFS= read -r go || exit 125; exec "$0" "$@"'

export function scriptInstaller(options: ScriptInstallerOptions): Installer {
  const output = join(options.folder, 'install.out')
  const errors = join(options.folder, 'install.err')

  return {
    async install(job): Promise<InstallResult> {
      const child = start(options, job, output, errors)
      const ended = whenEnded(child)
      const { pid } = child
      if (pid === undefined) return { kind: 'failed', error: (await ended).what }
      child.stdin?.on('error', () => {})
      try {
        await job.remember({ ...(await identify(pid, await readBootId())) })
        child.stdin?.write('go\n')
      } finally {
        child.stdin?.end()
      }
      const inTime = await within(ended, pid, options, [output, errors])
      if (!inTime) return failed(`the install took longer than ${options.timeoutMs / 1000} seconds`)
      const { code, what } = await ended
      if (code !== 0) return failed(`the install ${what}`)
      const said = (await tail(output)).trimEnd().split('\n').at(-1)?.trim()
      return said === 'exit' || said === 'restart' ? { kind: said } : { kind: 'done' }
    },

    async settle(mark: JsonObject): Promise<void> {
      const script = mark as unknown as Identity
      const bootId = await readBootId()
      const over = new AbortController()
      const gone = (async () => {
        while (!over.signal.aborted && (await isRunning(script, bootId))) {
          await options.clock.wait(LOOK_EVERY_MS, over.signal)
        }
      })()
      await within(gone, script.pid, options, [output, errors])
      over.abort()
    },
  }

  async function failed(what: string): Promise<InstallResult> {
    const said = [await tail(errors), await tail(output)].map((text) => text.trim()).filter(Boolean)
    const room = TAIL_BYTES - what.length - 2
    return {
      kind: 'failed',
      error: [what, said.join('\n').slice(-room)].filter(Boolean).join('\n'),
    }
  }
}

/** Emptied, and appended to: cut short while the script writes, the file does not grow a hole. */
const FRESH = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_APPEND

function start(
  { script, environment }: ScriptInstallerOptions,
  job: InstallJob,
  output: string,
  errors: string,
): ChildProcess {
  const [out, err] = [openSync(output, FRESH, 0o600), openSync(errors, FRESH, 0o600)]
  // The script has no need to speak to the server in the device's name.
  const { UPDRAFT_DEVICE_TOKEN: _, ...inherited } = environment
  try {
    return spawn('/bin/sh', ['-c', STARTER, script, job.file], {
      detached: true,
      stdio: ['pipe', out, err],
      env: {
        ...inherited,
        UPDRAFT_TYPE: job.release.type,
        UPDRAFT_TITLE: job.release.title,
        UPDRAFT_VERSION: job.release.version ?? '',
        UPDRAFT_OPERATION: job.release.operation,
        UPDRAFT_PREVIOUS_VERSION: job.previous?.version ?? '',
      },
    })
  } finally {
    closeSync(out)
    closeSync(err)
  }
}

function whenEnded(child: ChildProcess): Promise<{ code: number | null; what: string }> {
  return new Promise((resolve) => {
    child.once('error', (error) =>
      resolve({ code: null, what: `cannot be started: ${error.message}` }),
    )
    child.once('exit', (code, signal) =>
      resolve({ code, what: signal ? `was ended by ${signal}` : `ended with exit code ${code}` }),
    )
  })
}

/** Whether it ended in time. If not, its whole process group is asked to end, then ended. */
async function within(
  ended: Promise<unknown>,
  pid: number,
  { clock, timeoutMs, graceMs = 10_000 }: ScriptInstallerOptions,
  outputs: readonly string[],
): Promise<boolean> {
  const over = new AbortController()
  const hasEnded = ended.then(() => over.abort()).then(() => true)
  const deadline = clock.nowMs() + timeoutMs
  const trimming = (async () => {
    while (!over.signal.aborted && clock.nowMs() < deadline) {
      await clock.wait(Math.min(5_000, deadline - clock.nowMs()), over.signal)
      for (const path of outputs) await trim(path)
    }
    return false
  })()
  if ((await Promise.race([hasEnded, trimming])) || over.signal.aborted) return true
  signalGroup(pid, 'SIGTERM')
  await clock.wait(graceMs, over.signal)
  signalGroup(pid, 'SIGKILL')
  // Stuck in the kernel it may stay even now; the agent does not wait for that.
  await clock.wait(graceMs, over.signal)
  return false
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal)
  } catch {
    // Its last member has just ended.
  }
}

/** A script that talks without end must not fill the disk; what it appends goes on from the start. */
async function trim(path: string): Promise<void> {
  const { size } = await stat(path)
  if (size > MAX_OUTPUT_BYTES) await truncate(path, 0)
}

/** The end of a file as text, without half characters at its start. */
async function tail(path: string): Promise<string> {
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    const length = Math.min(size, TAIL_BYTES)
    const { buffer } = await file.read(Buffer.alloc(length), 0, length, size - length)
    return buffer.toString('utf8').replace(/^\ufffd+/, '')
  } finally {
    await file.close()
  }
}
