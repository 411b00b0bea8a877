import type { ChosenSettings } from '@updraft/core'
import { sql } from 'kysely'
import type { Settings } from '../app/ports.ts'
import type { Scope } from './scope.ts'

export const settings = ({ db, tenantId }: Scope): Settings => ({
  get: async () => {
    const { name, settings } = await db
      .selectFrom('tenants')
      .select(['name', 'settings'])
      .where('id', '=', tenantId)
      .executeTakeFirstOrThrow()
    return { tenantName: name, chosen: settings as ChosenSettings }
  },
  change: async (to) => {
    const change = JSON.stringify(to)
    await db
      .updateTable('tenants')
      .set({ settings: sql`jsonb_strip_nulls(settings || ${change}::jsonb)` })
      .where('id', '=', tenantId)
      .execute()
  },
})
