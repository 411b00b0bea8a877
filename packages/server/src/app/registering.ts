/**
 * Devices that register by themselves and ask who they belong to: with the key of their profile alone, or with the
 * token of a cloud. One that belongs to nobody yet waits, and asks again and again; that must cost next to nothing.
 */
import {
  DomainError,
  type EventKind,
  type EventReason,
  isName,
  type JsonObject,
  type Snapshot,
  visit,
} from '@updraft/core'
import { type Claim, type ClaimedDevices, saidBefore } from './claimed-device.ts'
import type { Moments } from './moments.ts'
import type {
  Caller,
  Clock,
  DeviceTokens,
  DeviceWork,
  EventFeed,
  Ids,
  ProductProfile,
  Proofs,
  Registration,
  RegistrationsAtWork,
  TenantsCloud,
  UnitOfWork,
} from './ports.ts'

/** So many wait of one tenant. */
const MAX_WAITING = 10_000
/** What is known of one that waits is asked of the database again after that, and noted there. */
const WAITS_MS = 30_000
const MAY_END_WAITS: ReadonlySet<string> = new Set([
  'device.created',
  'device.re-enrolled',
  'device.removed',
  'profile.changed',
] satisfies EventKind[])
/** So many are kept in mind that wait, and as many that were recognized. */
const MAX_KEPT = 50_000
const NOTICE_EVERY_MS = 3_600_000

/** Who calls, as it says itself. */
export interface Said {
  /** The profile's provisioning key, or its name where the tenant is known. */
  readonly product: string
  readonly id: string
  readonly version?: string
  readonly facts: JsonObject
}

export interface Registered {
  readonly device: Snapshot
  readonly token: string
}

export interface Registering {
  /**
   * With the key of a profile alone. Null: it waits to be claimed. `account` and `cloud`: it asks to be claimed for that
   * tenant and cloud at once. Refuses with provisioning.refused when no profile has that key.
   */
  register(
    said: Said & { account?: string; cloud?: string },
    dialect: string,
  ): Promise<Registered | null>
  /** With a cloud's token. Null: it waits, or there is no such product; an operator finds why. */
  comeThrough(cloud: TenantsCloud, said: Said, dialect: string): Promise<Snapshot | null>
  /** The same for one that says no more than its id and perhaps the operation it speaks of. */
  returnThrough(
    cloud: TenantsCloud,
    said: { id: string; operationId?: string },
    dialect: string,
  ): Promise<Snapshot | null>
}

export function registering({
  clock,
  claimed,
  feed,
  ids,
  moments,
  onError,
  proofs,
  registrations,
  tokens,
  unitOfWork,
  work,
}: {
  clock: Clock
  claimed: ClaimedDevices
  feed: EventFeed
  ids: Ids
  moments: Moments
  onError: (error: unknown) => void
  proofs: Pick<Proofs, 'claim'>
  registrations: RegistrationsAtWork
  tokens: DeviceTokens
  unitOfWork: UnitOfWork
  work: Pick<DeviceWork, 'arrive' | 'settle'>
}): Registering {
  /** Those that wait, by product and id: until when nobody is asked about them, and how often they came meanwhile. */
  const waits = new Map<string, { until: number; times: number }>()
  /** Tokens of those that came through a cloud. */
  const known = new Map<string, string>()
  const noticed = new Map<string, number>()

  feed.subscribe((delivered) => {
    if (delivered.some(({ kind }) => MAY_END_WAITS.has(kind))) waits.clear()
  })

  const arrive = async (
    registration: Registration,
    dialect: string,
  ): Promise<Registered | null> => {
    const token = tokens.of(registration.deviceId, registration.generation)
    const device = await arriveWith(token, dialect)
    return device && { device, token }
  }
  const arriveWith = async (token: string, dialect: string): Promise<Snapshot | null> => {
    const claim = proofs.claim({ kind: 'token', token })
    return (await work.arrive([claim], dialect, clock.now()))?.snapshot ?? null
  }

  /** Answers at once for one that waits and was asked about lately. */
  const isStillWaiting = (key: string): boolean => {
    const wait = waits.get(key)
    if (!wait || wait.until <= clock.now().getTime()) return false
    wait.times += 1
    return true
  }

  const wait = async (key: string, caller: Caller): Promise<null> => {
    const at = clock.now()
    const times = (waits.get(key)?.times ?? 0) + 1
    keep(waits, key, { until: at.getTime() + WAITS_MS, times: 0 })
    await registrations.wait(ids.next(), caller, { times, at, most: MAX_WAITING })
    return null
  }

  /** What it said while it had no place to keep it. */
  const learn = async ({ tenantId, device }: Snapshot, { version, facts }: Said) => {
    const moment = await moments(tenantId)
    await work.settle({ tenantId, deviceId: device.id }, (at) =>
      visit(at, { ...moment(), facts: saidBefore(version ?? null, facts), tells: false }),
    )
  }

  /** As the profile allows; null when it does not, or when somebody else has that name. */
  const claimAtOnce = async (
    profile: ProductProfile,
    { cloudId, saidId }: Caller,
  ): Promise<Registration | null> => {
    const { tenantId, profileId, strategy } = profile
    const claim: Claim = { profileId, saidId, cloudId }
    try {
      await unitOfWork({ tenantId, customerId: null }, (stores) =>
        strategy === 'check-pre-provisioned'
          ? claimed.takeOver(stores, claim)
          : claimed.add(stores, claim),
      )
    } catch (error) {
      if (!(error instanceof DomainError) || error.code === 'store.away') throw error
    }
    // Also when another server was quicker.
    return registrations.find(profileId, saidId)
  }

  const callerOf = (profile: ProductProfile, said: Said, cloudId: string | null): Caller => {
    if (!isName(said.id)) {
      throw new DomainError('request.malformed', 'The id of the device is no name.')
    }
    const { tenantId, profileId } = profile
    const { id: saidId, version = null, facts } = said
    return { tenantId, profileId, cloudId, saidId, version, facts }
  }

  /** For operators, an hour apart. */
  const notice = async ({ tenantId, id, name }: TenantsCloud, said: Said, reason: EventReason) => {
    const key = `${id} ${said.product} ${said.id}`
    const at = clock.now()
    if ((noticed.get(key) ?? 0) > at.getTime()) return
    keep(noticed, key, at.getTime() + NOTICE_EVERY_MS)
    await unitOfWork({ tenantId, customerId: null }, ({ events }) =>
      events.append([
        {
          kind: 'registration.refused',
          at,
          actor: { kind: 'server', name: 'updraft' },
          subject: { kind: 'cloud', id, name },
          deviceId: null,
          data: { product: said.product.slice(0, 255), id: said.id.slice(0, 255) },
          reason,
        },
      ]),
    ).catch(onError)
  }

  return {
    register: async (said, dialect) => {
      const key = `${said.product} ${said.id}`
      if (isStillWaiting(key)) return null
      const profile = await registrations.profileOf(said.product, null)
      if (!profile) {
        throw new DomainError('provisioning.refused', 'No profile has that provisioning key.')
      }
      const caller = callerOf(profile, said, null)
      const registration = await registrations.find(profile.profileId, said.id)
      const registered = registration && (await arrive(registration, dialect))
      if (registered) return registered
      // Claimed, but its token was taken back: it stays outside until an operator has it enrol anew.
      if (registration) {
        keep(waits, key, { until: clock.now().getTime() + WAITS_MS, times: 0 })
        return null
      }
      const asked =
        said.account && said.cloud ? await registrations.cloudNamed(said.account, said.cloud) : null
      const isAsked = asked?.tenantId === profile.tenantId
      if (!isAsked && !profile.claimsAtOnce) return wait(key, caller)
      const wished = { ...caller, cloudId: isAsked ? asked.cloudId : null }
      const made = await claimAtOnce(profile, wished)
      const enrolled = made && (await arrive(made, dialect))
      if (!enrolled) return wait(key, wished)
      await learn(enrolled.device, said)
      return enrolled
    },

    comeThrough: async (cloud, said, dialect) => {
      const key = `${cloud.tenantId} ${said.product} ${said.id}`
      if (isStillWaiting(key)) return null
      const token = known.get(key)
      const here = token === undefined ? null : await arriveWith(token, dialect)
      if (here) return here
      known.delete(key)
      const profile = await registrations.profileOf(said.product, cloud.tenantId)
      if (profile?.tenantId !== cloud.tenantId) {
        const message = `A device "${said.id.slice(0, 80)}" came for the product "${said.product.slice(0, 80)}", which is none of this tenant.`
        await notice(cloud, said, { code: 'profile.unknown', message })
        return null
      }
      const caller = callerOf(profile, said, cloud.id)
      const found = await registrations.find(profile.profileId, said.id)
      const registration =
        found ?? (profile.strategy === null ? null : await claimAtOnce(profile, caller))
      const registered = registration && (await arrive(registration, dialect))
      if (!registered) {
        if (registration) return null
        return wait(key, caller)
      }
      keep(known, key, registered.token)
      return registered.device
    },

    returnThrough: async ({ tenantId }, { id, operationId }, dialect) => {
      const all = await registrations.called(tenantId, id)
      const whose =
        all.length > 1 && operationId
          ? await registrations.deviceOfOperation(tenantId, operationId)
          : null
      const one = all.length === 1 ? all[0] : all.find(({ deviceId }) => deviceId === whose)
      const registered = one && (await arrive(one, dialect))
      return registered?.device ?? null
    },
  }
}

/** The oldest goes when there is no more room. */
function keep<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key)
  map.set(key, value)
  if (map.size <= MAX_KEPT) return
  const [oldest] = map.keys()
  if (oldest !== undefined) map.delete(oldest)
}
