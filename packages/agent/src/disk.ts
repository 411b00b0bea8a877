/** The agent's door to the file system, and the one way anything lasting is written through it. */
import type * as promises from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { codeOf } from './trouble.ts'

export type Disk = Pick<
  typeof promises,
  'link' | 'mkdir' | 'open' | 'readdir' | 'readFile' | 'rename' | 'rm' | 'stat' | 'statfs'
>

/**
 * Puts a whole file in place: either the old content or the new is there after a power cut, never a mixture.
 * When this resolves, the new one is on the medium.
 */
export async function writeDurably(disk: Disk, path: string, content: string): Promise<void> {
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

/** The file's text, or null when there is none. */
export async function readIfThere(disk: Disk, path: string): Promise<string | null> {
  try {
    return await disk.readFile(path, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null
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

/** Removes all of the folder's files but those named. */
export async function removeOthers(disk: Disk, folder: string, keep: string[]): Promise<string[]> {
  const strays = (await disk.readdir(folder)).filter((name) => !keep.includes(name))
  for (const name of strays) await disk.rm(join(folder, name), { force: true, recursive: true })
  return strays
}
