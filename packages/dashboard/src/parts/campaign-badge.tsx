import type { Campaign } from '@updraft/api/shapes'
import { appearanceOf } from '../words/campaigns.ts'
import { StateBadge } from './state-badge.tsx'

/** How a campaign stands: icon, word and colour. */
export function CampaignBadge({
  campaign,
  isBare = false,
}: {
  campaign: Pick<Campaign, 'status' | 'outcome' | 'canApprove'>
  isBare?: boolean
}) {
  return <StateBadge {...appearanceOf(campaign)} isBare={isBare} />
}
