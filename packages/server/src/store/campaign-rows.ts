/** Campaigns as rows: read by those who decide about their devices, and written when those have moved. */
import {
  type Campaign,
  type ReasonCode,
  STANDARD_CAMPAIGN_SETTINGS,
  type Wave,
} from '@updraft/core'
import type { Selectable } from 'kysely'
import type pg from 'pg'
import { REMOVED_RELEASE } from '../app/ports.ts'
import { type Statement, write } from './statement.ts'
import type { Tables, WaveJson } from './tables.ts'

type Queryable = Pick<pg.ClientBase, 'query'>
export type CampaignRow = Tables['campaigns']

export const campaignOf = (row: Selectable<CampaignRow>): Campaign => ({
  id: row.id,
  tenantId: row.tenant_id,
  name: row.name,
  type: row.type,
  releaseId: row.release_id ?? REMOVED_RELEASE,
  audience: row.audience,
  settings: { ...STANDARD_CAMPAIGN_SETTINGS, ...row.settings },
  status: row.status,
  outcome: row.outcome,
  because: { code: row.because_code as ReasonCode, message: row.because_message },
  scheduledAt: row.scheduled_at,
  createdAt: row.created_at,
  startedAt: row.started_at,
  finishedAt: row.finished_at,
  rollsBack: row.rolls_back,
  tally: row.tally,
  waves: row.waves.map(waveOf),
})

const waveOf = (wave: WaveJson): Wave => ({
  ...wave,
  openedAt: timeOf(wave.openedAt),
  passedAt: timeOf(wave.passedAt),
  approvedAt: timeOf(wave.approvedAt),
})

const timeOf = (text: string | null): Date | null => (text === null ? null : new Date(text))

/** The columns of a campaign that is written, but for those that say whose it is. */
export const columnsOfCampaign = (campaign: Campaign) => ({
  name: campaign.name,
  type: campaign.type,
  release_id: campaign.releaseId,
  audience: JSON.stringify(campaign.audience),
  settings: JSON.stringify(campaign.settings),
  scheduled_at: campaign.scheduledAt,
  ...columnsOfProgress(campaign),
})

/** Those that change as it goes, in the order in which `PROGRESS` takes them. */
const columnsOfProgress = (campaign: Campaign) => ({
  status: campaign.status,
  outcome: campaign.outcome,
  because_code: campaign.because.code,
  because_message: campaign.because.message,
  started_at: campaign.startedAt,
  finished_at: campaign.finishedAt,
  tally: JSON.stringify(campaign.tally),
  waves: JSON.stringify(campaign.waves),
})

const BY_IDS = {
  name: 'campaigns-by-ids',
  text: 'select * from campaigns where id = any($1::uuid[]) order by id',
}
/** In order, so that two who need several do not wait for each other in a circle. */
const LOCKED_BY_IDS = {
  name: 'lock-campaigns',
  text: `${BY_IDS.text} for no key update`,
}

export async function campaignsByIds(
  client: Queryable,
  ids: Iterable<string>,
  { lock }: { lock: boolean },
): Promise<Map<string, Campaign>> {
  const wanted = [...new Set(ids)]
  if (wanted.length === 0) return new Map()
  const statement = lock ? LOCKED_BY_IDS : BY_IDS
  const { rows } = await client.query<Selectable<CampaignRow>>({ ...statement, values: [wanted] })
  return new Map(rows.map((row) => [row.id, campaignOf(row)]))
}

const PROGRESS: Statement = {
  name: 'write-campaigns',
  width: 9,
  text: `update campaigns c set status = v.status, outcome = v.outcome, because_code = v.because_code,
      because_message = v.because_message, started_at = v.started_at, finished_at = v.finished_at,
      tally = v.tally, waves = v.waves
    from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[],
      $8::jsonb[], $9::jsonb[])
      as v (id, status, outcome, because_code, because_message, started_at, finished_at, tally, waves)
    where c.id = v.id`,
}

/** Writes how far they have come; they are locked by the caller. */
export async function writeCampaigns(
  client: Queryable,
  campaigns: readonly Campaign[],
): Promise<void> {
  const rows = campaigns.map((campaign) => [
    campaign.id,
    ...Object.values(columnsOfProgress(campaign)),
  ])
  await write(client, PROGRESS, rows)
}
