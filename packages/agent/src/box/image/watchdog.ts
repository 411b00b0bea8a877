/**
 * The hardware that restarts the machine unless it is told now and then that all is well.
 * (kernel.org, watchdog/watchdog-api: any byte keeps it from barking, and `V` before closing ends it)
 */
import type { Disk } from '../../disk.ts'
import { type Log, silentLog } from '../../log.ts'
import { messageOf } from '../../trouble.ts'

export interface Watchdog {
  feed(): Promise<void>
  /** It watches no longer. Not called when the machine is to go down: should it hang, the hardware helps. */
  release(): Promise<void>
}

/** From here on it has to be fed. Null where there is none, or another program feeds it. */
export async function openWatchdog(
  disk: Disk,
  path: string,
  log: Log = silentLog,
): Promise<Watchdog | null> {
  try {
    const file = await disk.open(path, 'w')
    return {
      feed: () => file.writeFile('.'),
      release: async () => {
        await file.writeFile('V')
        await file.close()
      },
    }
  } catch (error) {
    log.warn('The watchdog cannot be used.', { path, because: messageOf(error) })
    return null
  }
}
