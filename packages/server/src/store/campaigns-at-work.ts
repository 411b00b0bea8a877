/**
 * Campaigns while devices of theirs are decided on, many in one transaction: each decision sees what those before it
 * took, so no wave is overdrawn and nobody is asked after the one failure too many. They are locked meanwhile.
 */
import {
  type Campaign,
  type Changes,
  campaignNews,
  type DomainEvent,
  plan,
  SERVER,
  type Snapshot,
  tallied,
} from '@updraft/core'
import type pg from 'pg'
import { campaignsByIds, writeCampaigns } from './campaign-rows.ts'
import { writeEvents } from './changes.ts'
import { campaignIdsOf, type SnapshotRow } from './snapshots.ts'

type Queryable = Pick<pg.ClientBase, 'query'>

export interface CampaignsAtWork {
  readonly before: ReadonlyMap<string, Campaign>
  /** The snapshot with its campaigns as they are after all that was decided so far. */
  asOfNow(snapshot: Snapshot): Snapshot
  count(changes: Changes): void
  /** Those that are others now, and the same before. */
  moved(): readonly { readonly before: Campaign; readonly after: Campaign }[]
}

export const campaignsOf = (
  client: Queryable,
  rows: readonly SnapshotRow[],
): Promise<ReadonlyMap<string, Campaign>> =>
  campaignsByIds(client, campaignIdsOf(rows), { lock: false })

export function campaignsAtWork(before: ReadonlyMap<string, Campaign>, now: Date): CampaignsAtWork {
  const asPlanned = (campaign: Campaign) => plan(campaign, now).campaign
  const current = new Map([...before].map(([id, campaign]) => [id, asPlanned(campaign)]))
  return {
    before,
    asOfNow: (snapshot) => {
      if (current.size === 0) return snapshot
      const components = Object.entries(snapshot.components).map(([type, component]) => {
        const targets = component.targets.map((target) => ({
          ...target,
          campaign: current.get(target.campaign.id) ?? target.campaign,
        }))
        return [type, { ...component, targets }]
      })
      return { ...snapshot, components: Object.fromEntries(components) }
    },
    count: ({ targets }) => {
      for (const move of targets) {
        const campaign = current.get(move.campaignId)
        if (campaign) current.set(campaign.id, asPlanned(tallied(campaign, move)))
      }
    },
    moved: () =>
      [...before.values()].flatMap((was) => {
        const after = current.get(was.id) ?? was
        return after === was ? [] : [{ before: was, after }]
      }),
  }
}

export interface CampaignNews {
  readonly tenantId: string
  readonly events: readonly DomainEvent[]
}

/** Writes the campaigns that moved; answers what is to be told of them after the commit. */
export async function writeMoved(
  client: Queryable,
  campaigns: CampaignsAtWork,
  now: Date,
): Promise<CampaignNews[]> {
  const moved = campaigns.moved()
  await writeCampaigns(
    client,
    moved.map(({ after }) => after),
  )
  const news = moved.flatMap(({ before, after }) => {
    const events = campaignNews(before, after, now, SERVER)
    return events.length > 0 ? [{ tenantId: after.tenantId, events }] : []
  })
  await writeEvents(client, news)
  return news
}
