/** Whether a release of the code that is on trial is well: its service stays up, and all that is looked at is well. */
import { execFile } from 'node:child_process'
import { messageOf } from '../../trouble.ts'
import type { Clock } from '../../waits.ts'
import { type HealthCheck, type HealthWindow, healthWindow } from '../image/health.ts'
import type { HealthForm } from './manifest.ts'
import type { ServiceState } from './service.ts'

export interface CodeHealth extends Pick<HealthWindow, 'checks' | 'before' | 'release' | 'signal'> {
  /** How the service is; null where something else runs it. */
  readonly service: () => ServiceState | null
  readonly form: HealthForm
  readonly clock: Clock
}

const LOOK_EVERY_MS = 1_000
const CHECK_MS = 10_000

/** What is wrong with it, for people, or null as soon as it has proved well. One that has ended does not get well. */
export async function whatIsWrong(health: CodeHealth): Promise<string | null> {
  const { form, clock, signal } = health
  const over = new AbortController()
  const stop = AbortSignal.any([signal, over.signal])
  const timing = {
    windowMs: form.withinSeconds * 1000,
    steadyMs: form.upSeconds * 1000,
    everyMs: LOOK_EVERY_MS,
    checkMs: CHECK_MS,
  }
  const window = healthWindow({ ...health, signal: stop, timing, watchdog: null })
  // Whichever is second has nothing to say any more.
  window.catch(() => {})
  try {
    return (await Promise.race([window, whenEnded(health, clock, stop)])) ?? endedHow(health)
  } finally {
    over.abort(new Error('it is decided'))
  }
}

async function whenEnded(health: CodeHealth, clock: Clock, stop: AbortSignal): Promise<string> {
  for (;;) {
    const how = endedHow(health)
    if (how !== null) return how
    stop.throwIfAborted()
    await clock.wait(LOOK_EVERY_MS, stop)
  }
}

function endedHow({ service }: CodeHealth): string | null {
  const now = service()
  return now && now.kind !== 'running' ? `it ended by itself: ${now.because}` : null
}

/** A program ends with 0, run in the folder of the release. */
export const commandSucceeds = (
  [program = '', ...parameters]: readonly string[],
  { folder, environment }: { folder: string; environment: NodeJS.ProcessEnv },
): HealthCheck => ({
  name: program,
  check: ({ signal }) =>
    new Promise((resolve) => {
      const options = { cwd: folder, env: environment, timeout: CHECK_MS, signal }
      execFile(program, parameters, options, (error, stdout, stderr) => {
        const said = (stderr.trim() || stdout.trim()).split('\n').at(-1)?.slice(0, 300)
        resolve(error ? said || messageOf(error) : null)
      })
    }),
})
