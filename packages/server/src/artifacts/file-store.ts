/**
 * Artifacts as files: `sha256/ab/<hex>`, named by what they hold. Bytes come in under `incoming` and are moved
 * to their name only when they are whole, checked and on the disk, so a cut leaves either nothing or all.
 */
import { mkdir, opendir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { DomainError } from '@updraft/core'
import type { ArtifactStore, StoredArtifact, UploadStore } from '../app/ports.ts'
import { startChecksum } from './checksums.ts'
import { codeOf, makeFolder, syncFolder, writeFully } from './durable.ts'
import { hotBlocks } from './hot-blocks.ts'
import { incomingPath, sweepIncoming } from './incoming.ts'
import { openFiles } from './open-files.ts'
import { artifactHandle, type Pace, type SharingHandle } from './reading.ts'
import { receiving, type StoreLog, type Write } from './receiving.ts'
import { uploadFiles } from './upload-files.ts'

const HASHED_AT_ONCE_BYTES = 256 * 1024
const SHA256_HEX = /^[0-9a-f]{64}$/

export interface FileStoreOptions {
  readonly folder: string
  readonly log: StoreLog
  /** Memory for the blocks of files that were read last, all files together. */
  readonly hotBytes?: number
  /** Files kept open though nobody reads them: how many, and how long. */
  readonly maxIdleFiles?: number
  readonly idleSeconds?: number
  /** How a piece reaches the file; a test puts a full disk here. */
  readonly write?: Write
}

export interface FileStore extends ArtifactStore {
  /** What comes in piece by piece; it becomes an artifact of this store. */
  readonly uploads: UploadStore
  open(sha256: string): Promise<SharingHandle>
}

/**
 * Opens the store in that folder, made if it is missing, and sweeps what a crash left in `incoming`. What `read` and
 * `stream` answer may be shared with other readers and must not be written into. A source is done with each piece
 * when the next one is pulled; one that is refused before its end is told by `return()`.
 */
export async function fileStore(options: FileStoreOptions): Promise<FileStore> {
  const { folder, log, write = writeFully } = options
  const incoming = join(folder, 'incoming')
  const stored = join(folder, 'sha256')
  const pathOf = (sha256: string) => join(stored, sha256.slice(0, 2), sha256)
  const files = openFiles({
    pathOf,
    blocks: hotBlocks(options.hotBytes ?? 32 * 1024 * 1024),
    maxIdle: options.maxIdleFiles ?? 64,
    idleSeconds: options.idleSeconds ?? 30,
  })
  const pace: Pace = { streams: 0, largePieces: 0 }

  await makeFolder(incoming)
  await makeFolder(stored)
  const removed = await sweepIncoming(incoming)
  if (removed > 0) log.info({ folder: incoming, removed }, 'removed uploads that broke off')

  async function acquire(sha256: string) {
    if (!SHA256_HEX.test(sha256)) throw unknown(sha256)
    try {
      return await files.acquire(sha256)
    } catch (error) {
      throw codeOf(error) === 'ENOENT' ? unknown(sha256, error) : error
    }
  }

  /**
   * Moves a whole file to its name, and returns when that is on the disk as well. Bytes that were stored before
   * are replaced by the same bytes: they count as stored now, so that a sweep of old files nobody refers to
   * leaves them to the upload that has just brought them again.
   */
  async function keep(path: string, { sha256 }: StoredArtifact): Promise<void> {
    const target = pathOf(sha256)
    await mkdir(dirname(target), { recursive: true, mode: 0o750 })
    await rename(path, target)
    files.forget(sha256)
    // Always both: another process may have made the folder and not have come to this line yet.
    await syncFolder(dirname(target))
    await syncFolder(stored)
  }

  return {
    receive: receiving({ incoming, keep, log, write }),
    uploads: await uploadFiles({ folder: join(folder, 'uploads'), keep, write }),

    async open(sha256) {
      return artifactHandle(sha256, await acquire(sha256), pace)
    },

    async checksum(sha256, algorithm) {
      const file = await acquire(sha256)
      try {
        const checksum = startChecksum(algorithm)
        const memory = Buffer.allocUnsafeSlow(HASHED_AT_ONCE_BYTES)
        for (let at = 0; at < file.sizeBytes; at += HASHED_AT_ONCE_BYTES) {
          const end = Math.min(at + HASHED_AT_ONCE_BYTES, file.sizeBytes)
          checksum.update(await file.readAt(at, end, memory))
        }
        return checksum.hex()
      } finally {
        file.release()
      }
    },

    async remove(sha256, storedBefore) {
      if (!SHA256_HEX.test(sha256)) return
      const aside = incomingPath(incoming)
      try {
        // What is new is not touched at all; what becomes new right now is noticed below.
        if ((await stat(pathOf(sha256))).mtime >= storedBefore) return
        await rename(pathOf(sha256), aside)
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return
        throw error
      }
      // Looked at where no upload can bring it anew meanwhile.
      if ((await stat(aside)).mtime < storedBefore) {
        await rm(aside, { force: true })
        files.forget(sha256)
      } else {
        await rename(aside, pathOf(sha256))
      }
    },

    async *list() {
      for await (const group of await opendir(stored)) {
        if (!group.isDirectory()) continue
        for await (const { name } of await opendir(join(stored, group.name))) {
          if (!SHA256_HEX.test(name)) continue
          const status = await stat(pathOf(name)).catch(() => undefined)
          if (status) yield { sha256: name, storedAt: status.mtime }
        }
      }
    },

    has: async (sha256) => {
      if (!SHA256_HEX.test(sha256)) return false
      const status = await stat(pathOf(sha256)).catch(() => undefined)
      return status !== undefined
    },
    // Only this server reads the folder.
    addressFor: async () => null,
    // What a crash left behind is removed at the start.
    abandon: async () => {},

    close: () => files.close(),
  }
}

const unknown = (sha256: string, cause?: unknown) =>
  new DomainError('artifact.unknown', 'No such file is stored.', { sha256 }, cause)
