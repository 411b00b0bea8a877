/** The handlers of the routes about campaigns. */
import type { CAMPAIGN_ROUTES } from '@updraft/api/routes/campaigns'
import type { CampaignDraft } from '@updraft/api/shapes'
import { CAMPAIGN_STATUSES, FORECASTS, TARGET_STATUSES } from '@updraft/core'
import type { output } from 'zod'
import type { NewCampaign } from '../app/campaigns.ts'
import type { Handlers, OperatorNeeds } from './call.ts'
import { campaignView, dotView, forecastView, targetView } from './campaign-views.ts'
import { pageView } from './views.ts'

/** So many devices of an audience are looked at for figures; beyond that they are a share of it. */
const MAX_COUNTED = 10_000

export function campaignHandlers({
  campaigns,
  clock,
}: Pick<OperatorNeeds, 'campaigns' | 'clock'>): Pick<Handlers, keyof typeof CAMPAIGN_ROUTES> {
  const view = (of: Parameters<typeof campaignView>[0]) => campaignView(of, clock.now())

  return {
    listCampaigns: async ({ input: { query }, caller: { actor } }) => {
      const { status, ...rest } = query
      const wanted = status?.split(',')
      const statuses = wanted && CAMPAIGN_STATUSES.filter((each) => wanted.includes(each))
      return pageView(await campaigns.list(actor, { ...rest, statuses }), view)
    },
    createCampaign: async ({ input: { body }, caller: { actor } }) =>
      view(await campaigns.create(actor, draftOf(body))),
    forecastCampaign: async ({ input: { body, query }, caller: { actor } }) => {
      const { items, after } = await campaigns.foretellPage(actor, draftOf(body), {
        limit: query.limit,
        after: query.cursor ?? null,
      })
      return { items: items.map(forecastView), nextCursor: after }
    },
    countForecast: async ({ input: { body }, caller: { actor } }) => {
      const would = Object.fromEntries(FORECASTS.map((each) => [each, 0])) as Record<
        (typeof FORECASTS)[number],
        number
      >
      let devices = 0
      for await (const page of campaigns.foretell(actor, draftOf(body))) {
        if (devices >= MAX_COUNTED) return { devices, would, isComplete: false }
        for (const each of page) would[each.would] += 1
        devices += page.length
      }
      return { devices, would, isComplete: true }
    },
    showCampaign: async ({ input: { params }, caller: { actor } }) =>
      view(await campaigns.show(actor, params.id)),
    changeCampaign: async ({ input: { params, body }, caller: { actor } }) =>
      view(await campaigns.change(actor, params.id, { ...body, ...timesOf(body) })),
    removeCampaign: async ({ input: { params }, caller: { actor } }) => {
      await campaigns.remove(actor, params.id)
    },
    listTargets: async ({ input: { params, query }, caller: { actor } }) => {
      const { status, wave, ...rest } = query
      const filter = {
        ...rest,
        statuses: TARGET_STATUSES.filter((each) => status?.split(',').includes(each) ?? true),
        wave: wave === undefined ? undefined : wave - 1,
      }
      const campaign = await campaigns.show(actor, params.id)
      const now = clock.now()
      const page = await campaigns.targets(actor, params.id, filter)
      return pageView(page, (target) => targetView(target, campaign, now))
    },
    listTargetDots: async ({ input: { params, query }, caller: { actor } }) => ({
      items: (await campaigns.dots(actor, params.id, query.limit)).map(dotView),
    }),
    pauseCampaign: async ({ input: { params }, caller: { actor } }) =>
      view(await campaigns.pause(actor, params.id)),
    resumeCampaign: async ({ input: { params }, caller: { actor } }) =>
      view(await campaigns.resume(actor, params.id)),
    cancelCampaign: async ({ input: { params }, caller: { actor } }) =>
      view(await campaigns.cancel(actor, params.id)),
    approveCampaign: async ({ input: { params }, caller: { actor } }) =>
      view(await campaigns.approve(actor, params.id)),
    retryCampaign: async ({ input: { params }, caller: { actor } }) =>
      view(await campaigns.retry(actor, params.id)),
    rollBackCampaign: async ({ input: { params, body }, caller: { actor } }) =>
      view(await campaigns.rollBack(actor, params.id, body ?? {})),
  }
}

const draftOf = (body: output<typeof CampaignDraft>): NewCampaign => ({ ...body, ...timesOf(body) })

/** Undefined is not said, null is at once. */
const timesOf = ({ scheduledAt }: { scheduledAt?: string | null | undefined }) =>
  scheduledAt === undefined
    ? { scheduledAt: undefined }
    : { scheduledAt: scheduledAt === null ? null : new Date(scheduledAt) }
