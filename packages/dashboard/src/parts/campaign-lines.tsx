/** A few campaigns, a line and a thin bar each. */
import { Skeleton } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { Input } from '@updraft/api/client'
import { type ItemOf, read } from '../data/queries.ts'
import { endedOf } from '../words/campaigns.ts'
import { counted } from '../words/numbers.ts'
import { CampaignBadge } from './campaign-badge.tsx'
import { TallyBar } from './tally-bar.tsx'
import './campaign-lines.css'

type Query = Input<'listCampaigns'>['query']

export function CampaignLines({
  query,
  none,
  limit = 5,
}: {
  query: Query
  /** What is said when there are none. */
  none: string
  limit?: number
}) {
  const { data } = useQuery(read('campaigns', 'listCampaigns', { query: { ...query, limit } }))
  if (!data) return <Skeleton height={40} />
  if (data.items.length === 0) return <p className="quiet">{none}</p>
  return (
    <ul className="campaign-lines">
      {data.items.map((campaign) => (
        <Line key={campaign.id} campaign={campaign} />
      ))}
    </ul>
  )
}

function Line({ campaign }: { campaign: ItemOf<'listCampaigns'> }) {
  const { id, name, tally, total, waves } = campaign
  const opened = waves.filter(({ openedAt }) => openedAt !== null).length
  return (
    <li>
      <div className="campaign-line">
        <Link to="/campaigns/$campaignId" params={{ campaignId: id }} className="plain-link">
          {name}
        </Link>
        <CampaignBadge campaign={campaign} isBare />
        <span className="quiet figure">
          {waves.length > 1 && `wave ${opened} of ${waves.length} · `}
          {counted(endedOf(tally))} of {counted(total)}
        </span>
      </div>
      <TallyBar tally={tally} />
    </li>
  )
}
