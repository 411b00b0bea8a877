/** Where a device fetches a release, as a whole address that needs no further authorisation. */
import type { Release, Snapshot } from '@updraft/core'
import { artifactPath } from '@updraft/wire/updraft'
import type { DeviceDesk } from '../app/device-desk.ts'

/** `root`: of this server, as the device is told it where its cloud says nothing else. */
export async function addressOf(
  desk: Pick<DeviceDesk, 'sourceOf'>,
  { device, release, root }: { device: Snapshot; release: Release; root: string },
): Promise<string> {
  const source = await desk.sourceOf(device, release)
  if (source.kind === 'url') return source.url
  return `${source.publicUrl ?? root}${artifactPath(source.ticket, source.fileName)}`
}
