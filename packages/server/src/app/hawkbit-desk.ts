/** The desk for devices that speak hawkBit's language: who comes, what it is to do, what it says. */
import type { DeviceDesk } from './device-desk.ts'
import { type HawkbitActions, hawkbitActions } from './hawkbit-actions.ts'
import { type HawkbitEntry, hawkbitEntry } from './hawkbit-entry.ts'
import { type HawkbitWords, hawkbitWords } from './hawkbit-words.ts'

export type { HawkbitDocument, HawkbitPart, HawkbitPolled, Instruction } from './hawkbit-actions.ts'
export type { HawkbitCaller, HawkbitClient, HawkbitProof } from './hawkbit-entry.ts'
export { HAWKBIT } from './hawkbit-entry.ts'
export type { CancelWord, HawkbitFeedback, HawkbitHeard } from './hawkbit-words.ts'

export interface HawkbitDesk extends HawkbitEntry, HawkbitActions, HawkbitWords {}

type Needs = Omit<Parameters<typeof hawkbitActions>[0], 'again' | 'desk'> &
  Omit<Parameters<typeof hawkbitEntry>[0], 'desk'> &
  Omit<Parameters<typeof hawkbitWords>[0], 'desk'> & { readonly desk: DeviceDesk }

export function hawkbitDesk(needs: Needs): HawkbitDesk {
  const entry = hawkbitEntry(needs)
  return { ...entry, ...hawkbitActions({ ...needs, again: entry.again }), ...hawkbitWords(needs) }
}
