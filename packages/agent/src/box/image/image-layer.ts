/**
 * The image of a box: the whole system, in one of two slots. A new one is written to the slot that does not run, started
 * once on trial, and kept only when it came up and is well; else the machine is back in the one before.
 */
import { join } from 'node:path'
import type { Installed, Json } from '@updraft/core'
import { type Disk, makeFolder } from '../../disk.ts'
import type { Installer, InstallResult } from '../../installer.ts'
import { type Log, silentLog } from '../../log.ts'
import { messageOf } from '../../trouble.ts'
import { type BackOff, type Clock, systemClock } from '../../waits.ts'
import {
  inPhase,
  type JobResult,
  type Layer,
  type LayerRelease,
  type LayerStatus,
  type OnProgress,
} from '../layer.ts'
import { BACK_OFF, forgiven, MAX_STARTS } from '../pointer.ts'
import type { BootAdapter, BootState } from './boot-adapter.ts'
import { decideTrial } from './decide-trial.ts'
import { HEALTH_TIMING, type HealthCheck, type HealthTiming } from './health.ts'
import { imageMemory } from './image-memory.ts'
import { type ImageTools, note, nowText } from './image-tools.ts'
import { imageVersion } from './image-version.ts'
import { installImage, tryAgain } from './install-image.ts'

export interface ImageLayerOptions {
  /** The boot loader, or why there is none to be used and what to do instead. */
  readonly boot: BootAdapter | NonNullable<LayerStatus['refusal']>
  readonly disk: Disk
  /** The box's data folder; the layer's own notes go to `image/` in it. */
  readonly dataFolder: string
  readonly bootId: string
  /** Restarts the machine; resolves when it has taken the wish. */
  readonly restart: () => Promise<void>
  /** What the new system has to pass, besides being the one that was meant. */
  readonly checks?: readonly HealthCheck[]
  readonly timing?: Partial<HealthTiming>
  /** Such as `/dev/watchdog`; it is fed while a trial goes well. */
  readonly watchdogPath?: string | null
  /** Files and folders of the running system that the new one is to have too. */
  readonly carryOver?: readonly string[]
  /** An image is installed although the boot loader cannot go back by itself. */
  readonly isForced?: boolean
  readonly runningVersion?: () => Promise<Installed | null>
  readonly onProgress?: OnProgress
  readonly log?: Log
  readonly clock?: Clock
  readonly wallMs?: () => number
  readonly syncEveryBytes?: number
  readonly maxStarts?: number
  readonly backOff?: BackOff
}

export interface ImageLayer extends Layer {
  /** Restarts the machine, into the slot on trial where one was asked for. */
  restart(): Promise<void>
  /** Ends an install that goes on, if the boot loader was not yet asked; whether it does. */
  cancel(): boolean
  /** Somebody wants what failed tried once more. */
  forgive(): Promise<void>
}

/** A machine that has not gone down by then is asked again. */
const RESTART_PATIENCE_MS = 600_000
const MAX_RESTARTS_ASKED = 3

export function imageLayer(options: ImageLayerOptions): ImageLayer {
  const { boot } = options
  const refusal = refusalOf(options)
  const tools = 'because' in boot ? null : toolsFor(boot, options)
  const {
    log = silentLog,
    disk,
    runningVersion = () => imageVersion(disk),
    onProgress = () => {},
  } = options
  const memory = tools?.memory ?? imageMemory(disk, join(options.dataFolder, 'image'), log)
  let cancelled: AbortController | null = null
  let state: BootState | null = null

  async function restart(): Promise<void> {
    onProgress(inPhase('restarting'))
    const isArmed = memory.value.attempt?.phase === 'armed'
    if (isArmed && tools?.adapter.restart) await tools.adapter.restart()
    else await options.restart()
  }

  /** The machine is to go down; nothing else is begun until it does. */
  async function goDown(signal: AbortSignal): Promise<void> {
    for (let asked = 1; asked <= MAX_RESTARTS_ASKED; asked++) {
      await options.restart()
      await (options.clock ?? systemClock).wait(RESTART_PATIENCE_MS, signal)
      if (signal.aborted) return
    }
    log.error('The machine does not restart.')
  }

  /** What runs, unless it is on trial: then what is confirmed is the one before. */
  async function learn(): Promise<void> {
    const { attempt, pointer, slots } = memory.value
    if (attempt && attempt.slot === state?.running) return
    const told = await runningVersion()
    const known = state ? slots[state.running]?.release : undefined
    const active = told ? releaseOf(told, known ?? pointer.active) : (known ?? pointer.active)
    if (active === null || active.id === pointer.active?.id) return
    const running = state?.running
    const content = { release: active, sha256: null, bytes: null }
    await memory.write({
      ...memory.value,
      pointer: { ...pointer, active },
      slots: running ? { ...slots, [running]: content } : slots,
    })
  }

  function releaseOf({ title, version }: Installed, before: LayerRelease | null): LayerRelease {
    const release = { title: title ?? before?.title ?? 'image', version: version ?? '?' }
    const id = `${release.title}@${release.version}`
    if (before?.id === id) return before
    return { ...release, id, installedAt: nowText({ wallMs: options.wallMs ?? Date.now }) }
  }

  return {
    name: 'image',

    // What the checks look at has to be started beside it: a page that is not there yet does not answer.
    async wakeUp(signal) {
      await makeFolder(disk, join(options.dataFolder, 'image'), 0o700)
      await memory.load()
      try {
        if (tools) {
          state = await tools.adapter.active()
          const outcome = await decideTrial(tools, signal)
          if (outcome === 'restart') await goDown(signal)
          state = await tools.adapter.active()
        }
      } catch (error) {
        if (signal.aborted) return
        log.error('What the boot loader says cannot be settled.', { error })
      }
      await learn()
    },

    installed() {
      const { active } = memory.value.pointer
      return active && { title: active.title, version: active.version }
    },

    status() {
      const { attempt, pointer, slots } = memory.value
      const details = {
        boot: tools?.adapter.describe() ?? null,
        running: state?.running ?? null,
        isTrial: attempt !== null && attempt.slot === state?.running,
        slots: (tools?.adapter.slots ?? []).map((name) => ({
          name,
          release: slots[name]?.release ?? null,
        })),
        phase: attempt?.phase ?? null,
        attempts: pointer.attempts.map(({ id, starts, because }) => ({ id, starts, because })),
      }
      return {
        layer: 'image',
        active: pointer.active,
        previous: pointer.previous,
        trial: attempt && attempt.phase !== 'writing' ? attempt.release : null,
        history: pointer.history,
        refusal,
        details: details as unknown as Json,
      }
    },

    installer: {
      async install(job): Promise<InstallResult> {
        if (!tools || refusal) {
          const because = refusal ? `${refusal.because}; ${refusal.instead}` : 'no slots'
          return { kind: 'failed', error: because }
        }
        cancelled = new AbortController()
        try {
          return await installImage(tools, job, cancelled.signal)
        } finally {
          cancelled = null
        }
      },

      whyNot: ({ title, version }) =>
        memory.value.pointer.history.find(
          ({ release }) => release?.title === title && release.version === version,
        )?.because ?? null,
    } satisfies Installer,

    async rollBack(): Promise<JobResult> {
      if (!tools) return { kind: 'failed', because: refusal?.because ?? 'no slots' }
      const { slots, pointer } = memory.value
      const { running } = await tools.adapter.active()
      const other = tools.adapter.slots.find((slot) => slot !== running) ?? ''
      const content = slots[other]
      if (!content) {
        return {
          kind: 'failed',
          because: `there is no whole system in slot ${other} to go back to`,
        }
      }
      try {
        await note(tools, { pointer: forgiven(pointer, content.release.id) })
        await tryAgain(tools, content)
        // biome-ignore lint/suspicious/noThenProperty: a word of the layer's, and no promise
        return { kind: 'rolled-back', because: null, then: 'restart' }
      } catch (error) {
        return { kind: 'failed', because: messageOf(error) }
      }
    },

    restart,

    cancel() {
      const { attempt } = memory.value
      if (cancelled === null || (attempt && attempt.phase !== 'writing')) return false
      cancelled.abort(new Error('it was cancelled'))
      return true
    },

    async forgive() {
      if (memory.value.pointer.attempts.length === 0) return
      await memory.write({ ...memory.value, pointer: forgiven(memory.value.pointer) })
    },
  }
}

function toolsFor(adapter: BootAdapter, options: ImageLayerOptions): ImageTools {
  const { disk, log = silentLog, dataFolder } = options
  return {
    adapter,
    disk,
    log,
    clock: options.clock ?? systemClock,
    wallMs: options.wallMs ?? Date.now,
    bootId: options.bootId,
    memory: imageMemory(disk, join(dataFolder, 'image'), log),
    dataFolder,
    carryOver: options.carryOver ?? [],
    checks: options.checks ?? [],
    timing: { ...HEALTH_TIMING, ...options.timing },
    watchdogPath: options.watchdogPath ?? null,
    syncEveryBytes: options.syncEveryBytes ?? 16 * 1_048_576,
    maxStarts: options.maxStarts ?? MAX_STARTS,
    backOff: options.backOff ?? BACK_OFF,
    runningVersion: options.runningVersion ?? (() => imageVersion(disk)),
    restart: options.restart,
    onProgress: options.onProgress ?? (() => {}),
  }
}

function refusalOf({ boot, isForced = false }: ImageLayerOptions): LayerStatus['refusal'] {
  if ('because' in boot) return boot
  if (boot.fallsBack || isForced) return null
  return {
    because: `${boot.describe()} cannot go back by itself to a system that starts`,
    instead: 'flash the image by hand, or insist by --image-without-fallback yes',
  }
}
