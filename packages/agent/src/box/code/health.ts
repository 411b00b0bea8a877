/**
 * Whether a release that is on trial is well: it stays up, and each check holds before the time is over. A check is asked
 * again and again; only what has ended cannot get well any more.
 */
import { execFile } from 'node:child_process'
import { exchangeText } from '../../http.ts'
import { messageOf } from '../../trouble.ts'
import type { Clock } from '../../waits.ts'
import type { HealthForm } from './manifest.ts'
import type { ServiceState } from './service.ts'

export interface HealthCheck {
  /** Notes how it is before the switch, for who compares. */
  before?(signal: AbortSignal): Promise<void>
  /** What is wrong, for people; null when all is well. */
  look(signal: AbortSignal): Promise<string | null>
}

export interface Health {
  /** How the service is; null where somebody else runs it. */
  readonly service: () => ServiceState | null
  readonly form: HealthForm
  readonly checks: readonly HealthCheck[]
  readonly clock: Clock
  readonly signal: AbortSignal
}

const LOOK_EVERY_MS = 1_000
const CHECK_TIMEOUT_MS = 10_000

/** What is wrong with it when the time is over, or null as soon as it has proved well. */
export async function whatIsWrong(health: Health): Promise<string | null> {
  const { form, checks, clock, signal } = health
  const fromMs = clock.nowMs()
  const open = [...checks]
  for (;;) {
    signal.throwIfAborted()
    const service = health.service()
    if (service && service.kind !== 'running') return `it ended by itself: ${service.because}`
    let wrong: string | null = null
    for (const check of [...open]) {
      const because = await check.look(signal).catch(messageOf)
      if (because === null) open.splice(open.indexOf(check), 1)
      else wrong ??= because
    }
    const upMs = clock.nowMs() - (service?.sinceMs ?? fromMs)
    if (open.length === 0 && upMs >= form.upSeconds * 1000) return endedMeanwhile(health)
    if (clock.nowMs() - fromMs >= form.withinSeconds * 1000) {
      return wrong ?? `it was not up for ${form.upSeconds} seconds`
    }
    await clock.wait(LOOK_EVERY_MS, signal)
  }
}

function endedMeanwhile({ service }: Health): string | null {
  const now = service()
  return now && now.kind !== 'running' ? `it ended by itself: ${now.because}` : null
}

/** The address answers 200 and names the release, so that it is not the one before that answers. */
export const answersWith = (url: string, release: string): HealthCheck => ({
  look: async (signal) => {
    const { host, pathname } = new URL(url)
    const answer = await exchangeText({ url, timeoutMs: CHECK_TIMEOUT_MS, signal })
    if (answer.status !== 200) return `${host}${pathname} answers ${answer.status}`
    return answer.text.includes(release) ? null : `${host}${pathname} does not name ${release}`
  },
})

export const commandSucceeds = (
  [program = '', ...parameters]: readonly string[],
  { folder, environment }: { folder: string; environment: NodeJS.ProcessEnv },
): HealthCheck => ({
  look: (signal) =>
    new Promise((resolve) => {
      const options = { cwd: folder, env: environment, timeout: CHECK_TIMEOUT_MS, signal }
      execFile(program, parameters, options, (error, stdout, stderr) => {
        const said = (stderr.trim() || stdout.trim()).split('\n').at(-1)?.slice(0, 300)
        resolve(error ? `its check ${program} fails: ${said || messageOf(error)}` : null)
      })
    }),
})
