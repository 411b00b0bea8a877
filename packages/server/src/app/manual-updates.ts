/**
 * One device updated by hand, from a file or a URL: whether it fits is not asked. What is brought belongs to that
 * device alone: it stands in no catalogue, and goes once the operation has ended.
 */
import {
  checkedHandling,
  type Handling,
  nameOf,
  type Operation,
  type OperatorActor,
  updateByHand,
} from '@updraft/core'
import { refuseForDevice } from './client-limits.ts'
import { actorOf, deed } from './deed.ts'
import type { Describe, ReleaseDescription } from './described-release.ts'
import { saidOf } from './handling-said.ts'
import type { Moments } from './moments.ts'
import type { Clock, DeviceWork, UnitOfWork } from './ports.ts'

export function manualUpdates({
  clock,
  described,
  moments,
  unitOfWork,
  work,
}: {
  clock: Clock
  described: Describe
  moments: Moments
  unitOfWork: UnitOfWork
  work: DeviceWork
}) {
  return {
    /**
     * Refuses with device.unknown, operation.under-way, assignment.invalid, release.unspeakable where the client of the device cannot take it,
     * and as the description of any release is refused.
     */
    update: async (
      actor: OperatorActor,
      deviceId: string,
      {
        handling: wanted = {},
        ...description
      }: Omit<ReleaseDescription, 'tag' | 'description' | 'requirement'> & {
        readonly handling?: Partial<Handling>
      },
    ): Promise<Operation> => {
      const handling = checkedHandling(wanted, clock.now())
      await unitOfWork(actor, ({ devices }) => devices.get(deviceId))
      const release = (await described(actor, description))(null)
      const { device } = await unitOfWork(actor, async (stores) => {
        const { snapshot } = await stores.devices.get(deviceId)
        await refuseForDevice(stores, snapshot, { releases: [release], handling })
        await stores.catalogue.insert(release, { onlyForDeviceId: deviceId })
        return snapshot
      })
      const { artifact, externalUrl, type } = release
      const told = deed(actor, 'device.updated-by-hand', {
        at: clock.now(),
        subject: { kind: 'device', id: deviceId, name: device.name },
        deviceId,
        // What will be gone once it has ended.
        data: {
          type,
          release: nameOf(release),
          ...(artifact
            ? { file: artifact.fileName, sha256: artifact.sha256 }
            : { url: externalUrl }),
          ...saidOf(handling),
        },
      })
      const moment = await moments(actor.tenantId)
      const target = { tenantId: actor.tenantId, deviceId }
      try {
        const { operation } = await work.settle(target, (snapshot) => {
          const by = { ...moment(), release, handling, actor: actorOf(actor) }
          const { changes, operation } = updateByHand(snapshot, by)
          return { changes: { ...changes, events: [told, ...changes.events] }, operation }
        })
        return operation
      } catch (error) {
        // If not even that can be done now, it is swept.
        await unitOfWork(actor, ({ catalogue }) => catalogue.forget(release.id)).catch(() => {})
        throw error
      }
    },
  }
}

export type ManualUpdates = ReturnType<typeof manualUpdates>
