/** What is asked for one by one is read many at a time: a page of things costs one statement a kind. */

import type { RouteName } from '@updraft/api/routes'
import type * as api from '@updraft/api/shapes'
import type { OperatorActor } from '@updraft/core'
import DataLoader from 'dataloader'
import type { Clock } from '../../app/ports.ts'
import type { Several } from '../../app/several.ts'
import type { Asking } from '../asking.ts'
import { hardwareTypeView, systemModelView } from '../model-handlers.ts'
import { pairedView } from '../realm-handlers.ts'
import { channelView, deviceView, groupView, profileView, releaseView } from '../views.ts'

const MAX_AT_ONCE = 500

type Loader<T> = Pick<DataLoader<string, T | null>, 'load' | 'loadMany'>

/** By their UUIDs; null for what is not there, or not the caller's to see. */
export interface Loaders {
  readonly device: Loader<api.Device>
  /** By the UUIDs of their devices. */
  readonly pairing: Loader<Omit<api.Pairing, 'cancelling'>>
  readonly profile: Loader<api.Profile>
  readonly release: Loader<api.Release>
  readonly group: Loader<api.Group>
  readonly groupsOfDevice: Loader<readonly api.Group[]>
  readonly channel: Loader<api.Channel>
  readonly hardwareType: Loader<api.HardwareType>
  readonly systemModel: Loader<api.SystemModel>
}

export function loaders({
  asking,
  clock,
  several,
}: {
  asking: Asking
  clock: Clock
  several: Several
}): Loaders {
  /** Nothing is kept: what a subscription shows next time is what is so by then. */
  const each = <T>(
    route: RouteName,
    read: (actor: OperatorActor, ids: readonly string[]) => Promise<ReadonlyMap<string, T>>,
  ): Loader<T> =>
    new DataLoader<string, T | null>(
      async (ids) => {
        const found = await asking.under(route, (actor) => read(actor, [...new Set(ids)]))
        return ids.map((id) => found.get(id) ?? null)
      },
      { cache: false, maxBatchSize: MAX_AT_ONCE },
    )
  const byId = <From, To extends { readonly id: string }>(
    read: (actor: OperatorActor, ids: readonly string[]) => Promise<readonly From[]>,
    view: (from: From) => To,
  ) => {
    return async (actor: OperatorActor, ids: readonly string[]) => {
      const views = (await read(actor, ids)).map(view)
      return new Map(views.map((each) => [each.id, each]))
    }
  }
  return {
    device: each(
      'showDevice',
      byId(several.devices, (view) => deviceView(view, clock.now())),
    ),
    pairing: each('showPairing', async (actor, deviceIds) => {
      const all = await several.pairings(actor, deviceIds)
      return new Map(all.map((pairing) => [pairing.deviceId, pairedView(pairing)]))
    }),
    profile: each('showProfile', byId(several.profiles, profileView)),
    release: each('showRelease', byId(several.releases, releaseView)),
    group: each('showGroup', byId(several.groups, groupView)),
    groupsOfDevice: each('listGroups', async (actor, ids) => {
      const all = await several.groupsOfDevices(actor, ids)
      return new Map([...all].map(([id, groups]) => [id, groups.map(groupView)]))
    }),
    channel: each('showChannel', byId(several.channels, channelView)),
    hardwareType: each('showHardwareType', byId(several.hardwareTypes, hardwareTypeView)),
    systemModel: each('showSystemModel', byId(several.systemModels, systemModelView)),
  }
}
