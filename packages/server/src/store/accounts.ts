/** Sign-in, sessions and API tokens: looked up before it is known whose tenant it is. */
import { roleOfToken } from '@updraft/core'
import type { Kysely } from 'kysely'
import { sql } from 'kysely'
import type { Accounts } from '../app/ports.ts'
import type { Database } from './database.ts'
import { operatorOf, selectOperators } from './operators.ts'
import { refuse } from './refusals.ts'
import type { Tables } from './tables.ts'

const FIRST_TENANT = 'default'
const FIRST_ADMINISTRATOR = 'admin'
/** A token's last use is noted at most this often. */
const NOTE_USE_EVERY = sql`interval '1 minute'`

export function accounts({ db }: Database): Accounts {
  const first = (from: Kysely<Tables> = db) =>
    selectOperators(from)
      .where('operators.role', '=', 'system-administrator')
      .orderBy('operators.created_at')
      .orderBy('operators.id')
      .limit(1)

  return {
    ensureFirst: ({ tenantId, operatorId, passwordHash, now }) =>
      db
        .transaction()
        .execute(async (transaction) => {
          // Two servers may start at once: the second finds what the first made.
          await sql`lock table tenants in share row exclusive mode`.execute(transaction)
          if (await first(transaction).executeTakeFirst()) return false
          await transaction
            .insertInto('tenants')
            .values({ id: tenantId, name: FIRST_TENANT, created_at: now })
            .execute()
          await transaction
            .insertInto('operators')
            .values({
              id: operatorId,
              tenant_id: tenantId,
              name: FIRST_ADMINISTRATOR,
              role: 'system-administrator',
              password_hash: passwordHash,
              created_at: now,
            })
            .execute()
          return true
        })
        .catch(refuse),
    hasFirst: async () => (await first().execute().catch(refuse)).length > 0,
    firstAdministrator: async () =>
      operatorOf(await first().executeTakeFirstOrThrow().catch(refuse)),
    operatorByName: async (name) => {
      const row = await selectOperators(db)
        .where('operators.name', '=', name)
        .executeTakeFirst()
        .catch(refuse)
      return row ? { ...operatorOf(row), passwordHash: row.password_hash } : null
    },
    insertSession: async (session) => {
      // Under a lock, or a session could outlive the password that was checked for it.
      const { numAffectedRows } = await sql`
        insert into sessions (secret_hash, tenant_id, operator_id, csrf_token, expires_at, last_used_at)
        select ${session.secretHash}, tenant_id, id, ${session.csrfToken}, ${session.expiresAt}, ${session.now}
          from operators where id = ${session.operatorId} and password_hash = ${session.passwordHash}
           for share`
        .execute(db)
        .catch(refuse)
      return numAffectedRows === 1n
    },
    session: async (secretHash, { now, usedSince }) => {
      const row = await selectOperators(db)
        .innerJoin('sessions', 'sessions.operator_id', 'operators.id')
        .select(['sessions.csrf_token', 'sessions.expires_at'])
        .where('sessions.secret_hash', '=', secretHash)
        .where('sessions.expires_at', '>', now)
        .where('sessions.last_used_at', '>', usedSince)
        .executeTakeFirst()
        .catch(refuse)
      if (row) {
        await sql`update sessions set last_used_at = ${now}
          where secret_hash = ${secretHash} and last_used_at < ${now}::timestamptz - ${NOTE_USE_EVERY}`
          .execute(db)
          .catch(refuse)
      }
      return row
        ? { operator: operatorOf(row), csrfToken: row.csrf_token, expiresAt: row.expires_at }
        : null
    },
    operatorByToken: async (secretHash, now) => {
      const row = await selectOperators(db)
        .innerJoin('api_tokens', 'api_tokens.operator_id', 'operators.id')
        .select([
          'api_tokens.id as token_id',
          'api_tokens.name as token_name',
          'api_tokens.role as token_role',
        ])
        .where('api_tokens.secret_hash', '=', secretHash)
        .where('api_tokens.revoked_at', 'is', null)
        .executeTakeFirst()
        .catch(refuse)
      if (!row) return null
      await sql`update api_tokens set last_used_at = ${now}
        where id = ${row.token_id}
          and (last_used_at is null or last_used_at < ${now}::timestamptz - ${NOTE_USE_EVERY})`
        .execute(db)
        .catch(refuse)
      const operator = operatorOf(row)
      const role = roleOfToken(operator.role, row.token_role)
      return {
        operator: { ...operator, role },
        token: { id: row.token_id, name: row.token_name },
      }
    },
    provisioningProfile: async (key) => {
      const row = await db
        .selectFrom('profiles')
        .select(['id', 'tenant_id', 'provisioning_secret_hash', 'provisioning_strategy'])
        .where('provisioning_key', '=', key)
        .executeTakeFirst()
        .catch(refuse)
      if (!row?.provisioning_secret_hash || !row.provisioning_strategy) return null
      return {
        tenantId: row.tenant_id,
        profileId: row.id,
        secretHash: row.provisioning_secret_hash,
        strategy: row.provisioning_strategy,
      }
    },
  }
}
