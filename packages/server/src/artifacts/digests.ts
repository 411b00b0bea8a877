import { createHash } from 'node:crypto'
import type { ArtifactStore, ComputeDigests } from '../app/ports.ts'

/** SHA-1 and MD5 of stored bytes, in constant memory. */
export const digestsOf =
  (artifacts: Pick<ArtifactStore, 'open'>): ComputeDigests =>
  async (sha256) => {
    const handle = await artifacts.open(sha256)
    try {
      const [sha1, md5] = [createHash('sha1'), createHash('md5')]
      for await (const piece of handle.stream(0, handle.sizeBytes, true)) {
        sha1.update(piece)
        md5.update(piece)
      }
      return { sha1: sha1.digest('hex'), md5: md5.digest('hex') }
    } finally {
      handle.release()
    }
  }
