/** What a decision about a device is given of the world: the time, new ids, and how patient its tenant is. */
import type { Moment } from '@updraft/core'
import type { Clock, Ids } from './ports.ts'
import type { SettingsInForce } from './settings-in-force.ts'

/** The answer tells the moment at which it is called: a decision may be made again. */
export type Moments = (tenantId: string) => Promise<() => Moment>

export const moments =
  ({
    clock,
    ids,
    settings,
  }: {
    clock: Clock
    ids: Ids
    settings: Pick<SettingsInForce, 'of'>
  }): Moments =>
  async (tenantId) => {
    const patience = await settings.of(tenantId)
    return () => ({ now: clock.now(), newId: ids.next, patience })
  }
