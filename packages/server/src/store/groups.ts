import { setImmediate } from 'node:timers/promises'
import { DomainError } from '@updraft/core'
import { compile, holds } from '@updraft/core/expression'
import { sql } from 'kysely'
import type { Groups, GroupView } from '../app/ports.ts'
import { deviceFacts } from './expression-filter.ts'
import { containsText, page } from './paging.ts'
import type { Scope } from './scope.ts'

export function groups(scope: Scope): Groups {
  const { db, tenantId } = scope
  const select = () =>
    db
      .selectFrom('device_groups')
      .leftJoin('channels', 'channels.id', 'device_groups.channel_id')
      .where('device_groups.tenant_id', '=', tenantId)
      .select([
        'device_groups.id',
        'device_groups.handle',
        'device_groups.name',
        'device_groups.expression',
        'device_groups.created_at',
        'channels.id as channel_id',
        'channels.handle as channel_handle',
        'channels.name as channel_name',
      ])
  type Row = Awaited<ReturnType<ReturnType<typeof select>['execute']>>[number]

  const view = (row: Row): GroupView => ({
    id: row.id,
    handle: row.handle,
    name: row.name,
    expression: row.expression,
    createdAt: row.created_at,
    channel:
      row.channel_id && row.channel_handle && row.channel_name
        ? { id: row.channel_id, handle: row.channel_handle, name: row.channel_name }
        : null,
  })

  const unknown = (id: string) => new DomainError('group.unknown', `There is no group ${id}.`)

  return {
    insert: async ({ id, handle, name, expression, createdAt }) => {
      await db
        .insertInto('device_groups')
        .values({
          id,
          tenant_id: tenantId,
          handle,
          name,
          expression,
          channel_id: null,
          created_at: createdAt,
        })
        .execute()
    },
    get: async (id) => {
      const row = await select().where('device_groups.id', '=', id).executeTakeFirst()
      if (row) return view(row)
      throw unknown(id)
    },
    several: async (ids) => {
      const rows = await select()
        .where('device_groups.id', '=', sql<string>`any(${[...ids]}::uuid[])`)
        .execute()
      return rows.map(view)
    },
    ofDevices: async (deviceIds, now) => {
      const rows = await select().orderBy('device_groups.name').execute()
      const programs = rows.map((row) => ({ group: view(row), program: compile(row.expression) }))
      const all = new Map<string, readonly GroupView[]>()
      for (const facts of await deviceFacts(scope, deviceIds)) {
        const its = programs.filter(({ program }) => holds(program, facts, now).holds)
        all.set(
          facts.device.id,
          its.map(({ group }) => group),
        )
        // Others have their turn after each device: there may be many groups.
        await setImmediate()
      }
      return all
    },
    all: async (ids) => {
      const rows = await select()
        .where('device_groups.id', '=', sql<string>`any(${[...ids]}::uuid[])`)
        .orderBy('device_groups.id')
        .execute()
      const missing = ids.find((id) => !rows.some((row) => row.id === id))
      if (missing !== undefined) throw unknown(missing)
      return rows.map(view)
    },
    page: (query) => {
      let rows = select()
      if (query.handle !== undefined) rows = rows.where('device_groups.handle', '=', query.handle)
      if (query.channelId !== undefined) {
        rows = rows.where('device_groups.channel_id', '=', query.channelId)
      }
      if (query.search) rows = rows.where('device_groups.name', 'ilike', containsText(query.search))
      return page(db, rows, query, {
        columns: {
          name: sql.ref('device_groups.name'),
          handle: sql.ref('device_groups.handle'),
          createdAt: sql.ref('device_groups.created_at'),
        },
        id: sql.ref('device_groups.id'),
        defaultSort: 'name',
        view,
      })
    },
    change: async (id, to) => {
      const { numUpdatedRows } = await db
        .updateTable('device_groups')
        .set({ name: sql`name`, ...to })
        .where('tenant_id', '=', tenantId)
        .where('id', '=', id)
        .executeTakeFirst()
      if (numUpdatedRows === 0n) throw unknown(id)
    },
    remove: async (id) => {
      const { numDeletedRows } = await db
        .deleteFrom('device_groups')
        .where('tenant_id', '=', tenantId)
        .where('id', '=', id)
        .executeTakeFirst()
      if (numDeletedRows === 0n) throw unknown(id)
    },
  }
}
