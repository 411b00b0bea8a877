import {
  type Campaign,
  DomainError,
  type JsonObject,
  type ReasonCode,
  type Restraints,
  restraintsOf,
  type TargetStatus,
  tallied,
} from '@updraft/core'
import { sql } from 'kysely'
import {
  type Campaigns,
  type CampaignView,
  REMOVED_RELEASE,
  type TargetView,
} from '../app/ports.ts'
import { campaignOf, columnsOfCampaign } from './campaign-rows.ts'
import { containsText, page } from './paging.ts'
import type { Scope } from './scope.ts'

export function campaigns({ db, tenantId }: Scope): Campaigns {
  const select = () => db.selectFrom('campaigns').selectAll().where('tenant_id', '=', tenantId)
  type Row = Awaited<ReturnType<ReturnType<typeof select>['execute']>>[number]

  const viewOf = (row: Row): CampaignView => ({
    campaign: campaignOf(row),
    release: {
      id: row.release_id ?? REMOVED_RELEASE,
      title: row.release_title,
      version: row.release_version,
    },
    createdBy: row.created_by,
  })
  const unknown = (id: string) => new DomainError('campaign.unknown', `There is no campaign ${id}.`)
  const found = (row: Row | undefined, id: string): CampaignView => {
    if (row) return viewOf(row)
    throw unknown(id)
  }

  /** By device, the name of the oldest campaign that comes before this one and is not done with the device. */
  const olderCampaigns = async (
    id: string,
    deviceIds: readonly string[],
  ): Promise<ReadonlyMap<string, string>> => {
    if (deviceIds.length === 0) return new Map()
    const { rows } = await sql<{ device_id: string; name: string }>`
      select distinct on (t.device_id) t.device_id, g.name
        from campaigns c
        join campaigns g on g.tenant_id = c.tenant_id and g.type = c.type
          and g.status in ('in-progress', 'pausing', 'paused') and (g.created_at, g.id) < (c.created_at, c.id)
        join campaign_targets t on t.campaign_id = g.id and t.is_open
       where c.id = ${id} and c.tenant_id = ${tenantId} and t.device_id = any(${[...deviceIds]}::uuid[])
       order by t.device_id, g.created_at, g.id`.execute(db)
    return new Map(rows.map((row) => [row.device_id, row.name]))
  }

  /** Of those of them that are boxes. */
  const boxForms = async (
    deviceIds: readonly string[],
  ): Promise<ReadonlyMap<string, Restraints>> => {
    if (deviceIds.length === 0) return new Map()
    const { rows } = await sql<{
      id: string
      attributes: JsonObject
      inventory: JsonObject
      dialect: string | null
    }>`
      select d.id, d.attributes, s.dialect, jsonb_build_object('box', d.inventory -> 'box') as inventory
        from devices d left join device_presence s on s.device_id = d.id
       where d.tenant_id = ${tenantId} and d.id = any(${[...deviceIds]}::uuid[])`.execute(db)
    return new Map(
      rows.flatMap(({ id, ...device }) => {
        const form = restraintsOf(device)
        return form ? [[id, form]] : []
      }),
    )
  }

  const save: Campaigns['save'] = async (campaign, release) => {
    await db
      .updateTable('campaigns')
      .set({
        ...columnsOfCampaign(campaign),
        ...(release && { release_title: release.title, release_version: release.version }),
      })
      .where('tenant_id', '=', tenantId)
      .where('id', '=', campaign.id)
      .execute()
  }

  return {
    insert: async (campaign, release, createdBy) => {
      await db
        .insertInto('campaigns')
        .values({
          id: campaign.id,
          tenant_id: tenantId,
          ...columnsOfCampaign(campaign),
          release_title: release.title,
          release_version: release.version,
          created_at: campaign.createdAt,
          created_by: createdBy,
          rolls_back: campaign.rollsBack,
        })
        .execute()
      if (campaign.rollsBack === null) return
      await db
        .updateTable('campaigns')
        .set({ rolled_back_at: campaign.createdAt })
        .where('tenant_id', '=', tenantId)
        .where('id', '=', campaign.rollsBack)
        .execute()
    },
    get: async (id) => found(await select().where('id', '=', id).executeTakeFirst(), id),
    lock: async (id) =>
      found(await select().where('id', '=', id).forNoKeyUpdate().executeTakeFirst(), id),
    page: (query) => {
      const { name, statuses, outcome, releaseId, channelId, deviceId, search } = query
      let rows = select()
      if (name !== undefined) rows = rows.where('name', '=', name)
      if (statuses !== undefined) rows = rows.where('status', 'in', statuses)
      if (outcome !== undefined) rows = rows.where('outcome', '=', outcome)
      if (releaseId !== undefined) rows = rows.where('release_id', '=', releaseId)
      if (channelId !== undefined)
        rows = rows.where(sql<boolean>`audience ->> 'channelId' = ${channelId}`)
      if (deviceId !== undefined) {
        rows = rows.where(({ exists, selectFrom }) =>
          exists(
            selectFrom('campaign_targets')
              .select('device_id')
              .whereRef('campaign_id', '=', 'campaigns.id')
              .where('device_id', '=', deviceId),
          ),
        )
      }
      if (search) rows = rows.where('name', 'ilike', containsText(search))
      return page(db, rows, query, {
        columns: { name: sql.ref('name'), createdAt: sql.ref('created_at') },
        id: sql.ref('id'),
        defaultSort: '-createdAt',
        view: viewOf,
      })
    },
    save,
    remove: async (id) => {
      const { numDeletedRows } = await db
        .deleteFrom('campaigns')
        .where('tenant_id', '=', tenantId)
        .where('id', '=', id)
        .executeTakeFirst()
      if (numDeletedRows === 0n) throw unknown(id)
      await db.deleteFrom('campaign_targets').where('campaign_id', '=', id).execute()
    },
    addTargets: async (id, deviceIds) => {
      const { numAffectedRows } = await sql`
        insert into campaign_targets (campaign_id, device_id, tenant_id)
        select ${id}, d.id, ${tenantId} from devices d
         where d.tenant_id = ${tenantId} and d.id = any(${[...deviceIds]}::uuid[])
        on conflict do nothing`.execute(db)
      return Number(numAffectedRows ?? 0)
    },
    dropTargets: async (id) => {
      await db
        .deleteFrom('campaign_targets')
        .where('tenant_id', '=', tenantId)
        .where('campaign_id', '=', id)
        .execute()
    },
    addPrevious: async (id, of, at) => {
      const { rows } = await sql<StatusCount>`
        with added as (
          insert into campaign_targets (campaign_id, device_id, tenant_id, release_id, status, is_open, ended_at,
              because_code, because_message)
          select ${id}, t.device_id, t.tenant_id, r.id,
                 case when r.id is null then 'skipped' else 'idle' end, r.id is not null,
                 case when r.id is null then ${at}::timestamptz end,
                 case when r.id is null then 'target.no-release' else 'target.idle' end,
                 case when r.id is null
                   then coalesce('What it had before, ' || t.before_title || '@' || t.before_version || ', is not kept here.',
                                 'What it had before is not known.')
                   else 'It was not its turn yet.' end
            from campaign_targets t
            join devices d on d.id = t.device_id
            left join releases r on r.tenant_id = t.tenant_id and r.profile_id = d.profile_id
              and r.title = t.before_title and r.version = t.before_version
           where t.campaign_id = ${of} and t.tenant_id = ${tenantId} and t.status = 'successful'
             and t.asked_at is not null
          on conflict do nothing
          returning status
        ) select status, count(*) as count from added group by status`.execute(db)
      const count = countsOf(rows)
      return { idle: count('idle'), skipped: count('skipped') }
    },
    targets: async (id, query) => {
      const { statuses, wave, deviceIds, search } = query
      let rows = db
        .selectFrom('campaign_targets as t')
        .leftJoin('devices as d', 'd.id', 't.device_id')
        .leftJoin('operations as o', (join) =>
          join.onRef('o.device_id', '=', 't.device_id').onRef('o.id', '=', 't.operation_id'),
        )
        .selectAll('t')
        .select([
          'd.name as device_name',
          'o.id as o_id',
          'o.state as o_state',
          'o.progress_percent as o_progress',
          'o.error as o_error',
          'o.error_code as o_code',
          'o.restarts as o_restarts',
        ])
        .where('t.tenant_id', '=', tenantId)
        .where('t.campaign_id', '=', id)
      if (statuses) rows = rows.where('t.status', 'in', [...statuses])
      if (wave !== undefined) rows = rows.where('t.wave', '=', wave)
      if (deviceIds) {
        rows = rows.where('t.device_id', '=', sql<string>`any(${[...deviceIds]}::uuid[])`)
      }
      if (search) rows = rows.where('d.name', 'ilike', containsText(search))
      const found = await page(db, rows, query, {
        columns: {
          device: sql.ref('t.device_id'),
          askedAt: sql`coalesce(t.asked_at, '-infinity')`,
          endedAt: sql`coalesce(t.ended_at, '-infinity')`,
        },
        id: sql.ref('t.device_id'),
        defaultSort: 'device',
        view: (row): TargetView => ({
          older: null,
          form: null,
          deviceId: row.device_id,
          deviceName: row.device_name,
          status: row.status,
          because: { code: row.because_code as ReasonCode, message: row.because_message },
          wave: row.wave,
          before:
            row.asked_at === null ? null : { title: row.before_title, version: row.before_version },
          askedAt: row.asked_at,
          endedAt: row.ended_at,
          operation:
            row.o_id === null || row.o_state === null
              ? null
              : {
                  id: row.o_id,
                  state: row.o_state,
                  progressPercent: row.o_progress ?? 0,
                  error: row.o_error,
                  code: row.o_code,
                  restarts: row.o_restarts ?? 0,
                },
        }),
      })
      const idle = found.items.filter(({ status }) => status === 'idle')
      const idleIds = idle.map(({ deviceId }) => deviceId)
      const older = await olderCampaigns(id, idleIds)
      const forms = await boxForms(idleIds)
      const items = found.items.map((item) => ({
        ...item,
        older: older.get(item.deviceId) ?? null,
        form: forms.get(item.deviceId) ?? null,
      }))
      return { ...found, items }
    },
    dots: async (id, limit) => {
      const rows = await db
        .selectFrom('campaign_targets as t')
        .leftJoin('operations as o', (join) =>
          join
            .onRef('o.device_id', '=', 't.device_id')
            .onRef('o.id', '=', 't.operation_id')
            .on('t.status', '=', 'in-progress'),
        )
        .select(['t.device_id', 't.status', 'o.state'])
        .where('t.tenant_id', '=', tenantId)
        .where('t.campaign_id', '=', id)
        .orderBy('t.device_id')
        .limit(limit)
        .execute()
      return rows.map((row) => ({
        deviceId: row.device_id,
        status: row.status,
        state: row.state,
      }))
    },
    retryTargets: async (id, because, at) => {
      const { rows } = await sql<StatusCount>`
        with ended as (
          select device_id, status from campaign_targets
           where campaign_id = ${id} and tenant_id = ${tenantId} and status in ('failed', 'skipped')
             and because_code <> 'target.removed'
        ), retried as (
          update campaign_targets t set status = 'idle', is_open = true, is_lost = false, wave = null,
              operation_id = null, because_code = ${because.code}, because_message = ${because.message},
              ended_at = null, retried_at = ${at}
            from ended where t.campaign_id = ${id} and t.device_id = ended.device_id
          returning ended.status
        ) select status, count(*) as count from retried group by status`.execute(db)
      const count = countsOf(rows)
      return { failed: count('failed'), skipped: count('skipped') }
    },
    forget: async (deviceId, because, at) => {
      const open = () =>
        db
          .selectFrom('campaign_targets')
          .select(['campaign_id', 'status', 'wave'])
          .where('tenant_id', '=', tenantId)
          .where('device_id', '=', deviceId)
          .where('is_open', '=', true)
          .orderBy('campaign_id')
          .execute()
      const locked = new Map<string, Campaign>()
      for (const { campaign_id: id } of await open()) {
        const row = await select().where('id', '=', id).forNoKeyUpdate().executeTakeFirst()
        if (row) locked.set(id, campaignOf(row))
      }
      // Read once more: while a campaign was waited for, its targets may have been tried again.
      for (const { campaign_id: id, status, wave } of await open()) {
        const campaign = locked.get(id)
        if (!campaign) continue
        const to = { status: 'skipped', wave, operationId: null } as const
        const move = { campaignId: id, from: { status, wave }, to, because, at }
        await save(tallied(campaign, move))
      }
      await db
        .updateTable('campaign_targets')
        .set({
          status: 'skipped',
          is_open: false,
          is_lost: false,
          because_code: because.code,
          because_message: because.message,
          ended_at: at,
        })
        .where('tenant_id', '=', tenantId)
        .where('device_id', '=', deviceId)
        .where('is_open', '=', true)
        .execute()
    },
  }
}

interface StatusCount {
  readonly status: TargetStatus
  readonly count: string
}

const countsOf =
  (rows: readonly StatusCount[]) =>
  (status: TargetStatus): number =>
    Number(rows.find((row) => row.status === status)?.count ?? 0)
