/** Clouds as devices are served from them: each answer to a device asks, and they seldom change. */
import type { CloudsAtWork, EventFeed, TenantsCloud } from './ports.ts'

/** Word from another server may be lost. */
const KNOWN_MS = 60_000
const MAX_KNOWN = 10_000

/** The cloud of that id; null for none, and when there is none of it any more. Refuses with store.away. */
export type KnownCloud = (id: string | null) => Promise<TenantsCloud | null>

export function knownClouds({
  clouds,
  feed,
}: {
  clouds: Pick<CloudsAtWork, 'byId'>
  feed: Pick<EventFeed, 'subscribe'>
}): KnownCloud {
  const known = new Map<string, { cloud: Promise<TenantsCloud | null>; readAtMs: number }>()

  feed.subscribe((delivered) => {
    if (delivered.some(({ kind }) => kind.startsWith('cloud.'))) known.clear()
  })

  return async (id) => {
    if (id === null) return null
    const found = known.get(id)
    if (found && performance.now() - found.readAtMs < KNOWN_MS) return found.cloud
    if (known.size >= MAX_KNOWN) known.clear()
    const cloud = clouds.byId(id)
    // What could not be read is read again.
    cloud.catch(() => known.delete(id))
    known.set(id, { cloud, readAtMs: performance.now() })
    return cloud
  }
}
