/** Several things at once by their ids, for doors where one request asks for many. What is not there is left out. */
import type { HardwareType, OperatorActor } from '@updraft/core'
import type {
  ChannelView,
  Clock,
  DeviceView,
  GroupView,
  Pairing,
  ProfileView,
  ReleaseView,
  SystemModelView,
  UnitOfWork,
} from './ports.ts'

type Ids = readonly string[]

export function several({ clock, unitOfWork }: { clock: Clock; unitOfWork: UnitOfWork }) {
  return {
    devices: (actor: OperatorActor, ids: Ids): Promise<readonly DeviceView[]> =>
      unitOfWork(actor, ({ devices }) => devices.several(ids)),
    /** Of these devices. */
    pairings: (actor: OperatorActor, deviceIds: Ids): Promise<readonly Pairing[]> =>
      unitOfWork(actor, ({ pairings }) => pairings.several(deviceIds)),
    profiles: (actor: OperatorActor, ids: Ids): Promise<readonly ProfileView[]> =>
      unitOfWork(actor, ({ profiles }) => profiles.several(ids)),
    releases: (actor: OperatorActor, ids: Ids): Promise<readonly ReleaseView[]> =>
      unitOfWork(actor, ({ catalogue }) => catalogue.several(ids)),
    groups: (actor: OperatorActor, ids: Ids): Promise<readonly GroupView[]> =>
      unitOfWork(actor, ({ groups }) => groups.several(ids)),
    /** Of each of these devices, the groups that hold it now. */
    groupsOfDevices: (
      actor: OperatorActor,
      deviceIds: Ids,
    ): Promise<ReadonlyMap<string, readonly GroupView[]>> =>
      unitOfWork(actor, ({ groups }) => groups.ofDevices(deviceIds, clock.now())),
    channels: (actor: OperatorActor, ids: Ids): Promise<readonly ChannelView[]> =>
      unitOfWork(actor, ({ channels }) => channels.several(ids)),
    hardwareTypes: (actor: OperatorActor, ids: Ids): Promise<readonly HardwareType[]> =>
      unitOfWork(actor, ({ hardwareTypes }) => hardwareTypes.several(ids)),
    systemModels: (actor: OperatorActor, ids: Ids): Promise<readonly SystemModelView[]> =>
      unitOfWork(actor, ({ systemModels }) => systemModels.several(ids)),
  }
}

export type Several = ReturnType<typeof several>
