/** Devices that come by themselves: with the key and the secret of a profile, or behind a gateway. */
import {
  type Actor,
  type CredentialDraft,
  checkedName,
  DomainError,
  type Snapshot,
} from '@updraft/core'
import { refuseTooMany } from './credentials.ts'
import type { MadeCredential, NewCredentialOf } from './new-credential.ts'
import type { Accounts, Clock, DeviceWork, Ids, Secrets, Stores, UnitOfWork } from './ports.ts'

export interface EnrolmentRequest {
  readonly key: string
  readonly secret: string
  /** Made up when absent. */
  readonly name?: string
  /** What the device wants to be known by. */
  readonly credential: CredentialDraft
  /** Kept as the attribute `gateway`: it may speak for others. */
  readonly isGateway?: boolean
}

export interface Enrolled {
  readonly deviceName: string
  /** Null when it is known by something else. */
  readonly token: string | null
}

export interface Enrolment {
  /**
   * Refuses with provisioning.refused, request.malformed, credential.taken; with device.duplicate where devices are made
   * anew; with device.unknown, provisioning.repeated or credential.too-many where they must have been added before.
   */
  enroll(request: EnrolmentRequest): Promise<Enrolled>
  /**
   * A device of the gateway's tenant that speaks through it, of its customer where it has one; one that is not known yet
   * is added if `profile` names a profile there is. Marked as seen, unless its dialect is null, as while it is only looked
   * at. Refuses with device.unknown, device.duplicate, profile.unknown, or request.malformed for its name.
   */
  behind(
    gateway: Snapshot,
    device: { name: string; profile?: string; dialect: string | null },
  ): Promise<Snapshot>
}

export function enrolment({
  accounts,
  clock,
  ids,
  newCredential,
  secrets,
  unitOfWork,
  work,
}: {
  accounts: Pick<Accounts, 'provisioningProfile'>
  clock: Clock
  ids: Ids
  newCredential: NewCredentialOf
  secrets: Secrets
  unitOfWork: UnitOfWork
  work: Pick<DeviceWork, 'arriveBehind'>
}): Enrolment {
  const enrolled = async ({ events, spread }: Stores, id: string, name: string) => {
    const subject: Actor & { kind: 'device' } = { kind: 'device', id, name }
    const event = { kind: 'device.enrolled', at: clock.now(), actor: subject, subject } as const
    await events.append([{ ...event, deviceId: id, data: {} }])
    await spread({ deviceId: id }, ids.next(), clock.now())
  }

  const addNew = async (
    stores: Stores,
    device: {
      readonly profileId: string
      readonly customerId?: string
      readonly name: string
      readonly credential: MadeCredential
      readonly isGateway?: boolean
      readonly provisionedAt?: Date
    },
  ): Promise<void> => {
    const { profileId, customerId, name, credential, isGateway, provisionedAt } = device
    const id = ids.next()
    const attributes = isGateway ? GATEWAY : {}
    const row = { id, profileId, customerId, name, labels: [], attributes, createdAt: clock.now() }
    await stores.devices.insert([{ ...row, provisionedAt, credentials: [credential.row] }])
    await enrolled(stores, id, name)
  }

  /** One that an operator has added, once. What it was to be known by until then gives way if nobody came with it. */
  const takeOver = async (
    stores: Stores,
    device: {
      readonly profileId: string
      readonly name: string
      readonly credential: MadeCredential
      readonly isGateway?: boolean
    },
  ): Promise<void> => {
    const { devices, credentials } = stores
    const { profileId, name, isGateway } = device
    const { row } = device.credential
    const id = await devices.provision(profileId, name, clock.now())
    const all = await credentials.ofDevice(id, clock.now(), { lock: true })
    const others = all.filter(({ kind }) => kind === row.kind)
    const unused = others.filter(({ firstUsedAt }) => firstUsedAt === null)
    await credentials.remove(
      id,
      unused.map((each) => each.id),
    )
    refuseTooMany(row, others.length - unused.length)
    await credentials.insert(id, [row])
    if (isGateway) {
      const { attributes } = (await devices.get(id)).snapshot.device
      await devices.change(id, { attributes: { ...attributes, ...GATEWAY } })
    }
    await enrolled(stores, id, name)
  }

  const addBehind = (
    { tenantId, device }: Snapshot,
    { name, profile }: { name: string; profile: string },
  ) =>
    unitOfWork({ tenantId, customerId: null }, async (stores) => {
      const { customer } = await stores.devices.get(device.id)
      const { id: profileId } = await stores.profiles.byName(profile)
      const credential = newCredential({ kind: 'token' })
      const deviceName = checkedName('device', name)
      await addNew(stores, { profileId, customerId: customer?.id, name: deviceName, credential })
    })

  return {
    enroll: async ({ key, secret, name, credential: draft, isGateway }) => {
      const profile = await accounts.provisioningProfile(key)
      if (!profile || !secrets.isEqual(profile.secretHash, secrets.hashToken(secret))) {
        const message = 'The provisioning key or secret is not valid.'
        throw new DomainError('provisioning.refused', message)
      }
      const { tenantId, profileId, strategy } = profile
      const credential = newCredential(draft)
      const deviceName = checkedName('device', name ?? `device-${ids.next()}`)
      const device = { profileId, name: deviceName, credential, isGateway }
      await unitOfWork({ tenantId, customerId: null }, async (stores) => {
        if (strategy === 'check-pre-provisioned') await takeOver(stores, device)
        else await addNew(stores, { ...device, provisionedAt: clock.now() })
      })
      return { deviceName, token: credential.token }
    },
    behind: async (gateway, { name, profile, dialect }) => {
      const arrive = () => work.arriveBehind(gateway.device.id, { name, dialect }, clock.now())
      const known = await arrive()
      if (known) return known
      if (profile) await addBehind(gateway, { name, profile })
      const added = profile ? await arrive() : null
      if (added) return added
      throw new DomainError('device.unknown', `There is no device "${name}".`)
    },
  }
}

const GATEWAY = { gateway: true }
