/** A file on its way to the server: streamed with its length announced, hashed while it is read. */
import { createHash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Artifact } from '@updraft/api/shapes'
import type { Door } from './command.ts'
import { fileTrouble, Refusal } from './errors.ts'
import type { Progress } from './progress.ts'

const CHUNK_BYTES = 64 * 1024

export interface Upload {
  readonly file: string
  /** Computed by the server besides SHA-256. */
  readonly checksumAlgorithm?: string
  /** The upload is refused if it differs. */
  readonly checksum?: string
}

/**
 * The artifact the server now holds. Memory stays the same whatever the size. Refuses with file.unusable,
 * artifact.empty, file.changed, artifact.checksum-mismatch, or as the server does.
 */
export async function uploadFile(
  { file, checksumAlgorithm, checksum }: Upload,
  { client, progress }: Pick<Door, 'client' | 'progress'>,
): Promise<Artifact> {
  const handle = await open(file).catch((error) => fileTrouble(file, error))
  try {
    const sizeBytes = await sizeOf(handle, file)
    const hash = createHash('sha256')
    const bar = progress({ title: `Sending ${basename(file)}`, total: sizeBytes, unit: 'bytes' })
    const artifact = await client(
      'uploadArtifact',
      {
        query: { checksumAlgorithm, checksum },
        body: read({ handle, file, sizeBytes, hash, bar }),
      },
      { headers: { 'content-length': String(sizeBytes) } },
    ).finally(bar.end)
    if (artifact.sha256 !== hash.digest('hex')) {
      throw new Refusal({
        code: 'artifact.checksum-mismatch',
        message: `The server did not receive ${file} as it is here.`,
        hint: 'Something on the way changes what is sent. Run the same command again.',
      })
    }
    return artifact
  } finally {
    await handle.close()
  }
}

async function sizeOf(handle: FileHandle, file: string): Promise<number> {
  const stat = await handle.stat()
  if (!stat.isFile()) {
    throw new Refusal({ code: 'file.unusable', message: `${file}: that is no regular file.` })
  }
  if (stat.size === 0) {
    throw new Refusal({ code: 'artifact.empty', message: `${file}: the file is empty.` })
  }
  return stat.size
}

/** Reads into a new buffer each time: the one before may still wait to be sent. */
async function* read({
  handle,
  file,
  sizeBytes,
  hash,
  bar,
}: {
  handle: FileHandle
  file: string
  sizeBytes: number
  hash: ReturnType<typeof createHash>
  bar: Progress
}): AsyncGenerator<Uint8Array> {
  let sent = 0
  while (sent < sizeBytes) {
    const buffer = new Uint8Array(Math.min(CHUNK_BYTES, sizeBytes - sent))
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, sent)
    if (bytesRead === 0) {
      throw new Refusal({
        code: 'file.changed',
        message: `${file}: the file became shorter while it was sent.`,
        hint: 'Is it still being written? Run the same command when it is complete.',
      })
    }
    const chunk = buffer.subarray(0, bytesRead)
    hash.update(chunk)
    yield chunk
    sent += bytesRead
    bar.advance(bytesRead)
  }
}
