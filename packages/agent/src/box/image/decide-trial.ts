/**
 * After a start: what the boot loader says runs is held against what was begun. A release on trial is looked at, and
 * kept or left again; whatever does not fit together is brought back to the slot that is known to start.
 */
import type { LayerRelease } from '../layer.ts'
import { begun, confirmed, wentBack } from '../pointer.ts'
import type { BootState } from './boot-adapter.ts'
import { healthWindow } from './health.ts'
import type { Attempt, SlotContent } from './image-memory.ts'
import { type ImageTools, note, noteAttempt, nowText } from './image-tools.ts'
import { progressOf } from './progress.ts'
import { openWatchdog } from './watchdog.ts'

/** More starts of this program within one trial mean that it does not hold. */
const MAX_LIVES = 5

/** `restart`: what runs was given up, and the machine has to start anew. */
export async function decideTrial(
  tools: ImageTools,
  signal: AbortSignal,
): Promise<'settled' | 'restart'> {
  const state = await tools.adapter.active()
  const { attempt } = tools.memory.value
  if (!attempt) return await withoutAttempt(tools, state, signal)
  return state.running === attempt.slot
    ? await inTheNewOne(tools, { state, attempt }, signal)
    : await inTheOldOne(tools, { state, attempt })
}

async function inTheOldOne(
  tools: ImageTools,
  { state, attempt }: { state: BootState; attempt: Attempt },
): Promise<'settled'> {
  const isSameBoot = attempt.bootId === tools.bootId
  const { phase } = attempt
  if (phase === 'writing') {
    // An installer of another house that was cut off may have asked for a start already.
    if (!isSameBoot && state.standing !== state.running) await tools.adapter.confirm()
    await tools.adapter.markGood?.()
    return 'settled'
  }
  // This program was started anew, the machine was not: the restart is still to come.
  if (isSameBoot && (phase === 'ready' || phase === 'armed')) return 'settled'
  await tools.adapter.confirm()
  if (phase === 'reverting') await tools.adapter.markBad(attempt.slot)
  await goBack(tools, attempt, whyBack(attempt))
  return 'settled'
}

/** What can be known of it from the old system. */
function whyBack({ phase, slot, because }: Attempt): { because: string; isCutOff: boolean } {
  switch (phase) {
    case 'ready':
      return { because: 'the power went before it was started', isCutOff: true }
    case 'armed':
      return {
        because: `slot ${slot} did not come up, or the power went before it had`,
        isCutOff: false,
      }
    case 'reverting':
      return { because: because ?? 'it was not well', isCutOff: false }
    default:
      return {
        because: `slot ${slot} came up, and the machine started anew before it was confirmed`,
        isCutOff: false,
      }
  }
}

async function inTheNewOne(
  tools: ImageTools,
  { state, attempt }: { state: BootState; attempt: Attempt },
  signal: AbortSignal,
): Promise<'settled' | 'restart'> {
  if (attempt.phase === 'reverting') return await leave(tools, attempt)
  const isConfirmed = state.isTrial === false && state.standing === state.running
  if (isConfirmed || attempt.phase === 'confirming') {
    await keep(tools, attempt)
    return 'settled'
  }
  const { pointer } = tools.memory.value
  const trial = await noteAttempt(
    tools,
    attempt,
    { phase: 'trial', lives: attempt.lives + 1 },
    // An installer of another house was cut off after it had asked for a start.
    attempt.phase === 'writing' ? { pointer: begun(pointer, attempt.release) } : {},
  )
  const because = await whyNot(tools, trial, signal)
  if (because === null) {
    await keep(tools, trial)
    return 'settled'
  }
  return await leave(tools, await noteAttempt(tools, trial, { phase: 'reverting', because }))
}

/** Why what runs is not to be kept; null when it is. */
async function whyNot(
  tools: ImageTools,
  { release, lives, before }: Attempt,
  signal: AbortSignal,
): Promise<string | null> {
  if (lives > MAX_LIVES) return `the box's own program was started ${lives} times during the trial`
  const runs = await tools.runningVersion()
  const isAnother =
    runs && (runs.version !== release.version || (runs.title ?? release.title) !== release.title)
  if (isAnother) {
    return `what came up calls itself ${runs.title ?? '?'}@${runs.version}, and not ${release.title}@${release.version}`
  }
  return await unhealthy(tools, { release, before }, signal)
}

async function unhealthy(
  { clock, timing, checks, disk, watchdogPath, log, onProgress }: ImageTools,
  { release, before }: Pick<Attempt, 'release' | 'before'>,
  signal: AbortSignal,
): Promise<string | null> {
  progressOf(clock, onProgress)('trial')
  const watchdog = watchdogPath === null ? null : await openWatchdog(disk, watchdogPath, log)
  const about = { checks, before, release, clock, timing, watchdog, signal }
  const trouble = await healthWindow(about)
  // One that is not well is left with the watchdog awake: the restart may hang as well.
  if (trouble === null) await watchdog?.release()
  return trouble === null ? null : `the health check failed: ${trouble}`
}

/** What runs now stands from here on. */
async function keep(tools: ImageTools, attempt: Attempt): Promise<void> {
  const { memory, adapter, log, wallMs } = tools
  const confirming = await noteAttempt(tools, attempt, { phase: 'confirming' })
  await adapter.confirm()
  const { slots, pointer } = memory.value
  const content: SlotContent = slots[attempt.slot] ?? {
    release: attempt.release,
    sha256: null,
    bytes: null,
  }
  const before = pointer.trial ? pointer : begun(pointer, attempt.release)
  const kind = attempt.kind === 'update' ? 'updated' : 'rolled-back'
  await note(tools, {
    attempt: null,
    slots: { ...slots, [confirming.slot]: content },
    pointer: confirmed(before, { kind, at: nowText({ wallMs }), because: null }),
  })
  log.info('The new image is kept.', { slot: attempt.slot, release: attempt.release.id })
}

/** What runs now is given up, and left by a restart. */
async function leave(tools: ImageTools, attempt: Attempt): Promise<'restart'> {
  const { adapter, log } = tools
  progressOf(tools.clock, tools.onProgress)('going back')
  await adapter.revert()
  log.error('The new image is given up; the machine goes back to the one before.', {
    release: attempt.release.id,
    because: attempt.because,
  })
  return 'restart'
}

async function goBack(
  tools: ImageTools,
  { release }: Attempt,
  why: { because: string; isCutOff: boolean },
): Promise<void> {
  const { memory, wallMs } = tools
  const { pointer } = memory.value
  const onTrial = pointer.trial ? pointer : { ...pointer, trial: release }
  const at = nowText(tools)
  await note(tools, {
    attempt: null,
    pointer: wentBack(onTrial, { ...why, at, nowMs: wallMs() }),
  })
  tools.log.error('The image before runs again.', { release: release.id, because: why.because })
}

/** Nobody here began anything, or the notes are lost. */
async function withoutAttempt(
  tools: ImageTools,
  { running, isTrial, armed }: BootState,
  signal: AbortSignal,
): Promise<'settled' | 'restart'> {
  const { adapter, log } = tools
  if (isTrial) {
    log.warn('What runs is on trial, and nothing is known of why.', { slot: running })
    const release = unknownRelease(tools)
    const because = await unhealthy(tools, { release, before: {} }, signal)
    if (because === null) await adapter.confirm()
    else await adapter.revert()
    return because === null ? 'settled' : 'restart'
  }
  // Where the boot loader tells of trials, ours are the only ones. Others may have been begun by hand.
  if (isTrial === false && armed !== null) {
    log.warn('A start was asked for of which nothing is known; it is taken back.', { slot: armed })
    await adapter.confirm()
  }
  await adapter.markGood?.()
  return 'settled'
}

const unknownRelease = (tools: ImageTools): LayerRelease => ({
  id: 'unknown',
  title: '?',
  version: '?',
  installedAt: nowText(tools),
})
