/**
 * What clients of hawkBit's language can take is asked before a release is meant for them: an operator hears of it, and
 * no device runs into it.
 */
import {
  CLIENT_LIMITS,
  type ClientKind,
  clientKindOf,
  clientRefusal,
  DomainError,
  downloadOnlyRefusal,
  type Handling,
  type HawkbitSettings,
  type Release,
  type Snapshot,
} from '@updraft/core'
import type { Stores } from './ports.ts'

type Told = Pick<Release, 'title' | 'version' | 'artifact' | 'type'>

interface Brought {
  readonly releases: readonly Told[]
  readonly handling: Pick<Handling, 'isDownloadOnly'>
}

/** Refuses with release.unspeakable what the device's client cannot take together. */
export async function refuseForDevice(
  { profiles }: Pick<Stores, 'profiles'>,
  { device, components }: Snapshot,
  { releases, handling }: Brought,
): Promise<void> {
  const hawkbit = await profiles.hawkbit(device.profileId)
  const kind = clientKindOf(hawkbit, device.inventory)
  const untold = handling.isDownloadOnly ? downloadOnlyRefusal(kind, device.dialect) : null
  if (untold !== null) throw new DomainError('release.unspeakable', untold)
  if (kind === null) return
  // Some files go with others only, which may have been assigned before.
  const types = new Set(releases.map(({ type }) => type))
  const others = Object.entries(components).flatMap(([type, component]) => {
    const assignment = component.deviceAssignment ?? component.profileAssignment
    return assignment && !types.has(type) ? assignment.release : []
  })
  const isOneAtATime = CLIENT_LIMITS[kind].endings === null
  refuseUntakable(kind, isOneAtATime ? releases : [...releases, ...others], {
    settings: hawkbit,
    // As the tenant is called by who counts the characters of it.
    basePath: `/default/controller/v1/${encodeURIComponent(device.name)}`,
  })
}

/** Refuses with release.unspeakable what the profile's devices cannot take, where it is said what they are. */
export async function refuseForProfile(
  { profiles }: Pick<Stores, 'profiles'>,
  profileId: string,
  { releases, handling: { isDownloadOnly } }: Brought,
): Promise<void> {
  const hawkbit = await profiles.hawkbit(profileId)
  if (hawkbit.client !== null) {
    refuseUntakable(hawkbit.client, releases, { settings: hawkbit, isDownloadOnly })
  }
}

function refuseUntakable(
  kind: ClientKind,
  releases: readonly Told[],
  circumstances: {
    readonly settings: HawkbitSettings
    readonly isDownloadOnly?: boolean
    readonly basePath?: string
  },
): void {
  const message = clientRefusal(kind, releases, circumstances)
  if (message !== null) throw new DomainError('release.unspeakable', message, { client: kind })
}
