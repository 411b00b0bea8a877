/**
 * Removes bytes nobody refers to any more: of removed releases, of uploads no release was made of, and of those nobody
 * went on with.
 */
import type { ArtifactStore, ArtifactSweep, Clock, UploadStore } from './ports.ts'
import { type Rounds, rounds } from './rounds.ts'

const EVERY_MS = 3_600_000
/** An upload may wait this long to go on, and then for its release to be made. */
const UNUSED_AFTER_MS = 86_400_000
const PAGE_SIZE = 500

export interface ArtifactSweeper extends Pick<Rounds, 'start' | 'stop'> {
  /** One sweep, now. */
  sweep(): Promise<{ removed: number }>
}

export function artifactSweeper({
  artifacts,
  clock,
  sweep: records,
  uploads,
  onError,
}: {
  artifacts: ArtifactStore
  clock: Clock
  sweep: ArtifactSweep
  uploads: UploadStore
  onError: (error: unknown) => void
}): ArtifactSweeper {
  const sweep = async () => {
    const before = new Date(clock.now().getTime() - UNUSED_AFTER_MS)
    await uploads.removeIdle(before)
    await artifacts.abandon(before)
    await records.dropUnused(before)
    let removed = 0
    let page: string[] = []
    const removePage = async () => {
      const referenced = await records.referenced(page)
      for (const sha256 of page.filter((each) => !referenced.has(each))) {
        await artifacts.remove(sha256, before)
        removed += 1
      }
      page = []
    }
    for await (const { sha256, storedAt } of artifacts.list()) {
      // What is young may be on its way into a release right now.
      if (storedAt > before) continue
      page.push(sha256)
      if (page.length === PAGE_SIZE) await removePage()
    }
    await removePage()
    return { removed }
  }

  const sweeping = rounds({ everyMs: EVERY_MS, isDueAtStart: true, work: sweep, onError })
  return { sweep, start: sweeping.start, stop: sweeping.stop }
}
