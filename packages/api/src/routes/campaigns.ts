/** Campaigns and their targets. */
import { z } from 'zod'
import * as shapes from '../shapes.ts'
import type { Route } from './route.ts'

const id = z.object({ id: shapes.Id })

const move = <const S extends string, const P extends string>(path: P, summary: S) =>
  ({
    method: 'POST',
    path: `/campaigns/:id/${path}`,
    summary,
    tag: 'campaigns',
    permission: 'campaign.write',
    params: id,
    response: shapes.Campaign,
  }) as const

export const CAMPAIGN_ROUTES = {
  listCampaigns: {
    method: 'GET',
    path: '/campaigns',
    summary: 'Campaigns, the newest first',
    tag: 'campaigns',
    permission: 'campaign.read',
    query: shapes.CampaignQuery,
    response: shapes.page(shapes.Campaign),
  },
  createCampaign: {
    method: 'POST',
    path: '/campaigns',
    summary: 'Bring a release to the devices its audience holds now',
    tag: 'campaigns',
    permission: 'campaign.write',
    body: shapes.CampaignDraft,
    response: shapes.Campaign,
    status: 201,
  },
  forecastCampaign: {
    method: 'POST',
    path: '/campaigns/forecast',
    summary: 'A dry run: what would come of it for each device. Creates nothing',
    tag: 'campaigns',
    permission: 'campaign.read',
    query: shapes.ForecastQuery,
    body: shapes.CampaignDraft,
    response: shapes.page(shapes.Forecast),
  },
  countForecast: {
    method: 'POST',
    path: '/campaigns/forecast/counts',
    summary: 'A dry run in figures',
    tag: 'campaigns',
    permission: 'campaign.read',
    body: shapes.CampaignDraft,
    response: shapes.ForecastCounts,
  },
  showCampaign: {
    method: 'GET',
    path: '/campaigns/:id',
    summary: 'One campaign with its waves and its tally',
    tag: 'campaigns',
    permission: 'campaign.read',
    params: id,
    response: shapes.Campaign,
  },
  changeCampaign: {
    method: 'PATCH',
    path: '/campaigns/:id',
    summary: 'Change a campaign that has not begun; its devices are fixed anew',
    tag: 'campaigns',
    permission: 'campaign.write',
    params: id,
    body: shapes.CampaignChange,
    response: shapes.Campaign,
  },
  removeCampaign: {
    method: 'DELETE',
    path: '/campaigns/:id',
    summary: 'Remove a campaign that has not begun, or is over',
    tag: 'campaigns',
    permission: 'campaign.write',
    params: id,
    response: 'nothing',
  },
  listTargets: {
    method: 'GET',
    path: '/campaigns/:id/targets',
    summary: 'Its devices, each with how it fares and why',
    tag: 'campaigns',
    permission: 'campaign.read',
    params: id,
    query: shapes.TargetQuery,
    response: shapes.page(shapes.Target),
  },
  listTargetDots: {
    method: 'GET',
    path: '/campaigns/:id/dots',
    summary: 'Its first devices in short, to draw them all at once',
    tag: 'campaigns',
    permission: 'campaign.read',
    params: id,
    query: shapes.DotQuery,
    response: shapes.TargetDots,
  },
  pauseCampaign: move('pause', 'Ask nobody new; those at it go on to their end'),
  resumeCampaign: move('resume', 'Go on with a paused campaign'),
  cancelCampaign: move('cancel', 'End a campaign; what devices have not begun is taken back'),
  approveCampaign: move('approve', 'Let the next wave begin that waits for a person'),
  retryCampaign: move('retry', 'Ask all that failed or were skipped once more'),
  rollBackCampaign: {
    ...move(
      'roll-back',
      'Bring the devices it has updated back to what they had: another campaign',
    ),
    body: shapes.RollBack.optional(),
    status: 201,
  },
} as const satisfies Record<string, Route>
