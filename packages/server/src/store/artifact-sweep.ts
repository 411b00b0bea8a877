import { sql } from 'kysely'
import type { ArtifactSweep } from '../app/ports.ts'
import type { Database } from './database.ts'
import { refuse } from './refusals.ts'

export const artifactSweep = ({ db }: Database): ArtifactSweep => ({
  dropUnused: async (before) => {
    await sql`
      delete from releases r
       where r.only_for_device_id is not null
         and not exists (select from operations o where o.release_id = r.id and o.ended_at is null)
         and (r.created_at < ${before} or exists (select from operations o where o.release_id = r.id))`
      .execute(db)
      .catch(refuse)
    await db
      .deleteFrom('artifacts')
      .where('stored_at', '<', before)
      .where(({ not, exists, selectFrom }) =>
        not(
          exists(
            selectFrom('releases')
              .select('releases.id')
              .whereRef('releases.tenant_id', '=', 'artifacts.tenant_id')
              .whereRef('releases.artifact_sha256', '=', 'artifacts.sha256'),
          ),
        ),
      )
      .execute()
      .catch(refuse)
  },
  referenced: async (sha256s) => {
    const rows = await db
      .selectFrom('artifacts')
      .select('sha256')
      .where('sha256', '=', sql<string>`any(${sha256s}::text[])`)
      .execute()
      .catch(refuse)
    return new Set(rows.map((row) => row.sha256))
  },
})
