/**
 * A new release is started on trial, looked at, and either confirmed or taken back: the same for everything that runs in
 * one program, whatever it is that has to be started. Nothing here knows what that is.
 */
import { type Log, silentLog } from '../log.ts'
import { messageOf } from '../trouble.ts'
import type { JobResult, LayerRelease } from './layer.ts'
import type { ReleaseFolders } from './release-folders.ts'

/** What runs of a layer. */
export interface Running {
  /**
   * Ends what runs, then starts that release; null: then nothing runs. Old and new never run beside each other. May throw
   * when it cannot be started.
   */
  switchTo(release: LayerRelease | null): Promise<void>
  /** Looks at it for as long as it takes. What is wrong, for people; null when all is well. */
  check(release: LayerRelease, signal: AbortSignal): Promise<string | null>
}

export interface Trial {
  readonly folders: ReleaseFolders
  /** Whole, and beside the one that is active. */
  readonly release: LayerRelease
  readonly running: Running
  /** Aborted when the program is to end: what is on trial is decided at the next start. */
  readonly signal: AbortSignal
  /** How it is told when it has passed. */
  readonly as?: 'updated' | 'rolled-back'
  /** Why, for the history. */
  readonly because?: string
  readonly onPhase?: (phase: 'switching' | 'trial' | 'going back') => void
  readonly log?: Log
}

/**
 * Resolves when either the new release is confirmed or the old one runs again. Rejects with the signal's reason, and with
 * UpdateFailed when it cannot even begin; then what ran before runs on.
 */
export async function onTrial(trial: Trial): Promise<JobResult> {
  const { folders, release, signal, as = 'updated', onPhase, log = silentLog } = trial
  const name = `${release.title} ${release.version}`
  signal.throwIfAborted()
  await folders.begin(release)
  onPhase?.('switching')
  const because = await whyNot(trial)
  signal.throwIfAborted()
  if (because === null) {
    log.info('The trial is passed.', { release: name })
    return { kind: as, because: null }
  }
  log.warn('The trial is not passed; what ran before comes back.', { release: name, because })
  onPhase?.('going back')
  return { kind: 'rolled-back', because: await comeBack(trial, because) }
}

/** What runs and what the pointer says become one again, whatever else goes wrong. Why, with that. */
async function comeBack({ folders, running }: Trial, because: string): Promise<string> {
  await folders.goBack(because)
  try {
    await running.switchTo(folders.pointer.active)
    return because
  } catch (error) {
    return `${because}; and what ran before does not start again: ${messageOf(error)}`
  }
}

/** Why the release does not hold; null when it is confirmed. */
async function whyNot(trial: Trial): Promise<string | null> {
  const { folders, running, release, signal, as, because: why, onPhase } = trial
  try {
    await running.switchTo(release)
    signal.throwIfAborted()
    onPhase?.('trial')
    const because = await running.check(release, signal)
    signal.throwIfAborted()
    if (because === null) await folders.confirm(as, why)
    return because
  } catch (error) {
    return messageOf(error)
  }
}

/**
 * After a start: a trial that was cut off has not passed, and what was active before comes back. Who asked for it asks
 * again; its starts are counted. Then what is active is started.
 */
export async function settleTrial({
  folders,
  running,
}: Pick<Trial, 'folders' | 'running'>): Promise<void> {
  if (folders.pointer.trial) {
    await folders.goBack('the trial was cut off', { isCutOff: true })
  }
  await running.switchTo(folders.pointer.active)
}
