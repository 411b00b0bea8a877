/** How much of a file is here, out of how far the whole update is. */
import { STATE_TABLE } from '@updraft/core'

/** How the download fares within itself: its share of the whole way is stretched again, and told in tens. */
export function downloadPercent(progressPercent: number | undefined): number {
  const from = STATE_TABLE.DOWNLOADING.progressPercent
  const to = STATE_TABLE.DOWNLOADED.progressPercent
  const share = ((progressPercent ?? from) - from) / (to - from)
  return Math.floor(Math.min(1, Math.max(0, share)) * 10) * 10
}
