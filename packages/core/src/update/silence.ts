/**
 * An update that goes silent: the device is there, and says nothing of what it was told for longer than its tenant
 * cares to wait. It is told again, and after some retries the update has failed. A device that is away is waited for,
 * however long: it is told when it comes back.
 */
import type { CampaignSettings } from '../campaign/settings.ts'
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

/**
 * The same for what a campaign asked. It does not wait for a device for ever, be it there or away: a device that an
 * update broke never comes back. One that has not begun is asked again a few times; one that has, has failed. Whoever
 * was never here since is asked once more when it comes (`device.no-answer`), as it may just have been switched off.
 */
export function fallSilentInCampaign(
  operation: Operation,
  {
    requestTimeoutSeconds,
    requestRetries,
    progressTimeoutSeconds,
  }: Pick<CampaignSettings, 'requestTimeoutSeconds' | 'requestRetries' | 'progressTimeoutSeconds'>,
  { isHere, ...circumstances }: Circumstances & { isHere: boolean },
): Advance | null {
  const { now } = circumstances
  const { state } = operation
  const silentSeconds = (now.getTime() - operation.heardAt.getTime()) / 1000
  if (state === 'QUEUED' || state === 'INITIATED') {
    // Whoever is here and was not told waits for its turn in the pace.
    if (silentSeconds < requestTimeoutSeconds || (state === 'QUEUED' && isHere)) return null
    const patience = { silenceDeadlineSeconds: requestTimeoutSeconds, maxRetries: requestRetries }
    const because = reason('device.silent', 'The device did not answer; it is asked again.')
    const orElse = reason(
      isHere ? 'device.silent' : 'device.no-answer',
      epitaph(operation, { now, patience }),
    )
    return startOver(operation, { state: 'QUEUED', because }, { now, patience }, orElse)
  }
  if (isTerminal(state) || progressTimeoutSeconds === null) return null
  if (silentSeconds < progressTimeoutSeconds) return null
  const patience = { silenceDeadlineSeconds: progressTimeoutSeconds, maxRetries: 0 }
  const because = reason('device.silent', epitaph(operation, { now, patience }))
  return startOver(operation, { state: 'QUEUED', because }, { now, patience }, because)
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
