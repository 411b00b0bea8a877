/** What is worth telling of when a campaign has become another. */
import type { Actor, DomainEvent } from '../events.ts'
import type { Campaign } from './campaign.ts'

export function campaignNews(
  before: Campaign,
  after: Campaign,
  at: Date,
  actor: Actor,
): DomainEvent[] {
  const [waveBefore, wave] = [before, after].map(wavesOpened)
  if (before.status === after.status && waveBefore === wave) return []
  const { id, name, status, outcome, tally, because } = after
  return [
    {
      kind: status === 'finished' ? 'campaign.ended' : 'campaign.moved',
      at,
      actor,
      subject: { kind: 'campaign', id, name },
      deviceId: null,
      data: { status, outcome, wave: wave ?? 0, tally: { ...tally } },
      reason: because,
    },
  ]
}

const wavesOpened = ({ waves }: Campaign): number =>
  waves.filter(({ openedAt }) => openedAt !== null).length
