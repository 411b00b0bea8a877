/** Profiles and devices, as operators keep them. */
import {
  type Actor,
  type CredentialDraft,
  checkedLabels,
  checkedName,
  checkedProvisioningText,
  DomainError,
  type EventKind,
  type JsonObject,
  type OperatorActor,
  type ProvisioningStrategy,
  reason,
} from '@updraft/core'
import { compile } from '@updraft/core/expression'
import { actorOf } from './deed.ts'
import { profileIdFor } from './models.ts'
import type { NewCredentialOf } from './new-credential.ts'
import { newSecret } from './pairing.ts'
import type {
  Clock,
  DeviceFilter,
  Devices,
  DeviceView,
  Ids,
  InstalledSince,
  NewDevice,
  Page,
  Profiles,
  ProfileView,
  Secrets,
  Stores,
  UnitOfWork,
} from './ports.ts'

/** What an operator says of a new device. The profile is named, given by id, or its system model's. */
export interface DeviceDraft {
  readonly name: string
  readonly profile?: string
  readonly profileId?: string
  readonly customerId?: string
  readonly cloudId?: string
  readonly token?: string
  /** In place of `token`: a token that follows from the device's id. */
  readonly tokenOf?: (deviceId: string) => string
  /** Each of another kind. Without any, and without `token`, a token is made up. */
  readonly credentials?: readonly CredentialDraft[]
  readonly labels?: readonly string[]
  readonly attributes?: JsonObject
  /** Paired in the realm under it from the start. A token is not made up then. */
  readonly astarteId?: string
}

export interface DeviceChange {
  readonly name?: string
  readonly profileId?: string
  readonly customerId?: string | null
  readonly cloudId?: string | null
  readonly labels?: readonly string[]
  readonly attributes?: JsonObject
}

/** `filter` is an expression that must hold. */
type Filtered<Query> = Query & { readonly filter?: string }

function askedOf<Query extends DeviceFilter>(
  { filter, ...query }: Filtered<Query>,
  now: Date,
): DeviceFilter & Omit<Filtered<Query>, 'filter'> {
  return filter === undefined ? query : { ...query, asked: { any: [compile(filter)], now } }
}

interface Prepared {
  readonly row: NewDevice
  /** Null when it is known by something else. */
  readonly token: string | null
}

export function fleet({
  clock,
  ids,
  newCredential,
  secrets,
  unitOfWork,
}: {
  clock: Clock
  ids: Ids
  newCredential: NewCredentialOf
  secrets: Secrets
  unitOfWork: UnitOfWork
}) {
  const event = (
    kind: EventKind,
    actor: Actor,
    subject: { kind: 'device' | 'profile'; id: string; name: string },
    data: JsonObject = {},
  ) => ({
    kind,
    at: clock.now(),
    actor,
    subject,
    deviceId: subject.kind === 'device' ? subject.id : null,
    data,
  })

  const deviceSubject = ({ snapshot }: DeviceView) =>
    ({ kind: 'device', id: snapshot.device.id, name: snapshot.device.name }) as const
  const profileSubject = ({ id, name }: { id: string; name: string }) =>
    ({ kind: 'profile', id, name }) as const

  const rowOf = (draft: DeviceDraft, profileId: string, index: number): Prepared => {
    try {
      const id = ids.next()
      const made = credentialsOf(draft, id).map(newCredential)
      const row = {
        id,
        profileId,
        customerId: draft.customerId,
        cloudId: draft.cloudId,
        name: checkedName('device', draft.name),
        labels: checkedLabels(draft.labels ?? []),
        attributes: draft.attributes ?? {},
        credentials: made.map((each) => each.row),
        createdAt: clock.now(),
      }
      return { row, token: made.find(({ token }) => token !== null)?.token ?? null }
    } catch (error) {
      return withIndex(index)(error)
    }
  }

  const profileIdOf = async (stores: Stores, draft: DeviceDraft): Promise<string> => {
    const { profiles } = stores
    if (draft.profileId !== undefined) return (await profiles.get(draft.profileId)).id
    if (draft.profile !== undefined) return (await profiles.byName(draft.profile)).id
    return profileIdFor(stores, draft)
  }

  /** New rows and their tokens. Profiles are looked up once each. */
  const prepare = async (stores: Stores, drafts: readonly DeviceDraft[]) => {
    const profileIds = new Map<string, string>()
    const rows: Prepared[] = []
    for (const [index, draft] of drafts.entries()) {
      const { profileId: id, profile, attributes } = draft
      const asked = JSON.stringify([id, profile, attributes?.partNumber])
      const profileId =
        profileIds.get(asked) ?? (await profileIdOf(stores, draft).catch(withIndex(index)))
      profileIds.set(asked, profileId)
      rows.push(rowOf(draft, profileId, index))
    }
    return rows
  }

  /** Says which of the devices is refused; the database alone could only say that one is. */
  const refuseTaken = async ({ devices }: Stores, prepared: readonly Prepared[]) => {
    const taken = await devices.taken(prepared.map(({ row }) => row))
    const names = new Set(taken.names)
    const hashes = new Set(taken.lookupHashes.map((hash) => hash.toString('hex')))
    for (const [index, { row }] of prepared.entries()) {
      if (names.has(row.name)) {
        const message = `A device named "${row.name}" exists already.`
        throw new DomainError('device.duplicate', message, { index })
      }
      // The next of the same name or credential is as wrong as one that was there before.
      names.add(row.name)
      for (const { kind, lookupHash } of row.credentials) {
        const hash = lookupHash.toString('hex')
        if (hashes.has(hash)) {
          const message = `The ${kind} for "${row.name}" is another device's already.`
          throw new DomainError('credential.taken', message, { index })
        }
        hashes.add(hash)
      }
    }
  }

  const addWithin = async (
    stores: Stores,
    actor: OperatorActor,
    drafts: readonly DeviceDraft[],
  ) => {
    const prepared = await prepare(stores, drafts)
    await refuseTaken(stores, prepared)
    await stores.devices.insert(prepared.map(({ row }) => row))
    await stores.events.append(
      prepared.map(({ row }) =>
        event('device.created', actorOf(actor), { kind: 'device', id: row.id, name: row.name }),
      ),
    )
    for (const { row } of prepared)
      await stores.spread({ deviceId: row.id }, ids.next(), clock.now())
    return prepared.map(({ row, token }) => ({ id: row.id, name: row.name, token }))
  }

  const addDevices = (actor: OperatorActor, drafts: readonly DeviceDraft[]) =>
    unitOfWork(actor, (stores) => addWithin(stores, actor, drafts))

  /** Answers its credentials secret. Refuses with realm.none or pairing.duplicate. */
  const pairNew = async (
    { events, pairings, realms }: Stores,
    actor: OperatorActor,
    { id, name, astarteId }: { id: string; name: string; astarteId: string },
  ): Promise<string> => {
    await realms.get()
    await pairings.reserve(astarteId)
    const secret = newSecret(secrets)
    const secretHash = secrets.hashToken(secret)
    await pairings.insert({ deviceId: id, astarteId, secretHash, createdAt: clock.now() })
    const subject = { kind: 'device', id, name } as const
    await events.append([event('device.paired', actorOf(actor), subject, { astarteId })])
    return secret
  }

  return {
    createProfile: (
      actor: OperatorActor,
      draft: { name: string; description?: string },
    ): Promise<ProfileView> =>
      unitOfWork(actor, async ({ profiles, events }) => {
        const profile = {
          id: ids.next(),
          name: checkedName('profile', draft.name),
          description: draft.description?.trim() || null,
          createdAt: clock.now(),
        }
        await profiles.insert(profile)
        await events.append([event('profile.created', actorOf(actor), profileSubject(profile))])
        return profiles.get(profile.id)
      }),

    showProfile: (actor: OperatorActor, id: string): Promise<ProfileView> =>
      unitOfWork(actor, ({ profiles }) => profiles.get(id)),

    listProfiles: (
      actor: OperatorActor,
      query: Parameters<Profiles['page']>[0],
    ): Promise<Page<ProfileView>> => unitOfWork(actor, ({ profiles }) => profiles.page(query)),

    /** Refuses with profile.in-use while devices or releases have it. */
    removeProfile: (actor: OperatorActor, id: string): Promise<void> =>
      unitOfWork(actor, async ({ profiles, events }) => {
        const profile = await profiles.get(id)
        await profiles.remove(id)
        await events.append([event('profile.removed', actorOf(actor), profileSubject(profile))])
      }),

    /**
     * Key and secret are made up where they are not given; whoever knows both may enrol devices into the profile.
     * Those of before are good no more. Refuses with provisioning.key-taken.
     */
    enableProvisioning: (
      actor: OperatorActor,
      id: string,
      {
        strategy = 'create-new',
        key = secrets.newToken(),
        secret = secrets.newToken(),
        claimsAtOnce = false,
      }: {
        strategy?: ProvisioningStrategy
        key?: string
        secret?: string
        claimsAtOnce?: boolean
      },
    ): Promise<{
      key: string
      secret: string
      strategy: ProvisioningStrategy
      claimsAtOnce: boolean
    }> =>
      unitOfWork(actor, async ({ profiles, events }) => {
        const profile = await profiles.get(id)
        await profiles.setProvisioning(id, {
          key: checkedProvisioningText('key', key),
          secretHash: secrets.hashToken(checkedProvisioningText('secret', secret)),
          strategy,
          claimsAtOnce,
        })
        const data = { provisioning: strategy, ...(claimsAtOnce && { claimsAtOnce }) }
        await events.append([
          event('profile.changed', actorOf(actor), profileSubject(profile), data),
        ])
        return { key, secret, strategy, claimsAtOnce }
      }),

    disableProvisioning: (actor: OperatorActor, id: string): Promise<void> =>
      unitOfWork(actor, async ({ profiles, events }) => {
        const profile = await profiles.get(id)
        await profiles.setProvisioning(id, null)
        const data = { provisioning: null }
        await events.append([
          event('profile.changed', actorOf(actor), profileSubject(profile), data),
        ])
      }),

    createDevice: async (
      actor: OperatorActor,
      draft: DeviceDraft,
    ): Promise<{ device: DeviceView; token: string | null; credentialsSecret: string | null }> => {
      const { astarteId } = draft
      const added = await unitOfWork(actor, async (stores) => {
        const [made] = await addWithin(stores, actor, [draft])
        if (!made) throw new Error('A device was added and is not there.')
        const credentialsSecret =
          astarteId === undefined ? null : await pairNew(stores, actor, { ...made, astarteId })
        return { ...made, credentialsSecret }
      })
      const device = await unitOfWork(actor, ({ devices }) => devices.get(added.id))
      return { device, token: added.token, credentialsSecret: added.credentialsSecret }
    },

    /** All or none. */
    importDevices: addDevices,

    showDevice: (actor: OperatorActor, id: string): Promise<DeviceView> =>
      unitOfWork(actor, ({ devices }) => devices.get(id)),

    /** What devices are labelled with, and how many with each. */
    listLabels: (actor: OperatorActor): ReturnType<Devices['labels']> =>
      unitOfWork(actor, ({ devices }) => devices.labels()),

    /** Refuses with expression.invalid or expression.too-large. */
    countDevices: async (actor: OperatorActor, filter: Filtered<DeviceFilter>): Promise<number> => {
      const asked = askedOf(filter, clock.now())
      return unitOfWork(actor, ({ devices }) => devices.count(asked))
    },

    /** What a device runs, and since when it says so. Refuses with device.unknown. */
    installed: (actor: OperatorActor, id: string): Promise<readonly InstalledSince[]> =>
      unitOfWork(actor, async ({ devices }) => {
        await devices.get(id)
        return devices.installed(id)
      }),

    /** Refuses with expression.invalid or expression.too-large. */
    listDevices: async (
      actor: OperatorActor,
      query: Filtered<Parameters<Devices['page']>[0]>,
    ): Promise<Page<DeviceView>> => {
      const asked = askedOf(query, clock.now())
      return unitOfWork(actor, ({ devices }) => devices.page(asked))
    },

    /** Refuses with request.version-mismatch when `revision` is given and no longer the device's. */
    changeDevice: (
      actor: OperatorActor,
      id: string,
      change: DeviceChange,
      revision?: number,
    ): Promise<DeviceView> =>
      unitOfWork(actor, async ({ devices, profiles, events, spread }) => {
        if (change.profileId !== undefined) await profiles.get(change.profileId)
        const to = {
          ...change,
          name: change.name === undefined ? undefined : checkedName('device', change.name),
          labels: change.labels && checkedLabels(change.labels),
        }
        await devices.change(id, to, revision)
        const view = await devices.get(id)
        const data = { changed: Object.keys(change) }
        await events.append([event('device.changed', actorOf(actor), deviceSubject(view), data)])
        await spread({ deviceId: id }, ids.next(), clock.now())
        return view
      }),

    removeDevice: (actor: OperatorActor, id: string): Promise<void> =>
      unitOfWork(actor, async ({ campaigns, devices, events }) => {
        const view = await devices.get(id)
        await devices.remove(id)
        const because = reason('target.removed', 'The device was removed.')
        await campaigns.forget(id, because, clock.now())
        await events.append([event('device.removed', actorOf(actor), deviceSubject(view))])
      }),

    /** Which of these devices the actor may see. */
    owned: (actor: OperatorActor, ids: readonly string[]): Promise<ReadonlySet<string>> =>
      unitOfWork(actor, ({ devices }) => devices.owned(ids)),
  }
}

/** Refuses with request.malformed when two are of one kind. */
function credentialsOf(
  { credentials = [], astarteId, ...draft }: DeviceDraft,
  id: string,
): readonly CredentialDraft[] {
  const token = draft.token ?? draft.tokenOf?.(id)
  const all = [...(token === undefined ? [] : [{ kind: 'token', token } as const]), ...credentials]
  if (new Set(all.map(({ kind }) => kind)).size < all.length) {
    throw new DomainError('request.malformed', 'A new device has one credential of a kind.')
  }
  return all.length > 0 || astarteId !== undefined ? all : [{ kind: 'token' }]
}

/** The same refusal, saying which of the things sent it is about. */
const withIndex =
  (index: number) =>
  (error: unknown): never => {
    if (!(error instanceof DomainError)) throw error
    throw new DomainError(error.code, error.message, { ...error.details, index }, error.cause)
  }

export type Fleet = ReturnType<typeof fleet>
