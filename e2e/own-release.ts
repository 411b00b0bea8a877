/** Devices with a release made for each of them alone, so that stories beside each other do not meet. */
import type { TestPlatform } from './platform.ts'

export interface OwnRelease {
  /** `1.10` where it does not matter: a version that a number would spoil. */
  readonly version?: string
  readonly type?: string
  readonly bytes: Uint8Array<ArrayBuffer>
}

/** What a device's own release is called. */
export const titleFor = (device: string): string => `for ${device}`

/** Makes a release for that device and assigns it; answers its id. */
export async function assignOwn(
  platform: TestPlatform,
  device: string,
  { version = '1.10', type = 'firmware', bytes }: OwnRelease,
): Promise<string> {
  const release = { title: titleFor(device), version, profile: 'pump', type, bytes }
  const releaseId = await platform.addRelease(release)
  await platform.assign(releaseId, { device }, type)
  return releaseId
}

/** A new device of the profile `pump`, with a release of its own assigned; answers its token. */
export async function addWithOwn(
  platform: TestPlatform,
  device: string,
  release: OwnRelease,
): Promise<string> {
  const token = await platform.addDevice(device, 'pump')
  await assignOwn(platform, device, release)
  return token
}
