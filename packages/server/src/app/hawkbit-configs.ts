/** What a tenant has chosen by hawkBit's names, where nothing else of ours holds it. */
import type { Json, OperatorActor } from '@updraft/core'
import { deed } from './deed.ts'
import type { Clock, HawkbitConfig, UnitOfWork } from './ports.ts'

export function hawkbitConfigs({ clock, unitOfWork }: { clock: Clock; unitOfWork: UnitOfWork }) {
  const change = (
    actor: OperatorActor,
    key: string,
    value: Json,
    how: (stores: Parameters<Parameters<UnitOfWork>[1]>[0]) => Promise<unknown>,
  ): Promise<void> =>
    unitOfWork(actor, async (stores) => {
      await how(stores)
      const { tenantName: name } = await stores.settings.get()
      const subject = { kind: 'tenant', id: actor.tenantId, name } as const
      const at = clock.now()
      await stores.events.append([
        deed(actor, 'settings.changed', { at, subject, data: { [key]: value } }),
      ])
    })

  return {
    all: (actor: OperatorActor): Promise<readonly HawkbitConfig[]> =>
      unitOfWork(actor, ({ hawkbitConfigs }) => hawkbitConfigs.all()),

    /** Null where nothing was chosen. Everybody of the tenant may know. */
    value: ({ tenantId }: OperatorActor, key: string): Promise<Json> =>
      unitOfWork({ tenantId, customerId: null }, async ({ hawkbitConfigs }) => {
        const found = (await hawkbitConfigs.all()).find((each) => each.key === key)
        return found?.value ?? null
      }),

    keep: (actor: OperatorActor, key: string, value: Json): Promise<void> =>
      change(actor, key, value, ({ hawkbitConfigs }) =>
        hawkbitConfigs.put({ key, value, changedAt: clock.now(), changedBy: actor.name }),
      ),

    /** As it is when nobody says anything. */
    reset: (actor: OperatorActor, key: string): Promise<void> =>
      change(actor, key, null, ({ hawkbitConfigs }) => hawkbitConfigs.remove(key)),
  }
}

export type HawkbitConfigsUseCases = ReturnType<typeof hawkbitConfigs>
