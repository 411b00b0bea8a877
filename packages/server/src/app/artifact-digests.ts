/**
 * SHA-1 and MD5 of stored files, for devices that know nothing newer. They are computed once, when somebody first asks,
 * by reading the file through, and kept. Whoever asks waits a moment only: a large file is read while they come again.
 */
import type { ArtifactDigests, ComputeDigests, KeptDigests } from './ports.ts'

const PATIENCE_MS = 1_000
const MAX_REMEMBERED = 10_000

export interface DigestsOf {
  /** Null while they are being computed. */
  soon(sha256: string): Promise<ArtifactDigests | null>
  /** Refuses with artifact.unknown. */
  whole(sha256: string): Promise<ArtifactDigests>
}

export function artifactDigests({
  compute,
  kept,
  onError,
}: {
  compute: ComputeDigests
  kept: KeptDigests
  /** A file could not be read; whoever asked is told so, or asks again. */
  onError: (error: unknown) => void
}): DigestsOf {
  const known = new Map<string, ArtifactDigests>()
  const atWork = new Map<string, Promise<ArtifactDigests>>()

  const foundOrMade = async (sha256: string): Promise<ArtifactDigests> => {
    const before = await kept.find(sha256)
    const digests = before ?? (await compute(sha256))
    if (!before) await kept.keep(sha256, digests)
    if (known.size >= MAX_REMEMBERED) known.clear()
    known.set(sha256, digests)
    return digests
  }

  const whole = (sha256: string): Promise<ArtifactDigests> => {
    const there = known.get(sha256)
    if (there) return Promise.resolve(there)
    const begun = atWork.get(sha256)
    if (begun) return begun
    const computing = foundOrMade(sha256).finally(() => atWork.delete(sha256))
    atWork.set(sha256, computing)
    return computing
  }

  return {
    whole,
    soon: async (sha256) => {
      let patience: NodeJS.Timeout | undefined
      const late = new Promise<null>((resolve) => {
        patience = setTimeout(() => resolve(null), PATIENCE_MS)
      })
      const digests = whole(sha256).catch((error) => {
        onError(error)
        return null
      })
      return Promise.race([digests, late]).finally(() => clearTimeout(patience))
    },
  }
}
