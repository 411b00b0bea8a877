/** The handlers of the routes about realms and paired devices. */
import type { REALM_ROUTES } from '@updraft/api/routes/realms'
import type * as api from '@updraft/api/shapes'
import { astarteIdOf, DomainError } from '@updraft/core'
import type { Pairing, RealmKey } from '../app/ports.ts'
import type { ShownPairing, ShownRealm } from '../app/realms.ts'
import type { Handlers, OperatorNeeds } from './call.ts'
import { time, timeOrNull } from './views.ts'

export function realmHandlers({
  realms,
}: Pick<OperatorNeeds, 'realms'>): Pick<Handlers, keyof typeof REALM_ROUTES> {
  return {
    showRealm: async ({ caller: { actor } }) => realmView(await realms.show(actor)),
    setRealm: async ({ input: { body }, caller: { actor } }) =>
      realmView(await realms.set(actor, body)),
    removeRealm: async ({ caller: { actor } }) => {
      await realms.remove(actor)
    },
    rotateRealmKey: async ({ caller: { actor } }) => realmView(await realms.rotateKey(actor)),
    createAgentToken: async ({ input: { body }, caller: { actor } }) => {
      const { token, expiresAt } = await realms.createToken(actor, body)
      return { token, expiresAt: time(expiresAt) }
    },
    listRealmKeys: async ({ caller: { actor } }) => ({
      items: (await realms.listKeys(actor)).map(keyView),
      nextCursor: null,
    }),
    addRealmKey: async ({ input: { body }, caller: { actor } }) =>
      keyView(await realms.addKey(actor, body)),
    removeRealmKey: async ({ input: { params }, caller: { actor } }) => {
      await realms.removeKey(actor, params.id)
    },
    showDeviceAuthority: ({ caller: { actor } }) => realms.authority(actor),
    showPairing: async ({ input: { params }, caller: { actor } }) =>
      pairingView(await realms.showPairing(actor, params.id)),
    pairDevice: async ({ input: { params, body }, caller: { actor } }) => {
      const astarteId = checkedAstarteId(body.astarteId)
      const { pairing, secret } = await realms.register(actor, params.id, { astarteId })
      return { ...pairingView(pairing), credentialsSecret: secret }
    },
    changePairing: async ({ input: { params, body }, caller: { actor } }) =>
      pairingView(await realms.inhibit(actor, params.id, body.isInhibited)),
    unpairDevice: async ({ input: { params }, caller: { actor } }) =>
      pairingView(await realms.unregister(actor, params.id)),
  }
}

/** As it is written by all. Refuses with pairing.id-malformed. */
export function checkedAstarteId(text: string): string {
  const astarteId = astarteIdOf(text)
  if (astarteId !== null) return astarteId
  const message = "An id of Astarte's is 128 bits in base64url: 22 characters."
  throw new DomainError('pairing.id-malformed', message)
}

const realmView = (realm: ShownRealm): api.Realm => ({
  name: realm.name,
  profile: realm.defaultProfileName,
  profileId: realm.defaultProfileId,
  publicKey: realm.publicKey,
  keyMadeAt: time(realm.signingKeyMadeAt),
  deviceCount: realm.deviceCount,
  createdAt: time(realm.createdAt),
})

const keyView = ({ createdAt, ...key }: RealmKey): api.RealmKey => ({
  ...key,
  createdAt: time(createdAt),
})

const pairingView = (pairing: ShownPairing): api.Pairing => ({
  ...pairedView(pairing),
  cancelling: [...pairing.cancelling],
})

/** All of it that stands in its own row. */
export const pairedView = (pairing: Pairing): Omit<api.Pairing, 'cancelling'> => ({
  deviceId: pairing.deviceId,
  astarteId: pairing.astarteId,
  status: pairing.status,
  isConnected: pairing.isConnected,
  connectedAt: timeOrNull(pairing.connectedAt),
  disconnectedAt: timeOrNull(pairing.disconnectedAt),
  lastAddress: pairing.lastAddress,
  interfaces: Object.fromEntries(
    Object.entries(pairing.introspection).map(([name, { major, minor }]) => [
      name,
      `${major}.${minor}`,
    ]),
  ),
  createdAt: time(pairing.createdAt),
})
