/**
 * An update that goes silent: the device is there, and says nothing of what it was told for longer than its tenant
 * cares to wait. It is told again, and after some retries the update has failed. A device that is away is waited for,
 * however long: it is told when it comes back.
 */
import { reason } from '../reason.ts'
import { nameOf } from '../release.ts'
import { type Advance, type Circumstances, type Operation, startOver } from './operation.ts'
import { isTerminal } from './states.ts'

/** What silence does to an operation of a device that is there; null while nothing is wrong. */
export function fallSilent(operation: Operation, circumstances: Circumstances): Advance | null {
  if (!isSilent(operation, circumstances)) return null
  const { state } = operation
  const because = reason('device.silent', `The device went silent at ${state}; it is told again.`)
  const orElse = reason('device.silent', epitaph(operation, circumstances))
  return startOver(operation, { state: 'QUEUED', because }, circumstances, orElse)
}

/** Not before it was told: who waits in the queue has nothing to say. */
function isSilent(
  { state, heardAt }: Operation,
  { now, patience: { silenceDeadlineSeconds } }: Circumstances,
): boolean {
  if (state === 'QUEUED' || isTerminal(state) || silenceDeadlineSeconds === 0) return false
  return now.getTime() - heardAt.getTime() >= silenceDeadlineSeconds * 1000
}

function epitaph(
  { state, restarts, ...operation }: Operation,
  { patience: { silenceDeadlineSeconds } }: Circumstances,
): string {
  const retries =
    restarts === 0 ? '' : `, after ${restarts} ${restarts === 1 ? 'retry' : 'retries'}`
  const within = durationText(silenceDeadlineSeconds)
  return `The device went silent at ${state}: no word of ${nameOf(operation)} within ${within}${retries}.`
}

function durationText(seconds: number): string {
  if (seconds % 3600 === 0) return `${seconds / 3600} h`
  return seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`
}
