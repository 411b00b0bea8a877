/** The profile that hawkBit's API means: all it adds is of one. */

import type { HawkbitSettings, Profile } from '@updraft/api/shapes'
import { DomainError } from '@updraft/core'
import type { Asked } from './asked.ts'

/** The one of that name, while a tenant has not chosen another. */
export const STANDARD_PROFILE = 'hawkbit'
/** By which a tenant chooses; a name hawkBit does not have. */
export const PROFILE_KEY = 'updraft.profile'

/** How it is called. */
export async function profileName({ asks, needs }: Asked): Promise<string> {
  const chosen = await needs.hawkbitConfigs.value(asks.actor, PROFILE_KEY)
  return typeof chosen === 'string' ? chosen : STANDARD_PROFILE
}

/** Null while there is none of that name. */
export async function profileIfAny(asked: Asked): Promise<Profile | null> {
  const name = await profileName(asked)
  const { items } = await asked.asks.ask('listProfiles', { query: { name } })
  return items[0] ?? null
}

/** Made when it is first needed, by whoever may make profiles. */
export async function profile(asked: Asked): Promise<Profile> {
  const found = await profileIfAny(asked)
  if (found) return found
  const name = await profileName(asked)
  try {
    return await asked.asks.ask('createProfile', { body: { name } })
  } catch (error) {
    if (!(error instanceof DomainError && error.code === 'profile.duplicate')) throw error
    const made = await profileIfAny(asked)
    if (made) return made
    throw error
  }
}

/** What holds for its devices that speak hawkBit's language. */
export const settingsOf = ({ asks }: Asked, { id }: Profile): Promise<HawkbitSettings> =>
  asks.ask('showHawkbitSettings', { params: { id } })
