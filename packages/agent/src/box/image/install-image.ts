/**
 * Brings an image to the slot that does not run, and asks the boot loader to try it once. Until `ready` is noted nothing
 * leads to that slot; each step can be taken twice, and what was written before a power cut need not be written again.
 */
import { basename } from 'node:path'
import type { InstallJob, InstallResult } from '../../installer.ts'
import { codeOf, messageOf, UpdateFailed } from '../../trouble.ts'
import type { LayerRelease } from '../layer.ts'
import { begun, refusalOf } from '../pointer.ts'
import { otherSlot, type SlotPlace } from './boot-adapter.ts'
import { healthBefore } from './health.ts'
import { type ImageFile, lookAtImage } from './image-file.ts'
import type { Attempt, SlotContent } from './image-memory.ts'
import { type ImageTools, note, noteAttempt, nowText, withResult } from './image-tools.ts'
import { progressOf } from './progress.ts'
import { readBack, tooSmall, type Written, writeImage } from './write-image.ts'

/** What the next start may try. */
const TRIES = 1

/** `restart` when the machine is to start anew for it, `done` when it runs already, else why not. */
export async function installImage(
  tools: ImageTools,
  job: Pick<InstallJob, 'file' | 'release'>,
  signal: AbortSignal,
): Promise<InstallResult> {
  const release = releaseOf(tools, job)
  if (isSame(tools.memory.value.pointer.active, release)) return { kind: 'done' }
  try {
    const refusal = await whyNotNow(tools, release)
    if (refusal) return { kind: 'failed', error: refusal }
    const attempt = await goOnOrBegin(tools, job, release)
    if (attempt.phase !== 'writing') await askForTrial(tools, attempt)
    else await arm(tools, attempt, await putInPlace(tools, attempt, job, signal))
    return { kind: 'restart' }
  } catch (error) {
    const because = failureOf(error)
    await giveUp(tools, release, because)
    return { kind: 'failed', error: because }
  }
}

/** Starts a system again that lies whole in the other slot. Throws UpdateFailed when there is none. */
export async function tryAgain(tools: ImageTools, content: SlotContent): Promise<void> {
  const { running } = await tools.adapter.active()
  const attempt = await begin(
    tools,
    { release: content.release, kind: 'roll-back', file: null },
    running,
  )
  await arm(tools, attempt, content)
}

/** Nothing is changed yet. An attempt that has come so far that only the restart is missing is not asked again. */
async function whyNotNow(tools: ImageTools, release: LayerRelease): Promise<string | null> {
  const { adapter, memory, maxStarts, backOff, wallMs } = tools
  progressOf(tools.clock, tools.onProgress)('checking')
  const { running, standing, isTrial } = await adapter.active()
  const { attempt, pointer } = memory.value
  const isUndecided = isTrial !== null ? running !== standing : attempt?.slot === running
  if (isUndecided) return `slot ${running} is on trial itself`
  if (attempt && attempt.phase !== 'writing' && isSame(attempt.release, release)) return null
  const refusal = refusalOf(pointer, release, { maxStarts, backOff, nowMs: wallMs() })
  return refusal?.because ?? (await whyNotKept(tools))
}

/** The attempt for that very file that was cut off, or a new one. */
async function goOnOrBegin(
  tools: ImageTools,
  { file }: Pick<InstallJob, 'file'>,
  release: LayerRelease,
): Promise<Attempt> {
  const { attempt } = tools.memory.value
  const { running } = await tools.adapter.active()
  const isSameFile = attempt?.file === basename(file) && isSame(attempt.release, release)
  if (isSameFile && attempt.from === running) return attempt
  return await begin(tools, { release, kind: 'update', file: basename(file) }, running)
}

/** The journal and the configuration must be there in the new system too. */
async function whyNotKept({ adapter, dataFolder, carryOver }: ImageTools): Promise<string | null> {
  if (await adapter.keeps(dataFolder)) return null
  const isCarried = carryOver.some(
    (path) => dataFolder === path || dataFolder.startsWith(`${path.replace(/\/$/, '')}/`),
  )
  if (isCarried) return null
  return `the data folder ${dataFolder} lies in the slot that runs, and a new system would not have it: move it to a partition of its own, or name it in --carry-over`
}

async function begin(
  tools: ImageTools,
  { release, kind, file }: Pick<Attempt, 'release' | 'kind' | 'file'>,
  running: string,
): Promise<Attempt> {
  const attempt: Attempt = {
    kind,
    slot: otherSlot(tools.adapter, running),
    from: running,
    release,
    phase: 'writing',
    file,
    bytesSynced: 0,
    bootId: tools.bootId,
    lives: 0,
    before: {},
    because: null,
  }
  await note(tools, { attempt })
  return attempt
}

async function putInPlace(
  tools: ImageTools,
  attempt: Attempt,
  { file }: Pick<InstallJob, 'file'>,
  signal: AbortSignal,
): Promise<SlotContent> {
  const { place } = tools.adapter
  const { slot, release } = attempt
  if (place.kind === 'slots') return await write(tools, place, attempt, file, signal)
  await forget(tools, attempt)
  const say = progressOf(tools.clock, tools.onProgress)('writing')
  const { size } = await tools.disk.stat(file)
  const onPercent = (percent: number) => say(Math.round((size * percent) / 100), size)
  await place.install(file, { slot, onPercent, signal })
  return { release, sha256: null, bytes: null }
}

/** From here on what lies in that slot is no system. */
async function forget(tools: ImageTools, attempt: Attempt): Promise<void> {
  const { slots, pointer } = tools.memory.value
  await note(tools, {
    slots: { ...slots, [attempt.slot]: null },
    pointer: { ...pointer, previous: null },
  })
}

async function write(
  tools: ImageTools,
  place: SlotPlace,
  attempt: Attempt,
  file: string,
  signal: AbortSignal,
): Promise<SlotContent> {
  const { adapter, disk, memory } = tools
  const { slot } = attempt
  const image = await lookAtImage(disk, file)
  const capacity = await place.capacity(slot)
  if ((image.imageBytes ?? 0) > capacity) throw tooSmall(capacity, image.imageBytes ?? 0)
  const known = memory.value.slots[slot]
  if (
    known &&
    isSame(known.release, attempt.release) &&
    (await isStillThere(tools, place, slot, known, signal))
  ) {
    return known
  }
  if (known || attempt.bytesSynced === 0) await forget(tools, attempt)
  await adapter.markBad(slot)
  const written = await stream(tools, { place, attempt, image, capacity, signal })
  if (tools.carryOver.length > 0) await place.carryOver(slot, tools.carryOver)
  // Once files were carried over into it, the slot reads otherwise.
  const sha256 = tools.carryOver.length > 0 ? null : written.sha256
  return { release: attempt.release, sha256, bytes: written.bytes }
}

async function stream(
  tools: ImageTools,
  {
    place,
    attempt,
    image,
    capacity,
    signal,
  }: {
    place: SlotPlace
    attempt: Attempt
    image: ImageFile
    capacity: number
    signal: AbortSignal
  },
): Promise<Written> {
  const { disk, clock, onProgress, syncEveryBytes } = tools
  const progress = progressOf(clock, onProgress)
  const slot = await place.open(attempt.slot)
  try {
    const written = await writeImage({
      disk,
      image,
      slot,
      capacity,
      reached: attempt.bytesSynced,
      syncEveryBytes,
      onSynced: async (bytesSynced) => {
        await noteAttempt(tools, attempt, { bytesSynced })
      },
      onBytes: progress('writing'),
      signal,
    })
    const onBytes = progress('verifying')
    const sha256 = await readBack({ slot, bytes: written.bytes, onBytes, signal })
    if (sha256 === written.sha256) return written
    // What was passed over because it was there already may be what is wrong.
    await noteAttempt(tools, attempt, { bytesSynced: 0 })
    throw new UpdateFailed(
      `slot ${attempt.slot} reads otherwise than it was written: SHA-256 ${sha256} instead of ${written.sha256}`,
      'image',
    )
  } finally {
    await slot.close()
  }
}

/** Whether the slot holds, byte by byte, what was put there for an earlier attempt. */
async function isStillThere(
  tools: ImageTools,
  place: SlotPlace,
  name: string,
  { sha256, bytes }: SlotContent,
  signal: AbortSignal,
): Promise<boolean> {
  if (sha256 === null || bytes === null) return false
  const onBytes = progressOf(tools.clock, tools.onProgress)('verifying')
  const slot = await place.open(name)
  try {
    return (await readBack({ slot, bytes, onBytes, signal })) === sha256
  } finally {
    await slot.close()
  }
}

/** Counted before it can be started; then the boot loader is told, and then it is noted that it was. */
async function arm(tools: ImageTools, attempt: Attempt, content: SlotContent): Promise<void> {
  const { memory, checks } = tools
  progressOf(tools.clock, tools.onProgress)('switching')
  const before = await healthBefore(checks)
  const { slots, pointer } = memory.value
  const ready = await noteAttempt(
    tools,
    attempt,
    { phase: 'ready', before },
    {
      slots: { ...slots, [attempt.slot]: content },
      pointer: begun(pointer, attempt.release),
    },
  )
  await askForTrial(tools, ready)
}

async function askForTrial(tools: ImageTools, attempt: Attempt): Promise<void> {
  await tools.adapter.setTrial(attempt.slot, TRIES)
  await noteAttempt(tools, attempt, { phase: 'armed' })
}

/** Nothing is tried, and the slot that runs is what stands. */
async function giveUp(tools: ImageTools, release: LayerRelease, because: string): Promise<void> {
  const { adapter, memory, log } = tools
  const { attempt, pointer } = memory.value
  log.warn('The image is not installed.', { release: release.id, because })
  if (attempt?.phase === 'ready' || attempt?.phase === 'armed') await adapter.confirm()
  const result = { kind: 'failed', because, release } as const
  const after = withResult(tools, { ...pointer, trial: null }, result)
  await note(tools, { attempt: null, pointer: after }).catch((error: unknown) => {
    log.error('That it failed cannot be noted.', { because: messageOf(error) })
  })
}

function failureOf(error: unknown): string {
  return codeOf(error) === 'ENOSPC' ? 'out of space: the disk is full' : messageOf(error)
}

function releaseOf(
  tools: ImageTools,
  { file, release }: Pick<InstallJob, 'file' | 'release'>,
): LayerRelease {
  const version = release.version ?? basename(file).slice(0, 12)
  const id = `${release.title}@${version}`
  return { id, title: release.title, version, installedAt: nowText(tools) }
}

const isSame = (a: LayerRelease | null | undefined, b: LayerRelease): boolean => a?.id === b.id
