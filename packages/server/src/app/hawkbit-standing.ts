/** Where an action of a device stands, and what its client and profile make of that. */
import { CLIENT_LIMITS, type ClientKind, PROOFS_OF_LIFE, type ProofOfLife } from '@updraft/core'
import type { HawkbitClient } from './hawkbit-entry.ts'
import type { HawkbitAction } from './ports.ts'

export const factsOf = (action: HawkbitAction) => ({
  ...action,
  states: action.chunks.map(({ state }) => state),
})

/** What proves that an action has come to stay: the most that any part of it wants. */
export function confirmedBy(
  { hawkbit: { settings } }: Pick<HawkbitClient, 'hawkbit'>,
  { client, chunks }: Pick<HawkbitAction, 'client' | 'chunks'>,
): ProofOfLife {
  const usual = settings.confirmedBy ?? CLIENT_LIMITS[client].confirmedBy
  const wanted = chunks.map(({ handling }) => handling.confirmedBy ?? usual)
  const strongest = PROOFS_OF_LIFE.findLast((each) => wanted.includes(each)) ?? usual
  // Without an attribute to look at, that it comes again is all there is to see.
  return strongest === 'version-attribute' && settings.versionAttribute === null
    ? 'next-poll'
    : strongest
}

/** Whether it can be told to leave an update for later. */
export const canSkip = (kind: ClientKind): boolean => CLIENT_LIMITS[kind].canSkip

/** Whether it can be told to fetch an update and install nothing. */
export const canDownloadOnly = (kind: ClientKind): boolean => CLIENT_LIMITS[kind].canDownloadOnly

/** The device is to fetch it and install nothing. */
export const isDownloadOnly = ({ chunks }: Pick<HawkbitAction, 'chunks'>): boolean =>
  chunks.length > 0 && chunks.every(({ handling }) => handling.isDownloadOnly)

/** It is closed, and not over. */
export const isUnproven = ({ closedAt }: Pick<HawkbitAction, 'closedAt'>): boolean =>
  closedAt !== null
