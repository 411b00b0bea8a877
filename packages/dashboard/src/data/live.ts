/**
 * What happens on the server, as it happens. Word of changes is gathered and makes what shows them be read anew,
 * at most so often: ten thousand updating devices must not keep the page busy.
 */
import { type Query, type QueryClient, useQueryClient } from '@tanstack/react-query'
import { useEffect, useSyncExternalStore } from 'react'
import type { Noun } from './queries.ts'

/** Between two readings at least. */
const GATHER_MS = 1_000
/** A reading that took long, of a list scrolled far or at a server that has much to do, is followed by so many times that. */
const REST_TIMES = 3
const MOST_REST_MS = 15_000

export type Line = 'opening' | 'live' | 'broken'

let line: Line = 'opening'
const watchers = new Set<() => void>()
const setLine = (now: Line) => {
  line = now
  for (const each of watchers) each()
}

/** Which lists and pages an event of that kind touches. */
const NOUNS_OF: Readonly<Record<string, readonly Noun[]>> = {
  operation: ['operations', 'devices', 'overview', 'policies'],
  report: ['operations', 'devices'],
  device: ['devices', 'overview', 'profiles', 'registrations', 'clouds', 'realm'],
  profile: ['profiles', 'devices'],
  release: ['releases', 'profiles'],
  artifact: [],
  'artifact-store': [],
  campaign: ['campaigns', 'devices'],
  policy: ['policies', 'devices', 'overview'],
  cloud: ['clouds', 'devices'],
  realm: ['realm'],
  registration: ['registrations'],
  group: ['groups'],
  channel: ['groups'],
  'system-model': ['groups'],
  'hardware-type': ['groups'],
  assignment: ['assignments', 'profiles', 'devices', 'overview'],
  operator: ['accounts'],
  token: ['accounts'],
  customer: ['accounts', 'devices'],
  tenant: ['accounts', 'settings'],
  settings: ['settings'],
}

interface Happened {
  readonly kind: string
  /** Null for word from another server. */
  readonly data: { readonly campaign?: unknown } | null
}
interface Batch {
  readonly events: readonly Happened[]
}

const nounsOf = ({ kind, data }: Happened): readonly Noun[] => {
  const [subject = ''] = kind.split('.')
  const nouns = NOUNS_OF[subject] ?? []
  const isOfCampaign = subject === 'operation' && (data === null || data.campaign != null)
  return isOfCampaign ? [...nouns, 'campaigns'] : nouns
}

/** Keeps the line open as long as the component that uses it is there. */
export function useLive(): void {
  const queries = useQueryClient()
  useEffect(() => open(queries), [queries])
}

export const useLine = (): Line =>
  useSyncExternalStore(
    (watcher) => {
      watchers.add(watcher)
      return () => watchers.delete(watcher)
    },
    () => line,
  )

function open(queries: QueryClient): () => void {
  const touched = new Set<Noun>()
  let timer: ReturnType<typeof setTimeout> | undefined
  let isReading = false
  let restUntilMs = 0
  let isClosed = false
  const readAnew = async () => {
    timer = undefined
    // A page nobody looks at is read when it is looked at again.
    if (document.hidden) return
    const nouns = new Set(touched)
    touched.clear()
    const predicate = ({ queryKey: [noun] }: Query) => nouns.has(noun as Noun)
    // A read that is on its way is let finish, and follows what was asked before: it is read once more after it.
    for (const query of queries.getQueryCache().findAll({ predicate, fetchStatus: 'fetching' })) {
      touched.add(query.queryKey[0] as Noun)
    }
    const beganMs = performance.now()
    isReading = true
    const reading = queries.invalidateQueries({ predicate }, { cancelRefetch: false })
    await Promise.race([reading, passing(MOST_REST_MS)])
    isReading = false
    const endedMs = performance.now()
    restUntilMs = endedMs + Math.min(MOST_REST_MS, REST_TIMES * (endedMs - beganMs))
    if (touched.size > 0) wait(GATHER_MS)
  }
  const wait = (ms: number) => {
    if (isReading || isClosed) return
    const restMs = restUntilMs - performance.now()
    timer ??= setTimeout(() => void readAnew(), Math.max(ms, restMs))
  }
  const touch = (nouns: Iterable<Noun>) => {
    for (const noun of nouns) touched.add(noun)
    wait(GATHER_MS)
  }
  const everything = () => touch(Object.values(NOUNS_OF).flat())

  const source = new EventSource('/api/events')
  source.addEventListener('open', () => setLine('live'))
  source.addEventListener('error', () => setLine('broken'))
  source.addEventListener('message', ({ data }) => {
    const { events } = JSON.parse(data) as Batch
    touch(events.flatMap(nounsOf))
    touch(['audit'])
  })
  // More happened than could be kept for us while the line was broken.
  source.addEventListener('missed', everything)
  const onVisible = () => {
    if (!document.hidden && touched.size > 0) wait(0)
  }
  document.addEventListener('visibilitychange', onVisible)
  return () => {
    document.removeEventListener('visibilitychange', onVisible)
    isClosed = true
    clearTimeout(timer)
    source.close()
    setLine('opening')
  }
}

const passing = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
