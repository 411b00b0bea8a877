/** Who comes that speaks hawkBit's language: by a token of its own, by its profile's key, or vouched for by a proxy. */
import {
  type ClientKind,
  clientByHeaders,
  DomainError,
  type HawkbitSettings,
  type JsonObject,
  type Snapshot,
} from '@updraft/core'
import type { DeviceDesk } from './device-desk.ts'
import type { Clock, DeviceWork, HawkbitAtWork, HawkbitDevice } from './ports.ts'

export const HAWKBIT = 'hawkbit'

/** What a client shows. */
export type HawkbitProof =
  | { readonly kind: 'target' | 'gateway'; readonly token: string }
  /** A proxy that is trusted says in whose name the certificate was made that the device showed. */
  | { readonly kind: 'vouched'; readonly authorities: readonly string[] }

/** As it says itself, in its address and beside. */
export interface HawkbitCaller {
  /** Its tenant's name, as it stands in the address. */
  readonly tenant: string
  readonly controllerId: string
  readonly userAgent: string | undefined
  readonly accept: string | undefined
  readonly address: string
}

/** One of our devices, with what counts for it in this language. */
export interface HawkbitClient {
  readonly caller: HawkbitCaller
  readonly device: Snapshot
  readonly hawkbit: HawkbitDevice
  readonly kind: ClientKind
}

export interface HawkbitEntry {
  /** Null: it waits to be claimed. Refuses with device.unknown, whatever is wrong. */
  enter(caller: HawkbitCaller, proof: HawkbitProof): Promise<HawkbitClient | null>
  /** The same one, as it is now. */
  again(client: HawkbitClient): Promise<HawkbitClient>
}

export function hawkbitEntry({
  clock,
  desk,
  store,
  work,
}: {
  clock: Clock
  desk: Pick<DeviceDesk, 'identify' | 'register'>
  store: Pick<HawkbitAtWork, 'of' | 'gateway' | 'called' | 'vouchedFor'>
  work: Pick<DeviceWork, 'arriveVouched'>
}): HawkbitEntry {
  const arrived = async (deviceId: string | null): Promise<Snapshot> => {
    const device = deviceId && (await work.arriveVouched(deviceId, HAWKBIT, clock.now()))
    if (device) return device
    throw stranger()
  }

  const known = async (
    caller: HawkbitCaller,
    device: Snapshot,
    mayEnter: (settings: HawkbitSettings) => boolean = () => true,
  ): Promise<HawkbitClient> => {
    const hawkbit = await store.of(device.device.id)
    const { tenant, controllerId } = caller
    const names = [device.device.name, hawkbit.registeredAs]
    const tenants = [DEFAULT_TENANT, device.tenantId, hawkbit.realm?.toLowerCase()]
    if (!tenants.includes(tenant.toLowerCase()) || !names.includes(controllerId)) throw stranger()
    if (!mayEnter(hawkbit.settings)) throw stranger()
    const kind = hawkbit.settings.client ?? clientByHeaders(caller).kind
    return { caller, device, hawkbit, kind }
  }

  const throughGateway = async (
    caller: HawkbitCaller,
    token: string,
  ): Promise<HawkbitClient | null> => {
    const profile = await store.gateway(token)
    if (!profile?.settings.gatewayToken) throw stranger()
    const { controllerId } = caller
    const deviceId = await store.called(profile.profileId, controllerId)
    if (deviceId) return known(caller, await arrived(deviceId))
    const { kind, version } = clientByHeaders(caller)
    const facts: JsonObject = { hawkbit: { client: kind, clientVersion: version } }
    const registered = await desk.register({ product: token, id: controllerId, facts }, HAWKBIT)
    return registered && known(caller, registered.device)
  }

  return {
    enter: async (caller, proof) => {
      switch (proof.kind) {
        case 'target':
          return known(
            caller,
            await desk.identify(proof.token, HAWKBIT),
            ({ targetToken }) => targetToken,
          )
        case 'gateway':
          return throughGateway(caller, proof.token)
        case 'vouched': {
          const { controllerId, tenant } = caller
          const isNamed = tenant.toLowerCase() !== DEFAULT_TENANT
          const among = { authorities: proof.authorities, tenant: isNamed ? tenant : null }
          return known(caller, await arrived(await store.vouchedFor(controllerId, among)))
        }
      }
    },
    again: async ({ caller, device }) => known(caller, await arrived(device.device.id)),
  }
}

/** Of whatever tenant the device is: some clients can say no other. */
const DEFAULT_TENANT = 'default'

const stranger = () => new DomainError('device.unknown', 'No device is known by that.')
