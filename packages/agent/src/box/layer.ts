/**
 * What a layer of a box is: handlers, code, image. Each keeps its releases side by side, has one of them active and
 * one to go back to, and can be asked to end what a power cut interrupted.
 */
import type { Installed } from '@updraft/core'
import type { BoxLayerName } from '@updraft/wire/updraft'
import type { Installer } from '../installer.ts'

export type { BoxLayerName }

/** A release as a layer keeps it. `id` names its folder, or its slot. */
export interface LayerRelease {
  readonly id: string
  readonly title: string
  readonly version: string
  /** ISO 8601 by the box's own clock, which may be wrong. */
  readonly installedAt: string
}

/** What an attempt came to, kept in the layer's history, newest first. */
export interface LayerResult {
  readonly kind: 'updated' | 'unchanged' | 'failed' | 'rolled-back'
  readonly at: string
  readonly release: Pick<LayerRelease, 'title' | 'version'> | null
  /** For people: why it failed, or came back. */
  readonly because: string | null
}

/** Where a job is. A power cut is harmless in each of them; `isSafeToUnplug` is said all the same. */
export interface LayerProgress {
  readonly phase:
    | 'checking'
    | 'downloading'
    | 'unpacking'
    | 'writing'
    | 'verifying'
    | 'switching'
    | 'restarting'
    | 'trial'
    | 'going back'
  readonly bytes: number | null
  readonly totalBytes: number | null
  readonly bytesPerSecond: number | null
  readonly secondsLeft: number | null
  readonly isSafeToUnplug: true
}

/** How far it is, where nobody measures how fast. */
export const inPhase = (
  phase: LayerProgress['phase'],
  bytes: number | null = null,
  totalBytes: number | null = null,
): LayerProgress => ({
  phase,
  bytes,
  totalBytes,
  bytesPerSecond: null,
  secondsLeft: null,
  isSafeToUnplug: true,
})

export type OnProgress = (progress: LayerProgress) => void

export interface LayerStatus {
  readonly layer: BoxLayerName
  readonly active: LayerRelease | null
  readonly previous: LayerRelease | null
  /** Started on trial and not yet confirmed. */
  readonly trial: LayerRelease | null
  /** Newest first, at most 50. */
  readonly history: readonly LayerResult[]
  /** Why this layer cannot be updated on this machine, and what to do instead; null where it can. */
  readonly refusal: { readonly because: string; readonly instead: string } | null
  /** What is particular to the layer: handlers with their states, the commit, the slots. JSON, for page and server. */
  readonly details: unknown
}

/**
 * What somebody went back from by hand, if nothing else came since: it is not to come again of itself. A release that went
 * back because its trial failed is none; the layer counts those itself.
 */
export function wentBackFrom({
  active,
  previous,
  history,
}: Pick<LayerStatus, 'active' | 'previous' | 'history'>): LayerResult['release'] {
  if (!active || !previous) return null
  const brought = history.find(
    ({ kind, release }) =>
      (kind === 'updated' || kind === 'rolled-back') &&
      release?.title === active.title &&
      release.version === active.version,
  )
  if (brought?.kind !== 'rolled-back') return null
  return { title: previous.title, version: previous.version }
}

/** How a job ended, in the words of the page. */
export interface JobResult {
  readonly kind: LayerResult['kind']
  readonly because: string | null
  /** The machine, or this program, has to start anew before the job is over. */
  readonly then?: 'exit' | 'restart'
}

export interface Layer {
  readonly name: BoxLayerName
  /**
   * After each start, before anything else: ends what was cut off, and decides a trial under way. Can itself be cut off
   * anywhere and taken again.
   */
  wakeUp(signal: AbortSignal): Promise<void>
  /** What runs and is confirmed; null when nothing is installed. */
  installed(): Installed | null
  status(): LayerStatus
  /** Puts a release in place that came as a file from the configured server. */
  readonly installer: Installer
  /** Goes back to the previous release; fails in words when there is none. */
  rollBack(signal: AbortSignal): Promise<JobResult>
}
