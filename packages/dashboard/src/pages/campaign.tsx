/** One campaign: how far it is, why it goes no further, and how each of its devices fares. */
import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import type { Output } from '@updraft/api/client'
import { read } from '../data/queries.ts'
import { useMay } from '../data/session.ts'
import { CampaignBadge } from '../parts/campaign-badge.tsx'
import { Detail } from '../parts/detail.tsx'
import { Section } from '../parts/section.tsx'
import { TimeAgo } from '../parts/time-ago.tsx'
import { Why } from '../parts/why.tsx'
import { appearanceOf } from '../words/campaigns.ts'
import { counted } from '../words/numbers.ts'
import { withTimes } from '../words/time.ts'
import { About } from './campaign/about.tsx'
import { CampaignActs } from './campaign/acts.tsx'
import { AudienceOf } from './campaign/audience-of.tsx'
import { Standing } from './campaign/standing.tsx'
import { Strip } from './campaign/strip.tsx'
import { Targets } from './campaign/targets.tsx'
import { Waves } from './campaign/waves.tsx'
import './campaign/campaign.css'

export type CampaignData = Output<'showCampaign'>

export function Campaign() {
  const { campaignId } = useParams({ from: '/inside/campaigns/$campaignId' })
  const { data, error, isPending } = useQuery(
    read('campaigns', 'showCampaign', { params: { id: campaignId } }),
  )
  const may = useMay()
  const campaign = data?.id === campaignId ? data : undefined
  return (
    <Detail
      title={campaign?.name ?? 'Campaign'}
      mark={campaign && <CampaignBadge campaign={campaign} />}
      actions={campaign && may('campaign.write') && <CampaignActs campaign={campaign} />}
      backTo="/campaigns"
      error={error}
      isPending={isPending || !campaign}
    >
      {campaign && <Details campaign={campaign} />}
    </Detail>
  )
}

function Details({ campaign }: { campaign: CampaignData }) {
  const { release, audience, createdBy, createdAt, total, waves } = campaign
  return (
    <>
      <p className="detail-line">
        {release.id === null ? (
          <>
            {release.title} <span className="mono">{release.version}</span>
          </>
        ) : (
          <Link to="/packages/$releaseId" params={{ releaseId: release.id }} className="plain-link">
            {release.title} <span className="mono">{release.version}</span>
          </Link>
        )}{' '}
        for <AudienceOf audience={audience} />{' '}
        <span className="quiet">
          · by {createdBy}, <TimeAgo at={createdAt} />
        </span>
      </p>
      <WhyAsItIs campaign={campaign} />
      <Standing campaign={campaign} />
      {waves.length > 1 && (
        <Section title="Waves">
          <Waves campaign={campaign} />
        </Section>
      )}
      {total > 0 && (
        <Section title="Devices" aside={<span className="quiet figure">{counted(total)}</span>}>
          <Strip campaign={campaign} />
          <Targets campaign={campaign} />
        </Section>
      )}
      <About campaign={campaign} />
    </>
  )
}

/** Why it is as it is; while it goes on, why nobody is asked right now. */
function WhyAsItIs({ campaign }: { campaign: CampaignData }) {
  const { Icon, look } = appearanceOf(campaign)
  const { gate, because } = campaign
  return (
    <Why Icon={Icon} look={look}>
      {gate && <strong>Nobody new is asked right now. </strong>}
      {withTimes(gate?.message ?? because)}
    </Why>
  )
}
