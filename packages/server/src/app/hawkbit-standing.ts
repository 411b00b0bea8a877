/** Where an action of a device stands, and what its client and profile make of that. */
import { CLIENT_LIMITS, type ClientKind } from '@updraft/core'
import type { HawkbitClient } from './hawkbit-entry.ts'
import type { HawkbitAction } from './ports.ts'

export const factsOf = (action: HawkbitAction) => ({
  ...action,
  states: action.chunks.map(({ state }) => state),
})

/** What proves that an update has come to stay. */
export const confirmedBy = ({ hawkbit }: HawkbitClient, kind: ClientKind) =>
  hawkbit.settings.confirmedBy ?? CLIENT_LIMITS[kind].confirmedBy

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
