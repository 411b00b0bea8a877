/**
 * Where a device fetches a release: straight from the artifact store of its cloud, with an address that carries its own
 * permission, or from this server. Bytes that are not in that store yet are asked to be copied there.
 */
import type { Release, Snapshot } from '@updraft/core'
import type { KnownCloud } from './known-clouds.ts'
import type { ArtifactCopies, ArtifactStores, Clock, Secrets } from './ports.ts'

/** A ticket is good for at least this long: slow links resume for days. */
export const TICKET_DAYS = 8
const DAY_MS = 86_400_000
/** What was not there, or could not be asked, is looked for again after this. */
const ABSENT_MS = 30_000
const MAX_REMEMBERED = 10_000

export type Source =
  | { readonly kind: 'url'; readonly url: string }
  /** A download address of this server; `publicUrl` is what devices of the cloud are told of it, null for what all are told. */
  | {
      readonly kind: 'ticket'
      readonly ticket: string
      readonly fileName: string
      readonly publicUrl: string | null
    }

export interface ArtifactSources {
  /** Where that device fetches that release, for seven days at least. Refuses with store.away. */
  sourceOf(device: Snapshot, release: Release): Promise<Source>
  /** A part of a download address that stands for those bytes, without any further authorisation. */
  ticketFor(sha256: string): string
  /** Those bytes lie in that store now: devices are sent there from now on. */
  arrived(store: string, sha256: string): void
}

/** In whole days, so that the address stays the same for a day and caches and resuming clients know it again. */
export const ticketExpiry = (now: Date): Date =>
  new Date((Math.floor(now.getTime() / DAY_MS) + TICKET_DAYS) * DAY_MS)

export function artifactSources({
  clock,
  cloudOf,
  copies,
  secrets,
  stores,
  onError,
}: {
  clock: Clock
  cloudOf: KnownCloud
  copies: Pick<ArtifactCopies, 'want'>
  secrets: Pick<Secrets, 'signTicket'>
  stores: Pick<ArtifactStores, 'all'>
  /** A store could not be asked; the device is served by this server. */
  onError: (error: unknown) => void
}): ArtifactSources {
  const absent = new Map<string, number>()

  const ticketFor = (sha256: string): string =>
    secrets.signTicket({ sha256, expiresAt: ticketExpiry(clock.now()) })

  /** Null while the server must serve them. */
  const directly = async (
    { sha256, fileName, contentType }: NonNullable<Release['artifact']>,
    storeName: string | null,
  ): Promise<string | null> => {
    const [first] = stores.all
    // One that was configured when the cloud was made, and is not any more, is as none.
    const store = stores.all.find(({ name }) => name === storeName) ?? first
    const address = await store?.addressFor(sha256, { fileName, contentType, now: clock.now() })
    if (!store || (!address && store === first)) return null
    const place = `${store.name} ${sha256}`
    if (performance.now() - (absent.get(place) ?? -ABSENT_MS) < ABSENT_MS) return null
    if (await isThere(store, sha256, place)) return address ?? null
    await copies.want([sha256], { store: store.name }, clock.now())
    return null
  }

  const isThere = async (store: ArtifactStores['all'][number], sha256: string, place: string) => {
    if (absent.size >= MAX_REMEMBERED) absent.clear()
    absent.set(place, performance.now())
    const found = await store.has(sha256)
    if (found) absent.delete(place)
    return found
  }

  return {
    ticketFor,
    arrived: (store, sha256) => void absent.delete(`${store} ${sha256}`),
    sourceOf: async ({ device }, { artifact, externalUrl }) => {
      if (!artifact) return { kind: 'url', url: externalUrl ?? '' }
      const cloud = await cloudOf(device.cloudId)
      const url = await directly(artifact, cloud?.artifactStore ?? null).catch((error) => {
        onError(error)
        return null
      })
      if (url) return { kind: 'url', url }
      const { sha256, fileName } = artifact
      const ticket = ticketFor(sha256)
      return { kind: 'ticket', ticket, fileName, publicUrl: cloud?.publicUrl ?? null }
    },
  }
}
