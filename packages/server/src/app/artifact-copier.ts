/** Copies bytes into the stores they are wanted in, and takes them out of those they were moved from when nobody can still be fetching them there. */
import { DomainError } from '@updraft/core'
import { TICKET_DAYS } from './artifact-sources.ts'
import type {
  ArtifactCopies,
  ArtifactStores,
  Clock,
  CloudsAtWork,
  Every,
  WantedCopy,
} from './ports.ts'
import { type Rounds, rounds } from './rounds.ts'

const EVERY_MS = 5_000
const DAY_MS = 86_400_000
/** Who takes a copy up and is not heard of again has died: another server does it. */
const LEASE_MS = 3_600_000
const FIRST_PAUSE_MS = 30_000
const MAX_PAUSE_MS = 3_600_000

export interface ArtifactCopier extends Pick<Rounds, 'start' | 'stop'> {
  /** One round, now. */
  copy(): Promise<void>
}

export function artifactCopier({
  clock,
  clouds,
  copies,
  every,
  stores,
  onCopied,
  onError,
}: {
  clock: Clock
  clouds: Pick<CloudsAtWork, 'areServedFrom'>
  copies: ArtifactCopies
  every?: Every
  stores: ArtifactStores
  onCopied: (store: string, sha256: string) => void
  onError: (error: unknown) => void
}): ArtifactCopier {
  const make = async (wanted: WantedCopy): Promise<void> => {
    const { sha256, tries } = wanted
    try {
      const into = stores.named(wanted.store)
      if (!(await into.has(sha256))) {
        const handle = await stores.open(sha256)
        try {
          const bytes = handle.stream(0, handle.sizeBytes)
          const { sizeBytes } = handle
          await into.receive(bytes, { algorithm: 'SHA256', checksum: sha256, sizeBytes })
        } finally {
          handle.release()
        }
      }
      const now = clock.now()
      await copies.done(wanted, now, new Date(now.getTime() + TICKET_DAYS * DAY_MS))
      onCopied(wanted.store, sha256)
    } catch (error) {
      if (error instanceof DomainError && error.code === 'artifact.unknown') {
        await copies.drop(wanted)
        return
      }
      const pauseMs = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(tries, 12))
      const message = error instanceof Error ? error.message : String(error)
      await copies.failed(wanted, message, new Date(clock.now().getTime() + pauseMs))
      onError(error)
    }
  }

  const copy = async () => {
    while (!copying.isStopped) {
      const now = clock.now()
      const wanted = await copies.take(now, new Date(now.getTime() + LEASE_MS))
      if (!wanted) break
      await make(wanted)
    }
    for (const departure of await copies.departures(clock.now())) {
      if (copying.isStopped) return
      const { sha256, store, movedTo } = departure
      // One that is configured no more is let go of with all it holds; one that came into use again keeps it.
      const from = stores.all.slice(1).find(({ name }) => name === store)
      const leaves = from && !(await clouds.areServedFrom(store))
      if (leaves && (await stores.named(movedTo).has(sha256))) {
        await from.remove(sha256, clock.now())
      }
      await copies.endDeparture(departure)
    }
  }

  const copying = rounds({ everyMs: EVERY_MS, every, isDueAtStart: true, work: copy, onError })
  return { copy, start: copying.start, stop: copying.stop }
}
