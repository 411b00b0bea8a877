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
  type HawkbitSettings,
  type Release,
  type Snapshot,
} from '@updraft/core'
import type { Stores } from './ports.ts'

type Told = Pick<Release, 'title' | 'version' | 'artifact' | 'type'>

/** Refuses with release.unspeakable what the device's client cannot take together. */
export async function refuseForDevice(
  { profiles }: Pick<Stores, 'profiles'>,
  { device, components }: Snapshot,
  releases: readonly Told[],
): Promise<void> {
  const hawkbit = await profiles.hawkbit(device.profileId)
  const kind = clientKindOf(hawkbit, device.inventory)
  if (kind === null) return
  // Some files go with others only, which may have been assigned before.
  const types = new Set(releases.map(({ type }) => type))
  const others = Object.entries(components).flatMap(([type, component]) => {
    const assignment = component.deviceAssignment ?? component.profileAssignment
    return assignment && !types.has(type) ? assignment.release : []
  })
  const isOneAtATime = CLIENT_LIMITS[kind].endings === null
  refuseUntakable(kind, isOneAtATime ? releases : [...releases, ...others], hawkbit)
}

/** Refuses with release.unspeakable what the profile's devices cannot take, where it is said what they are. */
export async function refuseForProfile(
  { profiles }: Pick<Stores, 'profiles'>,
  profileId: string,
  releases: readonly Told[],
): Promise<void> {
  const hawkbit = await profiles.hawkbit(profileId)
  if (hawkbit.client !== null) refuseUntakable(hawkbit.client, releases, hawkbit)
}

function refuseUntakable(
  kind: ClientKind,
  releases: readonly Told[],
  settings: HawkbitSettings,
): void {
  const message = clientRefusal(kind, releases, { settings })
  if (message !== null) throw new DomainError('release.unspeakable', message, { client: kind })
}
