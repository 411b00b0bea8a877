/** One handler for each route: use case in, shape out. */
import type { EventQuery } from '@updraft/api/shapes'
import { boxHandlers } from './box-handlers.ts'
import type { Handlers, OperatorNeeds } from './call.ts'
import { campaignHandlers } from './campaign-handlers.ts'
import { catalogueHandlers } from './catalogue-handlers.ts'
import { cloudHandlers } from './cloud-handlers.ts'
import { clusterHandlers } from './cluster-handlers.ts'
import { fleetHandlers } from './fleet-handlers.ts'
import { groupHandlers } from './group-handlers.ts'
import { hawkbitHandlers } from './hawkbit-handlers.ts'
import { modelHandlers } from './model-handlers.ts'
import { overviewHandlers } from './overview-handlers.ts'
import { peopleHandlers } from './people-handlers.ts'
import { policyHandlers } from './policy-handlers.ts'
import { realmHandlers } from './realm-handlers.ts'
import { registrationHandlers } from './registration-handlers.ts'
import { sessionHandlers } from './session-handlers.ts'
import { thingsboardHandlers } from './thingsboard-handlers.ts'
import { eventView, pageView, settingsView } from './views.ts'

export function handlers(needs: OperatorNeeds): Handlers {
  const { audit, live, settings } = needs
  return {
    ...sessionHandlers(needs),
    ...overviewHandlers(needs),
    ...fleetHandlers(needs),
    ...campaignHandlers(needs),
    ...catalogueHandlers(needs),
    ...peopleHandlers(needs),
    ...groupHandlers(needs),
    ...modelHandlers(needs),
    ...policyHandlers(needs),
    ...cloudHandlers(needs),
    ...realmHandlers(needs),
    ...clusterHandlers(needs),
    ...registrationHandlers(needs),
    ...boxHandlers(needs),
    ...hawkbitHandlers(needs),
    liveEvents: async ({ caller: { actor }, request, reply }) => live.open(actor, request, reply),
    showSettings: async ({ caller: { actor } }) => settingsView(await settings.show(actor)),
    changeSettings: async ({ input: { body }, caller: { actor } }) =>
      settingsView(await settings.change(actor, body)),
    ...thingsboardHandlers(needs),
    listEvents: async ({ input: { query }, caller: { actor } }) =>
      pageView(await audit.list(actor, eventQuery(query)), eventView),
  }
}

const eventQuery = ({ since, until, ...query }: EventQuery) => ({
  ...query,
  since: since === undefined ? undefined : new Date(since),
  until: until === undefined ? undefined : new Date(until),
})
