/** Files on their way in. */
import type { StoredArtifact } from './artifacts.ts'

/** Who began an upload; to everyone else it is unknown. */
export interface Uploader {
  readonly tenantId: string
  readonly operatorId: string
}

/** A file that comes in piece by piece. */
export interface NewUpload {
  readonly id: string
  readonly sizeBytes: number
  readonly fileName: string | null
}

export interface Upload extends NewUpload {
  /** How much of it there is. */
  readonly offsetBytes: number
  /** What it has become, once all of it was there. */
  readonly artifact: StoredArtifact | null
}

/**
 * Files of one person on their way in, piece by piece, over broken connections and restarts. All but `begin` refuse
 * with upload.unknown. Whoever settles, appends to or removes an upload takes it over: a request that still waits for
 * bytes of it is broken off, as its connection may be long dead.
 */
export interface Uploads {
  begin(upload: NewUpload): Promise<void>
  /** As it stands; disturbs nobody. */
  get(id: string): Promise<Upload>
  /** As it is on the disk: where it may go on. */
  settle(id: string): Promise<Upload>
  /**
   * Adds bytes at that offset until the source ends or breaks, and answers when they are durably there. Refuses with
   * upload.other-offset, with artifact.incomplete when more comes than was announced, or with store.full; what came
   * before stays.
   */
  append(id: string, offsetBytes: number, source: AsyncIterable<Uint8Array>): Promise<Upload>
  /**
   * Makes an artifact of a whole upload, has `record` note it, and remembers it. Cut off, it is called again and goes
   * on from there; so may `record` be.
   */
  finish(id: string, record: (artifact: StoredArtifact) => Promise<void>): Promise<Upload>
  /** Forgets it, and its bytes unless they have become an artifact. */
  remove(id: string): Promise<void>
}

export interface UploadStore {
  of(uploader: Uploader): Uploads
  /** Removes those that nobody went on with since. */
  removeIdle(since: Date): Promise<void>
}
