/** The handlers of the routes about devices that speak hawkBit's language. */
import type { HAWKBIT_ROUTES } from '@updraft/api/routes/hawkbit'
import type { HawkbitSettingsShown } from '../app/hawkbit-settings.ts'
import type { Handlers, OperatorNeeds } from './call.ts'

export function hawkbitHandlers({
  hawkbit,
}: Pick<OperatorNeeds, 'hawkbit'>): Pick<Handlers, keyof typeof HAWKBIT_ROUTES> {
  return {
    showHawkbitSettings: async ({ input: { params }, caller: { actor } }) =>
      view(await hawkbit.showSettings(actor, params.id)),
    changeHawkbitSettings: async ({ input: { params, body }, caller: { actor } }) =>
      view(await hawkbit.changeSettings(actor, params.id, body)),
    askForAttributes: async ({ input: { params }, caller: { actor } }) => {
      await hawkbit.askForAttributes(actor, params.id)
    },
  }
}

const view = ({ authorities, knownAuthorities, ...settings }: HawkbitSettingsShown) => ({
  ...settings,
  authorities: [...authorities],
  knownAuthorities: knownAuthorities.map(({ fingerprint, subject, validTo }) => ({
    fingerprint,
    subject,
    validTo: validTo.toISOString(),
  })),
})
