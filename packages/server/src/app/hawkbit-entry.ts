/**
 * Who comes that speaks hawkBit's language: by a token of its own, by its profile's key, or by a certificate, that a proxy
 * has seen or we ourselves.
 */
import {
  type ClientKind,
  clientByHeaders,
  DomainError,
  type HawkbitSettings,
  type JsonObject,
  type Snapshot,
} from '@updraft/core'
import type { DeviceDesk } from './device-desk.ts'
import type {
  CertificateChains,
  Clock,
  DeviceWork,
  HawkbitAtWork,
  HawkbitDevice,
  JudgedChain,
} from './ports.ts'

export const HAWKBIT = 'hawkbit'

/** What a client shows. */
export type HawkbitProof =
  | { readonly kind: 'target' | 'gateway'; readonly token: string }
  /** A proxy that is trusted says in whose name the certificate was made that the device showed. */
  | { readonly kind: 'vouched'; readonly authorities: readonly string[] }
  /** Certificates in DER that it showed to ourselves, its own first, with the key to that. */
  | { readonly kind: 'certificate'; readonly chain: readonly Uint8Array[] }

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
  chains,
  clock,
  desk,
  store,
  work,
}: {
  chains: Pick<CertificateChains, 'judge' | 'remember'>
  clock: Clock
  desk: Pick<DeviceDesk, 'identify' | 'recognize' | 'register'>
  store: Pick<HawkbitAtWork, 'of' | 'gateway' | 'called' | 'vouchedFor' | 'authoritiesFor'>
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

  const vouched = (
    { controllerId, tenant }: HawkbitCaller,
    authorities: readonly string[],
  ): Promise<string | null> =>
    store.vouchedFor(controllerId, { authorities, tenant: namedTenant(tenant) })

  /** Made out to its name in the name of an authority that its profile trusts; or known by itself, as over MQTT. */
  const byCertificate = async (
    caller: HawkbitCaller,
    chain: readonly Uint8Array[],
  ): Promise<HawkbitClient> => {
    const { controllerId, tenant } = caller
    const trusted = await store.authoritiesFor(controllerId, namedTenant(tenant))
    const { commonName, fault, authorities } = await chains.judge(chain, trusted, clock.now())
    const isItsOwn = commonName === controllerId
    const deviceId = isItsOwn && fault === null ? await vouched(caller, authorities) : null
    if (deviceId) {
      chains.remember(chain)
      return known(caller, await arrived(deviceId))
    }
    const certificate = chain[0] ?? new Uint8Array()
    const { device } = await desk
      .recognize([{ kind: 'x509', certificate }], HAWKBIT)
      .catch((error: unknown) => {
        if (!(error instanceof DomainError && error.code === 'device.unknown')) throw error
        const why = fault ? FAULTS[fault] : isItsOwn ? UNTRUSTED : 'is made out to another name'
        throw new DomainError('device.unknown', `The certificate of a client ${why}.`)
      })
    return known(caller, device)
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
        case 'vouched':
          return known(caller, await arrived(await vouched(caller, proof.authorities)))
        case 'certificate':
          return byCertificate(caller, proof.chain)
      }
    },
    again: async ({ caller, device }) => known(caller, await arrived(device.device.id)),
  }
}

/** Of whatever tenant the device is: some clients can say no other. */
const DEFAULT_TENANT = 'default'

const namedTenant = (tenant: string): string | null =>
  tenant.toLowerCase() === DEFAULT_TENANT ? null : tenant

/** For whoever looks after devices; the device hears none of it. */
const FAULTS: Record<NonNullable<JudgedChain['fault']>, string> = {
  unreadable: 'cannot be read',
  expired: 'has expired',
  'not-yet-valid': 'is not valid yet',
  'not-for-clients': 'is not made for clients',
  'is-authority': "is an authority's",
  'nobody-vouches': 'was signed by no authority that is known here',
}
const UNTRUSTED =
  'was signed by no authority that the profile of a device of that name trusts, or the address must say the tenant'

const stranger = () => new DomainError('device.unknown', 'No device is known by that.')
