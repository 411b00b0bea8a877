/**
 * Which release of a layer is active, which one there is to go back to, which is on trial, and how its attempts went.
 * Values in, values out; release-folders.ts keeps the value on disk, written last and in one go.
 */
import { type BackOff, backOffMs } from '../waits.ts'
import type { LayerRelease, LayerResult } from './layer.ts'

export interface Pointer {
  readonly active: LayerRelease | null
  readonly previous: LayerRelease | null
  /** Started, and neither confirmed nor given up yet. */
  readonly trial: LayerRelease | null
  /** Releases whose starts did not end well so far, newest last. */
  readonly attempts: readonly Attempts[]
  /** Newest first. */
  readonly history: readonly LayerResult[]
}

/** How often a release was started on trial without being confirmed. */
export interface Attempts {
  readonly id: string
  readonly starts: number
  /** Why it went back last; null when it was only cut off. */
  readonly because: string | null
  /** Milliseconds of the box's own clock. */
  readonly endedMs: number
}

export const NOTHING: Pointer = {
  active: null,
  previous: null,
  trial: null,
  attempts: [],
  history: [],
}

const REMEMBERED_RELEASES = 16
const REMEMBERED_RESULTS = 50
const REASON_LENGTH = 1_000

/** Counted before it is started, so that one that takes the machine down with it is counted as well. */
export function begun(pointer: Pointer, trial: LayerRelease): Pointer {
  const before = attemptsOf(pointer, trial.id)
  return {
    ...pointer,
    trial,
    attempts: withAttempts(pointer, {
      id: trial.id,
      starts: (before?.starts ?? 0) + 1,
      because: before?.because ?? null,
      endedMs: before?.endedMs ?? 0,
    }),
  }
}

/** The one on trial is active from here on, and the one before is there to go back to. */
export function confirmed(pointer: Pointer, result: Omit<LayerResult, 'release'>): Pointer {
  const { trial, active } = pointer
  if (!trial) throw new Error('nothing is on trial')
  return recorded(
    {
      ...pointer,
      active: trial,
      previous: active && active.id !== trial.id ? active : pointer.previous,
      trial: null,
      attempts: pointer.attempts.filter(({ id }) => id !== trial.id),
    },
    { ...result, release: named(trial) },
  )
}

/** The one on trial did not pass; what was active stays so. `isCutOff`: nobody can say how it would have ended. */
export function wentBack(pointer: Pointer, { at, because, isCutOff, nowMs }: WentBack): Pointer {
  const { trial } = pointer
  if (!trial) throw new Error('nothing is on trial')
  const before = attemptsOf(pointer, trial.id)
  const attempts = withAttempts(pointer, {
    id: trial.id,
    starts: before?.starts ?? 1,
    because: isCutOff ? (before?.because ?? null) : shortened(because),
    endedMs: isCutOff ? (before?.endedMs ?? 0) : nowMs,
  })
  return recorded(
    { ...pointer, trial: null, attempts },
    { kind: 'rolled-back', at, because, release: named(trial) },
  )
}

export interface WentBack {
  readonly at: string
  readonly because: string
  readonly isCutOff: boolean
  readonly nowMs: number
}

/** The active one is not whole any more: the previous one takes its place, where `isPreviousWhole`. */
export function lost(
  pointer: Pointer,
  { at, because, isPreviousWhole }: { at: string; because: string; isPreviousWhole: boolean },
): Pointer {
  const { active, previous } = pointer
  return recorded(
    { ...pointer, active: isPreviousWhole ? previous : null, previous: null },
    {
      kind: isPreviousWhole ? 'rolled-back' : 'failed',
      at,
      because,
      release: active && named(active),
    },
  )
}

export function recorded(pointer: Pointer, result: LayerResult): Pointer {
  const because = result.because && shortened(result.because)
  const history = [{ ...result, because }, ...pointer.history].slice(0, REMEMBERED_RESULTS)
  return { ...pointer, history }
}

/** Its attempts are forgotten, or those of all: somebody asks for it once more. */
export const forgiven = (pointer: Pointer, release?: string): Pointer => ({
  ...pointer,
  attempts: release === undefined ? [] : pointer.attempts.filter(({ id }) => id !== release),
})

export const attemptsOf = ({ attempts }: Pointer, release: string): Attempts | undefined =>
  attempts.find(({ id }) => id === release)

/** Why a release is not started. `waitMs`: when it may be, without anybody's wish; null: never. */
export interface Refusal {
  readonly because: string
  readonly waitMs: number | null
}

/** A release that was started so often without being confirmed is not started any more. */
export const MAX_STARTS = 3
export const BACK_OFF: BackOff = { baseMs: 15 * 60_000, capMs: 6 * 3_600_000 }

/**
 * Why that release should not be started, or null. A release that failed is left alone for a while by what happens of
 * itself, and for good after `maxStarts` starts, until somebody asks for it: see forgiven().
 */
export function refusalOf(
  pointer: Pointer,
  { id, title, version }: Pick<LayerRelease, 'id' | 'title' | 'version'>,
  { maxStarts, backOff, nowMs }: { maxStarts: number; backOff: BackOff; nowMs: number },
): Refusal | null {
  const attempts = attemptsOf(pointer, id)
  if (!attempts) return null
  const { starts, because, endedMs } = attempts
  const why = because === null ? '' : ` The last time: ${because}`
  const name = `${title} ${version}`.trim()
  if (starts >= maxStarts) {
    const times = starts === 1 ? 'once' : `${starts} times`
    return { because: `${name} was started ${times} and did not hold.${why}`, waitMs: null }
  }
  if (because === null) return null
  // A clock that was set back since must not mean a wait of years.
  const restMs = backOffMs(starts, backOff, () => 1)
  const waitMs = Math.min(restMs, endedMs + restMs - nowMs)
  if (waitMs <= 0) return null
  const minutes = Math.ceil(waitMs / 60_000)
  return { because: `${name} is tried again in ${minutes} min.${why}`, waitMs }
}

/** The releases that are still needed. */
export const needed = ({ active, previous, trial }: Pointer): readonly string[] =>
  [active, previous, trial].flatMap((release) => (release ? [release.id] : []))

function withAttempts({ attempts }: Pointer, of: Attempts): readonly Attempts[] {
  return [...attempts.filter(({ id }) => id !== of.id), of].slice(-REMEMBERED_RELEASES)
}

const named = ({ title, version }: LayerRelease) => ({ title, version })

/** The end says most. */
const shortened = (reason: string): string =>
  reason.length > REASON_LENGTH ? `…${reason.slice(1 - REASON_LENGTH)}` : reason
