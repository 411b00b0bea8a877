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
  /** Whether those bytes are stored here; what it says may be minutes old. */
  has(sha256: string): Promise<boolean>
  /**
   * Where anybody fetches the bytes without this server, for `ADDRESS_DAYS` less an hour at least; null when the server must serve
   * them. Whether they are there is not looked at.
   */
  addressFor(sha256: string, as: FileNames & { now: Date }): Promise<string | null>
  /** Forgets what came in halfway, and nobody went on with since. */
  abandon(since: Date): Promise<void>
  /** Lets go of what is held open; what is still being read stays readable. */
  close(): Promise<void>
}

/** The longest that S3 signs an address for. */
export const ADDRESS_DAYS = 7

/** What a file is called where it is fetched. */
export interface FileNames {
  readonly fileName: string
  readonly contentType: string
}

/** All stores of an installation, as one: bytes come into the default one, and are found wherever they lie. */
export interface ArtifactStores extends ArtifactStore {
  /** The default one first. */
  readonly all: readonly NamedStore[]
  /** Refuses with artifact-store.unknown. */
  named(name: string): NamedStore
}

export interface NamedStore extends ArtifactStore {
  readonly name: string
  readonly kind: 'file' | 's3'
}

/** Which bytes are to lie in which store, besides where they came in, and what has become of that. */
export interface ArtifactCopies {
  /** They are to lie there too; `movedFrom` is the store they then leave. What was copied and is gone is copied again. */
  want(
    sha256s: readonly string[],
    into: { store: string; movedFrom?: string },
    now: Date,
  ): Promise<void>
  /** One that is due, for this server alone until `untilMs`; null when there is none. */
  take(now: Date, until: Date): Promise<WantedCopy | null>
  /** They lie there; where they were moved from they may leave at that time. */
  done(copy: WantedCopy, now: Date, leavesAt: Date): Promise<void>
  failed(copy: WantedCopy, error: string, nextTryAt: Date): Promise<void>
  /** Nothing has those bytes any more. */
  drop(copy: WantedCopy): Promise<void>
  /** What may leave a store now. */
  departures(now: Date): Promise<readonly Departure[]>
  /** It has left, or stays after all. */
  endDeparture(departure: Departure): Promise<void>
  /** By store: copies still to be made into it, and bytes that wait to leave it. */
  progress(): Promise<ReadonlyMap<string, CopyProgress>>
}

export interface WantedCopy {
  readonly sha256: string
  readonly store: string
  readonly movedFrom: string | null
  readonly tries: number
}

export interface Departure {
  readonly sha256: string
  readonly store: string
  readonly movedTo: string
}

export interface CopyProgress {
  readonly toCome: number
  readonly toLeave: number
  /** Why the last copy that failed did. */
  readonly error: string | null
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
