import { DomainError } from '@updraft/core'
import { sql } from 'kysely'
import type { Channels, ChannelView } from '../app/ports.ts'
import { containsText, page } from './paging.ts'
import type { Scope } from './scope.ts'

export function channels({ db, tenantId }: Scope): Channels {
  const select = () =>
    db
      .selectFrom('channels')
      .where('channels.tenant_id', '=', tenantId)
      .select(['channels.id', 'channels.handle', 'channels.name', 'channels.created_at'])
      .select(
        sql<ChannelView['groups'] | null>`(
          select jsonb_agg(jsonb_build_object(
                   'id', g.id, 'handle', g.handle, 'name', g.name, 'expression', g.expression) order by g.name)
            from device_groups g where g.channel_id = channels.id
        )`.as('groups'),
      )
  type Row = Awaited<ReturnType<ReturnType<typeof select>['execute']>>[number]

  const view = (row: Row): ChannelView => ({
    id: row.id,
    handle: row.handle,
    name: row.name,
    createdAt: row.created_at,
    groups: row.groups ?? [],
  })

  const unknown = (id: string) => new DomainError('channel.unknown', `There is no channel ${id}.`)

  return {
    insert: async ({ id, handle, name, createdAt }) => {
      await db
        .insertInto('channels')
        .values({ id, tenant_id: tenantId, handle, name, created_at: createdAt })
        .execute()
    },
    get: async (id) => {
      const row = await select().where('channels.id', '=', id).executeTakeFirst()
      if (row) return view(row)
      throw unknown(id)
    },
    several: async (ids) => {
      const rows = await select()
        .where('channels.id', '=', sql<string>`any(${[...ids]}::uuid[])`)
        .execute()
      return rows.map(view)
    },
    page: (query) => {
      let rows = select()
      if (query.handle !== undefined) rows = rows.where('channels.handle', '=', query.handle)
      if (query.search) rows = rows.where('channels.name', 'ilike', containsText(query.search))
      return page(db, rows, query, {
        columns: {
          name: sql.ref('channels.name'),
          handle: sql.ref('channels.handle'),
          createdAt: sql.ref('channels.created_at'),
        },
        id: sql.ref('channels.id'),
        defaultSort: 'name',
        view,
      })
    },
    change: async (id, to) => {
      // Of two who give the same channel groups, the second waits for the first.
      const { numUpdatedRows } = await db
        .updateTable('channels')
        .set({ name: sql`name`, ...to })
        .where('tenant_id', '=', tenantId)
        .where('id', '=', id)
        .executeTakeFirst()
      if (numUpdatedRows === 0n) throw unknown(id)
    },
    setGroups: async (id, groupIds) => {
      await db
        .updateTable('device_groups')
        .set({
          channel_id: sql`case when id = any(${[...groupIds]}::uuid[]) then ${id}::uuid end`,
        })
        .where('tenant_id', '=', tenantId)
        .where(sql<boolean>`(channel_id = ${id} or id = any(${[...groupIds]}::uuid[]))`)
        .execute()
    },
    remove: async (id) => {
      const campaign = await db
        .selectFrom('campaigns')
        .select('name')
        .where('tenant_id', '=', tenantId)
        .where(sql<boolean>`audience ->> 'channelId' = ${id}`)
        .executeTakeFirst()
      if (campaign) {
        throw new DomainError(
          'channel.in-use',
          `Campaign "${campaign.name}" is for this channel; remove it first.`,
        )
      }
      const { numDeletedRows } = await db
        .deleteFrom('channels')
        .where('tenant_id', '=', tenantId)
        .where('id', '=', id)
        .executeTakeFirst()
      if (numDeletedRows === 0n) throw unknown(id)
    },
  }
}
