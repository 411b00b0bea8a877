/** Removes history when it has been kept long enough: in small batches, so that nobody waits for them. */
import type { Clock, HistorySweep } from './ports.ts'
import { type Rounds, rounds } from './rounds.ts'
import type { SettingsInForce } from './settings-in-force.ts'

const EVERY_MS = 3_600_000
const DAY_MS = 86_400_000
const BATCH_SIZE = 1000

export interface Removed {
  readonly events: number
  /** What devices said of what they were told to do. */
  readonly messages: number
  readonly operations: number
}

/** A stop finishes the batch at hand. */
export interface HistorySweeper extends Pick<Rounds, 'start' | 'stop'> {
  /** All that is due, now. */
  sweep(): Promise<Removed>
}

export function historySweeper({
  clock,
  sweep: records,
  settings,
  onError,
}: {
  clock: Clock
  sweep: HistorySweep
  settings: Pick<SettingsInForce, 'of'>
  onError: (error: unknown) => void
}): HistorySweeper {
  const removeInBatches = async (
    remove: HistorySweep['removeEvents'],
    tenantId: string,
    before: Date,
  ): Promise<number> => {
    let [removed, isMore] = [0, true]
    while (isMore && !sweeping.isStopped) {
      const count = await remove(tenantId, { before, limit: BATCH_SIZE })
      removed += count
      isMore = count === BATCH_SIZE
    }
    return removed
  }

  const removeOperations = async (tenantId: string, before: Date): Promise<number> => {
    let removed = 0
    let after: string | null = null
    do {
      const batch = await records.removeOperations(tenantId, { before, after, limit: BATCH_SIZE })
      removed += batch.removed
      after = batch.last
    } while (after !== null && !sweeping.isStopped)
    return removed
  }

  const sweep = async (): Promise<Removed> => {
    const now = clock.now()
    await records.removeExpired(now)
    const removed = { events: 0, messages: 0, operations: 0 }
    for (const tenantId of await records.tenantIds()) {
      const { retentionDays } = await settings.of(tenantId)
      // For ever.
      if (retentionDays === 0) continue
      const before = new Date(now.getTime() - retentionDays * DAY_MS)
      removed.events += await removeInBatches(records.removeEvents, tenantId, before)
      removed.messages += await removeInBatches(records.removeMessages, tenantId, before)
      removed.operations += await removeOperations(tenantId, before)
    }
    return removed
  }

  // The first one, of years, may take longer than until the next.
  const sweeping = rounds({ everyMs: EVERY_MS, isDueAtStart: true, work: sweep, onError })
  return { sweep, start: sweeping.start, stop: sweeping.stop }
}
