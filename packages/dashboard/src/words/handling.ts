/** How an update is to be brought, in words. */
import type { Handling, ProofOfLife } from '@updraft/core'
import { exactTime } from './time.ts'

/** When an update of hawkBit's devices counts. */
export const PROOFS: Readonly<Record<ProofOfLife, string>> = {
  report: 'as the device reports it',
  'next-poll': 'when the device comes again',
  'version-attribute': 'when an attribute tells the version',
}

export function handlingText({
  urgency,
  forcedFrom,
  isDownloadOnly,
  confirmedBy,
}: Omit<Handling, 'windows'>): string {
  const how = toldText({ urgency, forcedFrom, isDownloadOnly })
  return confirmedBy === null ? how : `${how}; it counts ${PROOFS[confirmedBy]}`
}

function toldText({
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
