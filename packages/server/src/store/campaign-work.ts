/** Campaigns of all tenants, carried on by whichever server looks first. */
import { campaignNews, type Plan, plan, SERVER } from '@updraft/core'
import type { CampaignWork } from '../app/ports.ts'
import { campaignsByIds, writeCampaigns } from './campaign-rows.ts'
import { writeEvents } from './changes.ts'
import type { Database } from './database.ts'
import type { Announce } from './events.ts'
import { BEFORE_ALL } from './paging.ts'
import { again, refuse } from './refusals.ts'
import { transaction } from './transaction.ts'

const OPEN = {
  name: 'open-campaigns',
  text: `select tenant_id, id from campaigns
    where status <> 'finished' or (tally ->> 'in-progress')::integer > 0 order by created_at, id`,
}

const WAITING = {
  name: 'waiting-targets',
  text: `select device_id from campaign_targets
    where campaign_id = $1 and device_id = any($2::uuid[]) and is_open and status <> 'in-progress'`,
}

const NOT_BEGUN = {
  name: 'targets-not-begun',
  text: `select t.device_id from campaign_targets t join operations o on o.device_id = t.device_id and o.id = t.operation_id
    where t.campaign_id = $1 and t.status = 'in-progress' and t.device_id > $2 and o.state in ('QUEUED', 'INITIATED')
    order by t.device_id limit $3`,
}

const OVERDUE = {
  name: 'overdue-targets',
  text: `select t.device_id from campaign_targets t join operations o on o.device_id = t.device_id and o.id = t.operation_id
    where t.campaign_id = $1 and t.status = 'in-progress' and t.device_id > $2 and o.ended_at is null
      and coalesce(o.heard_at, o.changed_at) <= $3::timestamptz - make_interval(secs =>
        case when o.state in ('QUEUED', 'INITIATED') then $4::integer else $5::integer end)
    order by t.device_id limit $6`,
}

const TO_ROLL_BACK = {
  name: 'campaigns-to-roll-back',
  text: `select c.tenant_id, c.id from campaigns c
    where c.status = 'finished' and c.outcome = 'failure' and (c.settings -> 'rollsBackOnStop')::boolean
      and c.release_id is not null and (c.rolled_back_at is null or c.rolled_back_at < c.finished_at)`,
}

export function campaignWork({
  database: { pool },
  announce,
}: {
  database: Pick<Database, 'pool'>
  announce: Announce
}): CampaignWork {
  const deviceIds = async (query: {
    name: string
    text: string
    values: unknown[]
  }): Promise<readonly string[]> => {
    const { rows } = await pool.query<{ device_id: string }>(query).catch(refuse)
    return rows.map((row) => row.device_id)
  }
  const campaigns = async (query: { name: string; text: string }) => {
    const { rows } = await pool.query<{ tenant_id: string; id: string }>(query).catch(refuse)
    return rows.map((row) => ({ tenantId: row.tenant_id, id: row.id }))
  }

  const advance = async (id: string, now: Date): Promise<Plan | null> => {
    const advanced = await transaction(pool, async (client) => {
      const before = (await campaignsByIds(client, [id], { lock: true })).get(id)
      if (!before) return null
      const planned = plan(before, now)
      const { campaign } = planned
      const events = campaignNews(before, campaign, now, SERVER)
      if (campaign !== before) await writeCampaigns(client, [campaign])
      await writeEvents(client, [{ tenantId: campaign.tenantId, events }])
      return { planned, events }
    })
    if (!advanced) return null
    const { planned, events } = advanced
    if (events.length > 0) announce(planned.campaign.tenantId, events)
    return planned
  }

  return {
    open: () => campaigns(OPEN),
    toRollBack: () => campaigns(TO_ROLL_BACK),
    advance: (id, now) => again(() => advance(id, now)).catch(refuse),
    waiting: (id, ids) => deviceIds({ ...WAITING, values: [id, ids] }),
    notBegun: (id, { after, limit }) =>
      deviceIds({ ...NOT_BEGUN, values: [id, after ?? BEFORE_ALL, limit] }),
    overdue: ({ id, settings }, { now, after, limit }) =>
      deviceIds({
        ...OVERDUE,
        values: [
          id,
          after ?? BEFORE_ALL,
          now,
          settings.requestTimeoutSeconds,
          settings.progressTimeoutSeconds ?? NEVER_SECONDS,
          limit,
        ],
      }),
  }
}

/** Longer than anything here has lasted. */
const NEVER_SECONDS = 2_000_000_000
