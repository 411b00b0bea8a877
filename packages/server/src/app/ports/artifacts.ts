/** Where the bytes of releases are kept. */
import type { ChecksumAlgorithm } from '@updraft/core'

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
  /**
   * The same range as a stream in large pieces, for ranges too big to hold. With `isBorrowed` a piece is good only
   * until the next one is pulled, and leaves no garbage.
   */
  stream(start: number, end: number, isBorrowed?: boolean): AsyncIterable<Buffer>
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
  /** Removes bytes, unless they were stored again since. Open handles stay readable. */
  remove(sha256: string, storedBefore: Date): Promise<void>
  /** Names of all that is stored, for the sweep of what nobody refers to, with the time each was stored. */
  list(): AsyncIterable<{ readonly sha256: string; readonly storedAt: Date }>
}

/** Finds uploads that nobody made a release of, and tells whether bytes are still somebody's. */
export interface ArtifactSweep {
  /**
   * Forgets artifacts stored before that time which no release names; and first what was brought by hand, once its
   * operation has ended or, from before that time, if there never was one.
   */
  dropUnused(before: Date): Promise<void>
  /** Which of these are still some tenant's. */
  referenced(sha256s: readonly string[]): Promise<ReadonlySet<string>>
}
