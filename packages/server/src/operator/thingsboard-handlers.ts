/** The handlers of the routes about what a device tells under ThingsBoard's names. */
import type { THINGSBOARD_ROUTES } from '@updraft/api/routes/thingsboard'
import type { OperatorActor } from '@updraft/core'
import type { Handlers, OperatorNeeds } from './call.ts'
import {
  attributesView,
  gatherSeries,
  LATEST,
  TIMESERIES_KEYS,
  timeseriesView,
  type WantedSeries,
} from './thingsboard-names.ts'

export function thingsboardHandlers({
  clock,
  fleet,
  operations,
}: Pick<OperatorNeeds, 'clock' | 'fleet' | 'operations'>): Pick<
  Handlers,
  keyof typeof THINGSBOARD_ROUTES
> {
  const readSeries = async (actor: OperatorActor, deviceId: string, wanted: WantedSeries) => {
    const sort = wanted.orderBy === 'ASC' ? 'openedAt' : '-openedAt'
    const installed = await fleet.installed(actor, deviceId)
    return gatherSeries(operations.each(actor, deviceId, sort), installed, wanted)
  }

  return {
    showTimeseries: async ({ input: { params, query }, caller: { actor } }) => {
      const { keys, startTs, endTs, limit, orderBy } = query
      const asked = keys ? keys.split(',') : TIMESERIES_KEYS
      const isRange = Boolean(keys) && startTs !== undefined && endTs !== undefined
      const series = isRange
        ? await readSeries(actor, params.id, { keys: asked, startTs, endTs, limit, orderBy })
        : await readSeries(actor, params.id, { keys: asked, ...LATEST })
      const isStrict = query.useStrictDataTypes === 'true'
      const absent = keys && !isRange ? { keys: asked, now: clock.now() } : null
      return timeseriesView(series, { isStrict, absent })
    },
    listTimeseriesKeys: async ({ input: { params }, caller: { actor } }) => {
      const series = await readSeries(actor, params.id, { keys: TIMESERIES_KEYS, ...LATEST })
      return [...series.keys()]
    },
    showAttributes: async ({ input: { params, query }, caller: { actor } }) => {
      const { snapshot } = await fleet.showDevice(actor, params.id)
      return attributesView(snapshot, params.scope, clock.now(), query.keys?.split(','))
    },
  }
}
