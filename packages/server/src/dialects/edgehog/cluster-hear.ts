/**
 * What triggers tell, heard as if the device had said it. Events come more than once and in any order, from devices nobody
 * knew, and whatever they are, they say that the device is there.
 */
import { DomainError, type Snapshot } from '@updraft/core'
import { canonicalDeviceId } from '@updraft/wire/astarte'
import type { ClusterEvent, TriggerDelivery } from '@updraft/wire/astarte-cluster'
import { NAMES, type OtaEvent, readOtaEvent, readOtaResponse } from '@updraft/wire/edgehog'
import type { Cluster, ClusterDesk, ClusterDevice, Pairing } from '../../app/cluster-desk.ts'
import type { DeviceDesk } from '../../app/device-desk.ts'
import { type ClusterClient, ClusterError } from './cluster-client.ts'
import { factsIn, readFacts, toldBy } from './cluster-facts.ts'
import { type Hearing, hearEvent } from './hear.ts'

/** As devices that speak it themselves. */
export const DIALECT = 'edgehog'

export interface HearNeeds {
  readonly clusters: Pick<ClusterDesk, 'pairing' | 'device' | 'heardOfLine' | 'followModel'>
  readonly desk: Pick<DeviceDesk, 'checkIn'> & Hearing['desk']
  readonly log: Hearing['log']
  readonly clientOf: (cluster: Cluster) => Pick<ClusterClient, 'properties'>
  readonly clock: { now(): Date }
  /** After it is kept. */
  readonly onLine: (cluster: Cluster, device: ClusterDevice, isConnected: boolean) => void
}

export function hearing({ clusters, desk, clientOf, clock, log, onLine }: HearNeeds) {
  const hearFacts = async (device: Snapshot, name: string, path: string, value: unknown) => {
    const told = toldBy(name, path, value)
    const facts = told && factsIn(device.device.inventory, [told])
    if (!facts) return
    await desk.checkIn(device, facts, { tells: false })
    if (name === NAMES.systemInfo) await clusters.followModel(device)
  }

  /** No trigger tells of the base image, so that it is read; before the word, which says what runs now. */
  const ranAfter = async (cluster: Cluster, { astarteId }: Pairing, device: Snapshot) => {
    try {
      const client = clientOf(cluster)
      const introspection = { [NAMES.baseImage]: { major: 0, minor: 1 } }
      return await readFacts(client, astarteId, device.device, introspection)
    } catch (error) {
      // Its word is worth more than the reading, which is made up for when the device comes again.
      if (error instanceof ClusterError) return null
      throw error
    }
  }

  const hearOfUpdate = async (
    cluster: Cluster,
    pairing: Pairing,
    device: Snapshot,
    event: OtaEvent,
  ) => {
    if (event.status === 'Success') {
      const facts = await ranAfter(cluster, pairing, device)
      if (facts) await desk.checkIn(device, facts, { tells: false })
    }
    await hearEvent(device, event, { desk, log })
  }

  const hearData = async (
    cluster: Cluster,
    pairing: Pairing,
    device: Snapshot,
    { interface: name, path, value }: Extract<ClusterEvent, { kind: 'data' }>,
  ) => {
    const read = { [NAMES.otaEvent]: readOtaEvent, [NAMES.otaResponse]: readOtaResponse }[name]
    if (!read) return hearFacts(device, name, path, value)
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    const event = isObject ? read(value as Parameters<typeof read>[0]) : null
    if (event) return hearOfUpdate(cluster, pairing, device, event)
    throw new DomainError('request.malformed', 'The event names no update, or no status.')
  }

  return async (cluster: Cluster, { deviceId: said, at, event }: TriggerDelivery) => {
    const astarteId = canonicalDeviceId(said)
    if (astarteId === null) {
      throw new DomainError('pairing.id-malformed', 'That is no id of a device.')
    }
    const pairing = await clusters.pairing(cluster, astarteId)
    const { deviceId, status } = pairing
    // What an operator keeps outside is not heard either.
    if (status === 'inhibited') return
    const isConnected = event.kind !== 'disconnected' && event.kind !== 'deleted'
    const device = await clusters.device(deviceId, isConnected ? DIALECT : null)
    const address = event.kind === 'connected' ? event.address : null
    const line = { isConnected, at: at ?? clock.now(), address }
    const isNews = await clusters.heardOfLine(deviceId, line)
    if (event.kind === 'data') await hearData(cluster, pairing, device, event)
    const { profileId } = device.device
    const { tenantId } = cluster
    if (isNews) onLine(cluster, { tenantId, deviceId, astarteId, profileId }, isConnected)
  }
}
