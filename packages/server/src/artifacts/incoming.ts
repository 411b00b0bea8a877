/**
 * Files on their way in. Each is named after the process that writes it, so that the next start can tell what a
 * crash left behind from what another server on the same folder is just receiving.
 */
import { createHash, randomUUID } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { readdir, rm, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'

const ABANDONED_AFTER_MS = 24 * 60 * 60 * 1000

/**
 * Where process ids mean the same as here: this boot of this machine, and in containers this one's process
 * namespace. Elsewhere a missing process id proves nothing.
 */
function placeOfProcesses(): string {
  const parts = [hostname()]
  try {
    parts.push(readFileSync('/proc/sys/kernel/random/boot_id', 'utf8'))
    parts.push(readlinkSync('/proc/self/ns/pid'))
  } catch {
    // Not Linux: the host's name has to do.
  }
  return createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 16)
}

const PLACE = placeOfProcesses()

export const incomingPath = (folder: string): string =>
  join(folder, `${PLACE}-${process.pid}-${randomUUID()}`)

/**
 * Removes what was left behind, and answers how many files that were: those of a process of this place that no
 * longer lives, and any that nobody has written to for a day.
 */
export async function sweepIncoming(folder: string): Promise<number> {
  let removed = 0
  for (const name of await readdir(folder)) {
    const path = join(folder, name)
    if (!(await isLeftBehind(path, name))) continue
    await rm(path, { force: true, recursive: true })
    removed += 1
  }
  return removed
}

async function isLeftBehind(path: string, name: string): Promise<boolean> {
  const [place, processId] = name.split('-')
  if (place === PLACE && !isRunning(Number(processId))) return true
  const status = await stat(path).catch(() => undefined)
  return status !== undefined && Date.now() - status.mtimeMs > ABANDONED_AFTER_MS
}

function isRunning(processId: number): boolean {
  try {
    process.kill(processId, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}
