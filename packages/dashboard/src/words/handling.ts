/** How an update is to be brought, in words. */
import type { Handling } from '@updraft/core'
import { exactTime } from './time.ts'

export function handlingText({
  urgency,
  forcedFrom,
  isDownloadOnly,
}: Pick<Handling, 'urgency' | 'forcedFrom' | 'isDownloadOnly'>): string {
  if (isDownloadOnly) return 'only downloaded, not installed'
  if (forcedFrom !== null)
    return `when the device likes; it must from ${exactTime(new Date(forcedFrom))} on`
  if (urgency === 'soft') return 'when the device likes'
  return urgency === 'forced' ? 'the device must' : 'as usual for the profile'
}
