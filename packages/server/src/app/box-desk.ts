/**
 * Boxes, as they come: what they announce, what they fetch, and the line they hold open. A box names itself when it
 * fetches and shows no secret; the token it was paired with comes with its announcement.
 */
import {
  type BoxPlatform,
  type BoxServer,
  DomainError,
  hasStill,
  type JsonObject,
  type Release,
  type Snapshot,
} from '@updraft/core'
import type { DigestsOf } from './artifact-digests.ts'
import type {
  ArtifactHandle,
  ArtifactStore,
  Box,
  BoxesAtWork,
  BoxImage,
  Clock,
  DeviceWork,
  HandlerArchives,
  Handlers,
  RegistrationsAtWork,
  Secrets,
  UnitOfWork,
} from './ports.ts'
import type { Registering } from './registering.ts'

/** For so long after an operator asked for it, a fetch counts as if somebody had pressed the button. */
const ASKED_MS = 15 * 60_000

/** What a box logs comes twice a second: whose it is, is asked again after that. */
const CALLED_MS = 60_000
const MAX_CALLED = 10_000

/** A box that is one of ours. */
export interface KnownBox {
  readonly box: Box
  readonly device: Snapshot
  /** An operator has asked for it to fetch its handlers, a short while ago. */
  readonly isAsked: boolean
}

export interface BoxDesk {
  /** What boxes are told that reach the server by that host; null when nobody said so. */
  boxServerAt(host: string): Promise<BoxServer | null>
  /**
   * A box says who it is: first its identifier, then a MAC by which it may have been known before. Null: it waits to be
   * claimed. Refuses with provisioning.refused when its token is no profile's, with device.unknown when another tenant
   * has a box of that name.
   */
  announceBox(
    said: {
      readonly names: readonly [string, ...string[]]
      readonly isHardware: (name: string) => boolean
      readonly token: string
      readonly facts: JsonObject
    },
    dialect: string,
  ): Promise<KnownBox | null>
  /** The one that goes by the first of these names that anybody goes by, marked as seen; null if there is none. */
  boxNamed(names: readonly string[], dialect: string): Promise<KnownBox | null>
  boxOn(channel: string, dialect: string): Promise<KnownBox | null>
  /** Whose box that is, by what was known a minute ago at most; nobody is marked as seen. */
  boxCalled(
    names: readonly string[],
  ): Promise<{ readonly tenantId: string; readonly deviceId: string } | null>
  /** What it was given last, where it still has that. */
  lastGiven(known: KnownBox): Promise<Release | null>
  /** The release of the box's tenant by that id; null when there is none any more. */
  releaseOf(device: Snapshot, releaseId: string): Promise<Release | null>
  /** The bytes of a release, for boxes of that system. Refuses with handlers.invalid or artifact.unknown. */
  handlersOf(release: Release, platform: BoxPlatform): Promise<Handlers>
  /** As `BoxesAtWork.imagesAt`. */
  imagesAt: BoxesAtWork['imagesAt']
  /** The bytes of an image. Refuses with artifact.unknown. */
  openImage(image: BoxImage): Promise<ArtifactHandle>
  /** Null while it is being computed, or cannot be. */
  sha1Soon(image: BoxImage): Promise<string | null>
  /** It has all of that release now. */
  boxWasGiven(known: KnownBox, release: Release): Promise<void>
}

export function boxDesk({
  archives,
  artifacts,
  boxes,
  clock,
  digests,
  registering,
  registrations,
  secrets,
  unitOfWork,
  work,
}: {
  archives: HandlerArchives
  artifacts: Pick<ArtifactStore, 'open'>
  boxes: BoxesAtWork
  clock: Clock
  digests: Pick<DigestsOf, 'soon'>
  registering: Pick<Registering, 'register'>
  registrations: Pick<RegistrationsAtWork, 'profileOf'>
  secrets: Pick<Secrets, 'newToken'>
  unitOfWork: UnitOfWork
  work: Pick<DeviceWork, 'arriveVouched'>
}): BoxDesk {
  const arrived = async (box: Box, dialect: string): Promise<KnownBox | null> => {
    const device = await work.arriveVouched(box.deviceId, dialect, clock.now())
    return device && known(box, device)
  }
  const known = (box: Box, device: Snapshot): KnownBox => {
    const { restartAskedAt } = box
    const sinceMs = restartAskedAt && clock.now().getTime() - restartAskedAt.getTime()
    return { box, device, isAsked: sinceMs !== null && sinceMs < ASKED_MS }
  }

  const called = new Map<string, { readonly box: Box | null; readonly until: number }>()

  const firstOf = (names: readonly string[], found: readonly Box[]): Box | undefined =>
    names.flatMap((name) => found.find((box) => box.names.includes(name)) ?? [])[0]

  const releaseOf: BoxDesk['releaseOf'] = ({ tenantId }, releaseId) =>
    unitOfWork({ tenantId, customerId: null }, ({ catalogue }) => catalogue.get(releaseId)).catch(
      (error) => {
        if (error instanceof DomainError && error.code === 'release.unknown') return null
        throw error
      },
    )

  return {
    boxServerAt: (host) => boxes.serverAt(host),
    announceBox: async ({ names, isHardware, token, facts }, dialect) => {
      const [identifier, ...others] = names
      const profile = await registrations.profileOf(token, null)
      if (!profile) {
        throw new DomainError('provisioning.refused', 'No profile has that key as its token.')
      }
      const found = await boxes.named(names)
      const own = firstOf([identifier], found)
      // A MAC moves with an adapter: one that is known by something better already is another box.
      const before = firstOf(others, found)
      const isOurs = before?.tenantId === profile.tenantId && before.names.every(isHardware)
      const there = own ?? (isOurs ? before : undefined)
      if (there && there.tenantId !== profile.tenantId) {
        throw new DomainError('device.unknown', "A box of that name is another tenant's.")
      }
      const registered = there
        ? null
        : await registering.register({ product: token, id: identifier, facts }, dialect)
      const deviceId = there?.deviceId ?? registered?.device.device.id
      if (deviceId === undefined) return null
      const isComplete = there !== undefined && names.every((name) => firstOf([name], found))
      const box = isComplete
        ? there
        : await boxes.keep(
            { tenantId: profile.tenantId, deviceId },
            { channel: secrets.newToken(), names },
          )
      return registered ? known(box, registered.device) : arrived(box, dialect)
    },
    boxNamed: async (names, dialect) => {
      const box = names.length > 0 && firstOf(names, await boxes.named(names))
      return box ? arrived(box, dialect) : null
    },
    boxCalled: async (names) => {
      const key = names.join(' ')
      const now = clock.now().getTime()
      const before = called.get(key)
      if (before && before.until > now) return before.box
      const box = (names.length > 0 && firstOf(names, await boxes.named(names))) || null
      if (called.size >= MAX_CALLED) called.clear()
      called.set(key, { box, until: now + CALLED_MS })
      return box
    },
    boxOn: async (channel, dialect) => {
      const box = await boxes.onChannel(channel)
      return box && arrived(box, dialect)
    },
    lastGiven: async ({ box, device }) => {
      const release = box.releaseId === null ? null : await releaseOf(device, box.releaseId)
      return release && hasStill(device.device, release) ? release : null
    },
    releaseOf,
    handlersOf: async ({ artifact, externalUrl }, platform) => {
      if (artifact) return archives.of(artifact.sha256, platform)
      throw new DomainError('release.external', `The file is kept at ${externalUrl}.`)
    },
    imagesAt: boxes.imagesAt,
    openImage: ({ sha256 }) => artifacts.open(sha256),
    sha1Soon: async ({ sha256 }) => (await digests.soon(sha256))?.sha1 ?? null,
    boxWasGiven: ({ box }, { id }) => boxes.given(box.deviceId, id),
  }
}
