/** The handlers of the routes about devices that registered by themselves. */
import type { REGISTRATION_ROUTES } from '@updraft/api/routes/registrations'
import type * as api from '@updraft/api/shapes'
import type { WaitingDevice } from '../app/ports.ts'
import type { Handlers, OperatorNeeds } from './call.ts'
import { pageView, time } from './views.ts'

export function registrationHandlers({
  registrations,
}: Pick<OperatorNeeds, 'registrations'>): Pick<Handlers, keyof typeof REGISTRATION_ROUTES> {
  return {
    listWaitingDevices: async ({ input: { query }, caller: { actor } }) =>
      pageView(await registrations.list(actor, query), waitingView),
    claimWaitingDevices: async ({ input: { body }, caller: { actor } }) => ({
      items: [...(await registrations.claim(actor, body))],
    }),
    forgetWaitingDevice: async ({ input: { params }, caller: { actor } }) => {
      await registrations.forget(actor, params.id)
    },
    reEnrolDevices: ({ input: { body }, caller: { actor } }) => registrations.reEnrol(actor, body),
  }
}

const waitingView = ({ profileName, cloud, ...waiting }: WaitingDevice): api.WaitingDevice => ({
  ...waiting,
  profile: profileName,
  cloud: cloud?.name ?? null,
  cloudId: cloud?.id ?? null,
  firstSeenAt: time(waiting.firstSeenAt),
  lastSeenAt: time(waiting.lastSeenAt),
})
