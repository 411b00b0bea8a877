/** Packages and releases: upload, describe, remove. */
import {
  checksumAlgorithm,
  DomainError,
  type EventKind,
  type JsonObject,
  nameOf,
  type OperatorActor,
} from '@updraft/core'
import type { RecordArtifact } from './artifact-record.ts'
import { deed } from './deed.ts'
import { DEFAULT_ALGORITHM, type Describe, type ReleaseDescription } from './described-release.ts'
import type {
  ArtifactHandle,
  ArtifactStore,
  Catalogue,
  Clock,
  PackageView,
  Page,
  ReleaseView,
  StoredArtifact,
  Stores,
  UnitOfWork,
} from './ports.ts'

/** What an operator says of a new release, and the profile it is made for. */
export interface NewRelease extends ReleaseDescription {
  readonly profile?: string
  readonly profileId?: string
}

export function catalogue({
  artifacts,
  clock,
  described,
  recordArtifact,
  unitOfWork,
}: {
  artifacts: ArtifactStore
  clock: Clock
  described: Describe
  recordArtifact: RecordArtifact
  unitOfWork: UnitOfWork
}) {
  const event = (
    kind: EventKind,
    actor: OperatorActor,
    subject: { kind: 'release'; id: string; name: string },
    data: JsonObject = {},
  ) => deed(actor, kind, { at: clock.now(), subject, data })
  const releaseSubject = (release: { id: string; title: string; version: string }) =>
    ({ kind: 'release', id: release.id, name: nameOf(release) }) as const

  const profileOf = async ({ profiles }: Stores, draft: NewRelease) => {
    if (draft.profileId) return profiles.get(draft.profileId)
    if (draft.profile) return profiles.byName(draft.profile)
    throw new DomainError('release.invalid', 'A release needs the profile it is made for.')
  }

  return {
    /**
     * Takes a file in. Refuses with artifact.unknown-algorithm, artifact.checksum-mismatch, artifact.empty,
     * artifact.incomplete or store.full; nothing is left behind then.
     */
    upload: async (
      actor: OperatorActor,
      source: AsyncIterable<Uint8Array>,
      said: { checksumAlgorithm?: string; checksum?: string; sizeBytes?: number },
    ): Promise<StoredArtifact> => {
      const algorithm = checksumAlgorithm(said.checksumAlgorithm ?? DEFAULT_ALGORITHM)
      const stored = await artifacts.receive(source, {
        algorithm,
        checksum: said.checksum,
        sizeBytes: said.sizeBytes,
      })
      await recordArtifact(actor, stored)
      return stored
    },

    createRelease: async (actor: OperatorActor, draft: NewRelease): Promise<ReleaseView> => {
      const making = await described(actor, draft)
      return unitOfWork(actor, async (stores) => {
        const release = making((await profileOf(stores, draft)).id)
        await stores.catalogue.insert(release)
        await stores.events.append([event('release.created', actor, releaseSubject(release))])
        return stores.catalogue.get(release.id)
      })
    },

    showRelease: (actor: OperatorActor, id: string): Promise<ReleaseView> =>
      unitOfWork(actor, ({ catalogue }) => catalogue.get(id)),

    /** With `deviceId` those it can be assigned; refuses with device.unknown then. */
    listReleases: (
      actor: OperatorActor,
      { deviceId, ...query }: Parameters<Catalogue['page']>[0] & { deviceId?: string },
    ): Promise<Page<ReleaseView>> =>
      unitOfWork(actor, async ({ catalogue, devices }) => {
        if (deviceId === undefined) return catalogue.page(query)
        const { profileId } = (await devices.get(deviceId)).snapshot.device
        // Of two profiles asked for at once nothing is of both.
        if (query.profileId !== undefined && query.profileId !== profileId) {
          return { items: [], nextCursor: null }
        }
        return catalogue.page({ ...query, profileId })
      }),

    listPackages: (
      actor: OperatorActor,
      query: Parameters<Catalogue['packages']>[0],
    ): Promise<Page<PackageView>> =>
      unitOfWork(actor, ({ catalogue }) => catalogue.packages(query)),

    /** All but the description is fixed for ever. */
    describeRelease: (
      actor: OperatorActor,
      id: string,
      description: string | null,
      revision?: number,
    ): Promise<ReleaseView> =>
      unitOfWork(actor, async ({ catalogue, events }) => {
        await catalogue.describe(id, description?.trim() || null, revision)
        const release = await catalogue.get(id)
        await events.append([event('release.changed', actor, releaseSubject(release))])
        return release
      }),

    /** Refuses with release.in-use while it is assigned or under way. The sweep removes the bytes later. */
    removeRelease: (actor: OperatorActor, id: string): Promise<void> =>
      unitOfWork(actor, async ({ catalogue, events }) => {
        const release = await catalogue.get(id)
        await catalogue.remove(id)
        await events.append([event('release.removed', actor, releaseSubject(release))])
      }),

    /**
     * The bytes; that they are fetched, all of them or a `range`, stands in the audit log before the first is
     * given. Without `fetched` they are only asked about. Refuses with release.external when it is not kept here.
     */
    openRelease: async (
      actor: OperatorActor,
      id: string,
      fetched: { range: string | undefined } | null,
    ): Promise<{ release: ReleaseView; handle: ArtifactHandle }> => {
      const release = await unitOfWork(actor, ({ catalogue }) => catalogue.get(id))
      if (!release.artifact) {
        const message = `${nameOf(release)} is kept at ${release.externalUrl}.`
        throw new DomainError('release.external', message, { url: release.externalUrl })
      }
      const handle = await artifacts.open(release.artifact.sha256)
      if (fetched) {
        const data: JsonObject = fetched.range === undefined ? {} : { range: fetched.range }
        const told = event('release.downloaded', actor, releaseSubject(release), data)
        await unitOfWork(actor, ({ events }) => events.append([told])).catch((error) => {
          handle.release()
          throw error
        })
      }
      return { release, handle }
    },
  }
}

export type CatalogueUseCases = ReturnType<typeof catalogue>
