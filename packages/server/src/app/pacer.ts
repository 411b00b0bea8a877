/**
 * Lets devices that hold a line open be told in packs, so that a release for a large profile does not bring all
 * its devices at once. First come, first served within a tenant, and tenants do not wait for each other. Each
 * server paces the lines it holds. Who asks by itself is never paced.
 */
import { nextPack, type PaceSettings, recentOf } from '@updraft/core'

export interface Pacer {
  /**
   * Waits for a turn, then calls `tell`, which looks once more and answers whether the device was told; if not,
   * its place goes to the next. Resolves when that is done, or without a turn when the line is gone or the
   * server stops. Rejects with what `tell` rejects with.
   */
  inTurn(tenantId: string, signal: AbortSignal, tell: () => Promise<boolean>): Promise<void>
  /** That tenant's pace is another now. */
  paceChanged(tenantId: string): void
  /** How many wait for their turn. */
  readonly waiting: number
  /** Lets go of all who wait. */
  close(): void
}

interface Waiting {
  readonly leave: () => Promise<boolean>
  readonly giveUp: () => void
}

interface Queue {
  /** In order; a Set, as those whose line is gone leave it from anywhere. */
  readonly waiting: Set<Waiting>
  leaving: number
  left: number[]
  alarm: NodeJS.Timeout | undefined
}

/** `nowMs` is steady: a clock that is set must not hold up the queue. */
export function pacer({
  paceOf,
  nowMs = () => performance.now(),
}: {
  paceOf: (tenantId: string) => PaceSettings
  nowMs?: () => number
}): Pacer {
  const queues = new Map<string, Queue>()
  let isClosed = false

  const letGo = (tenantId: string, queue: Queue): void => {
    clearTimeout(queue.alarm)
    const now = nowMs()
    const pace = paceOf(tenantId)
    queue.left = [...recentOf(queue.left, pace.intervalMs, now)]
    const { size, nextAtMs } = nextPack(
      { waiting: queue.waiting.size, leaving: queue.leaving, left: queue.left },
      pace,
      now,
    )
    let leaving = size
    for (const waiting of queue.waiting) {
      if (leaving === 0) break
      leaving -= 1
      queue.waiting.delete(waiting)
      queue.leaving += 1
      const gone = (wasTold: boolean) => {
        queue.leaving -= 1
        // It left when it set out: the pace is not slowed by how long telling takes.
        if (wasTold && pace.intervalMs > 0) insert(queue.left, now)
        letGo(tenantId, queue)
      }
      waiting.leave().then(gone, () => gone(false))
    }
    if (nextAtMs !== null && queue.waiting.size > 0) {
      queue.alarm = setTimeout(() => letGo(tenantId, queue), Math.max(1, nextAtMs - now)).unref()
    } else if (queue.waiting.size === 0 && queue.leaving === 0 && queue.left.length === 0) {
      queues.delete(tenantId)
    }
  }

  return {
    inTurn: (tenantId, signal, tell) => {
      if (signal.aborted || isClosed) return Promise.resolve()
      const queue = queues.get(tenantId) ?? {
        waiting: new Set(),
        leaving: 0,
        left: [],
        alarm: undefined,
      }
      queues.set(tenantId, queue)
      return new Promise((resolve, reject) => {
        const waiting: Waiting = {
          leave: async () => {
            signal.removeEventListener('abort', waiting.giveUp)
            try {
              const wasTold = await tell()
              resolve()
              return wasTold
            } catch (error) {
              reject(error)
              return false
            }
          },
          giveUp: () => {
            queue.waiting.delete(waiting)
            resolve()
          },
        }
        queue.waiting.add(waiting)
        signal.addEventListener('abort', waiting.giveUp, { once: true })
        letGo(tenantId, queue)
      })
    },
    paceChanged: (tenantId) => {
      const queue = queues.get(tenantId)
      if (queue) letGo(tenantId, queue)
    },
    get waiting() {
      let count = 0
      for (const { waiting } of queues.values()) count += waiting.size
      return count
    },
    close: () => {
      isClosed = true
      for (const { waiting, alarm } of queues.values()) {
        clearTimeout(alarm)
        for (const each of [...waiting]) each.giveUp()
      }
      queues.clear()
    },
  }
}

/** Keeps them in order: who set out later may be back earlier. */
function insert(left: number[], atMs: number): void {
  let index = left.length
  while (index > 0 && (left[index - 1] ?? 0) > atMs) index -= 1
  left.splice(index, 0, atMs)
}
