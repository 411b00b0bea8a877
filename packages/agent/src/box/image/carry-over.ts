/** Files of the running system that the new one is to have too, where they do not lie outside of the slots. */

import { succeed } from './run.ts'
import type { Machine } from './slots.ts'

/**
 * Mounts the slot's system and copies them to the same places, with owners, modes and links; what is not there is passed
 * over. What had been copied in an attempt before is replaced.
 */
export async function carryInto({
  device,
  paths,
  folder,
  machine: { disk, run },
}: {
  device: string
  paths: readonly string[]
  /** Where the slot is mounted meanwhile. */
  folder: string
  machine: Machine
}): Promise<void> {
  await disk.mkdir(folder, { recursive: true, mode: 0o700 })
  // Left by an attempt that was cut off.
  await run('umount', [folder])
  await succeed(run, 'mount', [device, folder])
  try {
    for (const path of paths) {
      const isThere = (await run('test', ['-e', path])).code === 0
      if (isThere)
        await succeed(run, 'cp', ['-a', '--parents', '--remove-destination', path, folder])
    }
    await succeed(run, 'sync', ['-f', folder])
  } finally {
    await succeed(run, 'umount', [folder])
  }
}
