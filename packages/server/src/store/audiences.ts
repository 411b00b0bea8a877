import type { Audience } from '@updraft/core'
import { compile, type Program } from '@updraft/core/expression'
import { sql } from 'kysely'
import type { Audiences } from '../app/ports.ts'
import { channels } from './channels.ts'
import { expressionFilter } from './expression-filter.ts'
import { groups } from './groups.ts'
import type { Scope } from './scope.ts'

export function audiences(scope: Scope): Audiences {
  const { db, tenantId } = scope

  /** One of these must hold. */
  const programsOf = async (audience: Audience): Promise<readonly Program[]> => {
    if ('expression' in audience) return [compile(audience.expression)]
    const held =
      'channelId' in audience
        ? (await channels(scope).get(audience.channelId)).groups
        : await groups(scope).all(audience.groupIds)
    return held.map(({ expression }) => compile(expression))
  }

  return {
    page: async (audience, { profileId, after, limit, now }) => {
      const { where, keep } = await expressionFilter(scope, {
        any: await programsOf(audience),
        now,
      })
      const rows = await db
        .selectFrom('devices')
        .innerJoin('profiles', 'profiles.id', 'devices.profile_id')
        .leftJoin('device_presence', 'device_presence.device_id', 'devices.id')
        .select('devices.id')
        .where('devices.tenant_id', '=', tenantId)
        .where('devices.profile_id', '=', profileId)
        .where(where)
        .$if(after !== null, (query) => query.where('devices.id', '>', sql<string>`${after}::uuid`))
        .orderBy('devices.id')
        .limit(limit)
        .execute()
      const found = rows.map(({ id }) => id)
      const meant = keep && (await keep(found))
      const deviceIds = meant ? found.filter((id) => meant.has(id)) : found
      return { deviceIds, after: found.length < limit ? null : (found.at(-1) ?? null) }
    },
  }
}
