import type { Audiences } from '../app/ports.ts'
import type { Scope } from './scope.ts'

export function audiences({ db, tenantId }: Scope): Audiences {
  return {
    page: async (_audience, { profileId, after, limit }) => {
      const rows = await db
        .selectFrom('devices')
        .select('id')
        .where('tenant_id', '=', tenantId)
        .where('profile_id', '=', profileId)
        .$if(after !== null, (query) => query.where('id', '>', after))
        .orderBy('id')
        .limit(limit)
        .execute()
      const last = rows.length < limit ? null : (rows.at(-1)?.id ?? null)
      return { deviceIds: rows.map(({ id }) => id), after: last }
    },
  }
}
