/** One clock for all relative times on the page, so that they turn over together. */
import { useSyncExternalStore } from 'react'

const TICK_MS = 10_000

let now = new Date()
const watchers = new Set<() => void>()
let timer: ReturnType<typeof setInterval> | undefined

function watch(watcher: () => void): () => void {
  watchers.add(watcher)
  if (timer === undefined) {
    // Nobody has looked at it for a while.
    now = new Date()
    timer = setInterval(() => {
      now = new Date()
      for (const each of watchers) each()
    }, TICK_MS)
  }
  return () => {
    watchers.delete(watcher)
    if (watchers.size > 0) return
    clearInterval(timer)
    timer = undefined
  }
}

export function useNow(): Date {
  return useSyncExternalStore(watch, () => now)
}
