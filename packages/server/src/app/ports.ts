/** The doors outwards, as interfaces: what the use cases need of the world, and nothing of how it is done. */
import type { ChecksumAlgorithm } from '@updraft/core'

export interface Clock {
  now(): Date
}

/** New UUIDv7 texts, in order of time. */
export interface Ids {
  next(): string
}

/** Bytes that are stored: named by their SHA-256, with every checksum that was computed of them so far. */
export interface StoredArtifact {
  readonly sha256: string
  readonly sizeBytes: number
  readonly checksums: Readonly<Partial<Record<ChecksumAlgorithm, string>>>
}

/**
 * An artifact opened for reading. Many readers share one; each gives it back with `release()`. Reads are by
 * position, so readers do not disturb each other.
 */
export interface ArtifactHandle {
  readonly sha256: string
  readonly sizeBytes: number
  /** Bytes from `start` up to, not including, `end`; both within the file. */
  read(start: number, end: number): Promise<Buffer>
  /** The same range as a stream in large pieces, for ranges too big to hold. */
  stream(start: number, end: number): AsyncIterable<Buffer>
  release(): void
}

/** Where the bytes of releases are kept. */
export interface ArtifactStore {
  /**
   * Takes the bytes in, in constant memory, and answers when they are durably stored, once, whoever sent them
   * before. Refuses with artifact.empty, artifact.incomplete (the source broke off or is shorter than
   * `expectedSizeBytes`), artifact.checksum-mismatch, or store.full; then nothing is left behind.
   */
  receive(
    source: AsyncIterable<Uint8Array>,
    expected: {
      /** Computed besides SHA-256. */
      readonly algorithm: ChecksumAlgorithm
      /** Hex in any letter case; compared when given. */
      readonly checksum?: string
      readonly sizeBytes?: number
    },
  ): Promise<StoredArtifact>
  /** Refuses with artifact.unknown. */
  open(sha256: string): Promise<ArtifactHandle>
  /** The checksum of stored bytes, computed by reading them through. Refuses with artifact.unknown. */
  checksum(sha256: string, algorithm: ChecksumAlgorithm): Promise<string>
  /** Removes the bytes; nothing happens if they are gone already. Open handles stay readable. */
  remove(sha256: string): Promise<void>
  /** Names of all that is stored, for the sweep of what nobody refers to, with the time each was stored. */
  list(): AsyncIterable<{ readonly sha256: string; readonly storedAt: Date }>
}
