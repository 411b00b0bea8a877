/** A device that registered becomes one of the fleet: by an operator's word, or by what its profile allows. */
import { type Actor, checkedName, type Facts, type JsonObject } from '@updraft/core'
import { actorOf } from './deed.ts'
import type { NewCredentialOf } from './new-credential.ts'
import type { Clock, DeviceTokens, Ids, Stores } from './ports.ts'

/** What a device said while it had no place to keep it. */
export const saidBefore = (version: string | null, inventory: JsonObject): Facts => ({
  installed: version === null ? {} : { firmware: { title: null, version } },
  inventory,
})

export interface Claim {
  readonly profileId: string
  readonly saidId: string
  readonly cloudId: string | null
  readonly customerId?: string
  /** What it is called here; as it calls itself when absent. */
  readonly name?: string
  readonly labels?: readonly string[]
  /** An operator, or nobody when the device comes by itself. */
  readonly by?: Parameters<typeof actorOf>[0]
}

export interface ClaimedDevices {
  /** A new device. Refuses with device.duplicate, request.malformed, cloud.unknown or customer.unknown. */
  add(stores: Stores, claim: Claim): Promise<{ id: string; name: string }>
  /**
   * A device that an operator has added under that name, once. Refuses with device.unknown or provisioning.repeated.
   */
  takeOver(stores: Stores, claim: Claim): Promise<{ id: string; name: string }>
}

export function claimedDevices({
  clock,
  ids,
  newCredential,
  tokens,
}: {
  clock: Clock
  ids: Ids
  newCredential: NewCredentialOf
  tokens: DeviceTokens
}): ClaimedDevices {
  const credentialOf = (id: string) => newCredential({ kind: 'token', token: tokens.of(id, 1) }).row

  const registered = async (
    { events, registrations, spread }: Stores,
    { id, name }: { id: string; name: string },
    { profileId, saidId, cloudId, by }: Claim,
  ) => {
    await registrations.insert({ deviceId: id, profileId, saidId })
    const subject: Actor & { kind: 'device' } = { kind: 'device', id, name }
    const data: JsonObject = { registeredAs: saidId, ...(cloudId && { cloud: cloudId }) }
    const [kind, actor] = by
      ? (['device.created', actorOf(by)] as const)
      : (['device.enrolled', subject] as const)
    await events.append([{ kind, at: clock.now(), actor, subject, deviceId: id, data }])
    await spread({ deviceId: id }, ids.next(), clock.now())
    return { id, name }
  }

  return {
    add: async (stores, claim) => {
      const { profileId, saidId, cloudId, customerId, labels = [] } = claim
      const id = ids.next()
      const name = checkedName('device', claim.name ?? saidId)
      const at = clock.now()
      const row = { id, profileId, customerId, cloudId: cloudId ?? undefined, name, labels }
      const credentials = [credentialOf(id)]
      await stores.devices.insert([
        { ...row, attributes: {}, credentials, provisionedAt: at, createdAt: at },
      ])
      return registered(stores, { id, name }, claim)
    },
    takeOver: async (stores, claim) => {
      const { devices, credentials } = stores
      const id = await devices.provision(claim.profileId, claim.saidId, clock.now())
      await credentials.insert(id, [credentialOf(id)])
      if (claim.cloudId && (await devices.get(id)).snapshot.device.cloudId === null) {
        await devices.change(id, { cloudId: claim.cloudId })
      }
      return registered(stores, { id, name: claim.saidId }, claim)
    },
  }
}
