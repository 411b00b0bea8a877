/** Campaigns and their targets as operators see them. */
import type * as api from '@updraft/api/shapes'
import { plan, totalOf, whyIdle } from '@updraft/core'
import type { ForecastOf } from '../app/campaigns.ts'
import {
  type CampaignView,
  REMOVED_RELEASE,
  type TargetDot,
  type TargetView,
} from '../app/ports.ts'
import { time, timeOrNull } from './views.ts'

export function campaignView(
  { campaign, release, createdBy }: CampaignView,
  now: Date,
): api.Campaign {
  const { gate } = plan(campaign, now)
  return {
    id: campaign.id,
    name: campaign.name,
    type: campaign.type,
    release: { ...release, id: release.id === REMOVED_RELEASE ? null : release.id },
    audience: audienceView(campaign.audience),
    settings: {
      ...campaign.settings,
      waves: campaign.settings.waves.map((wave) => ({ ...wave })),
    },
    status: campaign.status,
    outcome: campaign.outcome,
    because: campaign.because.message,
    reason: campaign.because,
    gate: campaign.status === 'in-progress' ? gate : null,
    total: totalOf(campaign.tally),
    tally: { ...campaign.tally },
    waves: campaign.waves.map((wave, number) => {
      const { successPercentage, soakSeconds, needsApproval } =
        campaign.settings.waves[number] ?? LAST_WAVE
      return {
        ...wave,
        openedAt: timeOrNull(wave.openedAt),
        passedAt: timeOrNull(wave.passedAt),
        approvedAt: timeOrNull(wave.approvedAt),
        successPercentage,
        soakSeconds,
        needsApproval,
      }
    }),
    canApprove: campaign.status === 'in-progress' && gate?.code === 'campaign.approval',
    rollsBack: campaign.rollsBack,
    createdBy,
    createdAt: time(campaign.createdAt),
    scheduledAt: timeOrNull(campaign.scheduledAt),
    startedAt: timeOrNull(campaign.startedAt),
    finishedAt: timeOrNull(campaign.finishedAt),
  }
}

const LAST_WAVE = { successPercentage: null, soakSeconds: 0, needsApproval: false }

const audienceView = (audience: CampaignView['campaign']['audience']): api.Audience =>
  'groupIds' in audience ? { groupIds: [...audience.groupIds] } : audience

export function targetView(
  target: TargetView,
  campaign: Pick<CampaignView, 'campaign' | 'release'>,
  now: Date,
): api.Target {
  const isUntouched = target.status === 'idle' && target.because.code === 'target.idle'
  const because = isUntouched ? whyIdle(campaign, now, target) : target.because
  return {
    device: { id: target.deviceId, name: target.deviceName },
    status: target.status,
    because: because.message,
    reason: because,
    wave: target.wave === null ? null : target.wave + 1,
    before: target.before && { ...target.before },
    askedAt: timeOrNull(target.askedAt),
    endedAt: timeOrNull(target.endedAt),
    operation: target.operation && {
      id: target.operation.id,
      state: target.operation.state,
      progress: target.operation.progressPercent,
      error: target.operation.error,
      code: target.operation.code,
      retries: target.operation.restarts,
    },
  }
}

export const dotView = ({
  deviceId,
  status,
  state,
}: TargetDot): api.TargetDots['items'][number] => ({
  device: deviceId,
  status,
  state,
})

export const forecastView = ({ device, would, because }: ForecastOf): api.Forecast => ({
  device: { ...device },
  would,
  because: because.message,
  reason: because,
})
