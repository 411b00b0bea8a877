/** Whether a system that came up is well: checks that are made for a while before it is kept. */
import type { Json } from '@updraft/core'
import type { Disk } from '../../disk.ts'
import { writeDurably } from '../../disk.ts'
import { messageOf } from '../../trouble.ts'
import type { Clock } from '../../waits.ts'
import type { LayerRelease } from '../layer.ts'
import { lastWords, type Run } from './run.ts'
import type { Watchdog } from './watchdog.ts'

export interface HealthCheck {
  /** As it is named in a reason. */
  readonly name: string
  /** What is so before the update; kept, and handed to check() after it. */
  readonly before?: () => Promise<Json>
  /** What is wrong, for people; null when all is well. What it throws is wrong, too. */
  check(about: {
    readonly release: Pick<LayerRelease, 'title' | 'version'>
    readonly before: Json
    readonly signal: AbortSignal
  }): Promise<string | null>
}

export interface HealthWindow {
  readonly checks: readonly HealthCheck[]
  readonly before: Readonly<Record<string, Json>>
  readonly release: Pick<LayerRelease, 'title' | 'version'>
  readonly clock: Clock
  readonly timing: HealthTiming
  readonly watchdog: Watchdog | null
  readonly signal: AbortSignal
}

export interface HealthTiming {
  /** By then all must be well. */
  readonly windowMs: number
  /** So long all must be well without a break. */
  readonly steadyMs: number
  readonly everyMs: number
  /** A check that has not answered by then is not well. */
  readonly checkMs: number
}

export const HEALTH_TIMING: HealthTiming = {
  windowMs: 300_000,
  steadyMs: 30_000,
  everyMs: 5_000,
  checkMs: 30_000,
}

/** Null as soon as all has been well for long enough, else what was wrong at the end. Rejects when it is aborted. */
export async function healthWindow(window: HealthWindow): Promise<string | null> {
  const { clock, signal, watchdog } = window
  const { windowMs, steadyMs, everyMs } = window.timing
  const startMs = clock.nowMs()
  let wellSinceMs: number | null = null
  let wasWell = false
  for (;;) {
    const troubles = await lookAround(window)
    signal.throwIfAborted()
    const nowMs = clock.nowMs()
    if (troubles.length > 0) wellSinceMs = null
    else wellSinceMs ??= nowMs
    wasWell ||= wellSinceMs !== null
    if (wellSinceMs !== null && nowMs - wellSinceMs >= steadyMs) return null
    if (nowMs - startMs >= windowMs) {
      return troubles.join('; ') || `it was not well for ${steadyMs / 1000} s without a break`
    }
    // One that is still coming up is given its time; one that was well and is no longer, is not.
    if (wellSinceMs !== null || !wasWell) await watchdog?.feed()
    await clock.wait(everyMs, signal)
    signal.throwIfAborted()
  }
}

async function lookAround({
  checks,
  before,
  release,
  clock,
  timing,
  signal,
}: HealthWindow): Promise<string[]> {
  const found = await Promise.all(
    checks.map(async ({ name, check }) => {
      const over = new AbortController()
      const late = clock
        .wait(timing.checkMs, AbortSignal.any([signal, over.signal]))
        .then(() => `no answer within ${timing.checkMs / 1000} s`)
      const about = { release, before: before[name] ?? null, signal: over.signal }
      const trouble = await Promise.race([check(about).catch(messageOf), late])
      over.abort()
      return trouble === null ? [] : [`${name}: ${trouble}`]
    }),
  )
  return found.flat()
}

/** What all checks want to remember of how it is now. What cannot be told is not compared. */
export async function healthBefore(
  checks: readonly HealthCheck[],
): Promise<Readonly<Record<string, Json>>> {
  const told = await Promise.all(
    checks.map(async ({ name, before }) => [name, (await before?.().catch(() => null)) ?? null]),
  )
  return Object.fromEntries(told) as Record<string, Json>
}

/** A unit of systemd is active. */
export const serviceUp = (run: Run, unit: string): HealthCheck => ({
  name: `service ${unit}`,
  check: async () => {
    const { code, stdout, stderr } = await run('systemctl', ['is-active', unit])
    return code === 0 ? null : `it is not active${lastWords(stdout || stderr)}`
  },
})

/** A program of the machine's own ends with 0. */
export const programAgrees = (run: Run, program: string): HealthCheck => ({
  name: program,
  check: async ({ signal }) => {
    const { code, stdout, stderr } = await run(program, [], { signal })
    return code === 0 ? null : `it ended with ${code}${lastWords(stderr || stdout)}`
  },
})

/** A page answers; `says` looks at what it answers. */
export const pageAnswers = (
  url: string,
  says: (text: string, release: Pick<LayerRelease, 'title' | 'version'>) => boolean = () => true,
): HealthCheck => ({
  name: 'the page',
  check: async ({ release, signal }) => {
    const answer = await fetch(url, { signal })
    const text = await answer.text()
    if (!answer.ok) return `it answers ${answer.status}`
    return says(text, release) ? null : 'it answers something else'
  },
})

/** It answers, if it did before. */
export const stillReached = (
  name: string,
  isReached: (signal?: AbortSignal) => Promise<boolean>,
): HealthCheck => ({
  name,
  before: () => isReached(),
  check: async ({ before, signal }) =>
    before !== true || (await isReached(signal)) ? null : 'it is not reached, and was before',
})

/** The devices that were there before are back. */
export const devicesBack = (devices: () => Promise<readonly string[]>): HealthCheck => ({
  name: 'the devices',
  before: async () => [...(await devices())],
  check: async ({ before }) => {
    const now = await devices()
    const missing = (Array.isArray(before) ? before : []).filter(
      (device) => !now.includes(String(device)),
    )
    return missing.length === 0 ? null : `missing since the update: ${missing.join(', ')}`
  },
})

/** Something can be written to the data folder, and read again. */
export const diskWritable = (disk: Disk, path: string): HealthCheck => ({
  name: 'the disk',
  check: async ({ release }) => {
    const text = `${release.title}@${release.version}\n`
    await writeDurably(disk, path, text)
    return (await disk.readFile(path, 'utf8')) === text ? null : 'it reads otherwise'
  },
})
