/**
 * A child that outlived us: should the agent be killed, its next life finds the note of who was started, and ends it
 * before it starts another beside it.
 */
import { readFile, rm, writeFile } from 'node:fs/promises'
import { type Identity, identify, isRunning } from '../../lock.ts'
import type { Clock } from '../../waits.ts'

export interface OrphanNote {
  readonly path: string
  readonly bootId: string
  readonly clock: Clock
}

const ATTEMPTS = 50
const LOOK_EVERY_MS = 100

export async function noteChild({ path, bootId }: OrphanNote, pid: number): Promise<void> {
  await writeFile(path, JSON.stringify(await identify(pid, bootId)))
}

/** Resolves when nothing of the process group of that child is left, as far as we can see to it. */
export async function endOrphan({ path, bootId, clock }: OrphanNote): Promise<void> {
  const orphan = await readFile(path, 'utf8')
    .then((text) => JSON.parse(text) as Identity)
    .catch(() => null)
  if (orphan && Number.isInteger(orphan.pid) && orphan.pid > 1) {
    for (let attempt = 0; attempt < ATTEMPTS && (await isRunning(orphan, bootId)); attempt++) {
      signalGroup(orphan.pid, 'SIGKILL')
      await clock.wait(LOOK_EVERY_MS)
    }
  }
  await rm(path, { force: true }).catch(() => {})
}

/** To a child that was started detached, and to all that it has started. */
export function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, signal)
  } catch {
    // Its last member has just ended.
  }
}
