/** The agent's door to the file system, and the one way anything lasting is written through it. */
import type * as promises from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { codeOf, UpdateFailed } from './trouble.ts'

export type Disk = Pick<
  typeof promises,
  | 'link'
  | 'mkdir'
  | 'open'
  | 'readdir'
  | 'readFile'
  | 'readlink'
  | 'rename'
  | 'rm'
  | 'stat'
  | 'statfs'
  | 'symlink'
>

/**
 * Puts a whole file in place: either the old content or the new is there after a power cut, never a mixture.
 * When this resolves, the new one is on the medium.
 */
export async function writeDurably(
  disk: Disk,
  path: string,
  content: string | Buffer,
): Promise<void> {
  const temporary = `${path}.tmp`
  const file = await disk.open(temporary, 'w', 0o600)
  try {
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
  await disk.rename(temporary, path)
  await syncFolder(disk, dirname(path))
}

/** Makes a folder, and the folders it is in, and makes that lasting. */
export async function makeFolder(disk: Disk, folder: string, mode?: number): Promise<void> {
  const first = await disk.mkdir(folder, { recursive: true, mode })
  for (let made = folder; ; made = dirname(made)) {
    // What this program may not look into, it does not make lasting.
    await syncFolder(disk, dirname(made)).catch(() => {})
    if (first === undefined || made === first || made === dirname(made)) return
  }
}

/** Makes names lasting: creations, renames and removals in that folder. */
export async function syncFolder(disk: Disk, folder: string): Promise<void> {
  const handle = await disk.open(folder, 'r')
  try {
    await handle.sync()
  } catch (error) {
    // Some file systems (FAT, network shares) cannot sync a folder; their renames are as lasting as they get.
    if (!['EINVAL', 'EPERM', 'EISDIR', 'ENOTSUP'].includes(codeOf(error) ?? '')) throw error
  } finally {
    await handle.close()
  }
}

const isAbsence = (error: unknown): boolean => ['ENOENT', 'ENOTDIR'].includes(codeOf(error) ?? '')

/** The file's text, or null when there is none. */
export async function readIfThere(disk: Disk, path: string): Promise<string | null> {
  try {
    return await disk.readFile(path, 'utf8')
  } catch (error) {
    if (isAbsence(error)) return null
    throw error
  }
}

export async function sizeIfThere(disk: Disk, path: string): Promise<number | null> {
  try {
    return (await disk.stat(path)).size
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null
    throw error
  }
}

export async function freeBytes(disk: Disk, folder: string): Promise<number> {
  const { bavail, bsize } = await disk.statfs(folder)
  return Number(bavail) * Number(bsize)
}

/** Throws UpdateFailed with the numbers when so much, and the reserve beside it, does not fit. */
export async function refuseWithoutSpace(
  disk: Disk,
  folder: string,
  { bytes, reserveBytes }: { bytes: number; reserveBytes: number },
): Promise<void> {
  const free = await freeBytes(disk, folder)
  if (free < bytes + reserveBytes) throw outOfSpace(bytes + reserveBytes, free)
}

export const outOfSpace = (needed: number, free: number): UpdateFailed =>
  new UpdateFailed(`out of space: needs ${inMiB(needed)}, has ${inMiB(free)}`, 'storage')

const inMiB = (bytes: number): string => `${(bytes / 1_048_576).toFixed(1)} MiB`

/** The names in the folder; none when there is no such folder. */
export async function namesIn(disk: Disk, folder: string): Promise<readonly string[]> {
  try {
    return await disk.readdir(folder)
  } catch (error) {
    if (isAbsence(error)) return []
    throw error
  }
}

/** Removes all of the folder's files but those named. */
export async function removeOthers(disk: Disk, folder: string, keep: string[]): Promise<string[]> {
  const strays = (await disk.readdir(folder)).filter((name) => !keep.includes(name))
  for (const name of strays) await disk.rm(join(folder, name), { force: true, recursive: true })
  return strays
}
