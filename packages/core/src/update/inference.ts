/**
 * What becomes of an update on a device that says nothing of it. Two signs are all there is: it fetches the file, and
 * it says what it runs when it comes the next time. Neither goes back: what is repeated or comes late changes nothing.
 */
import { reason } from '../reason.ts'
import { type Installed, isInstalled, nameOf } from '../release.ts'
import { type Advance, type Circumstances, heard, move, type Operation } from './operation.ts'
import { isTerminal, STATES } from './states.ts'

/** The device fetches the file; `isWhole`: it was given all of it. Null when that is nothing new. */
export function seenFetching(
  operation: Operation,
  { isWhole }: { isWhole: boolean },
  { now }: Pick<Circumstances, 'now'>,
): Advance | null {
  const state = isWhole ? 'DOWNLOADED' : 'DOWNLOADING'
  if (isTerminal(operation.state)) return null
  const because = reason(
    'device.fetched',
    isWhole
      ? `The device fetched the file of ${nameOf(operation)}.`
      : `The device began to fetch the file of ${nameOf(operation)}.`,
  )
  return STATES.indexOf(operation.state) < STATES.indexOf(state)
    ? move(operation, { state, because }, now)
    : { outcome: 'repeated', operation: heard(operation, now), because }
}

/**
 * A device that has the whole file and comes back with something else has not installed it. Null while nothing speaks
 * for that: it had not fetched the file to its end, or does not say what it runs.
 */
export function seenUnchanged(
  operation: Operation,
  installed: Installed | undefined,
  { now }: Pick<Circumstances, 'now'>,
): Advance | null {
  const isFetched = STATES.indexOf(operation.state) >= STATES.indexOf('DOWNLOADED')
  if (isTerminal(operation.state) || !isFetched || !installed?.version) return null
  if (isInstalled(operation, installed)) return null
  const error = `The device fetched ${nameOf(operation)} and came back with version ${installed.version}: it was not installed, or did not last.`
  return move(
    operation,
    { state: 'FAILED', because: reason('device.unchanged', error), error },
    now,
  )
}
