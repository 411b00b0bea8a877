/** Never two agents on one state folder. A lock whose owner is gone, or is of an earlier boot, is healed. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Disk, readIfThere } from './disk.ts'
import { codeOf } from './trouble.ts'

export interface Lock {
  release(): Promise<void>
}

export class StateFolderTaken extends Error {
  override readonly name = 'StateFolderTaken'
}

/** A running program, told apart from a later one that got the same number. */
export interface Identity {
  readonly pid: number
  /** When it started, in the kernel's words; null where the kernel does not tell. */
  readonly startedAt: string | null
  readonly bootId: string
}

const held = new Set<string>()

/** Takes the folder for this program, or throws StateFolderTaken with the number of the one that holds it. */
export async function lockFolder(disk: Disk, folder: string, bootId: string): Promise<Lock> {
  const path = join(folder, 'lock')
  if (held.has(path)) throw taken(folder, process.pid)
  held.add(path)
  try {
    const own = `${JSON.stringify(await identify(process.pid, bootId))}\n`
    const draft = join(folder, `lock.${process.pid}.tmp`)
    // Written aside and linked into place, the lock is never seen half-written.
    const file = await disk.open(draft, 'w', 0o600)
    await file.writeFile(own)
    await file.close()
    try {
      await take(disk, { path, draft, folder, bootId })
    } finally {
      await disk.rm(draft, { force: true })
    }
    return {
      release: async () => {
        held.delete(path)
        if ((await readIfThere(disk, path)) === own) await disk.rm(path, { force: true })
      },
    }
  } catch (error) {
    held.delete(path)
    throw error
  }
}

async function take(
  disk: Disk,
  { path, draft, folder, bootId }: Record<'path' | 'draft' | 'folder' | 'bootId', string>,
): Promise<void> {
  for (let attempt = 1; attempt <= 5; attempt++) {
    try {
      return await disk.link(draft, path)
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') return await takeWithoutLinks(disk, path, draft)
    }
    const text = await readIfThere(disk, path)
    if (text === null) continue
    const owner = ownerOf(text)
    if (owner && (await isRunning(owner, bootId))) throw taken(folder, owner.pid)
    // Moved aside under a name of our own; if it was a fresh lock after all, it goes back.
    const aside = `${draft}.stale`
    await disk.rename(path, aside)
    const moved = await readIfThere(disk, aside)
    if (moved !== text) await disk.link(aside, path).catch(() => {})
    await disk.rm(aside, { force: true })
  }
  throw taken(folder, null)
}

/** FAT and some shares know no links: there the file is created for us alone, then filled. */
async function takeWithoutLinks(disk: Disk, path: string, draft: string): Promise<void> {
  const content = await disk.readFile(draft)
  const file = await disk.open(path, 'wx', 0o600)
  await file.writeFile(content)
  await file.close()
}

/** Who runs under that number now. */
export async function identify(pid: number, bootId: string): Promise<Identity> {
  return { pid, startedAt: await startOf(pid), bootId }
}

/** Whether that very program still runs; this one does not count. */
export async function isRunning(who: Identity, bootId: string): Promise<boolean> {
  if (who.bootId !== bootId || who.pid === process.pid) return false
  try {
    process.kill(who.pid, 0)
  } catch (error) {
    if (codeOf(error) === 'ESRCH') return false
  }
  const startedAt = await startOf(who.pid)
  return who.startedAt === null || startedAt === null || startedAt === who.startedAt
}

/** Changes with every boot; `unknown` where the kernel does not tell. */
export async function readBootId(): Promise<string> {
  try {
    return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()
  } catch {
    return 'unknown'
  }
}

/** Field 22 of /proc/PID/stat, or null: for a program that has ended and waits for its parent, too. */
async function startOf(pid: number): Promise<string | null> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? 'ended' : (fields[19] ?? null)
  } catch {
    return null
  }
}

function ownerOf(text: string): Identity | undefined {
  try {
    const owner = JSON.parse(text) as Identity
    return Number.isInteger(owner.pid) ? owner : undefined
  } catch {
    return undefined
  }
}

const taken = (folder: string, pid: number | null): StateFolderTaken =>
  new StateFolderTaken(
    `Another agent${pid === null ? '' : ` (process ${pid})`} uses the state folder ${folder}.`,
  )
