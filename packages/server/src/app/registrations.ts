/** Devices that registered, as operators see them: who waits, whom to claim, and whom to have enrol anew. */
import { DomainError, type JsonObject, type OperatorActor, visit } from '@updraft/core'
import { type ClaimedDevices, saidBefore } from './claimed-device.ts'
import { deed } from './deed.ts'
import type { Moments } from './moments.ts'
import type { NewCredentialOf } from './new-credential.ts'
import type {
  Clock,
  DeviceTokens,
  DeviceWork,
  Page,
  Registrations,
  UnitOfWork,
  WaitingDevice,
} from './ports.ts'

export interface ClaimRequest {
  readonly ids: readonly string[]
  /** For one only. */
  readonly name?: string
  /** Where they are served from: the cloud they came through when absent; null for none. */
  readonly cloudId?: string | null
  readonly customerId?: string
  readonly labels?: readonly string[]
}

export interface ClaimedDevice {
  readonly waitingId: string
  readonly deviceId: string
  readonly name: string
}

export function registrations({
  claimed,
  clock,
  moments,
  newCredential,
  tokens,
  unitOfWork,
  work,
}: {
  claimed: ClaimedDevices
  clock: Clock
  moments: Moments
  newCredential: NewCredentialOf
  tokens: DeviceTokens
  unitOfWork: UnitOfWork
  work: Pick<DeviceWork, 'settle'>
}) {
  /** What it said while it waited is the device's from now on. */
  const learn = async (tenantId: string, deviceId: string, { version, facts }: WaitingDevice) => {
    const moment = await moments(tenantId)
    await work.settle({ tenantId, deviceId }, (device) =>
      visit(device, { ...moment(), facts: saidBefore(version, facts), tells: false }),
    )
  }

  return {
    list: (
      actor: OperatorActor,
      query: Parameters<Registrations['page']>[0],
    ): Promise<Page<WaitingDevice>> =>
      unitOfWork(actor, ({ registrations: stored }) => stored.page(query)),

    /**
     * All of them, or none. Refuses with registration.unknown for one that does not wait (any more), device.duplicate,
     * cloud.unknown, customer.unknown or request.malformed.
     */
    claim: async (
      actor: OperatorActor,
      { ids, name, cloudId, customerId, labels }: ClaimRequest,
    ): Promise<readonly ClaimedDevice[]> => {
      const wanted = [...new Set(ids)]
      if (name !== undefined && wanted.length > 1) {
        throw new DomainError('request.malformed', 'A name is for one device.')
      }
      const made = await unitOfWork(actor, async (stores) => {
        const found = await stores.registrations.waiting(wanted)
        const missing = wanted.find((id) => !found.some((each) => each.id === id))
        if (missing) throw unknown(missing)
        if (cloudId) await stores.clouds.get(cloudId)
        const devices = []
        for (const waiting of found) {
          const { profileId, saidId, cloud } = waiting
          const at = cloudId === undefined ? (cloud?.id ?? null) : cloudId
          const claim = { profileId, saidId, cloudId: at, customerId, name, labels, by: actor }
          devices.push({ waiting, device: await claimed.add(stores, claim) })
        }
        return devices
      })
      for (const { waiting, device } of made) await learn(actor.tenantId, device.id, waiting)
      return made.map(({ waiting, device }) => ({
        waitingId: waiting.id,
        deviceId: device.id,
        name: device.name,
      }))
    },

    /** It is noted anew when it comes again. Refuses with registration.unknown. */
    forget: (actor: OperatorActor, id: string): Promise<void> =>
      unitOfWork(actor, async ({ registrations: stored, events }) => {
        const [waiting] = await stored.waiting([id])
        if (!waiting) throw unknown(id)
        await stored.forget([id])
        const subject = {
          kind: 'profile',
          id: waiting.profileId,
          name: waiting.profileName,
        } as const
        const data = { registeredAs: waiting.saidId }
        await events.append([
          deed(actor, 'registration.forgotten', { at: clock.now(), subject, data }),
        ])
      }),

    /**
     * Takes the tokens of these devices back, so that each registers anew and is handed the next one, perhaps at another
     * cloud. All of them, or none. Refuses with device.unknown, registration.none or cloud.unknown.
     */
    reEnrol: (
      actor: OperatorActor,
      { deviceIds, cloudId }: { deviceIds: readonly string[]; cloudId?: string | null },
    ): Promise<{ devices: number }> =>
      unitOfWork(actor, async (stores) => {
        const { clouds, credentials, devices, events } = stores
        if (cloudId) await clouds.get(cloudId)
        const wanted = [...new Set(deviceIds)]
        const names = new Map(
          (await devices.several(wanted)).map(({ snapshot: { device } }) => [
            device.id,
            device.name,
          ]),
        )
        const renewed = await stores.registrations.renew(wanted)
        for (const id of wanted) {
          const name = names.get(id)
          if (name === undefined) {
            throw new DomainError('device.unknown', `There is no device ${id}.`)
          }
          const registration = renewed.find(({ deviceId }) => deviceId === id)
          if (!registration) {
            throw new DomainError(
              'registration.none',
              `Device "${name}" did not register by itself; give it a new token instead.`,
            )
          }
          const { generation } = registration
          await credentials.removeToken(id, rowOf(id, generation - 1).lookupHash)
          await credentials.insert(id, [rowOf(id, generation)])
          if (cloudId !== undefined) await devices.change(id, { cloudId })
          const subject = { kind: 'device', id, name } as const
          const data: JsonObject = cloudId === undefined ? {} : { cloud: cloudId }
          await events.append([
            deed(actor, 'device.re-enrolled', { at: clock.now(), subject, deviceId: id, data }),
          ])
        }
        return { devices: wanted.length }
      }),
  }

  function rowOf(deviceId: string, generation: number) {
    return newCredential({ kind: 'token', token: tokens.of(deviceId, generation) }).row
  }
}

const unknown = (id: string) =>
  new DomainError('registration.unknown', `No device waits under ${id}.`)

export type RegistrationUseCases = ReturnType<typeof registrations>
