/**
 * What is being done to several devices. It outlives the page it was begun on: whoever comes back sees how far it
 * is, and in the end what was refused and why, until that is put away.
 */
import { useEffect, useSyncExternalStore } from 'react'
import { type Done, doEach } from './each.ts'

export interface Thing {
  readonly id: string
  readonly name: string
}

export interface Job {
  /** What it does, as a title: "Label 3 devices". */
  readonly title: string
  readonly total: number
  /** How many are behind it, however it went. */
  readonly count: number
  /** It was asked to stop. */
  readonly isStopped: boolean
  /** What came of it; null while it is under way. */
  readonly result: Done<Thing> | null
}

let job: Job | null = null
let stopping = new AbortController()
const watchers = new Set<() => void>()

function set(to: Job | null): void {
  job = to
  for (const each of watchers) each()
}
const change = (to: Partial<Job>) => job && set({ ...job, ...to })

/** Resolves when all is done, or stopped. One is under way at a time: another begun meanwhile is null. */
export async function runJob<T extends Thing>(
  title: string,
  things: readonly T[],
  act: (thing: T) => Promise<unknown>,
): Promise<Done<T> | null> {
  if (job?.result === null) return null
  stopping = new AbortController()
  set({ title, total: things.length, count: 0, isStopped: false, result: null })
  const { signal } = stopping
  const result = await doEach(things, act, { signal, onProgress: (count) => change({ count }) })
  change({ result })
  return result
}

export function stopJob(): void {
  stopping.abort()
  change({ isStopped: true })
}

export const putJobAway = (): void => set(null)

export const useJob = (): Job | null =>
  useSyncExternalStore(
    (watcher) => {
      watchers.add(watcher)
      return () => watchers.delete(watcher)
    },
    () => job,
  )

/** The browser asks before a window is closed in which something is under way. */
export function useStay(isUnderWay: boolean): void {
  useEffect(() => {
    if (!isUnderWay) return
    const ask = (event: BeforeUnloadEvent) => event.preventDefault()
    addEventListener('beforeunload', ask)
    return () => removeEventListener('beforeunload', ask)
  }, [isUnderWay])
}
