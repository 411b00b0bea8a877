/** What a tenant may set for itself: read and changed by its operators. */
import {
  type ChosenSettings,
  checkedSettings,
  type OperatorActor,
  type SettingsChange,
  settingsInForce,
  type TenantSettings,
} from '@updraft/core'
import { deed } from './deed.ts'
import type { Clock, UnitOfWork } from './ports.ts'

export interface SettingsView {
  readonly inForce: TenantSettings
  readonly chosen: ChosenSettings
  readonly ofServer: TenantSettings
}

export function settings({
  clock,
  ofServer,
  unitOfWork,
}: {
  clock: Clock
  ofServer: TenantSettings
  unitOfWork: UnitOfWork
}) {
  const view = (chosen: ChosenSettings): SettingsView => ({
    inForce: settingsInForce(chosen, ofServer),
    chosen,
    ofServer,
  })

  return {
    show: (actor: OperatorActor): Promise<SettingsView> =>
      unitOfWork(actor, async ({ settings }) => view((await settings.get()).chosen)),

    /** What is not named stays as it is. Refuses with settings.invalid. */
    change: (actor: OperatorActor, change: SettingsChange): Promise<SettingsView> => {
      const checked = checkedSettings(change)
      return unitOfWork(actor, async ({ settings, events }) => {
        await settings.change(checked)
        const { tenantName, chosen } = await settings.get()
        const subject = { kind: 'tenant', id: actor.tenantId, name: tenantName } as const
        await events.append([
          deed(actor, 'settings.changed', { at: clock.now(), subject, data: { ...checked } }),
        ])
        return view(chosen)
      })
    },
  }
}

export type SettingsUseCases = ReturnType<typeof settings>
