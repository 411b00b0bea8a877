/** A release's bytes on their way here: never a file that is not whole and true. */
import { createHash } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Release } from '@updraft/api/shapes'
import type { Door } from './command.ts'
import { fileTrouble, Refusal } from './errors.ts'
import { nameOf } from './print.ts'
import { silenceOf } from './server-door.ts'

/** The name the file had when it was uploaded, without any folder, or else one made of title and version. */
export function fileNameOf({ fileName, title, version }: Release): string {
  const given = basename((fileName ?? '').replaceAll('\\', '/'))
  const name = given === '' || given === '.' || given === '..' ? `${title}-${version}.bin` : given
  return name.replace(/[/\\\p{Cc}]/gu, '_')
}

/**
 * Writes the release into `file`, by way of `file.part`, and returns its size. Refuses with
 * artifact.checksum-mismatch when what came is not what was published; nothing is left behind then.
 */
export async function downloadToFile(release: Release, file: string, door: Door): Promise<number> {
  const part = `${file}.part`
  const handle = await open(part, 'w').catch((error) => fileTrouble(part, error))
  try {
    const sizeBytes = await receive(release, door, async (chunk) => {
      await handle.write(chunk).catch((error) => fileTrouble(part, error))
    })
    await handle.close()
    await rename(part, file).catch((error) => fileTrouble(file, error))
    return sizeBytes
  } catch (error) {
    await handle.close()
    await rm(part, { force: true })
    throw error
  }
}

/** Hands over the bytes one piece after the other and returns how many came, once their SHA-256 is right. */
export async function receive(
  release: Release,
  { client, url, progress, signal }: Door,
  take: (chunk: Uint8Array) => Promise<void>,
): Promise<number> {
  const response = await client('downloadRelease', { params: { id: release.id } })
  const bar = progress({
    title: `Receiving ${nameOf(release)}`,
    total: release.sizeBytes,
    unit: 'bytes',
  })
  const hash = createHash('sha256')
  let sizeBytes = 0
  try {
    for await (const chunk of bytesOf(response, url, signal)) {
      hash.update(chunk)
      await take(chunk)
      sizeBytes += chunk.length
      bar.advance(chunk.length)
    }
  } finally {
    bar.end()
  }
  if (release.sha256 !== null && hash.digest('hex') !== release.sha256) {
    throw new Refusal({
      code: 'artifact.checksum-mismatch',
      message: `What came for ${nameOf(release)} does not have the SHA-256 ${release.sha256}.`,
      hint: 'Something changed it on the way or in the store. Nothing was kept; do not install it.',
    })
  }
  return sizeBytes
}

/** The body piece by piece. A connection that breaks off is a refusal; what the taker throws is not ours. */
async function* bytesOf({ body }: Response, url: string, signal: AbortSignal) {
  try {
    for await (const chunk of body ?? []) yield chunk
  } catch (error) {
    throw signal.aborted ? error : silenceOf(url, error)
  }
}
