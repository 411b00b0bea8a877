/** Removes what devices logged when it has been kept long enough: in small batches, so that nobody waits for them. */
import type { Clock, DeviceLogsAtWork } from './ports.ts'
import { type Rounds, rounds } from './rounds.ts'

const EVERY_MS = 3_600_000
const KEPT_MS = 30 * 86_400_000
const BATCH_SIZE = 1000

export function logSweeper({
  clock,
  logs,
  onError,
}: {
  clock: Clock
  logs: Pick<DeviceLogsAtWork, 'sweep'>
  onError: (error: unknown) => void
}): Pick<Rounds, 'start' | 'stop'> & { sweep(): Promise<number> } {
  const sweep = async (): Promise<number> => {
    const before = new Date(clock.now().getTime() - KEPT_MS)
    let [removed, count] = [0, BATCH_SIZE]
    while (count === BATCH_SIZE && !sweeping.isStopped) {
      count = await logs.sweep(before, BATCH_SIZE)
      removed += count
    }
    return removed
  }
  const sweeping = rounds({ everyMs: EVERY_MS, isDueAtStart: true, work: sweep, onError })
  return { sweep, start: sweeping.start, stop: sweeping.stop }
}
