/** The realm of a tenant and the devices paired in it, as operators keep them. */
import {
  AGENT_RULES,
  checkedName,
  checkedRealm,
  DomainError,
  type EventKind,
  type JsonObject,
  type OperatorActor,
} from '@updraft/core'
import { refuseWhereClusterServes } from './clusters.ts'
import { deed } from './deed.ts'
import { newSecret, unpair } from './pairing.ts'
import type {
  AgentTokens,
  Clock,
  DeviceCertificates,
  Ids,
  Pairing,
  RealmKey,
  RealmView,
  Secrets,
  Stores,
  UnitOfWork,
} from './ports.ts'

const DAY_MS = 86_400_000
const TOKEN_DAYS = 365
const MAX_TOKEN_DAYS = 3650
/** Each of them is tried for a token. */
const MAX_KEYS = 20

export interface ShownRealm extends RealmView {
  /** Of the key we sign with, in PEM. */
  readonly publicKey: string
}

/** With the operations that were cancelled here and that it has yet to say its last word of. */
export interface ShownPairing extends Pairing {
  readonly cancelling: readonly string[]
}

export interface AgentTokenRequest {
  /** Name of the one that new devices get; the realm's default one when absent. */
  readonly profile?: string
  readonly days?: number
}

export function realms({
  agentTokens,
  certificates,
  clock,
  ids,
  secrets,
  unitOfWork,
}: {
  agentTokens: AgentTokens
  certificates: Pick<DeviceCertificates, 'authority'>
  clock: Clock
  ids: Ids
  secrets: Secrets
  unitOfWork: UnitOfWork
}) {
  const event = (
    actor: OperatorActor,
    kind: EventKind & `realm.${string}`,
    { tenantId: id, name }: { tenantId: string; name: string },
    data?: JsonObject,
  ) => deed(actor, kind, { at: clock.now(), subject: { kind: 'realm', id, name }, data })

  const noteOfDevice = async (
    { devices, events }: Stores,
    actor: OperatorActor,
    kind: EventKind,
    { deviceId, astarteId }: { deviceId: string; astarteId: string },
  ) => {
    const { id, name } = (await devices.get(deviceId)).snapshot.device
    const subject = { kind: 'device', id, name } as const
    const data = { astarteId }
    await events.append([deed(actor, kind, { at: clock.now(), subject, deviceId, data })])
  }

  const shown = async ({ realms: stored }: Stores): Promise<ShownRealm> => ({
    ...(await stored.get()),
    publicKey: agentTokens.publicKeyOf(await stored.signingKey()),
  })

  const paired = async (stores: Stores, deviceId: string): Promise<Pairing> => {
    const found = await stores.pairings.find({ deviceId }, { lock: true })
    if (found) return found
    await stores.devices.get(deviceId)
    throw new DomainError('pairing.none', 'The device is not paired.')
  }

  const shownPairing = async (stores: Stores, pairing: Pairing): Promise<ShownPairing> => ({
    ...pairing,
    cancelling: await stores.pairings.cancelling(pairing.deviceId),
  })

  return {
    /** Refuses with realm.none. */
    show: (actor: OperatorActor): Promise<ShownRealm> => unitOfWork(actor, shown),

    /**
     * Makes it, or changes what is said. Refuses with realm.invalid, realm.duplicate, realm.in-use, profile.unknown, and
     * with request.malformed when a new one lacks its name or profile.
     */
    set: (
      actor: OperatorActor,
      { name, profileId }: { name?: string; profileId?: string },
    ): Promise<ShownRealm> =>
      unitOfWork(actor, async (stores) => {
        const { events, realms: stored, profiles } = stores
        const to = { name: name && checkedRealm(name), defaultProfileId: profileId }
        if (profileId !== undefined) await profiles.get(profileId)
        const before = await stored.find()
        if (before) {
          await stored.change(to)
          const realm = await shown(stores)
          const changed = [
            ...(realm.name === before.name ? [] : ['name']),
            ...(realm.defaultProfileId === before.defaultProfileId ? [] : ['profileId']),
          ]
          await events.append([event(actor, 'realm.changed', realm, { changed })])
          return realm
        }
        if (to.name === undefined || profileId === undefined) {
          const message = 'A new realm needs a name, and the profile its devices get.'
          throw new DomainError('request.malformed', message)
        }
        const signingKey = agentTokens.newKey()
        const createdAt = clock.now()
        await stored.insert({ name: to.name, defaultProfileId: profileId, signingKey, createdAt })
        const realm = await shown(stores)
        await events.append([event(actor, 'realm.created', realm)])
        return realm
      }),

    /** Refuses with realm.none, or realm.in-use while devices are paired. */
    remove: (actor: OperatorActor): Promise<void> =>
      unitOfWork(actor, async ({ events, realms: stored }) => {
        const realm = await stored.get()
        await stored.remove()
        await events.append([event(actor, 'realm.removed', realm)])
      }),

    /** A new key of its own: all tokens made here before are good no more. */
    rotateKey: (actor: OperatorActor): Promise<ShownRealm> =>
      unitOfWork(actor, async (stores) => {
        await stores.realms.setSigningKey(agentTokens.newKey(), clock.now())
        const realm = await shown(stores)
        await stores.events.append([event(actor, 'realm.key-rotated', realm)])
        return realm
      }),

    /** It is kept nowhere. Refuses with profile.unknown, cluster.serves or request.malformed. */
    createToken: (
      actor: OperatorActor,
      { profile, days = TOKEN_DAYS }: AgentTokenRequest,
    ): Promise<{ token: string; expiresAt: Date }> =>
      unitOfWork(actor, async (stores) => {
        const { events, profiles, realms: stored } = stores
        if (!Number.isInteger(days) || days < 1 || days > MAX_TOKEN_DAYS) {
          const message = `A token is good for 1 to ${MAX_TOKEN_DAYS} days.`
          throw new DomainError('request.malformed', message)
        }
        const realm = await stored.get()
        await refuseWhereClusterServes(stores)
        if (profile !== undefined) await profiles.byName(profile)
        const issuedAt = clock.now()
        const expiresAt = new Date(issuedAt.getTime() + days * DAY_MS)
        const said = { realm: realm.name, rules: AGENT_RULES, profile, issuedAt, expiresAt }
        const token = await agentTokens.sign(await stored.signingKey(), said)
        const data = { profile: profile ?? null, expiresAt: expiresAt.toISOString() }
        await events.append([event(actor, 'realm.token-made', realm, data)])
        return { token, expiresAt }
      }),

    listKeys: (actor: OperatorActor): Promise<readonly RealmKey[]> =>
      unitOfWork(actor, async ({ realms: stored }) => {
        await stored.get()
        return stored.keys()
      }),

    /** Refuses with realm.invalid or realm.key-duplicate. */
    addKey: (
      actor: OperatorActor,
      { name, publicKey }: { name: string; publicKey: string },
    ): Promise<RealmKey> =>
      unitOfWork(actor, async ({ events, realms: stored }) => {
        const realm = await stored.get()
        const key = {
          id: ids.next(),
          name: checkedName('key', name),
          publicKey: agentTokens.checkedPublicKey(publicKey),
          createdAt: clock.now(),
        }
        if ((await stored.keys()).length >= MAX_KEYS) {
          throw new DomainError('realm.invalid', `A realm has ${MAX_KEYS} further keys at most.`)
        }
        await stored.insertKey(key)
        await events.append([event(actor, 'realm.key-added', realm, { key: key.name })])
        return key
      }),

    /** Tokens signed with it are good no more. Refuses with realm.key-unknown. */
    removeKey: (actor: OperatorActor, id: string): Promise<void> =>
      unitOfWork(actor, async ({ events, realms: stored }) => {
        const realm = await stored.get()
        const { name } = await stored.removeKey(id)
        await events.append([event(actor, 'realm.key-removed', realm, { key: name })])
      }),

    /** The certificate of the authority that signs those of devices, in PEM. */
    authority: async (_actor: OperatorActor): Promise<{ certificate: string }> => ({
      certificate: await certificates.authority(),
    }),

    /** What the device is to Astarte. Refuses with device.unknown or pairing.none. */
    showPairing: (actor: OperatorActor, deviceId: string): Promise<ShownPairing> =>
      unitOfWork(actor, async (stores) => {
        await stores.devices.get(deviceId)
        const found = await stores.pairings.find({ deviceId })
        if (found) return shownPairing(stores, found)
        throw new DomainError('pairing.none', 'The device is not paired.')
      }),

    /**
     * Gives a device there is a credentials secret, under that id; one that is paired keeps its id, and what it had is void.
     * The secret is answered this once. Refuses with device.unknown, pairing.duplicate, cluster.serves, or realm.none.
     */
    register: (
      actor: OperatorActor,
      deviceId: string,
      { astarteId }: { astarteId: string },
    ): Promise<{ pairing: ShownPairing; secret: string }> =>
      unitOfWork(actor, async (stores) => {
        const { devices, pairings } = stores
        await stores.realms.get()
        await refuseWhereClusterServes(stores)
        await devices.get(deviceId)
        await pairings.reserve(astarteId)
        const secret = newSecret(secrets)
        const secretHash = secrets.hashToken(secret)
        const before = await pairings.find({ deviceId }, { lock: true })
        if (before && before.astarteId !== astarteId) {
          throw new DomainError('pairing.duplicate', 'The device is paired under another id.')
        }
        if (before) {
          await unpair(stores, before)
          await pairings.setSecret(deviceId, secretHash)
        } else {
          await pairings.insert({ deviceId, astarteId, secretHash, createdAt: clock.now() })
        }
        await noteOfDevice(stores, actor, 'device.paired', { deviceId, astarteId })
        return { pairing: await shownPairing(stores, await paired(stores, deviceId)), secret }
      }),

    /** It may register again; its certificate and secret are void. */
    unregister: (actor: OperatorActor, deviceId: string): Promise<ShownPairing> =>
      unitOfWork(actor, async (stores) => {
        const before = await paired(stores, deviceId)
        await unpair(stores, before)
        await noteOfDevice(stores, actor, 'device.unpaired', before)
        return shownPairing(stores, await paired(stores, deviceId))
      }),

    /** Keeps it outside, or lets it in again. */
    inhibit: (
      actor: OperatorActor,
      deviceId: string,
      isInhibited: boolean,
    ): Promise<ShownPairing> =>
      unitOfWork(actor, async (stores) => {
        const before = await paired(stores, deviceId)
        if ((before.status === 'inhibited') === isInhibited) return shownPairing(stores, before)
        await stores.pairings.inhibit(deviceId, isInhibited)
        const kind = isInhibited ? 'device.inhibited' : 'device.allowed'
        await noteOfDevice(stores, actor, kind, before)
        return shownPairing(stores, await paired(stores, deviceId))
      }),
  }
}

export type RealmUseCases = ReturnType<typeof realms>
