import { sql } from 'kysely'
import type { IdempotentRequests } from '../app/ports.ts'
import type { Database } from './database.ts'
import { refuse } from './refusals.ts'

/** Answers are remembered this long; then the key may be used for something else. */
export const KEPT_FOR = sql`interval '24 hours'`
/** A request nobody finished by then was cut off; whoever repeats it does it. */
const ABANDONED_AFTER = sql`interval '1 minute'`

export const idempotentRequests = ({ db }: Database): IdempotentRequests => ({
  begin: async (tenantId, key, fingerprint, now) => {
    const begun = await sql`
      insert into idempotent_requests as r (tenant_id, key, fingerprint, started_at)
      values (${tenantId}, ${key}, ${fingerprint}, ${now})
      on conflict (tenant_id, key) do update
        set started_at = excluded.started_at, fingerprint = excluded.fingerprint, answer = null
        where r.started_at < ${now}::timestamptz - ${KEPT_FOR}
          or r.answer is null and r.fingerprint = excluded.fingerprint
            and r.started_at < ${now}::timestamptz - ${ABANDONED_AFTER}
      returning 1`
      .execute(db)
      .catch(refuse)
    if (begun.rows.length > 0) return { kind: 'begun' }
    const row = await db
      .selectFrom('idempotent_requests')
      .select(['fingerprint', 'answer'])
      .where('tenant_id', '=', tenantId)
      .where('key', '=', key)
      .executeTakeFirst()
      .catch(refuse)
    if (!row) return { kind: 'at-work' }
    if (!row.fingerprint.equals(fingerprint)) return { kind: 'other' }
    return row.answer ? { kind: 'answered', answer: row.answer } : { kind: 'at-work' }
  },
  answer: async (tenantId, key, answer) => {
    await db
      .updateTable('idempotent_requests')
      .set({ answer: JSON.stringify(answer) })
      .where('tenant_id', '=', tenantId)
      .where('key', '=', key)
      .execute()
      .catch(refuse)
  },
  forget: async (tenantId, key) => {
    await db
      .deleteFrom('idempotent_requests')
      .where('tenant_id', '=', tenantId)
      .where('key', '=', key)
      .execute()
      .catch(refuse)
  },
})
