/**
 * How a customer comes by a device it has in its hands: the device says that whoever knows a secret may claim it, for
 * a while, and a customer's user says the secret.
 */
import { DomainError, type EventKind, type OperatorActor } from '@updraft/core'
import { deed } from './deed.ts'
import { failureWatch } from './failure-watch.ts'
import type { Clock, DeviceView, Secrets, Stores, UnitOfWork } from './ports.ts'

export function claiming({
  clock,
  secrets,
  unitOfWork,
}: {
  clock: Clock
  secrets: Secrets
  unitOfWork: UnitOfWork
}) {
  const failures = failureWatch()

  const record = ({ events }: Stores, kind: EventKind, actor: OperatorActor, view: DeviceView) => {
    const { id, name } = view.snapshot.device
    const subject = { kind: 'device', id, name } as const
    return events.append([deed(actor, kind, { at: clock.now(), subject, deviceId: id })])
  }

  /** Whoever does not know the secret is not told whether there is such a device at all. */
  const refusal = (name: string) =>
    new DomainError(
      'claim.refused',
      `No device "${name}" has said that it may be claimed with that secret.`,
    )

  return {
    /**
     * From then on it is the device of the actor's customer; claiming one's own again changes nothing. Refuses with
     * claim.refused, claim.expired, claim.taken, access.too-many-attempts.
     */
    claim: async (
      actor: OperatorActor,
      { name, secretKey = '' }: { name: string; secretKey?: string },
    ): Promise<DeviceView> => {
      const tries = [actor.id]
      failures.attempt(tries, clock.now())
      const view = await unitOfWork(actor, async (stores) => {
        const said = await stores.claiming.find(name)
        if (!said || !secrets.isEqual(said.secretHash, secrets.hashToken(secretKey))) {
          throw refusal(name)
        }
        if (said.customerId === actor.customerId) return stores.devices.get(said.deviceId)
        if (said.customerId !== null) {
          throw new DomainError('claim.taken', `Device "${name}" is another customer's.`)
        }
        if (said.expiresAt <= clock.now()) {
          const message = `Device "${name}" could be claimed until ${said.expiresAt.toISOString()}; have it say so again.`
          throw new DomainError('claim.expired', message)
        }
        await stores.claiming.take(said.deviceId)
        const view = await stores.devices.get(said.deviceId)
        await record(stores, 'device.claimed', actor, view)
        return view
      })
      failures.forget(tries)
      return view
    },

    /** From then on it is the tenant's own. Refuses with device.unknown. */
    giveBack: (actor: OperatorActor, id: string): Promise<void> =>
      unitOfWork(actor, async (stores) => {
        const view = await stores.devices.get(id)
        await record(stores, 'device.given-back', actor, view)
        await stores.claiming.giveBack(id)
      }),
  }
}

export type ClaimingUseCases = ReturnType<typeof claiming>
