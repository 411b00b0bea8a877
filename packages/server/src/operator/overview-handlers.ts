/** The handlers of the routes about what is going on over the whole fleet. */
import type { OVERVIEW_ROUTES } from '@updraft/api/routes/overview'
import type { Handlers, OperatorNeeds } from './call.ts'
import { activityView, failureView, overviewView } from './views.ts'

export function overviewHandlers({
  endpoints,
  overview,
}: Pick<OperatorNeeds, 'endpoints' | 'overview'>): Pick<Handlers, keyof typeof OVERVIEW_ROUTES> {
  return {
    showEndpoints: async () => endpoints(),
    overview: async ({ caller: { actor } }) => overviewView(await overview.counts(actor)),
    showActivity: async ({ input: { query }, caller: { actor } }) =>
      activityView(await overview.activity(actor, query)),
    listInstalled: async ({ caller: { actor } }) => ({
      items: [...(await overview.installed(actor))],
    }),
    listFailures: async ({ input: { query }, caller: { actor } }) => ({
      items: (await overview.failures(actor, query.limit)).map(failureView),
    }),
  }
}
