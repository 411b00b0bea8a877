/** What is worth telling of when a campaign has become another. */
import type { Actor, DomainEvent } from '../events.ts'
import { type Campaign, currentWave } from './campaign.ts'

export function campaignNews(
  before: Campaign,
  after: Campaign,
  at: Date,
  actor: Actor,
): DomainEvent[] {
  const wave = wavesOpened(after)
  if (before.status === after.status && wavesOpened(before) === wave) return []
  const { id, name, status, outcome, tally, because } = after
  return [
    {
      kind: status === 'finished' ? 'campaign.ended' : 'campaign.moved',
      at,
      actor,
      subject: { kind: 'campaign', id, name },
      deviceId: null,
      data: { status, outcome, wave, tally: { ...tally } },
      reason: because,
    },
  ]
}

const wavesOpened = (campaign: Campaign): number => currentWave(campaign) + 1
