/** What the running image says that it is: a box that was flashed by hand tells the truth. */
import type { Installed } from '@updraft/core'
import { type Disk, readIfThere } from '../../disk.ts'

/** Ours, and the one that stock boxes carry. */
export const IMAGE_VERSION_FILES = ['/etc/updraft-image', '/var/odoo/iotbox_version'] as const

/** The first of the files that is there: its first line, `TITLE@VERSION`, or a version alone. */
export async function imageVersion(
  disk: Disk,
  files: readonly string[] = IMAGE_VERSION_FILES,
): Promise<Installed | null> {
  for (const file of files) {
    const installed = parseImageVersion((await readIfThere(disk, file)) ?? '')
    if (installed) return installed
  }
  return null
}

export function parseImageVersion(text: string): Installed | null {
  const line = text.split('\n', 1)[0]?.trim() ?? ''
  const at = line.lastIndexOf('@')
  const version = line.slice(at + 1).trim()
  if (version === '') return null
  return { title: at > 0 ? line.slice(0, at).trim() : null, version }
}
