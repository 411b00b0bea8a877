// A machine that is busy with something else measures that. Before each round we wait for a calm moment.

import { cpus } from 'node:os'
import { setTimeout } from 'node:timers/promises'

const LOOK_MS = 250
const BUSY_SHARE = 0.15
const PATIENCE_MS = 30_000

/** Returns when the machine has been almost idle for a moment, or when that does not want to come. */
export async function untilQuiet(): Promise<void> {
  const deadlineMs = performance.now() + PATIENCE_MS
  let before = times()
  while (performance.now() < deadlineMs) {
    await setTimeout(LOOK_MS)
    const after = times()
    if (1 - (after.idle - before.idle) / (after.all - before.all) < BUSY_SHARE) return
    before = after
  }
}

function times(): { idle: number; all: number } {
  let idle = 0
  let all = 0
  for (const { times } of cpus()) {
    idle += times.idle
    all += times.user + times.nice + times.sys + times.irq + times.idle
  }
  return { idle, all }
}
