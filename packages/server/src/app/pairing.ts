/**
 * Pairing, as devices of Astarte meet it: an agent registers a device in a realm, the device asks for its certificate with
 * the secret it was given, and comes with that from then on. What else of Astarte's is kept of a device is here as well.
 */
import {
  type Actor,
  allowsAgent,
  certifiedNameOf,
  DomainError,
  type EventKind,
  type JsonObject,
  partNumberOf,
  SERVER,
  type Snapshot,
} from '@updraft/core'
import { clusterServes } from './clusters.ts'
import type { KnownCloud } from './known-clouds.ts'
import type { NewCredentialOf } from './new-credential.ts'
import type {
  Accounts,
  AgentTokens,
  CertificateFault,
  Clock,
  ClustersAtWork,
  DeviceCertificates,
  Ids,
  Introspection,
  Pairing,
  PairingsAtWork,
  Realm,
  RealmsAtWork,
  Secrets,
  Stores,
  UnitOfWork,
} from './ports.ts'

/** Astarte gives out its own for three months. */
const CERTIFICATE_DAYS = 90

/** Who asks to register devices: what stands behind `Bearer`, if anything does, and what it is about to do. */
export interface AgentAsks {
  readonly bearer: string | null
  readonly method: string
  /** Below that of the realm, as it was asked. */
  readonly path: string
}

/** A device that may do what it asks for: one of that realm that has shown its credentials secret. */
export interface PairedDevice {
  readonly realm: Realm
  readonly pairing: Pairing
  /** What devices of its cloud are told of the server; null for what all are told. */
  readonly publicUrl: string | null
}

/** What a certificate is worth that a device shows. */
export type Verified =
  | { readonly isValid: true; readonly at: Date; readonly until: Date }
  | {
      readonly isValid: false
      readonly at: Date
      readonly fault: CertificateFault | 'taken-back'
    }

export interface PairingDesk {
  /** Refuses with realm.unknown, or cluster.serves where an Astarte elsewhere pairs its devices. */
  realmNamed(name: string): Promise<Realm>
  /**
   * A device with that id, canonical, is registered and given a new secret; that of before is void. What is said is
   * looked at when the agent may register devices. Refuses with
   * agent.unauthenticated or agent.refused; with pairing.registered once it has asked for a certificate,
   * pairing.inhibited, profile.unknown, and with provisioning.refused where it must have been added before.
   */
  registerPaired(
    realm: Realm,
    agent: AgentAsks,
    said: () => { readonly astarteId: string; readonly introspection?: Introspection },
  ): Promise<{ readonly secret: string }>
  /** It may register again; its certificate and its secret are void. Refuses also with pairing.unknown. */
  unregisterPaired(realm: Realm, agent: AgentAsks, astarteId: () => string): Promise<void>
  /** Whose secret that is. Refuses with pairing.unknown or pairing.refused. */
  authenticatePaired(realm: Realm, astarteId: string, secret: string | null): Promise<PairedDevice>
  /** One certificate, in PEM, for the key of the request. Refuses with pairing.inhibited or certificate-request.invalid. */
  certifyPaired(device: PairedDevice, request: string): Promise<string>
  verifyPaired(device: PairedDevice, certificate: string): Promise<Verified>
  /**
   * The device of that id, whose secrets somebody else keeps: an Astarte elsewhere. Added to the realm's default profile
   * where there is none.
   */
  adoptPaired(realm: Realm, astarteId: string): Promise<Pairing>
  /** What the device is to Astarte; null when it is nothing. */
  pairingOf(device: Snapshot): Promise<Pairing | null>
  /**
   * A device that registered itself into the realm's default profile goes to the profile of its system model, once, when
   * its part number says one. Answers whether it went there.
   */
  followModel(device: Snapshot): Promise<boolean>
  readonly pairings: PairingsAtWork
}

export interface PairingNeeds {
  readonly accounts: Pick<Accounts, 'provisioningProfile'>
  readonly agentTokens: AgentTokens
  readonly certificates: Pick<DeviceCertificates, 'sign' | 'examine'>
  readonly clock: Clock
  readonly clusters: Pick<ClustersAtWork, 'ofRealm'>
  readonly cloudOf: KnownCloud
  readonly ids: Ids
  readonly newCredential: NewCredentialOf
  readonly pairings: PairingsAtWork
  readonly realms: RealmsAtWork
  readonly secrets: Secrets
  readonly unitOfWork: UnitOfWork
}

/** What whoever registers devices may do with new ones and with those there are. */
interface Agent {
  /** Null: the realm's default one. */
  readonly profileId: string | null
  /** It has the secret of its profile only, and may touch no device of another. */
  readonly isOfProfile: boolean
  /** Devices must have been added before. */
  readonly addsNone: boolean
}

export function pairing({
  accounts,
  agentTokens,
  certificates,
  clock,
  clusters,
  cloudOf,
  ids,
  newCredential,
  pairings,
  realms,
  secrets,
  unitOfWork,
}: PairingNeeds): PairingDesk {
  const within = ({ tenantId }: { tenantId: string }) => ({ tenantId, customerId: null })

  const byToken = async (realm: Realm, asked: AgentAsks & { bearer: string }): Promise<Agent> => {
    const { own, others } = await realms.keysOf(realm.tenantId)
    const keys = [agentTokens.publicKeyOf(own), ...others]
    const claims = await agentTokens.read(asked.bearer, keys, clock.now())
    if (!claims) {
      throw new DomainError('agent.unauthenticated', 'No key of the realm signed that token.')
    }
    if (!allowsAgent(claims.rules, asked)) {
      throw new DomainError('agent.refused', 'The token does not allow that.')
    }
    const { profile } = claims
    const profileId =
      profile === undefined
        ? null
        : await unitOfWork(
            within(realm),
            async ({ profiles }) => (await profiles.byName(profile)).id,
          )
    return { profileId, isOfProfile: false, addsNone: false }
  }

  /** `key:secret` of a profile of the realm's tenant, as devices enrol themselves with it elsewhere. */
  const bySecret = async (realm: Realm, bearer: string): Promise<Agent> => {
    const colon = bearer.indexOf(':')
    const key = bearer.slice(0, colon)
    const secretHash = secrets.hashToken(bearer.slice(colon + 1))
    const profile = await accounts.provisioningProfile(key)
    const isRight =
      profile !== null &&
      profile.tenantId === realm.tenantId &&
      secrets.isEqual(profile.secretHash, secretHash)
    if (!isRight) {
      throw new DomainError('agent.unauthenticated', 'No profile has that key and secret.')
    }
    const { profileId, strategy } = profile
    return { profileId, isOfProfile: true, addsNone: strategy === 'check-pre-provisioned' }
  }

  const agentOf = async (realm: Realm, asked: AgentAsks): Promise<Agent> => {
    const { bearer } = asked
    if (bearer === null) {
      throw new DomainError('agent.unauthenticated', 'Neither a token nor a secret came with it.')
    }
    // A token has no colon.
    return bearer.includes(':') ? bySecret(realm, bearer) : byToken(realm, { ...asked, bearer })
  }

  const note = async (
    { events }: Stores,
    kind: EventKind,
    { id, name }: { id: string; name: string },
    { actor, data = {} }: { actor?: Actor; data?: JsonObject } = {},
  ) => {
    const subject = { kind: 'device', id, name } as const
    const at = clock.now()
    await events.append([{ kind, at, actor: actor ?? subject, subject, deviceId: id, data }])
  }

  /** One that an operator has added under that name, or else a new one. */
  const deviceFor = async (
    stores: Stores,
    realm: Realm,
    astarteId: string,
    { profileId, isOfProfile, addsNone }: Agent,
  ): Promise<{ id: string; name: string; awaitsModel: boolean }> => {
    const { devices } = stores
    const at = clock.now()
    const [known] = await devices.ids({ name: astarteId })
    if (known) {
      const { device } = (await devices.get(known)).snapshot
      if (isOfProfile && device.profileId !== profileId) throw ofAnother()
      await devices.provision(device.profileId, astarteId, at).catch(unlessRepeated)
      return { id: known, name: astarteId, awaitsModel: false }
    }
    if (addsNone) {
      const message = 'Devices of this profile are added by an operator before they register.'
      throw new DomainError('provisioning.refused', message)
    }
    const id = ids.next()
    const row = { id, profileId: profileId ?? realm.defaultProfileId, name: astarteId, labels: [] }
    await devices.insert([
      { ...row, attributes: {}, credentials: [], provisionedAt: at, createdAt: at },
    ])
    await note(stores, 'device.enrolled', { id, name: astarteId }, { data: { realm: realm.name } })
    await stores.spread({ deviceId: id }, ids.next(), at)
    return { id, name: astarteId, awaitsModel: row.profileId === realm.defaultProfileId }
  }

  const pair = async (
    stores: Stores,
    realm: Realm,
    agent: Agent,
    {
      astarteId,
      ...said
    }: { astarteId: string; secretHash: Buffer | null; introspection?: Introspection },
  ): Promise<string> => {
    const { id, name, awaitsModel } = await deviceFor(stores, realm, astarteId, agent)
    await stores.pairings.insert({
      deviceId: id,
      astarteId,
      awaitsModel,
      createdAt: clock.now(),
      ...said,
    })
    await note(stores, 'device.paired', { id, name }, { data: { realm: realm.name, astarteId } })
    return id
  }

  /** Pairs it anew, if it may. */
  const pairAgain = async (
    stores: Stores,
    realm: Realm,
    { profileId, isOfProfile }: Agent,
    before: Pairing,
    { secretHash, introspection }: { secretHash: Buffer; introspection?: Introspection },
  ) => {
    const { deviceId, astarteId, status } = before
    if (status === 'inhibited') throw inhibited()
    if (status === 'confirmed') {
      throw new DomainError('pairing.registered', 'Device already registered')
    }
    const { device } = (await stores.devices.get(deviceId)).snapshot
    if (isOfProfile && device.profileId !== profileId) throw ofAnother()
    await stores.pairings.setSecret(deviceId, secretHash)
    if (introspection) await stores.pairings.setIntrospection(deviceId, introspection)
    await note(stores, 'device.paired', device, { data: { realm: realm.name, astarteId } })
  }

  const hasSecret = ({ secretHash }: Pairing, shown: Buffer | null): boolean =>
    secretHash !== null && shown !== null && secrets.isEqual(secretHash, shown)

  return {
    pairings,
    realmNamed: async (name) => {
      const realm = await realms.named(name)
      if (realm && (await clusters.ofRealm(name))) {
        throw clusterServes()
      }
      if (realm) return realm
      throw new DomainError('realm.unknown', 'There is no such realm.')
    },
    registerPaired: async (realm, asked, said) => {
      const agent = await agentOf(realm, asked)
      const { astarteId, introspection } = said()
      const secret = newSecret(secrets)
      const secretHash = secrets.hashToken(secret)
      await unitOfWork(within(realm), async (stores) => {
        await stores.pairings.reserve(astarteId)
        const before = await stores.pairings.find({ astarteId }, { lock: true })
        const has = { secretHash, introspection }
        if (before) await pairAgain(stores, realm, agent, before, has)
        else await pair(stores, realm, agent, { astarteId, ...has })
      })
      return { secret }
    },
    unregisterPaired: async (realm, asked, said) => {
      const { isOfProfile } = await agentOf(realm, asked)
      if (isOfProfile) {
        throw new DomainError('agent.refused', 'The secret of a profile only registers devices.')
      }
      const astarteId = said()
      await unitOfWork(within(realm), async (stores) => {
        const found = await stores.pairings.find({ astarteId }, { lock: true })
        if (!found) throw unknown()
        await unpair(stores, found)
        const { device } = (await stores.devices.get(found.deviceId)).snapshot
        await note(stores, 'device.unpaired', device, { data: { realm: realm.name, astarteId } })
      })
    },
    authenticatePaired: async (realm, astarteId, secret) => {
      const found = await pairings.find(realm.tenantId, astarteId)
      if (!found) throw unknown()
      if (secret === null || !hasSecret(found, secrets.hashToken(secret))) throw wrongSecret()
      const cloud = await cloudOf(found.cloudId)
      return { realm, pairing: found, publicUrl: cloud?.publicUrl ?? null }
    },
    certifyPaired: async ({ realm, pairing: shown }, request) => {
      const { deviceId, astarteId, secretHash, status } = shown
      if (status === 'inhibited') throw inhibited()
      const name = certifiedNameOf(realm.name, astarteId)
      const certificate = await certificates.sign(name, request, CERTIFICATE_DAYS)
      const { row } = newCredential({ kind: 'x509', certificate })
      await unitOfWork(within(realm), async (stores) => {
        const found = await stores.pairings.find({ deviceId }, { lock: true })
        if (!found) throw unknown()
        // Meanwhile it may have been registered anew.
        if (!hasSecret(found, secretHash)) throw wrongSecret()
        if (found.status === 'inhibited') throw inhibited()
        const { device } = (await stores.devices.get(deviceId)).snapshot
        if (found.credentialId) await stores.credentials.remove(deviceId, [found.credentialId])
        await stores.credentials.insert(deviceId, [row])
        await stores.pairings.setCredential(deviceId, row.id, clock.now())
        const data = { credential: row.id, until: row.certificate?.validTo.toISOString() ?? null }
        await note(stores, 'device.certified', device, { data })
      })
      return certificate
    },
    verifyPaired: async ({ realm, pairing: { deviceId } }, certificate) => {
      const at = clock.now()
      const { fault, fingerprint, validTo } = await certificates.examine(certificate, at)
      if (fault) return { isValid: false, at, fault }
      const held = await unitOfWork(within(realm), ({ credentials }) =>
        credentials.ofDevice(deviceId, at),
      )
      const isHeld = held.some(({ certificate: facts }) => facts?.fingerprint === fingerprint)
      if (!isHeld || validTo === null) return { isValid: false, at, fault: 'taken-back' }
      return { isValid: true, at, until: validTo }
    },
    adoptPaired: async (realm, astarteId) => {
      const known = await pairings.find(realm.tenantId, astarteId)
      if (known) return known
      await unitOfWork(within(realm), async (stores) => {
        await stores.pairings.reserve(astarteId)
        if (await stores.pairings.find({ astarteId })) return
        const agent = { profileId: null, isOfProfile: false, addsNone: false }
        await pair(stores, realm, agent, { astarteId, secretHash: null })
      })
      const made = await pairings.find(realm.tenantId, astarteId)
      if (made) return made
      throw unknown()
    },
    pairingOf: ({ device }) => pairings.ofDevice(device.id),
    followModel: ({ tenantId, device: { id } }) =>
      unitOfWork({ tenantId, customerId: null }, async (stores) => {
        const found = await stores.pairings.find({ deviceId: id }, { lock: true })
        if (!found?.awaitsModel) return false
        const { device } = (await stores.devices.get(id)).snapshot
        const { defaultProfileId } = await stores.realms.get()
        if (device.profileId !== defaultProfileId) {
          await stores.pairings.settled(id)
          return false
        }
        const partNumber = partNumberOf(device)
        const model =
          partNumber === null ? null : await stores.systemModels.ofPartNumber(partNumber)
        if (!model?.profile) return false
        await stores.pairings.settled(id)
        const { profile } = model
        if (profile.id === defaultProfileId) return false
        await stores.devices.change(id, { profileId: profile.id })
        const data = { changed: ['profileId'], profile: profile.name, systemModel: model.name }
        await note(stores, 'device.changed', device, { actor: SERVER, data })
        await stores.spread({ deviceId: id }, ids.next(), clock.now())
        return true
      }),
  }
}

/** Its certificate and its secret are void, and it may register again. */
export async function unpair(
  { credentials, pairings }: Stores,
  { deviceId, credentialId }: Pairing,
): Promise<void> {
  if (credentialId) await credentials.remove(deviceId, [credentialId])
  await pairings.reset(deviceId)
}

/** 32 bytes in standard Base64: as long as Astarte's own, which clients may count on. */
export const newSecret = (secrets: Pick<Secrets, 'newToken'>): string =>
  `${secrets.newToken().replaceAll('-', '+').replaceAll('_', '/')}=`

/** It has enrolled before, over another language: that is no hindrance to this one. */
function unlessRepeated(error: unknown): void {
  if (error instanceof DomainError && error.code === 'provisioning.repeated') return
  throw error
}

const unknown = () => new DomainError('pairing.unknown', 'Device not found')
const wrongSecret = () =>
  new DomainError('pairing.refused', 'That is not the credentials secret of the device.')
const inhibited = () =>
  new DomainError('pairing.inhibited', 'An operator keeps this device outside.')
const ofAnother = () =>
  new DomainError('agent.refused', 'The device is of another profile than that of the secret.')
