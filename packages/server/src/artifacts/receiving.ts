/** Bytes on their way in: into a file under `incoming`, hashed as they pass, and kept once they are whole and checked. */
import { type FileHandle, open, rm } from 'node:fs/promises'
import { type ChecksumAlgorithm, DomainError } from '@updraft/core'
import type { ArtifactStore, StoredArtifact } from '../app/ports.ts'
import { type RunningChecksum, startChecksum } from './checksums.ts'
import { fullOr } from './durable.ts'
import { incomingPath } from './incoming.ts'

export interface StoreLog {
  info(details: object, message: string): void
  warn(details: object, message: string): void
}

/** How a piece reaches the file. */
export type Write = (file: FileHandle, bytes: Uint8Array, offsetBytes: number) => Promise<void>

/** Puts a whole file among the artifacts, durably; the file is its to take away. */
export type Keep = (path: string, artifact: StoredArtifact) => Promise<void>

type Expected = Parameters<ArtifactStore['receive']>[1]

export function receiving({
  incoming,
  keep,
  log,
  write,
}: {
  /** A folder on this machine. */
  incoming: string
  keep: Keep
  log: StoreLog
  write: Write
}): ArtifactStore['receive'] {
  return async (source, expected) => {
    const path = incomingPath(incoming)
    try {
      const artifact = await writeIncoming(path, source, { expected, write })
      await keep(path, artifact)
      return artifact
    } catch (error) {
      await rm(path, { force: true }).catch((cause) =>
        log.warn({ path, err: cause }, 'could not remove a refused upload'),
      )
      throw fullOr(error)
    }
  }
}

async function writeIncoming(
  path: string,
  source: AsyncIterable<Uint8Array>,
  { expected, write }: { expected: Expected; write: Write },
): Promise<StoredArtifact> {
  const sha256 = startChecksum('SHA256')
  const asked = expected.algorithm === 'SHA256' ? undefined : startChecksum(expected.algorithm)
  const file = await open(path, 'wx', 0o640)
  try {
    let sizeBytes = 0
    for await (const bytes of untilItBreaks(source)) {
      const offsetBytes = sizeBytes
      sizeBytes += bytes.length
      if (expected.sizeBytes !== undefined && sizeBytes > expected.sizeBytes) {
        throw otherSize(expected.sizeBytes, sizeBytes)
      }
      // The disk is busy with the piece while it is hashed here; the next one is taken when both are done.
      const written = write(file, bytes, offsetBytes)
      sha256.update(bytes)
      asked?.update(bytes)
      await written
    }
    const checksums = checked(sizeBytes, sha256, asked, expected)
    await file.sync()
    return { sha256: checksums.SHA256, sizeBytes, checksums }
  } finally {
    await file.close()
  }
}

/** The source's pieces; whatever breaks it off becomes artifact.incomplete, unless it is a refusal already. */
async function* untilItBreaks(source: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  try {
    for await (const bytes of source) if (bytes.length > 0) yield bytes
  } catch (error) {
    if (error instanceof DomainError) throw error
    throw new DomainError('artifact.incomplete', 'The upload broke off.', {}, error)
  }
}

function checked(
  sizeBytes: number,
  sha256: RunningChecksum,
  asked: RunningChecksum | undefined,
  expected: Expected,
): { SHA256: string } & Partial<Record<ChecksumAlgorithm, string>> {
  if (expected.sizeBytes !== undefined && sizeBytes < expected.sizeBytes) {
    throw otherSize(expected.sizeBytes, sizeBytes)
  }
  if (sizeBytes === 0) throw new DomainError('artifact.empty', 'The file holds no bytes.')
  const checksums = { SHA256: sha256.hex(), ...(asked && { [expected.algorithm]: asked.hex() }) }
  const actual = (checksums as Partial<Record<ChecksumAlgorithm, string>>)[expected.algorithm]
  const wanted = expected.checksum?.toLowerCase()
  if (wanted && wanted !== actual) {
    throw new DomainError(
      'artifact.checksum-mismatch',
      `The file's ${expected.algorithm} is ${actual}, not ${wanted} as announced.`,
      { algorithm: expected.algorithm, expected: wanted, actual },
    )
  }
  return checksums
}

const otherSize = (announcedBytes: number, receivedBytes: number) =>
  new DomainError(
    'artifact.incomplete',
    receivedBytes < announcedBytes
      ? `The upload ended after ${receivedBytes} of ${announcedBytes} bytes.`
      : `The upload holds more than the announced ${announcedBytes} bytes.`,
    { announcedBytes, receivedBytes },
  )
