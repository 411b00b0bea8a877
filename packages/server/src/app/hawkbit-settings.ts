/** What operators set for the devices of a profile that speak hawkBit's language. */
import { changedHawkbit, type HawkbitSettings, type OperatorActor } from '@updraft/core'
import { deed } from './deed.ts'
import type { Clock, UnitOfWork } from './ports.ts'

export function hawkbitSettings({ clock, unitOfWork }: { clock: Clock; unitOfWork: UnitOfWork }) {
  return {
    /** Refuses with profile.unknown. */
    showSettings: (actor: OperatorActor, profileId: string): Promise<HawkbitSettings> =>
      unitOfWork(actor, async ({ profiles }) => {
        return profiles.hawkbit(profileId)
      }),

    /** Refuses with profile.unknown or settings.invalid. */
    changeSettings: (
      actor: OperatorActor,
      profileId: string,
      change: Partial<HawkbitSettings>,
    ): Promise<HawkbitSettings> =>
      unitOfWork(actor, async ({ profiles, events }) => {
        const { id, name } = await profiles.get(profileId)
        const settings = changedHawkbit(await profiles.hawkbit(profileId), change)
        await profiles.setHawkbit(profileId, settings)
        const subject = { kind: 'profile', id, name } as const
        const data = { changed: ['hawkbit'], ...change, authorities: settings.authorities }
        await events.append([deed(actor, 'profile.changed', { at: clock.now(), subject, data })])
        return settings
      }),
  }
}

export type HawkbitUseCases = ReturnType<typeof hawkbitSettings>
