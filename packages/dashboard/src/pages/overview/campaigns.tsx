/** Campaigns under way; where there are none, nothing is said of them. */
import { useQuery } from '@tanstack/react-query'
import { read } from '../../data/queries.ts'
import { CampaignLines } from '../../parts/campaign-lines.tsx'
import { LinkButton } from '../../parts/link-button.tsx'
import { Section } from '../../parts/section.tsx'
import { NARROWED } from '../../words/campaigns.ts'

const LIMIT = 5
const { query } = NARROWED['under-way']

export function CampaignsUnderWay() {
  const { data } = useQuery(
    read('campaigns', 'listCampaigns', { query: { ...query, limit: LIMIT } }),
  )
  if (!data || data.items.length === 0) return null
  return (
    <Section
      title="Campaigns"
      isCard
      aside={
        data.nextCursor && (
          <LinkButton to="/campaigns" search={{ status: 'under-way' }} variant="default" size="xs">
            See all
          </LinkButton>
        )
      }
    >
      <CampaignLines query={query} limit={LIMIT} none="" />
    </Section>
  )
}
